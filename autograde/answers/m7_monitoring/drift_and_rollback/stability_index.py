"""Answers to `stability_index`."""


# %% right="histogram with open outer bins"
def stability_index(reference, current, bins=10):
    edges = np.quantile(reference, np.linspace(0, 1, bins + 1))
    edges[0], edges[-1] = -np.inf, np.inf
    r, c = (np.histogram(values, edges)[0] + 0.5 for values in (reference, current))
    r, c = r / r.sum(), c / c.sum()
    return ((c - r) * np.log(c / r)).sum()


# %% right="pandas cut and value_counts"
def stability_index(reference, current, bins=10):
    inner = [np.quantile(reference, i / bins) for i in range(1, bins)]
    edges = [-np.inf, *inner, np.inf]
    counts = [
        pd.cut(pd.Series(v), edges, labels=False).value_counts() for v in (reference, current)
    ]
    r, c = (count.reindex(range(bins), fill_value=0) + 0.5 for count in counts)
    r, c = r / r.sum(), c / c.sum()
    return np.sum((c - r) * np.log(c / r))


# %% right="a loop; both Kullback-Leibler divergences added"
def stability_index(reference, current, bins=10):
    reference, current = np.asarray(reference), np.asarray(current)
    lower, total = -np.inf, 0.0
    for i in range(1, bins + 1):
        upper = np.quantile(reference, i / bins) if i < bins else np.inf
        r = (np.sum((reference > lower) & (reference <= upper)) + 0.5) / (len(reference) + bins / 2)
        c = (np.sum((current > lower) & (current <= upper)) + 0.5) / (len(current) + bins / 2)
        total += c * np.log(c / r) + r * np.log(r / c)
        lower = upper
    return total


# %% wrong="bins from the current window" check="stability_index_value" message="belongs to bins taken from the current window"
def stability_index(reference, current, bins=10):
    edges = np.quantile(current, np.arange(1, bins) / bins)
    shares = []
    for values in (reference, current):
        counts = np.bincount(np.searchsorted(edges, values), minlength=bins) + 0.5
        shares.append(counts / counts.sum())
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


# %% wrong="own equal-width bins for each window" check="stability_index_value" message="the bins must not stretch with the window"
def stability_index(reference, current, bins=10):
    r, c = (np.histogram(values, bins)[0] + 0.5 for values in (reference, current))
    r, c = r / r.sum(), c / c.sum()
    return float(np.sum((c - r) * np.log(c / r)))


# %% wrong="one direction only" check="stability_index_value" message="is one Kullback-Leibler divergence"
def stability_index(reference, current, bins=10):
    edges = np.quantile(reference, np.arange(1, bins) / bins)
    r, c = (
        np.bincount(np.searchsorted(edges, values), minlength=bins) + 0.5
        for values in (reference, current)
    )
    r, c = r / r.sum(), c / c.sum()
    return float(np.sum(c * np.log(c / r)))


# %% wrong="the logarithm upside down" check="stability_index" message="PSI is never negative"
def stability_index(reference, current, bins=10):
    edges = np.quantile(reference, np.arange(1, bins) / bins)
    r, c = (
        np.bincount(np.searchsorted(edges, values), minlength=bins) + 0.5
        for values in (reference, current)
    )
    r, c = r / r.sum(), c / c.sum()
    return float(np.sum((c - r) * np.log(r / c)))


# %% wrong="a tiny constant in place of half a count" check="stability_index_value" message="hardly any smoothing"
def stability_index(reference, current, bins=10):
    edges = np.quantile(reference, np.arange(1, bins) / bins)
    r, c = (
        np.bincount(np.searchsorted(edges, values), minlength=bins) + 1e-6
        for values in (reference, current)
    )
    r, c = r / r.sum(), c / c.sum()
    return float(np.sum((c - r) * np.log(c / r)))


# %% wrong="no smoothing" check="stability_index_value" message="an empty bin needs its half count"
def stability_index(reference, current, bins=10):
    edges = np.quantile(reference, np.arange(1, bins) / bins)
    r, c = (
        np.bincount(np.searchsorted(edges, values), minlength=bins) / len(values)
        for values in (reference, current)
    )
    with np.errstate(all="ignore"):
        return float(np.sum((c - r) * np.log(c / r)))


# %% wrong="closed outer bins lose what lies outside" check="stability_index_value" message="lie outside the reference's range"
def stability_index(reference, current, bins=10):
    edges = np.quantile(reference, np.linspace(0, 1, bins + 1))
    r, c = (np.histogram(values, edges)[0] + 0.5 for values in (reference, current))
    r, c = r / r.sum(), c / c.sum()
    return float(np.sum((c - r) * np.log(c / r)))


# %% wrong="bins of equal width over the reference" check="stability_index_value" message="belongs to bins of equal width"
def stability_index(reference, current, bins=10):
    edges = np.linspace(np.min(reference), np.max(reference), bins + 1)[1:-1]
    r, c = (
        np.bincount(np.searchsorted(edges, values), minlength=bins) + 0.5
        for values in (reference, current)
    )
    r, c = r / r.sum(), c / c.sum()
    return ((c - r) * np.log(c / r)).sum()


# %% wrong="a least share in place of half a count" check="stability_index_value" message="a fixed least share"
def stability_index(reference, current, bins=10):
    edges = np.quantile(reference, np.arange(1, bins) / bins)
    r, c = (
        np.bincount(np.searchsorted(edges, values), minlength=bins) / len(values)
        for values in (reference, current)
    )
    r, c = np.maximum(r, 1e-4), np.maximum(c, 1e-4)
    return ((c - r) * np.log(c / r)).sum()
