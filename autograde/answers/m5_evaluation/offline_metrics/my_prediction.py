"""Answers to `my_prediction`: any of the five names is right, graded for being made."""


# %% right="believes the dashboard"
def my_prediction():
    return "more"


# %% right="expects nothing"
def my_prediction():
    return "level"


# %% wrong="answers in words of its own" check="my_prediction" message="is none of"
def my_prediction():
    return "it gets worse"


# %% wrong="gives a number" check="my_prediction" message="not -0.1"
def my_prediction():
    return -0.1


# %% wrong="gives two names" check="my_prediction" message="not ['level'"
def my_prediction():
    return ["level", "fewer"]
