"""Answers to `my_prediction`."""


# %% right="expects what the load test showed"
def my_prediction():
    return "as_tested"


# %% right="expects twice the time"
def my_prediction():
    return "twice"


# %% right="expects time to grow with load"
def my_prediction():
    return "proportional"


# %% wrong="describes the choice in other words" check="my_prediction" message="'much longer' is none of"
def my_prediction():
    return "much longer"


# %% wrong="returns a list" check="my_prediction" message="as text, not ['far_more']"
def my_prediction():
    return ["far_more"]


# %% wrong="returns a number of milliseconds" check="my_prediction" message="as text, not 300"
def my_prediction():
    return 300
