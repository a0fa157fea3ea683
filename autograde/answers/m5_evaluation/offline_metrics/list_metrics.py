"""Answers to `list_metrics`."""


# %% right="loops over lists and ranks"
def list_metrics(relevant, k, denominator, empty):
    rows = []
    for one in np.asarray(relevant):
        hits, numerator, reciprocal = 0, 0.0, 0.0
        for i, r in enumerate(one[:k], start=1):
            if r:
                hits += 1
                numerator += hits / i
                reciprocal = reciprocal or 1 / i
        total = int(one.sum())
        below = {"relevant": total, "reachable": min(k, total), "hits": hits}[denominator]
        rows.append(
            {
                "reciprocal_rank": reciprocal,
                "average_precision": numerator / below if below else empty,
                "recall": hits / total if total else empty,
                "precision": hits / k,
            }
        )
    return pd.DataFrame(rows)


# %% right="pads short lists with zeros, divides with nan"
def list_metrics(relevant, k, denominator, empty):
    missing = max(k - relevant.shape[1], 0)
    first = np.pad(relevant, ((0, 0), (0, missing)))[:, :k].astype(float)
    total, hits = relevant.sum(axis=1).astype(float), first.sum(axis=1)
    precisions = np.cumsum(first, axis=1) / np.arange(1, k + 1)
    below = {"relevant": total, "reachable": np.clip(total, 0, k), "hits": hits}[denominator]
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(total == 0, empty, hits / total)
        ap = np.where(below == 0, empty, (first * precisions).sum(axis=1) / below)
    found = first.argmax(axis=1)
    return pd.DataFrame(
        {
            "precision": first.mean(axis=1),
            "recall": recall,
            "average_precision": ap,
            "reciprocal_rank": np.where(hits > 0, 1 / (found + 1), 0),
        }
    )


# %% wrong="divides precision by min(k, n)" check="list_metrics_cut" message="you divide by min(k, n)"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    return pd.DataFrame(
        {
            "precision": hits / min(k, relevant.shape[1]),
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )


# %% wrong="evaluates k + 1 ranks" check="list_metrics_cut" message="You count the hits among"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, : k + 1], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )


# %% wrong="recall over what was found" check="list_metrics_cut" message="Your recall is 1 wherever"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    recall = np.where(hits > 0, 1.0, 0.0)
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, recall, empty),
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )


# %% wrong="ranks from 0, made finite" check="list_metrics_cut" message="you count ranks from 0"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    found = np.maximum(first.argmax(axis=1), 1)
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": np.where(hits > 0, 1 / found, 0.0),
        }
    )


# %% wrong="ranks from 0, infinite at the top" check="list_metrics_cut" message="are not finite"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    with np.errstate(divide="ignore"):
        reciprocal = np.where(hits > 0, 1 / first.argmax(axis=1), 0.0)
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": reciprocal,
        }
    )


# %% wrong="looks for the first hit in the whole list" check="list_metrics_cut" message="You look for the first hit in the whole list"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": (relevant / np.arange(1, relevant.shape[1] + 1)).max(axis=1),
        }
    )


# %% wrong="swaps two denominators" check="list_metrics" message="is not what the text says"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": hits, "reachable": np.minimum(k, total), "hits": total}[denominator]
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )


# %% wrong="always divides by the hits in the list" check="list_metrics_average_precision" message="you divide as \"hits\" says"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": np.where(hits > 0, above / np.maximum(hits, 1), empty),
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )


# %% wrong="sums over the whole list" check="list_metrics_average_precision" message="Your sum runs over the whole list"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, relevant.shape[1] + 1)
    above = (relevant * np.cumsum(relevant, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": (first / rank[:k]).max(axis=1),
        }
    )


# %% wrong="skips lists with nothing relevant" check="list_metrics_average_precision" message="lists without a relevant video are missing"
def list_metrics(relevant, k, denominator, empty):
    relevant = relevant[relevant.sum(axis=1) > 0]
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": hits / total,
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )


# %% wrong="counts empty lists as 0 whatever was asked" check="list_metrics_average_precision" message="With empty=NaN, 0 lists are NaN"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": hits / np.maximum(total, 1),
            "average_precision": above / np.maximum(below, 1),
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )


# %% wrong="a list without a hit has an empty reciprocal rank" check="list_metrics_cut" message="and their reciprocal rank is `empty`"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": np.where(hits > 0, (first / rank).max(axis=1), empty),
        }
    )


# %% wrong="recall of a list with nothing relevant is 0" check="list_metrics_cut" message="you give them a recall of 0.0"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": hits / np.maximum(total, 1),
            "average_precision": np.where(below > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )


# %% wrong="empty only where nothing is relevant, 0 without a hit" check="list_metrics_average_precision" message="For \"hits\" only the"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": np.where(total > 0, above / np.maximum(below, 1), empty),
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )


# %% wrong="empty only where nothing is relevant, 0 / 0 without a hit" check="list_metrics_average_precision" message="of them without one among the first 4"
def list_metrics(relevant, k, denominator, empty):
    first, total = relevant[:, :k], relevant.sum(axis=1)
    hits, rank = first.sum(axis=1), np.arange(1, first.shape[1] + 1)
    above = (first * np.cumsum(first, axis=1) / rank).sum(axis=1)
    below = {"relevant": total, "reachable": np.minimum(k, total), "hits": hits}[denominator]
    with np.errstate(invalid="ignore"):
        average = np.where(total > 0, above / below, empty)
    return pd.DataFrame(
        {
            "precision": hits / k,
            "recall": np.where(total > 0, hits / np.maximum(total, 1), empty),
            "average_precision": average,
            "reciprocal_rank": (first / rank).max(axis=1),
        }
    )
