"""Answers to `cuped`."""


# %% right="regression on arm and covariate"
def cuped(users):
    x = users["pre_sessions"].to_numpy(float)
    y = users["sessions"].to_numpy(float)
    treated = (users["arm"] == "treatment").to_numpy(float)
    design = np.column_stack([np.ones_like(x), treated, x])
    fit = np.linalg.lstsq(design, y, rcond=None)[0]
    residual = y - design @ fit
    variance = residual @ residual / (len(y) - 3)
    return {
        "difference": fit[1],
        "standard_error": np.sqrt(variance * np.linalg.inv(design.T @ design)[1, 1]),
    }


# %% right="strata of the covariate"
def cuped(users):
    rows = pd.DataFrame(
        {
            "y": users["sessions"],
            "treated": users["arm"].astype(str) == "treatment",
            "stratum": pd.qcut(users["pre_sessions"].rank(method="first"), 80, labels=False),
        }
    )
    difference = variance = 0.0
    for _, part in rows.groupby("stratum"):
        arms = part.groupby("treated")["y"].agg(["mean", "var", "size"])
        weight = len(part) / len(rows)
        difference += weight * (arms["mean"][True] - arms["mean"][False])
        variance += weight**2 * (arms["var"] / arms["size"]).sum()
    return {"difference": difference, "standard_error": np.sqrt(variance)}


# %% right="slope of the control arm only"
def cuped(users):
    control = users[users["arm"] == "control"]
    slope = np.polyfit(control["pre_sessions"], control["sessions"], 1)[0]
    adjusted = users["sessions"] - slope * users["pre_sessions"]
    a = adjusted[users["arm"] == "control"]
    b = adjusted[users["arm"] == "treatment"]
    return {
        "difference": float(b.mean() - a.mean()),
        "standard_error": float(np.sqrt(a.var() / len(a) + b.var() / len(b))),
    }


# %% wrong="covariate measured in the test" check="cuped_unbiased" message="the covariate is measured in the test"
def cuped(users):
    clicks, sessions = users["clicks"], users["sessions"]
    theta = clicks.cov(sessions) / clicks.var()
    adjusted = sessions - theta * (clicks - clicks.mean())
    arms = adjusted.groupby(users["arm"], observed=True).agg(["mean", "var", "size"])
    return {
        "difference": arms["mean"]["treatment"] - arms["mean"]["control"],
        "standard_error": np.sqrt((arms["var"] / arms["size"]).sum()),
    }


# %% wrong="centres within each arm" check="cuped_unbiased" message="X was centred within each arm"
def cuped(users):
    before, sessions = users["pre_sessions"], users["sessions"]
    theta = before.cov(sessions) / before.var()
    own_mean = before.groupby(users["arm"], observed=True).transform("mean")
    adjusted = sessions - theta * (before - own_mean)
    arms = adjusted.groupby(users["arm"], observed=True).agg(["mean", "var", "size"])
    return {
        "difference": arms["mean"]["treatment"] - arms["mean"]["control"],
        "standard_error": np.sqrt((arms["var"] / arms["size"]).sum()),
    }


# %% wrong="the weaker covariate" check="cuped_variance" message="the weaker covariate, pre_clicks"
def cuped(users):
    before, sessions = users["pre_clicks"], users["sessions"]
    theta = before.cov(sessions) / before.var()
    adjusted = sessions - theta * (before - before.mean())
    arms = adjusted.groupby(users["arm"], observed=True).agg(["mean", "var", "size"])
    return {
        "difference": arms["mean"]["treatment"] - arms["mean"]["control"],
        "standard_error": np.sqrt((arms["var"] / arms["size"]).sum()),
    }


# %% wrong="plain difference to the weeks before" check="cuped_variance" message="You subtract X itself"
def cuped(users):
    gain = users["sessions"] - users["pre_sessions"]
    arms = gain.groupby(users["arm"], observed=True).agg(["mean", "var", "size"])
    return {
        "difference": arms["mean"]["treatment"] - arms["mean"]["control"],
        "standard_error": np.sqrt((arms["var"] / arms["size"]).sum()),
    }


# %% wrong="correlation in place of the slope" check="cuped_variance" message="θ is not Cov(X, Y) / Var(X)"
def cuped(users):
    before, sessions = users["pre_sessions"], users["sessions"]
    adjusted = sessions - before.corr(sessions) / 1.5 * (before - before.mean())
    arms = adjusted.groupby(users["arm"], observed=True).agg(["mean", "var", "size"])
    return {
        "difference": arms["mean"]["treatment"] - arms["mean"]["control"],
        "standard_error": np.sqrt((arms["var"] / arms["size"]).sum()),
    }


# %% wrong="no adjustment" check="cuped" message="of the unadjusted one"
def cuped(users):
    arms = users.groupby("arm", observed=True)["sessions"].agg(["mean", "var", "size"])
    return {
        "difference": arms["mean"]["treatment"] - arms["mean"]["control"],
        "standard_error": np.sqrt((arms["var"] / arms["size"]).sum()),
    }


# %% wrong="control minus treatment" check="cuped_unbiased" message="The sign is turned round"
def cuped(users):
    before, sessions = users["pre_sessions"], users["sessions"]
    theta = before.cov(sessions) / before.var()
    adjusted = sessions - theta * (before - before.mean())
    arms = adjusted.groupby(users["arm"], observed=True).agg(["mean", "var", "size"])
    return {
        "difference": arms["mean"]["control"] - arms["mean"]["treatment"],
        "standard_error": np.sqrt((arms["var"] / arms["size"]).sum()),
    }


# %% wrong="the error of one arm" check="cuped_variance" message="does the error hold the variance of both arms"
def cuped(users):
    before, sessions = users["pre_sessions"], users["sessions"]
    theta = before.cov(sessions) / before.var()
    adjusted = sessions - theta * (before - before.mean())
    arms = adjusted.groupby(users["arm"], observed=True).agg(["mean", "sem"])
    return {
        "difference": arms["mean"]["treatment"] - arms["mean"]["control"],
        "standard_error": arms["sem"]["treatment"],
    }
