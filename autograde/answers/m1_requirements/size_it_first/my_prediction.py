"""Answers to `my_prediction`: any of the four names is right, graded for being made."""


# %% right="expects the reserve to hold"
def my_prediction():
    return "on_time"


# %% right="expects hours"
def my_prediction():
    return "hours"


# %% wrong="answers in words of its own" check="my_prediction" message="is none of"
def my_prediction():
    return "about ten minutes"


# %% wrong="gives a number of seconds" check="my_prediction" message="not 12.5"
def my_prediction():
    return 12.5


# %% wrong="gives two names" check="my_prediction" message="not ['minutes'"
def my_prediction():
    return ["minutes", "hours"]
