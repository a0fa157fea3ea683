"""Answers to `ctr_test`."""


# %% right="delta method, term by term"
def ctr_test(users):
    ratio, variance = {}, 0.0
    for arm in ("control", "treatment"):
        rows = users[users["arm"] == arm]
        clicks, shown = rows["clicks"].to_numpy(float), rows["impressions"].to_numpy(float)
        covariance = np.cov(clicks, shown)
        y, x = clicks.mean(), shown.mean()
        ratio[arm] = y / x
        variance += (
            covariance[0, 0] / x**2
            - 2 * y * covariance[0, 1] / x**3
            + y**2 * covariance[1, 1] / x**4
        ) / len(rows)
    return {
        "estimand": "ratio of totals",
        "difference": ratio["treatment"] - ratio["control"],
        "standard_error": variance**0.5,
    }


# %% right="t-test on users' own CTR, said to be that"
def ctr_test(users):
    own = users["clicks"] / users["impressions"]
    treated = (users["arm"] == "treatment").to_numpy()
    a, b = own.to_numpy()[~treated], own.to_numpy()[treated]
    return {
        "estimand": "mean of users",
        "difference": b.mean() - a.mean(),
        "standard_error": np.sqrt(stats.sem(a) ** 2 + stats.sem(b) ** 2),
    }


# %% right="bootstrap by user"
def ctr_test(users):
    rng = np.random.default_rng(1)
    ratio, draws = {}, {}
    for arm in ("control", "treatment"):
        table = users.loc[users["arm"] == arm, ["clicks", "impressions"]].to_numpy(float)
        ratio[arm] = table[:, 0].sum() / table[:, 1].sum()
        counts = rng.multinomial(len(table), np.full(len(table), 1 / len(table)), size=600)
        totals = counts @ table
        draws[arm] = totals[:, 0] / totals[:, 1]
    return {
        "estimand": "ratio of totals",
        "difference": float(ratio["treatment"] - ratio["control"]),
        "standard_error": float((draws["treatment"] - draws["control"]).std()),
    }


# %% wrong="impressions as independent units" check="ctr_test_false_alarms" message="count every impression as an independent trial"
def ctr_test(users):
    total = users.groupby("arm", observed=True)[["clicks", "impressions"]].sum()
    ctr = total["clicks"] / total["impressions"]
    pooled = total["clicks"].sum() / total["impressions"].sum()
    return {
        "estimand": "ratio of totals",
        "difference": ctr["treatment"] - ctr["control"],
        "standard_error": np.sqrt(pooled * (1 - pooled) * (1 / total["impressions"]).sum()),
    }


# %% wrong="variance of the treatment arm only" check="ctr_test_false_alarms" message="The variance of one arm is missing"
def ctr_test(users):
    ctr, error = {}, {}
    for arm, rows in users.groupby("arm", observed=True):
        ctr[arm] = rows["clicks"].sum() / rows["impressions"].sum()
        surplus = rows["clicks"] - ctr[arm] * rows["impressions"]
        error[arm] = surplus.std() / rows["impressions"].mean() / np.sqrt(len(rows))
    return {
        "estimand": "ratio of totals",
        "difference": ctr["treatment"] - ctr["control"],
        "standard_error": error["treatment"],
    }


# %% wrong="impressions taken as fixed numbers" check="ctr_test_false_alarms" message="mind the covariance"
def ctr_test(users):
    arms = users.groupby("arm", observed=True)
    ctr = arms["clicks"].sum() / arms["impressions"].sum()
    variance = arms["clicks"].var() / arms["impressions"].mean() ** 2 / arms.size()
    return {
        "estimand": "ratio of totals",
        "difference": ctr["treatment"] - ctr["control"],
        "standard_error": np.sqrt(variance.sum()),
    }


# %% wrong="mean of users under the other name" check="ctr_test_difference" message="is the difference of the mean of users"
def ctr_test(users):
    own = (users["clicks"] / users["impressions"]).groupby(users["arm"], observed=True)
    return {
        "estimand": "ratio of totals",
        "difference": own.mean()["treatment"] - own.mean()["control"],
        "standard_error": np.sqrt((own.var() / own.size()).sum()),
    }


# %% wrong="control minus treatment" check="ctr_test_difference" message="The sign is turned round"
def ctr_test(users):
    own = (users["clicks"] / users["impressions"]).groupby(users["arm"], observed=True)
    return {
        "estimand": "mean of users",
        "difference": own.mean()["control"] - own.mean()["treatment"],
        "standard_error": np.sqrt((own.var() / own.size()).sum()),
    }


# %% wrong="spread of users in place of the error of the mean" check="ctr_test" message="Twice the users divided the standard error by"
def ctr_test(users):
    own = (users["clicks"] / users["impressions"]).groupby(users["arm"], observed=True)
    return {
        "estimand": "mean of users",
        "difference": own.mean()["treatment"] - own.mean()["control"],
        "standard_error": np.sqrt(own.var().sum()),
    }


# %% wrong="impressions in place of users as n" check="ctr_test_false_alarms" message="The standard error is too small"
def ctr_test(users):
    ctr, error = {}, {}
    for arm, rows in users.groupby("arm", observed=True):
        ctr[arm] = rows["clicks"].sum() / rows["impressions"].sum()
        surplus = rows["clicks"] - ctr[arm] * rows["impressions"]
        error[arm] = surplus.std() / rows["impressions"].mean() / np.sqrt(rows["impressions"].sum())
    return {
        "estimand": "ratio of totals",
        "difference": ctr["treatment"] - ctr["control"],
        "standard_error": np.hypot(error["treatment"], error["control"]),
    }
