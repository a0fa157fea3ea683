"""Answers to `passes_floor`."""


# %% right="floor on the corrected score"
def passes_floor(scores, keep_rate, floor):
    scores = np.asarray(scores)
    return scores / (scores + (1 - scores) / keep_rate) >= floor


# %% right="compared on the logit scale"
def passes_floor(scores, keep_rate, floor):
    scores = np.asarray(scores)
    logit = np.log(scores / (1 - scores)) + np.log(keep_rate)
    return logit >= np.log(floor / (1 - floor))


# %% right="a list of Booleans from the odds"
def passes_floor(scores, keep_rate, floor):
    least_odds = floor / (1 - floor) / keep_rate
    return [bool(score >= least_odds * (1 - score)) for score in scores]


# %% wrong="keeps the floor on the uncorrected score" check="passes_floor_truth" message="You compare the uncorrected score with the floor"
def passes_floor(scores, keep_rate, floor):
    return np.asarray(scores) >= floor


# %% wrong="multiplies the score by w" check="passes_floor_truth" message="as if thinning scaled probabilities"
def passes_floor(scores, keep_rate, floor):
    return np.asarray(scores) * keep_rate >= floor


# %% wrong="moves the threshold down" check="passes_floor_truth" message="The threshold moves the wrong way"
def passes_floor(scores, keep_rate, floor):
    return np.asarray(scores) >= floor / (floor + (1 - floor) / keep_rate)


# %% wrong="keeps those below the floor" check="passes_floor" message="A score passes although a higher one does not"
def passes_floor(scores, keep_rate, floor):
    return np.asarray(scores) < floor / (floor + (1 - floor) * keep_rate)


# %% wrong="forgets that t' has (1 - t) in it" check="passes_floor_truth" message="The wrong impressions pass"
def passes_floor(scores, keep_rate, floor):
    return np.asarray(scores) >= floor / (floor + keep_rate)
