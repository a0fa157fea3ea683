"""Answers to `my_prediction`: any of the three choices is right."""


# %% right="an optimist"
def my_prediction():
    return "a clear gain"


# %% right="a pessimist"
def my_prediction():
    return "a clear loss"


# %% wrong="a number where a choice is asked for" check="my_prediction" message="got 0.04"
def my_prediction():
    return 0.04


# %% wrong="words of one's own" check="my_prediction" message="got 'no gain'"
def my_prediction():
    return "no gain"


# %% wrong="two choices at once" check="my_prediction" message="got ['a clear gain'"
def my_prediction():
    return ["a clear gain", "no clear difference"]
