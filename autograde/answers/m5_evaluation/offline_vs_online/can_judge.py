"""Answers to `can_judge`."""


# %% right="a loop over the clicks"
def can_judge(reward, look_logged, look_new, min_support, min_ess):
    weights = [
        look_new[i, j] / look_logged[i, j]
        for i, j in np.argwhere(reward > 0)
        if look_logged[i, j] > 0
    ]
    squares = sum(weight**2 for weight in weights)
    ess = sum(weights) ** 2 / squares if squares else 0
    support = look_new[look_logged > 0].sum() / look_new.sum()
    return {
        "judge": bool(support >= min_support and ess >= min_ess),
        "support": support,
        "ess": ess,
    }


# %% right="one minus the share without support, ess by way of the variance"
def can_judge(reward, look_logged, look_new, min_support, min_ess):
    support = 1 - look_new[look_logged == 0].sum() / look_new.sum()
    at = (reward > 0) & (look_logged > 0)
    weight = look_new[at] / look_logged[at]
    ess = 0.0
    if len(weight) and weight.any():
        ess = len(weight) / (1 + weight.var() / weight.mean() ** 2)
    judge = not (support < min_support or ess < min_ess)
    return {"support": float(support), "ess": float(ess), "judge": judge}


# %% wrong="support as the share of candidates" check="can_judge_refuses" message="is the share of candidates with support"
def can_judge(reward, look_logged, look_new, min_support, min_ess):
    seen = look_logged > 0
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=seen)[reward > 0]
    ess = weight.sum() ** 2 / (weight**2).sum() if weight.any() else 0.0
    support = seen.mean()
    return {"support": support, "ess": ess, "judge": support >= min_support and ess >= min_ess}


# %% wrong="support as the overlap of the lists" check="can_judge_refuses" message="a look at place 1 is worth more"
def can_judge(reward, look_logged, look_new, min_support, min_ess):
    seen = look_logged > 0
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=seen)[reward > 0]
    ess = weight.sum() ** 2 / (weight**2).sum() if weight.any() else 0.0
    support = seen[look_new > 0].mean()
    return {"support": support, "ess": ess, "judge": support >= min_support and ess >= min_ess}


# %% wrong="ess over all cells" check="can_judge" message="make an ess of 9 / 5; got 3.6"
def can_judge(reward, look_logged, look_new, min_support, min_ess):
    seen = look_logged > 0
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=seen)
    ess = weight.sum() ** 2 / (weight**2).sum()
    support = look_new[seen].sum() / look_new.sum()
    return {"support": support, "ess": ess, "judge": support >= min_support and ess >= min_ess}


# %% wrong="ess as the number of clicks" check="can_judge" message="make an ess of 9 / 5; got 2"
def can_judge(reward, look_logged, look_new, min_support, min_ess):
    support, ess = look_new[look_logged > 0].sum() / look_new.sum(), float((reward > 0).sum())
    return {"support": support, "ess": ess, "judge": support >= min_support and ess >= min_ess}


# %% wrong="trusts a large effective sample" check="can_judge_refuses" message="The ess sees only what was shown"
def can_judge(reward, look_logged, look_new, min_support, min_ess):
    seen = look_logged > 0
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=seen)[reward > 0]
    ess = weight.sum() ** 2 / (weight**2).sum() if weight.any() else 0.0
    return {"support": look_new[seen].sum() / look_new.sum(), "ess": ess, "judge": ess >= min_ess}


# %% wrong="looks at support alone" check="can_judge_refuses" message="you judge although the ess is"
def can_judge(reward, look_logged, look_new, min_support, min_ess):
    seen = look_logged > 0
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=seen)[reward > 0]
    ess = weight.sum() ** 2 / (weight**2).sum() if weight.any() else 0.0
    support = look_new[seen].sum() / look_new.sum()
    return {"support": support, "ess": ess, "judge": support >= min_support}


# %% wrong="an ess of nan where nobody clicked" check="can_judge_refuses" message="you report nan"
def can_judge(reward, look_logged, look_new, min_support, min_ess):
    seen = look_logged > 0
    weight = np.divide(look_new, look_logged, out=np.zeros_like(look_new), where=seen)[reward > 0]
    with np.errstate(invalid="ignore"):
        ess = weight.sum() ** 2 / (weight**2).sum()
    support = look_new[seen].sum() / look_new.sum()
    return {"support": support, "ess": ess, "judge": support >= min_support and ess >= min_ess}
