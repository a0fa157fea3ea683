"""Answers to `my_prediction`: any of the four names is right, graded for being made."""


# %% right="expects the promise to hold"
def my_prediction():
    return "as_promised"


# %% right="expects bids that are too low"
def my_prediction():
    return "too_few_wins"


# %% right="expects a smaller profit"
def my_prediction():
    return "wins_and_earns"


# %% wrong="answers in words of its own" check="my_prediction" message="is none of"
def my_prediction():
    return "it loses money"


# %% wrong="gives the number of the row" check="my_prediction" message="not 4"
def my_prediction():
    return 4


# %% wrong="gives two names" check="my_prediction" message="not ['wins_and_earns'"
def my_prediction():
    return ["wins_and_earns", "wins_and_loses"]
