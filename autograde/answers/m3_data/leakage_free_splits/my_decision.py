"""Answers to `my_decision`."""


# %% right="careful: the smallest share, fewest loyal viewers"
def my_decision():
    return {
        "model": "everything",
        "offer_share": 0.05,
        "validate_on": "future",
        "primary_metric": "euros",
        "stop_above": 0.08,
        "residual_risk": "Viewers who change their phone are no longer recognised.",
    }


# %% right="the same with numpy numbers and a tighter stop"
def my_decision():
    return {
        "model": "everything",
        "offer_share": np.float64(0.1),
        "validate_on": "future",
        "primary_metric": "euros",
        "stop_above": np.float64(0.06),
        "residual_risk": "The share of loyal viewers is only known two weeks later.",
    }


# %% wrong="keeps the model that is right for new viewers" check="my_decision_outcome" message="known viewers may be recognised"
def my_decision():
    return {
        "model": "behaviour_only",
        "offer_share": 0.05,
        "validate_on": "future",
        "primary_metric": "euros",
        "stop_above": 0.07,
        "residual_risk": "It may miss viewers whom we know well.",
    }


# %% wrong="the most euros, over the guardrail" check="my_decision_outcome" message="the guardrail is 8 %"
def my_decision():
    return {
        "model": "everything",
        "offer_share": 0.20,
        "validate_on": "future",
        "primary_metric": "euros",
        "stop_above": 0.15,
        "residual_risk": "Loyal viewers may learn to wait for an offer.",
    }


# %% wrong="validates on new users as before" check="my_decision_promise" message="testing on strangers hides"
def my_decision():
    return {
        "model": "everything",
        "offer_share": 0.10,
        "validate_on": "future and new users",
        "primary_metric": "euros",
        "stop_above": 0.07,
        "residual_risk": "The estimate may be too low for known viewers.",
    }


# %% wrong="validates on random rows since viewers are known" check="my_decision_promise" message="training had rows of the tested weeks"
def my_decision():
    return {
        "model": "everything",
        "offer_share": 0.10,
        "validate_on": "random rows",
        "primary_metric": "euros",
        "stop_above": 0.07,
        "residual_risk": "Habits change faster than the model is trained.",
    }


# %% wrong="a stop that an ordinary week sets off" check="my_decision_promise" message="ends the offer in ordinary weeks"
def my_decision():
    return {
        "model": "everything",
        "offer_share": 0.10,
        "validate_on": "future",
        "primary_metric": "euros",
        "stop_above": 0.02,
        "residual_risk": "The offer may be stopped more often than needed.",
    }


# %% wrong="a stop beyond the guardrail" check="my_decision_promise" message="is too late"
def my_decision():
    return {
        "model": "everything",
        "offer_share": 0.10,
        "validate_on": "future",
        "primary_metric": "euros",
        "stop_above": 0.2,
        "residual_risk": "Loyal viewers may learn to wait for an offer.",
    }


# %% wrong="no residual risk" check="my_decision" message="the plan has no residual_risk"
def my_decision():
    return {
        "model": "everything",
        "offer_share": 0.10,
        "validate_on": "future",
        "primary_metric": "euros",
        "stop_above": 0.07,
    }


# %% wrong="chooses by the AUC, which no share changes" check="my_decision_outcome" message="by that number, nobody can choose"
def my_decision():
    return {
        "model": "everything",
        "offer_share": 0.10,
        "validate_on": "future",
        "primary_metric": "auc",
        "stop_above": 0.07,
        "residual_risk": "Viewers who change their phone are no longer recognised.",
    }
