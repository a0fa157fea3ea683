"""Answers to `my_decision`."""


# %% right="selection bias, found out by interleaving"
def my_decision():
    return {
        "bias": "selection_bias",
        "remedy": "interleave",
        "ship": "B",
        "stop_on": "next_day_return",
    }


# %% right="position bias, found out by interleaving"
def my_decision():
    tags = ["position_bias", "interleave", "B", "next_day_return"]
    return dict(zip(["bias", "remedy", "ship", "stop_on"], tags, strict=True))


# %% wrong="calls it overfitting" check="my_decision_diagnosis" message="Not overfitting"
def my_decision():
    return {
        "bias": "overfitting",
        "remedy": "randomise_and_weight",
        "ship": "B",
        "stop_on": "next_day_return",
    }


# %% wrong="calls it a sample ratio mismatch" check="my_decision_diagnosis" message="No sample ratio mismatch"
def my_decision():
    return {
        "bias": "sample_ratio_mismatch",
        "remedy": "interleave",
        "ship": "B",
        "stop_on": "next_day_return",
    }


# %% wrong="collects more of the same logs" check="my_decision_diagnosis" message="More of the same"
def my_decision():
    return {
        "bias": "position_bias",
        "remedy": "more_logs",
        "ship": "B",
        "stop_on": "next_day_return",
    }


# %% wrong="regularises the rankers" check="my_decision_diagnosis" message="The rankers are not at fault"
def my_decision():
    return {
        "bias": "position_bias",
        "remedy": "regularise_the_rankers",
        "ship": "B",
        "stop_on": "next_day_return",
    }


# %% wrong="ships the most clicks per session" check="my_decision_outcome" message="clickbait costs"
def my_decision():
    return {
        "bias": "position_bias",
        "remedy": "randomise_and_weight",
        "ship": "clickbait",
        "stop_on": "next_day_return",
    }


# %% wrong="ships the winner by logged NDCG" check="my_decision_outcome" message="A brings"
def my_decision():
    return {
        "bias": "position_bias",
        "remedy": "randomise_and_weight",
        "ship": "A",
        "stop_on": "next_day_return",
    }


# %% wrong="ships what keeps most users" check="my_decision_outcome" message="quality brings"
def my_decision():
    return {
        "bias": "position_bias",
        "remedy": "randomise_and_weight",
        "ship": "quality",
        "stop_on": "next_day_return",
    }


# %% wrong="guards with clicks per session" check="my_decision_stop" message="clicks_per_session would not have stopped clickbait"
def my_decision():
    return {
        "bias": "position_bias",
        "remedy": "randomise_and_weight",
        "ship": "B",
        "stop_on": "clicks_per_session",
    }


# %% wrong="guards with watch time" check="my_decision_stop" message="watch_seconds would not have stopped clickbait"
def my_decision():
    return {
        "bias": "position_bias",
        "remedy": "randomise_and_weight",
        "ship": "B",
        "stop_on": "watch_seconds",
    }


# %% wrong="guards with the metric that was wrong" check="my_decision_stop" message="logged_ndcg would have stopped B"
def my_decision():
    return {
        "bias": "position_bias",
        "remedy": "randomise_and_weight",
        "ship": "B",
        "stop_on": "logged_ndcg",
    }


# %% wrong="leaves the guardrail out" check="my_decision" message="The decision lacks ['stop_on']"
def my_decision():
    return {"bias": "position_bias", "remedy": "randomise_and_weight", "ship": "B"}
