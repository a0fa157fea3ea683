"""Answers to `my_prediction`."""


# %% right="expects that the dashboard sees nearly everything"
def my_prediction():
    return "nearly_all"


# %% right="expects little of it"
def my_prediction():
    answers = {"share": "hardly_any"}
    return answers["share"]


# %% wrong="a share in place of a name" check="my_prediction" message="as text, not 0.5"
def my_prediction():
    return 0.5


# %% wrong="a name of its own" check="my_prediction" message="'half' is none of"
def my_prediction():
    return "half"


# %% wrong="two names at once" check="my_prediction" message="as text, not ('most', 'about_half')"
def my_prediction():
    return "most", "about_half"
