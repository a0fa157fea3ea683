"""Answers to `slice_report`."""


# %% right="a pivot table, and slices in another order"
def slice_report(rows):
    sums = rows.pivot_table(["clicks", "sessions"], "slice", "arm", aggfunc="sum")
    rate = sums["clicks"] / sums["sessions"]
    gap = (rate["treatment"] - rate["control"]).sort_index(ascending=False)
    share = sums["sessions"].sum(axis=1) / sums["sessions"].to_numpy().sum()
    all_sums = sums.sum()
    all_rate = all_sums["clicks"] / all_sums["sessions"]
    total = all_rate["treatment"] - all_rate["control"]
    return {
        "slices": gap.to_dict(),
        "total": total,
        "standardised": (gap * share).sum(),
        "flipped": bool((np.sign(gap) == -np.sign(total)).all()),
    }


# %% right="loops"
def slice_report(rows):
    def gap(part):
        rate = {}
        for arm in ("control", "treatment"):
            members = part[part["arm"] == arm]
            rate[arm] = members["clicks"].sum() / members["sessions"].sum()
        return rate["treatment"] - rate["control"]

    total, slices, standardised, opposed = gap(rows), {}, 0.0, True
    for name in rows["slice"].unique():
        part = rows[rows["slice"] == name]
        slices[name] = gap(part)
        standardised += slices[name] * part["sessions"].sum() / rows["sessions"].sum()
        opposed = opposed and (slices[name] > 0) != (total > 0)
    return {
        "total": total,
        "slices": slices,
        "standardised": standardised,
        "flipped": opposed,
    }


# %% wrong="reports the aggregate, misses the flip" check="slice_report_flip" message="your report does not say so"
def slice_report(rows):
    sums = rows.groupby("arm")[["clicks", "sessions"]].sum()
    rate = sums["clicks"] / sums["sessions"]
    total = rate["treatment"] - rate["control"]
    by = rows.pivot_table(["clicks", "sessions"], "slice", "arm", aggfunc="sum")
    gap = by["clicks"] / by["sessions"]
    gap = gap["treatment"] - gap["control"]
    return {
        "total": total,
        "slices": gap.to_dict(),
        "standardised": np.average(gap, weights=by["sessions"].sum(axis=1)),
        "flipped": False,
    }


# %% wrong="calls it a flip if any slice turns" check="slice_report_flip" message="not all turn"
def slice_report(rows):
    by = rows.pivot_table(["clicks", "sessions"], "slice", "arm", aggfunc="sum")
    gap = by["clicks"] / by["sessions"]
    gap = gap["treatment"] - gap["control"]
    rate = by["clicks"].sum() / by["sessions"].sum()
    total = rate["treatment"] - rate["control"]
    return {
        "total": total,
        "slices": gap.to_dict(),
        "standardised": np.average(gap, weights=by["sessions"].sum(axis=1)),
        "flipped": bool((gap * total < 0).any()),
    }


# %% wrong="gives every slice the same weight" check="slice_report_flip" message="You give every slice the same weight"
def slice_report(rows):
    by = rows.pivot_table(["clicks", "sessions"], "slice", "arm", aggfunc="sum")
    gap = by["clicks"] / by["sessions"]
    gap = gap["treatment"] - gap["control"]
    rate = by["clicks"].sum() / by["sessions"].sum()
    total = rate["treatment"] - rate["control"]
    return {
        "total": total,
        "slices": gap.to_dict(),
        "standardised": gap.mean(),
        "flipped": bool((gap * total < 0).all()),
    }


# %% wrong="weighs by the sessions of the treatment" check="slice_report_flip" message="its sessions in both arms together"
def slice_report(rows):
    by = rows.pivot_table(["clicks", "sessions"], "slice", "arm", aggfunc="sum")
    gap = by["clicks"] / by["sessions"]
    gap = gap["treatment"] - gap["control"]
    rate = by["clicks"].sum() / by["sessions"].sum()
    total = rate["treatment"] - rate["control"]
    return {
        "total": total,
        "slices": gap.to_dict(),
        "standardised": np.average(gap, weights=by["sessions"]["treatment"]),
        "flipped": bool((gap * total < 0).all()),
    }


# %% wrong="averages the ratios of users" check="slice_report_flip" message="You average each user's own clicks per session"
def slice_report(rows):
    ratio = rows.assign(rate=rows["clicks"] / rows["sessions"])
    gap = ratio.pivot_table("rate", "slice", "arm")
    gap = gap["treatment"] - gap["control"]
    rate = ratio.groupby("arm")["rate"].mean()
    total = rate["treatment"] - rate["control"]
    weights = rows.groupby("slice")["sessions"].sum()
    return {
        "total": total,
        "slices": gap.to_dict(),
        "standardised": np.average(gap, weights=weights),
        "flipped": bool((gap * total < 0).all()),
    }


# %% wrong="control minus treatment" check="slice_report" message="Slice a"
def slice_report(rows):
    by = rows.pivot_table(["clicks", "sessions"], "slice", "arm", aggfunc="sum")
    gap = by["clicks"] / by["sessions"]
    gap = gap["control"] - gap["treatment"]
    rate = by["clicks"].sum() / by["sessions"].sum()
    total = rate["control"] - rate["treatment"]
    return {
        "total": total,
        "slices": gap.to_dict(),
        "standardised": np.average(gap, weights=by["sessions"].sum(axis=1)),
        "flipped": bool((gap * total < 0).all()),
    }


# %% wrong="turns the sign, seen in a fresh world" check="slice_report_flip" message="it is control minus treatment"
def slice_report(rows):
    by = rows.pivot_table(["clicks", "sessions"], "slice", "arm", aggfunc="sum")
    gap = by["clicks"] / by["sessions"]
    gap = gap["control"] - gap["treatment"]
    rate = by["clicks"].sum() / by["sessions"].sum()
    total = rate["control"] - rate["treatment"]
    return {
        "total": total,
        "slices": gap.to_dict(),
        "standardised": np.average(gap, weights=by["sessions"].sum(axis=1)),
        "flipped": bool((gap * total < 0).all()),
    }
