"""Answers to `probability_report`."""


# %% right="loops over bins, log loss of scikit-learn"
def probability_report(clicked, p, n_bins, bins):
    clicked, p = np.asarray(clicked), np.asarray(p)
    if bins == "mass":
        parts = np.array_split(np.argsort(p), n_bins)
    else:
        edges = np.linspace(0, 1, n_bins + 1)
        number = np.digitize(p, edges[1:-1])
        parts = [np.flatnonzero(number == b) for b in range(n_bins)]
    error = 0.0
    for part in parts:
        if len(part):
            error += len(part) / len(p) * abs(clicked[part].mean() - p[part].mean())
    always_the_rate = np.full(len(p), clicked.mean())
    return {
        "calibration_error": error,
        "normalised_entropy": log_loss(clicked, p) / log_loss(clicked, always_the_rate),
    }


# %% right="pandas cuts, both entropies in bits"
def probability_report(clicked, p, n_bins, bins):
    rows = pd.DataFrame({"y": np.asarray(clicked), "p": np.asarray(p)})
    if bins == "width":
        part = pd.cut(rows["p"], np.linspace(0, 1, n_bins + 1), labels=False)
    else:
        part = pd.qcut(rows["p"], n_bins, labels=False)
    by = rows.groupby(part).agg(y=("y", "mean"), p=("p", "mean"), n=("y", "size"))
    rate = rows["y"].mean()
    bits = -np.mean(np.where(rows["y"] == 1, np.log2(rows["p"]), np.log2(1 - rows["p"])))
    background = -(rate * np.log2(rate) + (1 - rate) * np.log2(1 - rate))
    return {
        "normalised_entropy": bits / background,
        "calibration_error": np.average((by["y"] - by["p"]).abs(), weights=by["n"]),
    }


# %% wrong="background from the mean prediction" check="probability_report_entropy" message="Your background is the mean prediction"
def probability_report(clicked, p, n_bins, bins):
    place = p if bins == "width" else (rankdata(p) - 0.5) / len(p)
    gaps = pd.Series(clicked - p).groupby((place * n_bins).astype(int)).sum().abs()
    rate = p.mean()
    background = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return {
        "calibration_error": gaps.sum() / len(p),
        "normalised_entropy": log_loss(clicked, p) / background,
    }


# %% wrong="log2 above, ln below" check="probability_report" message="NE is 1.443"
def probability_report(clicked, p, n_bins, bins):
    place = p if bins == "width" else (rankdata(p) - 0.5) / len(p)
    gaps = pd.Series(clicked - p).groupby((place * n_bins).astype(int)).sum().abs()
    rate = clicked.mean()
    background = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    loss = -np.mean(clicked * np.log2(p) + (1 - clicked) * np.log2(1 - p))
    return {"calibration_error": gaps.sum() / len(p), "normalised_entropy": loss / background}


# %% wrong="ln above, log2 below" check="probability_report_entropy" message="different logarithms"
def probability_report(clicked, p, n_bins, bins):
    place = p if bins == "width" else (rankdata(p) - 0.5) / len(p)
    gaps = pd.Series(clicked - p).groupby((place * n_bins).astype(int)).sum().abs()
    rate = clicked.mean()
    background = -(rate * np.log2(rate) + (1 - rate) * np.log2(1 - rate))
    return {
        "calibration_error": gaps.sum() / len(p),
        "normalised_entropy": log_loss(clicked, p) / background,
    }


# %% wrong="returns the information gain" check="probability_report_entropy" message="the information gain"
def probability_report(clicked, p, n_bins, bins):
    place = p if bins == "width" else (rankdata(p) - 0.5) / len(p)
    gaps = pd.Series(clicked - p).groupby((place * n_bins).astype(int)).sum().abs()
    rate = clicked.mean()
    background = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return {
        "calibration_error": gaps.sum() / len(p),
        "normalised_entropy": 1 - log_loss(clicked, p) / background,
    }


# %% wrong="returns the log loss" check="probability_report_entropy" message="This is the log loss itself"
def probability_report(clicked, p, n_bins, bins):
    place = p if bins == "width" else (rankdata(p) - 0.5) / len(p)
    gaps = pd.Series(clicked - p).groupby((place * n_bins).astype(int)).sum().abs()
    return {"calibration_error": gaps.sum() / len(p), "normalised_entropy": log_loss(clicked, p)}


# %% wrong="every bin has the same weight" check="probability_report_bins" message="You give every bin the same weight"
def probability_report(clicked, p, n_bins, bins):
    place = p if bins == "width" else (rankdata(p) - 0.5) / len(p)
    gaps = pd.Series(clicked - p).groupby((place * n_bins).astype(int)).mean().abs()
    rate = clicked.mean()
    background = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return {
        "calibration_error": gaps.mean(),
        "normalised_entropy": log_loss(clicked, p) / background,
    }


# %% wrong="compares with the middle of the bin" check="probability_report_bins" message="the middle of the bin"
def probability_report(clicked, p, n_bins, bins):
    number = np.minimum((p * n_bins).astype(int), n_bins - 1)
    gaps = pd.Series(clicked - (number + 0.5) / n_bins).groupby(number).sum().abs()
    rate = clicked.mean()
    background = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return {
        "calibration_error": gaps.sum() / len(p),
        "normalised_entropy": log_loss(clicked, p) / background,
    }


# %% wrong="ignores the kind of bins" check="probability_report_bins" message="you cut by width"
def probability_report(clicked, p, n_bins, bins):
    gaps = pd.Series(clicked - p).groupby((p * n_bins).astype(int)).sum().abs()
    rate = clicked.mean()
    background = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return {
        "calibration_error": gaps.sum() / len(p),
        "normalised_entropy": log_loss(clicked, p) / background,
    }


# %% wrong="compares the overall means" check="probability_report_bins" message="opposite errors cancel"
def probability_report(clicked, p, n_bins, bins):
    rate = clicked.mean()
    background = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return {
        "calibration_error": abs(rate - p.mean()),
        "normalised_entropy": log_loss(clicked, p) / background,
    }


# %% wrong="cuts the range of the predictions" check="probability_report_bins" message="You cut the range of the predictions"
def probability_report(clicked, p, n_bins, bins):
    number = (pd.cut if bins == "width" else pd.qcut)(p, n_bins, labels=False)
    gaps = pd.Series(clicked - p).groupby(number).sum().abs()
    rate = clicked.mean()
    background = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return {
        "calibration_error": gaps.sum() / len(p),
        "normalised_entropy": log_loss(clicked, p) / background,
    }
