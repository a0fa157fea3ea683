"""Answers to `matured_health`."""


# %% right="keeps rows whose age is right"
def matured_health(log, today, matures_after, window):
    age = today - log["day"]
    rows = log[(age >= matures_after) & (age < matures_after + window)]
    label = rows["signed_on"].notna().astype(int)
    return {
        "auc": roc_auc_score(label, rows["score"]),
        "calibration_ratio": rows["score"].sum() / label.sum(),
    }


# %% right="ranks by hand"
def matured_health(log, today, matures_after, window):
    days = range(today - matures_after - window + 1, today - matures_after + 1)
    rows = log[log["day"].isin(days)]
    label = ~rows["signed_on"].isna().to_numpy()
    ranks = rows["score"].rank().to_numpy()
    yes, no = label.sum(), (~label).sum()
    auc = (ranks[label].sum() - yes * (yes + 1) / 2) / (yes * no)
    return {"auc": auc, "calibration_ratio": rows["score"].mean() / label.mean(), "rows": len(rows)}


# %% wrong="the latest days, a missing sign read as a no" check="matured_health" message="are all labels final"
def matured_health(log, today, matures_after, window):
    rows = log[log["day"] > today - window]
    label = rows["signed_on"].notna()
    return {
        "auc": float(roc_auc_score(label, rows["score"])),
        "calibration_ratio": float(rows["score"].mean() / label.mean()),
    }


# %% wrong="everything matured since the start" check="matured_health_cohort" message="is taken over all days since the start"
def matured_health(log, today, matures_after, window):
    rows = log[log["day"] <= today - matures_after]
    label = rows["signed_on"].notna()
    return {
        "auc": float(roc_auc_score(label, rows["score"])),
        "calibration_ratio": float(rows["score"].mean() / label.mean()),
    }


# %% wrong="waits one day too long" check="matured_health_cohort" message="Your cohort ends on day"
def matured_health(log, today, matures_after, window):
    last = today - matures_after - 1
    rows = log[log["day"].between(last - window + 1, last)]
    label = rows["signed_on"].notna()
    return {
        "auc": float(roc_auc_score(label, rows["score"])),
        "calibration_ratio": float(rows["score"].mean() / label.mean()),
    }


# %% wrong="observed over predicted" check="matured_health_cohort" message="predicted goes on top"
def matured_health(log, today, matures_after, window):
    last = today - matures_after
    rows = log[log["day"].between(last - window + 1, last)]
    label = rows["signed_on"].notna()
    return {
        "auc": float(roc_auc_score(label, rows["score"])),
        "calibration_ratio": float(label.mean() / rows["score"].mean()),
    }


# %% wrong="counts only signs of the same day" check="matured_health" message="which rows count as positive"
def matured_health(log, today, matures_after, window):
    last = today - matures_after
    rows = log[log["day"].between(last - window + 1, last)]
    label = rows["signed_on"] < rows["day"] + 1
    return {
        "auc": float(roc_auc_score(label, rows["score"])),
        "calibration_ratio": float(rows["score"].mean() / label.mean()),
    }


# %% wrong="one day more than the window" check="matured_health_cohort" message="is not that of days"
def matured_health(log, today, matures_after, window):
    last = today - matures_after
    rows = log[log["day"].between(last - window, last)]
    label = rows["signed_on"].notna()
    return {
        "auc": float(roc_auc_score(label, rows["score"])),
        "calibration_ratio": float(rows["score"].mean() / label.mean()),
    }
