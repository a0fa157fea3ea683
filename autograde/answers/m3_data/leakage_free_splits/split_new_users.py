"""Answers to `split_new_users`."""


# %% right="GroupKFold from scikit-learn"
def split_new_users(rows, n_folds, seed):
    from sklearn.model_selection import GroupKFold

    splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
    return list(splitter.split(rows, groups=rows["user_id"]))


# %% right="StratifiedGroupKFold from scikit-learn"
def split_new_users(rows, n_folds, seed):
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    return list(splitter.split(rows, rows["lapsed"], groups=rows["user_id"]))


# %% right="GroupShuffleSplit from scikit-learn: test sides may overlap"
def split_new_users(rows, n_folds, seed):
    from sklearn.model_selection import GroupShuffleSplit

    splitter = GroupShuffleSplit(n_folds, test_size=0.25, random_state=seed)
    return list(splitter.split(rows, groups=rows["user_id"]))


# %% right="a loop over shuffled users, lists as positions"
def split_new_users(rows, n_folds, seed):
    users = sorted(set(rows["user_id"]))
    np.random.default_rng(seed).shuffle(users)
    folds = []
    for k in range(n_folds):
        held_out = set(users[k::n_folds])
        test = [i for i, user in enumerate(rows["user_id"]) if user in held_out]
        train = [i for i, user in enumerate(rows["user_id"]) if user not in held_out]
        folds.append((train, test))
    return folds


# %% wrong="train_test_split on rows" check="split_new_users_disjoint" message="rows were divided, not users"
def split_new_users(rows, n_folds, seed):
    from sklearn.model_selection import train_test_split

    positions = np.arange(len(rows))
    return [
        tuple(train_test_split(positions, test_size=1 / n_folds, random_state=seed + k))
        for k in range(n_folds)
    ]


# %% wrong="stratified by label only" check="split_new_users_disjoint" message="stratified by label"
def split_new_users(rows, n_folds, seed):
    from sklearn.model_selection import StratifiedKFold

    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    return list(splitter.split(rows, rows["lapsed"]))


# %% wrong="index labels instead of positions" check="split_new_users_disjoint" message="index labels, not positions"
def split_new_users(rows, n_folds, seed):
    users = np.random.default_rng(seed).permutation(rows["user_id"].unique())
    folds = []
    for held_out in np.array_split(users, n_folds):
        in_test = rows["user_id"].isin(held_out)
        folds.append((rows.index[~in_test].to_numpy(), rows.index[in_test].to_numpy()))
    return folds


# %% wrong="sorts by user and cuts blocks of equal length" check="split_new_users_disjoint" message="cut in two where one fold ends"
def split_new_users(rows, n_folds, seed):
    order = np.argsort(rows["user_id"].to_numpy(), kind="stable")
    blocks = np.array_split(order, n_folds)
    return [
        (np.concatenate([b for j, b in enumerate(blocks) if j != k]), blocks[k])
        for k in range(n_folds)
    ]


# %% wrong="another split each time, whatever the seed" check="split_new_users_disjoint" message="the same seed gave other folds"
def split_new_users(rows, n_folds, seed):
    from sklearn.model_selection import GroupShuffleSplit

    splitter = GroupShuffleSplit(n_folds, test_size=0.2)
    return list(splitter.split(rows, groups=rows["user_id"]))


# %% wrong="one user per test side" check="split_new_users" message="of the rows; expected 5 % to 50 %"
def split_new_users(rows, n_folds, seed):
    users = np.random.default_rng(seed).permutation(rows["user_id"].unique())[:n_folds]
    return [
        (np.flatnonzero(rows["user_id"] != user), np.flatnonzero(rows["user_id"] == user))
        for user in users
    ]
