"""Answers to `my_prediction`."""


# %% right="a sceptic"
def my_prediction():
    return "no better than chance"


# %% right="an optimist"
def my_prediction():
    return "same"


# %% right="a careful optimist"
def my_prediction():
    return "slightly lower"


# %% wrong="a number where a choice is asked for" check="my_prediction" message="return one of the four texts"
def my_prediction():
    return 0.6


# %% wrong="words of one's own" check="my_prediction" message="got 'lower'"
def my_prediction():
    return "lower"


# %% wrong="two choices at once" check="my_prediction" message="got ['same'"
def my_prediction():
    return ["same", "slightly lower"]
