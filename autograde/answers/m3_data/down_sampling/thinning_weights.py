"""Answers to `thinning_weights`."""


# %% right="weights with mean 1"
def thinning_weights(clicked, keep_rate):
    weights = np.where(np.asarray(clicked) == 1, keep_rate, 1.0)
    return weights / weights.mean()


# %% right="a look-up per label"
def thinning_weights(clicked, keep_rate):
    return pd.Series(clicked).map({1: 1.0, 0: 1 / keep_rate})


# %% right="a list made in a loop"
def thinning_weights(clicked, keep_rate):
    return [1.0 if click else 1 / keep_rate for click in clicked]


# %% wrong="gives the large weight to the clicks" check="thinning_weights_rate" message="but the other rows were thinned"
def thinning_weights(clicked, keep_rate):
    return np.where(np.asarray(clicked) == 1, 1 / keep_rate, 1.0)


# %% wrong="balances the classes" check="thinning_weights_rate" message="which is balancing, not undoing"
def thinning_weights(clicked, keep_rate):
    clicked = np.asarray(clicked)
    counts = np.bincount(clicked)
    return len(clicked) / (2 * counts[clicked])


# %% wrong="weighs every row" check="thinning_weights_rate" message="All rows weigh the same"
def thinning_weights(clicked, keep_rate):
    return np.full(len(clicked), 1 / keep_rate)


# %% wrong="weighs by the share that was dropped" check="thinning_weights_rate" message="times a click at a keep rate of"
def thinning_weights(clicked, keep_rate):
    return np.where(np.asarray(clicked) == 1, 1.0, (1 - keep_rate) / keep_rate)
