"""Answers to `off_policy_value`."""


# %% right="SNIPS"
def off_policy_value(reward, look_shown, look_logged, look_new):
    weight = np.where(look_logged > 0, look_new / np.where(look_logged > 0, look_logged, 1), 0)
    click_rate = (weight * reward).sum() / (weight * look_shown).sum()
    return look_new.sum() / len(reward) * click_rate


# %% right="IPS as a mean over requests, clicks only"
def off_policy_value(reward, look_shown, look_logged, look_new):
    per_request = np.zeros(len(reward))
    request, candidate = np.nonzero(reward)
    for i, j in zip(request, candidate, strict=True):
        per_request[i] += reward[i, j] * look_new[i, j] / look_logged[i, j]
    return np.mean(per_request)


# %% right="propensities clipped far below the smallest one"
def off_policy_value(reward, look_shown, look_logged, look_new):
    return float((look_new * reward / np.maximum(look_logged, 0.002)).sum(axis=1).mean())


# %% right="doubly robust with one click rate for all as its model"
def off_policy_value(reward, look_shown, look_logged, look_new):
    model = reward.sum() / look_shown.sum()
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    return (look_new * model + weight * (reward - look_shown * model)).sum() / len(reward)


# %% right="SNIPS with weights capped, which it bears"
def off_policy_value(reward, look_shown, look_logged, look_new):
    weight = np.where(look_logged > 0, look_new / np.where(look_logged > 0, look_logged, 1), 0)
    weight = np.minimum(weight, 100)
    return look_new.sum() / len(reward) * (weight * reward).sum() / (weight * look_shown).sum()


# %% wrong="weights by where the video stood" check="off_policy_value_truth" message="so selection bias stays"
def off_policy_value(reward, look_shown, look_logged, look_new):
    weight = np.divide(look_new, look_shown, out=np.zeros_like(look_new), where=look_shown > 0)
    return (weight * reward).sum() / len(reward)


# %% wrong="divides by the logged reward" check="off_policy_value_truth" message="The logging probability is missing"
def off_policy_value(reward, look_shown, look_logged, look_new):
    weight = np.divide(look_new, reward, out=np.zeros_like(look_new), where=reward > 0)
    return weight.sum() / len(reward)


# %% wrong="forgets the new ranker" check="off_policy_value_truth" message="forget the new ranker's looks"
def off_policy_value(reward, look_shown, look_logged, look_new):
    seen = look_logged > 0
    return (reward[seen] / look_logged[seen]).sum() / len(reward)


# %% wrong="counts logged clicks without weights" check="off_policy_value_truth" message="no weights on the clicks"
def off_policy_value(reward, look_shown, look_logged, look_new):
    return reward.sum() / len(reward)


# %% wrong="caps weights at 10, which a bucket of 5 % does not forgive" check="off_policy_value_online" message="with a bucket of 5%: you promise"
def off_policy_value(reward, look_shown, look_logged, look_new):
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    return (np.minimum(weight, 10) * reward).sum() / len(reward)


# %% wrong="caps weights at 20" check="off_policy_value_truth" message="Too low with a bucket of 5 %"
def off_policy_value(reward, look_shown, look_logged, look_new):
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    return (np.minimum(weight, 20) * reward).sum() / len(reward)


# %% wrong="a floor of .05 under the propensities" check="off_policy_value_online" message="with a bucket of 15%: you promise"
def off_policy_value(reward, look_shown, look_logged, look_new):
    return (look_new / np.maximum(look_logged, 0.05) * reward).sum() / len(reward)


# %% wrong="cuts weights at 2" check="off_policy_value_truth" message="cut off the large weights"
def off_policy_value(reward, look_shown, look_logged, look_new):
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    return (np.minimum(weight, 2) * reward).sum() / len(reward)


# %% wrong="keeps only what stands at the same place" check="off_policy_value_truth" message="at the same place under both"
def off_policy_value(reward, look_shown, look_logged, look_new):
    return (reward * np.isclose(look_new, look_shown)).sum() / len(reward)


# %% wrong="stops at the click rate per look" check="off_policy_value" message="stay 1.5; got 0.750"
def off_policy_value(reward, look_shown, look_logged, look_new):
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    return (weight * reward).sum() / (weight * look_shown).sum()


# %% wrong="divides by zero" check="off_policy_value" message="got nan"
def off_policy_value(reward, look_shown, look_logged, look_new):
    with np.errstate(invalid="ignore", divide="ignore"):
        return (look_new / look_logged * reward).sum() / len(reward)
