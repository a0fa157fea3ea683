"""Answers to `doubly_robust`."""


# %% right="IPS of the reward plus the model less IPS of the model"
def doubly_robust(reward, look_shown, look_logged, look_new, model):
    weight = np.where(look_logged > 0, look_new / np.where(look_logged > 0, look_logged, 1), 0)
    ips, ips_of_model = weight * reward, weight * look_shown * model
    return np.mean(np.sum(look_new * model + ips - ips_of_model, axis=1))


# %% right="a loop over requests"
def doubly_robust(reward, look_shown, look_logged, look_new, model):
    total = 0.0
    for r, s, m, t, g in zip(reward, look_shown, look_logged, look_new, model, strict=True):
        seen = m > 0
        total += t @ g + (t[seen] / m[seen]) @ (r[seen] - s[seen] * g[seen])
    return total / len(reward)


# %% wrong="the click model alone" check="doubly_robust" message="With a model of 0 one click counts"
def doubly_robust(reward, look_shown, look_logged, look_new, model):
    return (look_new * model).sum() / len(reward)


# %% wrong="corrects only where the model is 0" check="doubly_robust_truth" message="the log does not correct the model's guess"
def doubly_robust(reward, look_shown, look_logged, look_new, model):
    if model.any():
        return (look_new * model).sum() / len(reward)
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    return (weight * reward).sum() / len(reward)


# %% wrong="residuals against the appeal, not the predicted reward" check="doubly_robust_truth" message="the surprise is r - g"
def doubly_robust(reward, look_shown, look_logged, look_new, model):
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    surprise = np.where(look_shown > 0, reward - model, 0)
    return (look_new * model + weight * surprise).sum() / len(reward)


# %% wrong="adds the model to IPS" check="doubly_robust" message="should stand; got 0.938"
def doubly_robust(reward, look_shown, look_logged, look_new, model):
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    return (look_new * model + weight * reward).sum() / len(reward)


# %% wrong="the model only for what was shown" check="doubly_robust" message="should stand; got 0.150"
def doubly_robust(reward, look_shown, look_logged, look_new, model):
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    guess = np.where(look_shown > 0, look_new * model, 0)
    return (guess + weight * (reward - look_shown * model)).sum() / len(reward)


# %% wrong="surprises without a weight" check="doubly_robust" message="in two lists; got 0.5000"
def doubly_robust(reward, look_shown, look_logged, look_new, model):
    return (look_new * model + (look_new > 0) * (reward - look_shown * model)).sum() / len(reward)


# %% wrong="takes off the looks on average" check="doubly_robust_truth" message="the surprise is r - m g"
def doubly_robust(reward, look_shown, look_logged, look_new, model):
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=look_logged > 0)
    return (look_new * model + weight * (reward - look_logged * model)).sum() / len(reward)
