"""Answers to `choose_objective`."""


# %% right="clicks and likes alike"
def choose_objective():
    return {
        "weights": {"click": 1, "like": 1},
        "guardrail": "retention",
        "residual_risk": "likes_can_be_bought",
    }


# %% right="a little more clicks than likes"
def choose_objective():
    return {
        "weights": {"click": 4.0, "like": 3.0, "seconds": 0.0},
        "guardrail": "retention",
        "residual_risk": "weights_age",
    }


# %% right="clicks and completion"
def choose_objective():
    return {
        "weights": {"click": np.float64(1), "completion": np.float64(1)},
        "guardrail": "retention",
        "residual_risk": "habits_slower_than_the_test",
    }


# %% right="all four heads"
def choose_objective():
    return {
        "weights": {"click": 1, "completion": 1, "like": 1, "seconds": 1},
        "guardrail": "retention",
        "residual_risk": "habits_slower_than_the_test",
    }


# %% wrong="the largest proxy, whatever the guardrail" check="choose_objective_served" message="breaks the guardrail"
def choose_objective():
    return {
        "weights": {"click": 1},
        "guardrail": "retention",
        "residual_risk": "weights_age",
    }


# %% wrong="clicks, and completions held against a video" check="choose_objective_served" message="Users stop coming"
def choose_objective():
    return {
        "weights": {"click": 1.5, "completion": -0.5},
        "guardrail": "retention",
        "residual_risk": "weights_age",
    }


# %% wrong="the most seconds" check="choose_objective_served" message="Long videos crowd out"
def choose_objective():
    return {
        "weights": {"seconds": 1},
        "guardrail": "retention",
        "residual_risk": "weights_age",
    }


# %% wrong="completion alone" check="choose_objective_served" message="Short videos crowd out"
def choose_objective():
    return {
        "weights": {"completion": 1},
        "guardrail": "retention",
        "residual_risk": "habits_slower_than_the_test",
    }


# %% wrong="the highest retention" check="choose_objective_served" message="the clicks are too few"
def choose_objective():
    return {
        "weights": {"like": 1},
        "guardrail": "retention",
        "residual_risk": "likes_can_be_bought",
    }


# %% wrong="guards with the metric that rose" check="choose_objective_reasons" message="'clicks_per_session' did not fall"
def choose_objective():
    return {
        "weights": {"click": 1, "like": 1},
        "guardrail": "clicks_per_session",
        "residual_risk": "weights_age",
    }


# %% wrong="fears a change of unit" check="choose_objective_reasons" message="another unit multiplies all scores"
def choose_objective():
    return {
        "weights": {"click": 1, "seconds": 1, "completion": 1},
        "guardrail": "retention",
        "residual_risk": "seconds_in_another_unit_reorder",
    }


# %% wrong="weights for heads that do not exist" check="choose_objective" message="Weights of unknown heads"
def choose_objective():
    return {
        "weights": {"clicks": 1, "likes": 1},
        "guardrail": "retention",
        "residual_risk": "weights_age",
    }


# %% wrong="the most clicks per day" check="choose_objective_served" message="too few more users come back"
def choose_objective():
    return {
        "weights": {"click": 1, "like": 0.5},
        "guardrail": "retention",
        "residual_risk": "likes_can_be_bought",
    }


# %% wrong="fears bought likes without paying for likes" check="choose_objective_reasons" message="does not pay for likes"
def choose_objective():
    return {
        "weights": {"click": 1, "completion": 1},
        "guardrail": "retention",
        "residual_risk": "likes_can_be_bought",
    }
