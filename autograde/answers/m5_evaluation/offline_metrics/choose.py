"""Answers to `choose`."""


# %% right="a loop, and the other metrics that fit"
def choose(report, min_diversity):
    best, gain = "production", 0.0
    for name, row in report.iterrows():
        sure = row["gain_low"] > 0 and row["list_diversity"] >= min_diversity
        if sure and row["ndcg_gain"] > gain:
            best, gain = name, row["ndcg_gain"]
    return {
        "ranker": best,
        "feed": "user_auc",
        "push": "precision_at_budget",
        "ads": "normalised_entropy",
        "review": "precision_at_budget",
    }


# %% right="by the lower end of the interval"
def choose(report, min_diversity):
    allowed = report.query("list_diversity >= @min_diversity")["gain_low"].drop("production")
    ship = len(allowed) and allowed.max() > 0
    return {
        "ranker": allowed.idxmax() if ship else "production",
        "feed": "ndcg",
        "push": "precision_at_budget",
        "ads": "normalised_entropy",
        "review": "precision_at_budget",
    }


# %% wrong="the best global AUC" check="choose_outcome" message="has the best global AUC"
def choose(report, min_diversity):
    allowed = report[report["list_diversity"] >= min_diversity]
    best = allowed["global_auc"].idxmax() if len(allowed) else "production"
    metrics = {"feed": "global_auc", "push": "precision_at_budget", "ads": "normalised_entropy"}
    return {"ranker": best, **metrics, "review": "global_auc"}


# %% wrong="the best gain without its interval" check="choose_outcome" message="A launch was paid for luck"
def choose(report, min_diversity):
    allowed = report[report["list_diversity"] >= min_diversity]
    metrics = {"feed": "ndcg", "push": "precision_at_budget", "ads": "normalised_entropy"}
    best = allowed["ndcg_gain"].idxmax() if len(allowed) else "production"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}


# %% wrong="forgets the floor on variety" check="choose_outcome" message="the floor is 0.60"
def choose(report, min_diversity):
    sure = report[report["gain_low"] > 0]
    metrics = {"feed": "ndcg", "push": "precision_at_budget", "ads": "normalised_entropy"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}


# %% wrong="forgets the floor, seen at once" check="choose" message="At a floor of 0.75 you ship"
def choose(report, min_diversity):
    sure = report[report["gain_low"] > 0]
    metrics = {"feed": "ndcg", "push": "precision_at_budget", "ads": "normalised_entropy"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}


# %% wrong="takes the most varied of the sure ones" check="choose_outcome" message="was to be had"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    metrics = {"feed": "ndcg", "push": "precision_at_budget", "ads": "normalised_entropy"}
    best = sure["list_diversity"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}


# %% wrong="one metric for everything" check="choose_metrics" message="lost a sixth of the clicks"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **dict.fromkeys(("feed", "push", "ads", "review"), "global_auc")}


# %% wrong="pushes by the order within users" check="choose_metrics" message="does not compare pairs of different users"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    metrics = {"feed": "ndcg", "push": "user_auc", "ads": "normalised_entropy"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}


# %% wrong="prices ads by calibration alone" check="choose_metrics" message="a constant has next to no calibration error"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    metrics = {"feed": "ndcg", "push": "precision_at_budget", "ads": "calibration_error"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}


# %% wrong="prices ads by order" check="choose_metrics" message="is blind to the values"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    metrics = {"feed": "ndcg", "push": "precision_at_budget", "ads": "global_auc"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}


# %% wrong="reviews by AUC" check="choose_metrics" message="at 0.2 % prevalence"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    metrics = {"feed": "ndcg", "push": "precision_at_budget", "ads": "normalised_entropy"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "global_auc"}


# %% wrong="reviews by calibration" check="choose_metrics" message="does not count what the 500 reviews find"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    metrics = {"feed": "ndcg", "push": "precision_at_budget", "ads": "normalised_entropy"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "normalised_entropy"}


# %% wrong="pushes by the AUC over all pairs" check="choose_metrics" message="weighs the order of all 10 million pairs alike"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    metrics = {"feed": "ndcg", "push": "global_auc", "ads": "normalised_entropy"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}


# %% wrong="pushes by the values" check="choose_metrics" message="not what the first 100,000 hold"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    metrics = {"feed": "ndcg", "push": "normalised_entropy", "ads": "normalised_entropy"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}


# %% wrong="orders the feed by value" check="choose_metrics" message="does not look at the order within one user's list"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    metrics = {"feed": "normalised_entropy", "push": "precision_at_budget"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    metrics["ads"] = "normalised_entropy"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}


# %% wrong="a metric that is not on the list" check="choose_metrics" message="is none of global_auc"
def choose(report, min_diversity):
    sure = report[(report["gain_low"] > 0) & (report["list_diversity"] >= min_diversity)]
    metrics = {"feed": "ndcg", "push": "precision_at_budget", "ads": "log_loss"}
    best = sure["ndcg_gain"].idxmax() if len(sure) else "production"
    return {"ranker": best, **metrics, "review": "precision_at_budget"}
