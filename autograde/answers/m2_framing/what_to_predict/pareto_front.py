"""Answers to `pareto_front`."""


# %% right="all pairs at once"
def pareto_front(values):
    values = np.asarray(values)
    other, own = values[:, None, :], values[None, :, :]
    dominates = (other >= own).all(axis=2) & (other > own).any(axis=2)
    return ~dominates.any(axis=0)


# %% right="a double loop over lists"
def pareto_front(values):
    rows = [tuple(row) for row in values]
    front = []
    for mine in rows:
        beaten = any(
            theirs != mine and all(t >= m for t, m in zip(theirs, mine, strict=True))
            for theirs in rows
        )
        front.append(not beaten)
    return np.array(front)


# %% right="a skyline in the order of the sums"
def pareto_front(values):
    values = np.asarray(values, dtype=float)
    keep = np.zeros(len(values), dtype=bool)
    for place in np.argsort(-values.sum(axis=1), kind="stable"):
        row, best = values[place], values[keep]
        keep[place] = not ((best >= row).all(axis=1) & (best > row).any(axis=1)).any()
    return keep


# %% wrong="only what is worse in every measure is dominated" check="pareto_front_truth" message="a tie in one measure does not save"
def pareto_front(values):
    return np.array([not (values > row).all(axis=1).any() for row in values])


# %% wrong="twins dominate each other" check="pareto_front_truth" message="threw each other off"
def pareto_front(values):
    return np.array([(values >= row).all(axis=1).sum() == 1 for row in values])


# %% wrong="the best of each measure" check="pareto_front_truth" message="on the front, one per measure at most"
def pareto_front(values):
    best = (values == values.max(axis=0)).any(axis=1)
    tied = [(values >= row).all(axis=1) & (values > row).any(axis=1) for row in values]
    return best & ~np.array(tied).any(axis=1)


# %% wrong="smaller is better" check="pareto_front" message="look at the third"
def pareto_front(values):
    better = [(values <= row).all(axis=1) & (values < row).any(axis=1) for row in values]
    return ~np.array(better).any(axis=1)


# %% wrong="looks at two measures only" check="pareto_front_truth" message="of 60 designs are on the wrong side"
def pareto_front(values):
    values = np.asarray(values)[:, :2]
    better = [(values >= row).all(axis=1) & (values > row).any(axis=1) for row in values]
    return ~np.array(better).any(axis=1)
