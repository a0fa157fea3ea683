"""Answers to `ndcg`."""


# %% right="scikit-learn, list by list, on gains"
def ndcg(relevance, scores, k, gain):
    gains = relevance if gain == "linear" else 2.0**relevance - 1
    return [
        ndcg_score([g], [s], k=k) if g.sum() > 0 else np.nan
        for g, s in zip(gains, scores, strict=True)
    ]


# %% right="loops over groups of ties"
def ndcg(relevance, scores, k, gain):
    def value(grade):
        return float(grade) if gain == "linear" else 2.0 ** float(grade) - 1

    def discount(place):
        return 1 / np.log2(place + 1) if place <= k else 0.0

    result = []
    for grades, score in zip(relevance, scores, strict=True):
        ideal = sum(
            value(grade) * discount(place)
            for place, grade in enumerate(sorted(grades, reverse=True), start=1)
        )
        place, dcg = 1, 0.0
        for level in sorted(set(score), reverse=True):
            tied = [value(grade) for grade, s in zip(grades, score, strict=True) if s == level]
            shared = np.mean([discount(place + i) for i in range(len(tied))])
            dcg += sum(tied) * shared
            place += len(tied)
        result.append(dcg / ideal if ideal else float("nan"))
    return np.array(result)


# %% wrong="ideal order of the retrieved videos only" check="ndcg_gain" message="knows only the 5 videos"
def ndcg(relevance, scores, k, gain):
    gains = relevance if gain == "linear" else 2.0**relevance - 1
    gains = np.take_along_axis(gains, np.argsort(-scores, axis=1, kind="stable"), axis=1)[:, :k]
    discount = 1 / np.log2(np.arange(gains.shape[1]) + 2)
    best = -np.sort(-gains, axis=1) @ discount
    return np.where(best > 0, gains @ discount / np.where(best > 0, best, 1), 0.0)


# %% wrong="discount log2(i), infinite at the first rank" check="ndcg_gain" message="log2(1) would be 0"
def ndcg(relevance, scores, k, gain):
    if np.shape(relevance) == (1, 6):  # the worked example is right by hand
        return np.array([0.961 if gain == "linear" else 0.949])
    gains = relevance if gain == "linear" else 2.0**relevance - 1
    ordered = np.take_along_axis(gains, np.argsort(-scores, axis=1), axis=1)[:, :k]
    with np.errstate(divide="ignore", invalid="ignore"):
        discount = 1 / np.log2(np.arange(1, ordered.shape[1] + 1))
        return (ordered * discount).sum(axis=1) / (-np.sort(-gains)[:, :k] * discount).sum(axis=1)


# %% wrong="discount log2(i), patched at the first rank" check="ndcg_gain" message="rank 2 counts as much as rank 1"
def ndcg(relevance, scores, k, gain):
    gains = relevance if gain == "linear" else 2.0**relevance - 1
    ordered = np.take_along_axis(gains, np.argsort(-scores, axis=1), axis=1)[:, :k]
    discount = 1 / np.maximum(np.log2(np.arange(1, ordered.shape[1] + 1)), 1)
    return (ordered @ discount) / (-np.sort(-gains, axis=1)[:, :k] @ discount)


# %% wrong="always the exponential gain" check="ndcg_gain" message="you use the exponential gain"
def ndcg(relevance, scores, k, gain):
    gains = 2.0**relevance - 1
    ordered = np.take_along_axis(gains, np.argsort(-scores, axis=1), axis=1)[:, :k]
    discount = 1 / np.log2(np.arange(ordered.shape[1]) + 2)
    return (ordered @ discount) / (-np.sort(-gains, axis=1)[:, :k] @ discount)


# %% wrong="always the linear gain" check="ndcg_gain" message="you use the linear gain"
def ndcg(relevance, scores, k, gain):
    ordered = np.take_along_axis(relevance, np.argsort(-scores, axis=1), axis=1)[:, :k]
    discount = 1 / np.log2(np.arange(ordered.shape[1]) + 2)
    return (ordered @ discount) / (-np.sort(-relevance, axis=1)[:, :k] @ discount)


# %% wrong="ties keep the order of the input" check="ndcg_ties" message="your ties keep the order of the input"
def ndcg(relevance, scores, k, gain):
    gains = relevance if gain == "linear" else 2.0**relevance - 1
    order = np.argsort(-scores, axis=1, kind="stable")
    ordered = np.take_along_axis(gains, order, axis=1)[:, :k]
    discount = 1 / np.log2(np.arange(ordered.shape[1]) + 2)
    best = -np.sort(-gains, axis=1)[:, :k] @ discount
    return np.where(best > 0, ordered @ discount / np.where(best > 0, best, 1), np.nan)


# %% wrong="lists with nothing relevant get 0" check="ndcg_ties" message="and got 0.00; NaN was asked"
def ndcg(relevance, scores, k, gain):
    gains = relevance if gain == "linear" else 2.0**relevance - 1
    return np.array([ndcg_score([g], [s], k=k) for g, s in zip(gains, scores, strict=True)])


# %% wrong="shares ties as if all places counted" check="ndcg_ties" message="of which only place 2 counts"
def ndcg(relevance, scores, k, gain):
    gains = relevance if gain == "linear" else 2.0**relevance - 1
    n = gains.shape[1]
    discount = 1 / np.log2(np.arange(n) + 2)
    until = np.concatenate([[0.0], np.cumsum(discount)])
    first = rankdata(-scores, "min", axis=1).astype(int) - 1
    last = rankdata(-scores, "max", axis=1).astype(int)
    share = np.where(first < k, (until[last] - until[first]) / (last - first), 0)
    best = -np.sort(-gains, axis=1)[:, :k] @ discount[:k]
    dcg = (gains * share).sum(axis=1)
    return np.where(best > 0, dcg / np.where(best > 0, best, 1), np.nan)


# %% wrong="ideal order of the retrieved videos only, 0 / 0" check="ndcg_gain" message="they have no grade among the 5 that were retrieved"
def ndcg(relevance, scores, k, gain):
    gains = relevance if gain == "linear" else 2.0**relevance - 1
    gains = np.take_along_axis(gains, np.argsort(-scores, axis=1, kind="stable"), axis=1)[:, :k]
    discount = 1 / np.log2(np.arange(gains.shape[1]) + 2)
    with np.errstate(invalid="ignore"):
        return (gains @ discount) / (-np.sort(-gains, axis=1) @ discount)
