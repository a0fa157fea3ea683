"""Answers to `split_future_new_users`."""


# %% right="drops the shared users from the test side"
def split_future_new_users(rows, test_from, label_delay_days, n_folds, seed):
    rng = np.random.default_rng(seed)
    final = rows["snapshot"] + pd.Timedelta(days=label_delay_days)
    old, later = final <= test_from, rows["snapshot"] >= test_from
    folds = []
    for _ in range(n_folds):
        users = rows["user_id"].unique()
        kept = rng.choice(users, size=int(0.75 * len(users)), replace=False)
        train = old & rows["user_id"].isin(kept)
        shared = rows["user_id"].isin(rows["user_id"][train])
        folds.append((np.flatnonzero(train), np.flatnonzero(later & ~shared)))
    return folds


# %% right="GroupKFold, then masks on the dates"
def split_future_new_users(rows, test_from, label_delay_days, n_folds, seed):
    from sklearn.model_selection import GroupKFold

    old = (test_from - rows["snapshot"]).dt.days.to_numpy() >= label_delay_days
    later = (rows["snapshot"] >= test_from).to_numpy()
    splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
    return [
        (train[old[train]], test[later[test]])
        for train, test in splitter.split(rows, groups=rows["user_id"])
    ]


# %% right="sets of users in a loop, lists as positions"
def split_future_new_users(rows, test_from, label_delay_days, n_folds, seed):
    users = list(dict.fromkeys(rows["user_id"].tolist()))
    np.random.default_rng(seed).shuffle(users)
    folds = []
    for k in range(n_folds):
        held_out, train, test = set(users[k::n_folds]), [], []
        for i, (user, day) in enumerate(zip(rows["user_id"], rows["snapshot"], strict=True)):
            if user in held_out and day >= test_from:
                test.append(i)
            if user not in held_out and day + pd.Timedelta(days=label_delay_days) <= test_from:
                train.append(i)
        folds.append((train, test))
    return folds


# %% wrong="time only: the users are shared" check="split_future_new_users_strangers" message="its users are old friends"
def split_future_new_users(rows, test_from, label_delay_days, n_folds, seed):
    final = rows["snapshot"] + pd.Timedelta(days=label_delay_days)
    train = np.flatnonzero(final <= test_from)
    later = np.flatnonzero(rows["snapshot"] >= test_from)
    shuffled = np.random.default_rng(seed).permutation(later)
    return [(train, test) for test in np.array_split(shuffled, n_folds)]


# %% wrong="users only: the time is mixed" check="split_future_new_users_later" message="your time is mixed"
def split_future_new_users(rows, test_from, label_delay_days, n_folds, seed):
    from sklearn.model_selection import GroupKFold

    splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
    return list(splitter.split(rows, groups=rows["user_id"]))


# %% wrong="trains on all weeks of the other users" check="split_future_new_users_later" message="though of other users"
def split_future_new_users(rows, test_from, label_delay_days, n_folds, seed):
    from sklearn.model_selection import GroupKFold

    later = (rows["snapshot"] >= test_from).to_numpy()
    splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
    return [
        (train, test[later[test]]) for train, test in splitter.split(rows, groups=rows["user_id"])
    ]


# %% wrong="tests on all weeks of the new users" check="split_future_new_users_later" message="test rows are from before test_from"
def split_future_new_users(rows, test_from, label_delay_days, n_folds, seed):
    from sklearn.model_selection import GroupKFold

    old = (test_from - rows["snapshot"]).dt.days.to_numpy() >= label_delay_days
    splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
    return [
        (train[old[train]], test) for train, test in splitter.split(rows, groups=rows["user_id"])
    ]


# %% wrong="no embargo" check="split_future_new_users_later" message="days is missing"
def split_future_new_users(rows, test_from, label_delay_days, n_folds, seed):
    from sklearn.model_selection import GroupKFold

    later = (rows["snapshot"] >= test_from).to_numpy()
    splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
    return [
        (train[~later[train]], test[later[test]])
        for train, test in splitter.split(rows, groups=rows["user_id"])
    ]


# %% wrong="drops the shared users from the training side, where nobody is left" check="split_future_new_users" message="training rows of"
def split_future_new_users(rows, test_from, label_delay_days, n_folds, seed):
    final = rows["snapshot"] + pd.Timedelta(days=label_delay_days)
    later = rows["snapshot"] >= test_from
    left = ~rows["user_id"].isin(rows["user_id"][later])
    train, test = np.flatnonzero((final <= test_from) & left), np.flatnonzero(later)
    return [(train, test)] * n_folds


# %% wrong="index labels instead of positions" check="split_future_new_users_strangers" message="you return index labels"
def split_future_new_users(rows, test_from, label_delay_days, n_folds, seed):
    final = rows["snapshot"] + pd.Timedelta(days=label_delay_days)
    users = np.random.default_rng(seed).permutation(rows["user_id"].unique())
    folds = []
    for held_out in np.array_split(users, n_folds):
        new = rows["user_id"].isin(held_out)
        train, test = (final <= test_from) & ~new, (rows["snapshot"] >= test_from) & new
        folds.append((rows.index[train], rows.index[test]))
    return folds
