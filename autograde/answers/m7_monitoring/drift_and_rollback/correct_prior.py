"""Answers to `correct_prior`."""


# %% right="weights of both classes from the confusion matrix (BBSE)"
def correct_prior(source, scores):
    said, label = source["score"] > 0.4, source["satisfied"] == 1
    joint = [[np.mean((said == i) & (label == j)) for j in (False, True)] for i in (False, True)]
    today = np.mean(scores > 0.4)
    negative, positive = np.linalg.solve(joint, [1 - today, today])
    return scores * positive / (scores * positive + (1 - scores) * negative)


# %% right="expectation maximisation (Saerens et al. 2002)"
def correct_prior(source, scores):
    old = source["satisfied"].mean()
    new = old
    for _ in range(500):
        odds = scores / (1 - scores) * (new / (1 - new)) / (old / (1 - old))
        corrected = odds / (1 + odds)
        new = corrected.mean()
    return corrected


# %% right="the mean score in place of a cut"
def correct_prior(source, scores):
    means = source.groupby("satisfied")["score"].mean()
    new = (np.mean(scores) - means[0]) / (means[1] - means[0])
    old = source["satisfied"].mean()
    return expit(logit(scores) + np.log(new / (1 - new)) - np.log(old / (1 - old)))


# %% wrong="leaves the scores: the order is right" check="correct_prior_shift" message="The scores are as served"
def correct_prior(source, scores):
    return expit(logit(scores))


# %% wrong="takes the mean score for the new prior" check="correct_prior_shift" message="Your new prior is the mean score"
def correct_prior(source, scores):
    return expit(logit(scores) + logit(np.mean(scores)) - logit(source["satisfied"].mean()))


# %% wrong="the ratio upside down" check="correct_prior_shift" message="the ratio of the odds is upside down"
def correct_prior(source, scores):
    means = source.groupby("satisfied")["score"].mean()
    new = (np.mean(scores) - means[0]) / (means[1] - means[0])
    return expit(logit(scores) - logit(new) + logit(source["satisfied"].mean()))


# %% wrong="multiplies the probabilities" check="correct_prior_shift" message="The factor belongs to the odds"
def correct_prior(source, scores):
    means = source.groupby("satisfied")["score"].mean()
    new = (np.mean(scores) - means[0]) / (means[1] - means[0])
    return np.clip(scores * new / np.mean(scores), 1e-6, 1 - 1e-6)


# %% wrong="the share above the cut is taken for the prior" check="correct_prior_shift" message="Mean of the corrected scores"
def correct_prior(source, scores):
    old = source["satisfied"].mean()
    cut = source["score"].quantile(1 - old)
    return expit(logit(scores) + logit(np.mean(scores > cut)) - logit(old))


# %% wrong="adds the difference of the priors" check="correct_prior_shift" message="no shift or stretch of probabilities"
def correct_prior(source, scores):
    positive = source["satisfied"] == 1
    hit = (source.loc[positive, "score"] > 0.5).mean()
    false = (source.loc[~positive, "score"] > 0.5).mean()
    new = (np.mean(scores > 0.5) - false) / (hit - false)
    shift = new - np.mean(scores)
    for _ in range(50):
        moved = np.clip(scores + shift, 0.001, 0.999)
        shift += new - moved.mean()
    return np.clip(scores + shift, 0.001, 0.999)
