"""Answers to `my_prediction`."""


# %% right="believes the dashboard"
def my_prediction():
    return "as_shown"


# %% right="expects harm"
def my_prediction():
    choice = "harm"
    return choice


# %% right="expects nothing"
def my_prediction():
    return "nothing"


# %% wrong="answers with a number" check="my_prediction" message="as text, not 0.02"
def my_prediction():
    return 0.02


# %% wrong="a name of its own" check="my_prediction" message="'significant' is none of"
def my_prediction():
    return "significant"


# %% wrong="several names" check="my_prediction" message="as text, not ['half', 'harm']"
def my_prediction():
    return ["half", "harm"]
