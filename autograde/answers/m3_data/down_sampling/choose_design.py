"""Answers to `choose_design`."""


# %% right="the lowest NE within the budget, a profit guardrail"
def choose_design(trials, budget):
    mean = trials.groupby("keep_rate").mean()
    within = mean[mean["euros_per_day"] <= budget]
    return {
        "keep_rate": within["normalised_entropy"].idxmin(),
        "primary_metric": "normalised_entropy",
        "guardrail": "auction_profit",
        "residual_risk": "rare_segments_lose_negatives",
    }


# %% right="a search from the cheapest rate upwards"
def choose_design(trials, budget):
    def ne(rate):
        return trials["normalised_entropy"][trials["keep_rate"] == rate].mean()

    design = {
        "primary_metric": "normalised_entropy",
        "guardrail": "calibration_ratio",
        "residual_risk": "bids_win_where_p_is_too_high",
    }
    for rate in sorted(trials["keep_rate"].unique()):
        cost = trials["euros_per_day"][trials["keep_rate"] == rate].mean()
        if cost <= budget and ne(rate) < 1.005 * ne(1.0):
            return design | {"keep_rate": rate}
    raise ValueError("No keep rate holds both the budget and the loss.")


# %% right="the largest rate that the budget allows"
def choose_design(trials, budget):
    affordable = trials.loc[trials["euros_per_day"] <= budget, "keep_rate"]
    return {
        "keep_rate": float(affordable.max()),
        "primary_metric": "normalised_entropy",
        "guardrail": "calibration_ratio",
        "residual_risk": "keep_rate_changes_upstream",
    }


# %% wrong="chooses by AUC" check="choose_design_cost" message="has the best AUC of the table"
def choose_design(trials, budget):
    mean = trials.groupby("keep_rate").mean()
    return {
        "keep_rate": mean["auc"][mean["euros_per_day"] <= budget].idxmax(),
        "primary_metric": "auc",
        "guardrail": "calibration_ratio",
        "residual_risk": "keep_rate_changes_upstream",
    }


# %% wrong="takes the cheapest rate whose AUC holds" check="choose_design_cost" message="0.5 % is tolerated"
def choose_design(trials, budget):
    mean = trials.groupby("keep_rate").mean()
    holds = mean[(mean["auc"] > 0.995 * mean["auc"].loc[1.0]) & (mean["euros_per_day"] <= budget)]
    return {
        "keep_rate": holds.index[1],
        "primary_metric": "normalised_entropy",
        "guardrail": "calibration_ratio",
        "residual_risk": "keep_rate_changes_upstream",
    }


# %% wrong="keeps every row whatever it costs" check="choose_design_cost" message="the budget is"
def choose_design(trials, budget):
    return {
        "keep_rate": trials.groupby("keep_rate")["normalised_entropy"].mean().idxmin(),
        "primary_metric": "normalised_entropy",
        "guardrail": "calibration_ratio",
        "residual_risk": "keep_rate_changes_upstream",
    }


# %% wrong="returns the rate that suits this lab's own table" check="choose_design_cost" message="is none of the keep rates"
def choose_design(trials, budget):
    return {
        "keep_rate": 0.05,
        "primary_metric": "normalised_entropy",
        "guardrail": "calibration_ratio",
        "residual_risk": "keep_rate_changes_upstream",
    }


# %% wrong="compares releases by AUC" check="choose_design_metrics" message="'auc' was as good as ever"
def choose_design(trials, budget):
    return {
        "keep_rate": 0.05,
        "primary_metric": "auc",
        "guardrail": "calibration_ratio",
        "residual_risk": "keep_rate_changes_upstream",
    }


# %% wrong="guards with a loss on thinned rows" check="choose_design_metrics" message="'training_loss' would not have stopped"
def choose_design(trials, budget):
    return {
        "keep_rate": 0.05,
        "primary_metric": "normalised_entropy",
        "guardrail": "training_loss",
        "residual_risk": "keep_rate_changes_upstream",
    }


# %% wrong="fears that the correction reorders" check="choose_design_metrics" message="'correction_reorders_ads' cannot happen"
def choose_design(trials, budget):
    return {
        "keep_rate": 0.05,
        "primary_metric": "normalised_entropy",
        "guardrail": "calibration_ratio",
        "residual_risk": "correction_reorders_ads",
    }


# %% wrong="leaves the risk out" check="choose_design" message="The design lacks ['residual_risk']"
def choose_design(trials, budget):
    return {
        "keep_rate": 0.05,
        "primary_metric": "normalised_entropy",
        "guardrail": "calibration_ratio",
    }
