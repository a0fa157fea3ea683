"""Answers to `my_prediction`."""


# %% right="expects what happens"
def my_prediction():
    return "b_wins_clearly"


# %% right="a numpy string"
def my_prediction():
    return np.array(["no_difference", "a_wins_clearly"])[1].item()


# %% wrong="names the ranker only" check="my_prediction" message="'B' is none of"
def my_prediction():
    return "B"


# %% wrong="returns the lift as a number" check="my_prediction" message="as text, not 0.05"
def my_prediction():
    return 0.05


# %% wrong="hedges" check="my_prediction" message="not ['a_wins_slightly'"
def my_prediction():
    return ["a_wins_slightly", "no_difference"]
