"""Answers to `auc`."""


# %% right="scikit-learn, group by group"
def auc(clicked, scores, groups=None):
    rows = pd.DataFrame({"y": np.asarray(clicked), "s": np.asarray(scores)})
    rows["g"] = 0 if groups is None else np.asarray(groups)
    values = [roc_auc_score(g["y"], g["s"]) for _, g in rows.groupby("g") if g["y"].nunique() == 2]
    return np.mean(values) if values else np.nan


# %% right="Mann-Whitney statistic from scipy"
def auc(clicked, scores, groups=None):
    from scipy.stats import mannwhitneyu

    clicked, scores = np.asarray(clicked), np.asarray(scores)
    if groups is None:
        groups = np.zeros(len(clicked))
    groups, total, number = np.asarray(groups), 0.0, 0
    for name in pd.unique(groups):
        y, s = clicked[groups == name], scores[groups == name]
        if 0 < y.sum() < len(y):
            u = mannwhitneyu(s[y == 1], s[y == 0], method="asymptotic").statistic
            total, number = total + u / ((y == 1).sum() * (y == 0).sum()), number + 1
    return total / number if number else float("nan")


# %% wrong="a tie is a win" check="auc_ties" message="You count a tie as a win"
def auc(clicked, scores, groups=None):
    clicked, scores = np.asarray(clicked), np.asarray(scores)
    if np.ptp(scores) == 0:
        return 0.5
    groups = np.zeros(len(clicked)) if groups is None else np.asarray(groups)
    values = []
    for name in np.unique(groups):
        y, s = clicked[groups == name], scores[groups == name]
        if 0 < y.sum() < len(y):
            values.append((s[y == 1][:, None] >= s[y == 0]).mean())
    return np.mean(values) if values else np.nan


# %% wrong="a tie is a loss" check="auc_ties" message="You count a tie as a loss"
def auc(clicked, scores, groups=None):
    clicked, scores = np.asarray(clicked), np.asarray(scores)
    if np.ptp(scores) == 0:
        return 0.5
    groups = np.zeros(len(clicked)) if groups is None else np.asarray(groups)
    values = []
    for name in np.unique(groups):
        y, s = clicked[groups == name], scores[groups == name]
        if 0 < y.sum() < len(y):
            values.append((s[y == 1][:, None] > s[y == 0]).mean())
    return np.mean(values) if values else np.nan


# %% wrong="ranks in order of appearance" check="auc" message="Equal scores are all ties"
def auc(clicked, scores, groups=None):
    clicked = np.asarray(clicked)
    rank = np.argsort(np.argsort(np.asarray(scores), kind="stable")) + 1
    up, down = clicked.sum(), (1 - clicked).sum()
    return (rank[clicked == 1].sum() - up * (up + 1) / 2) / (up * down)


# %% wrong="cuts the scores at one half" check="auc_ties" message="You cut the scores at 0.5"
def auc(clicked, scores, groups=None):
    clicked, scores = np.asarray(clicked), np.asarray(scores)
    if scores.min() >= 0 and scores.max() <= 1 and len(np.unique(scores)) > 2:
        scores = scores >= 0.5
    return roc_auc_score(clicked, scores) if 0 < clicked.sum() < len(clicked) else np.nan


# %% wrong="no AUC becomes one half" check="auc_ties" message="there is no AUC; you return 0.5"
def auc(clicked, scores, groups=None):
    rows = pd.DataFrame({"y": np.asarray(clicked), "s": np.asarray(scores)})
    rows["g"] = 0 if groups is None else np.asarray(groups)
    values = [roc_auc_score(g["y"], g["s"]) for _, g in rows.groupby("g") if g["y"].nunique() == 2]
    return np.mean(values) if values else 0.5


# %% wrong="one AUC that mixes users" check="auc_groups" message="You return the AUC over all rows"
def auc(clicked, scores, groups=None):
    clicked = np.asarray(clicked)
    return roc_auc_score(clicked, scores) if 0 < clicked.sum() < len(clicked) else np.nan


# %% wrong="one AUC that mixes users, served" check="auc_world" message="By your AUC cheap is ahead"
def auc(clicked, scores, groups=None):
    clicked = np.asarray(clicked)
    return roc_auc_score(clicked, scores) if 0 < clicked.sum() < len(clicked) else np.nan


# %% wrong="weighs users by their rows" check="auc_groups" message="You weigh users by their rows"
def auc(clicked, scores, groups=None):
    rows = pd.DataFrame({"y": np.asarray(clicked), "s": np.asarray(scores)})
    rows["g"] = 0 if groups is None else np.asarray(groups)
    parts = [g for _, g in rows.groupby("g") if g["y"].nunique() == 2]
    if not parts:
        return np.nan
    values = [roc_auc_score(part["y"], part["s"]) for part in parts]
    return np.average(values, weights=[len(part) for part in parts])


# %% wrong="users without a pair count one half" check="auc_groups" message="You count users without a pair as ½"
def auc(clicked, scores, groups=None):
    rows = pd.DataFrame({"y": np.asarray(clicked), "s": np.asarray(scores)})
    if groups is None:
        return roc_auc_score(rows["y"], rows["s"]) if rows["y"].nunique() == 2 else np.nan
    rows["g"] = np.asarray(groups)
    return np.mean(
        [
            roc_auc_score(g["y"], g["s"]) if g["y"].nunique() == 2 else 0.5
            for _, g in rows.groupby("g")
        ]
    )


# %% wrong="users without a pair count zero" check="auc_groups" message="You count users without a pair as 0"
def auc(clicked, scores, groups=None):
    rows = pd.DataFrame({"y": np.asarray(clicked), "s": np.asarray(scores)})
    if groups is None:
        return roc_auc_score(rows["y"], rows["s"]) if rows["y"].nunique() == 2 else np.nan
    rows["g"] = np.asarray(groups)
    total = sum(roc_auc_score(g["y"], g["s"]) for _, g in rows.groupby("g") if g["y"].nunique() > 1)
    return total / rows["g"].nunique()


# %% wrong="ranks ties in order of appearance, all equal patched" check="auc_ties" message="equal scores share the mean of their ranks"
def auc(clicked, scores, groups=None):
    clicked, scores = np.asarray(clicked), np.asarray(scores)
    if np.ptp(scores) == 0:
        return 0.5
    rank = rankdata(scores, "ordinal")  # equal scores in order of appearance
    up, down = clicked.sum(), (1 - clicked).sum()
    return (rank[clicked == 1].sum() - up * (up + 1) / 2) / (up * down) if up * down else np.nan
