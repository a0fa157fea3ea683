"""Answers to `recalibrate`."""


# %% right="a shift of the logit by ln w"
def recalibrate(scores, keep_rate, held_out):
    scores = np.asarray(scores)
    return expit(np.log(scores) - np.log1p(-scores) + np.log(keep_rate))


# %% right="ratio of prior odds, with the keep rate that was realised"
def recalibrate(scores, keep_rate, held_out):
    rate, sampled_rate = held_out["clicked"].mean(), held_out["clicked"][held_out["kept"]].mean()
    factor = (rate / (1 - rate)) / (sampled_rate / (1 - sampled_rate))
    odds = factor * np.asarray(scores) / (1 - np.asarray(scores))
    return odds / (1 + odds)


# %% right="Platt scaling on held-out rows that were not sampled"
def recalibrate(scores, keep_rate, held_out):
    def logit(p):
        return np.log(np.asarray(p) / (1 - np.asarray(p)))[:, None]

    platt = LogisticRegression(C=1e6).fit(logit(held_out["score"]), held_out["clicked"])
    return platt.predict_proba(logit(scores))[:, 1]


# %% right="isotonic regression on held-out rows that were not sampled"
def recalibrate(scores, keep_rate, held_out):
    from sklearn.isotonic import IsotonicRegression

    steps = IsotonicRegression(out_of_bounds="clip").fit(held_out["score"], held_out["clicked"])
    return steps.predict(np.asarray(scores))


# %% right="a loop over the form of Dal Pozzolo et al."
def recalibrate(scores, keep_rate, held_out):
    return [keep_rate * score / ((keep_rate - 1) * score + 1) for score in scores]


# %% wrong="multiplies the score by w" check="recalibrate_ratio" message="You multiply the score by w"
def recalibrate(scores, keep_rate, held_out):
    return np.asarray(scores) * keep_rate


# %% wrong="multiplies the score by the ratio of the priors" check="recalibrate_ratio" message="by the ratio of the click rates"
def recalibrate(scores, keep_rate, held_out):
    sampled_rate = held_out["clicked"][held_out["kept"]].mean()
    return np.asarray(scores) * held_out["clicked"].mean() / sampled_rate


# %% wrong="Platt scaling on the down-sampled rows" check="recalibrate_ratio" message="learned the thinned rows' click rate again"
def recalibrate(scores, keep_rate, held_out):
    def logit(p):
        return np.log(np.asarray(p) / (1 - np.asarray(p)))[:, None]

    rows = held_out[held_out["kept"]]
    platt = LogisticRegression(C=1e6).fit(logit(rows["score"]), rows["clicked"])
    return platt.predict_proba(logit(scores))[:, 1]


# %% wrong="shifts the odds the wrong way" check="recalibrate_ratio" message="goes the wrong way"
def recalibrate(scores, keep_rate, held_out):
    scores = np.asarray(scores)
    return scores / (scores + (1 - scores) * keep_rate)


# %% wrong="scales all scores so that the mean fits" check="recalibrate_top" message="One factor for all scores has the wrong shape"
def recalibrate(scores, keep_rate, held_out):
    return np.asarray(scores) * held_out["clicked"].mean() / held_out["score"].mean()


# %% wrong="divides the score by 1 / w twice over" check="recalibrate_auction" message="Bidding by your probabilities makes"
def recalibrate(scores, keep_rate, held_out):
    return np.asarray(scores) * keep_rate**2


# %% wrong="returns the mean rate for every row" check="recalibrate" message="Every score got the same probability"
def recalibrate(scores, keep_rate, held_out):
    return np.full(len(scores), held_out["clicked"].mean())


# %% wrong="Platt scaling with a penalty that flattens the slope" check="recalibrate_top" message="your curve is too flat"
def recalibrate(scores, keep_rate, held_out):
    def logit(p):
        return np.log(np.asarray(p) / (1 - np.asarray(p)))[:, None]

    platt = LogisticRegression(C=1e-4).fit(logit(held_out["score"]), held_out["clicked"])
    return platt.predict_proba(logit(scores))[:, 1]


# %% wrong="shifts the odds by the square of w" check="recalibrate_top" message="The level is off"
def recalibrate(scores, keep_rate, held_out):
    scores = np.asarray(scores)
    return scores / (scores + (1 - scores) / keep_rate**2)
