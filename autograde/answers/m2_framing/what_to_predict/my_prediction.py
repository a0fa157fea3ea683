"""Answers to `my_prediction`."""


# %% right="an optimist"
def my_prediction():
    return "both_up"


# %% right="fears novelty"
def my_prediction():
    return "gain_fades"


# %% right="expects no side effect"
def my_prediction():
    return "clicks_up"


# %% wrong="words of one's own" check="my_prediction" message="'users_down' is none of"
def my_prediction():
    return "users_down"


# %% wrong="a number where a name is asked for" check="my_prediction" message="not -0.1"
def my_prediction():
    return -0.1


# %% wrong="two names at once" check="my_prediction" message="not ['both_up'"
def my_prediction():
    return ["both_up", "clicks_up"]
