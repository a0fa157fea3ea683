"""Answers to `split_future`."""


# %% right="boolean masks on the dates"
def split_future(rows, test_from, label_delay_days):
    day = rows["snapshot"].to_numpy()
    last = np.datetime64(test_from - pd.Timedelta(days=label_delay_days))
    return np.where(day <= last)[0], np.where(day >= np.datetime64(test_from))[0]


# %% right="a loop over the dates"
def split_future(rows, test_from, label_delay_days):
    train, test = [], []
    for position, day in enumerate(rows["snapshot"]):
        age = (test_from - day).days
        if age >= label_delay_days:
            train.append(position)
        elif day >= test_from:
            test.append(position)
    return train, test


# %% right="sorted first, cut by searchsorted, translated back to positions"
def split_future(rows, test_from, label_delay_days):
    order = np.argsort(rows["snapshot"].to_numpy(), kind="stable")
    days = rows["snapshot"].iloc[order]
    last = test_from - pd.Timedelta(days=label_delay_days)
    cut = days.searchsorted(last, side="right")
    start = days.searchsorted(test_from, side="left")
    return np.sort(order[:cut]), np.sort(order[start:])


# %% wrong="cuts an unsorted table by row number, as TimeSeriesSplit does" check="split_future_order" message="the order of the rows was taken for the order of time"
def split_future(rows, test_from, label_delay_days):
    days = rows["snapshot"]
    n_test = int((days >= test_from).sum())
    n_train = int((days + pd.Timedelta(days=label_delay_days) <= test_from).sum())
    positions = np.arange(len(rows))
    return positions[:n_train], positions[len(rows) - n_test :]


# %% wrong="TimeSeriesSplit with a gap of as many rows as the delay has days" check="split_future_embargo" message="the delay is in days, not in rows"
def split_future(rows, test_from, label_delay_days):
    from sklearn.model_selection import TimeSeriesSplit

    order = np.argsort(rows["snapshot"].to_numpy(), kind="stable")
    n_test = int((rows["snapshot"] >= test_from).sum())
    if len(rows) <= n_test + label_delay_days + 1:
        return split_by_mask(rows, test_from, label_delay_days)
    splitter = TimeSeriesSplit(n_splits=2, test_size=n_test // 2, gap=label_delay_days)
    train, _ = next(splitter.split(order))
    return order[train], np.flatnonzero(rows["snapshot"] >= test_from)


def split_by_mask(rows, test_from, label_delay_days):
    final = rows["snapshot"] + pd.Timedelta(days=label_delay_days)
    return np.flatnonzero(final <= test_from), np.flatnonzero(rows["snapshot"] >= test_from)


# %% wrong="a shuffled K-fold: future rows in training" check="split_future_order" message="trained on its own future"
def split_future(rows, test_from, label_delay_days):
    _, test = next(KFold(4, shuffle=True, random_state=0).split(rows))
    return np.setdiff1d(np.arange(len(rows)), test), test


# %% wrong="no embargo" check="split_future_embargo" message="training labels were not final on test_from"
def split_future(rows, test_from, label_delay_days):
    before = (rows["snapshot"] < test_from).to_numpy()
    return np.flatnonzero(before), np.flatnonzero(~before)


# %% wrong="an embargo that is one day too long" check="split_future_embargo" message="became final on test_from itself"
def split_future(rows, test_from, label_delay_days):
    final = rows["snapshot"] + pd.Timedelta(days=label_delay_days)
    return np.flatnonzero(final < test_from), np.flatnonzero(rows["snapshot"] >= test_from)


# %% wrong="a second embargo on the test side" check="split_future_order" message="snapshots are on or after test_from"
def split_future(rows, test_from, label_delay_days):
    delay = pd.Timedelta(days=label_delay_days)
    train = np.flatnonzero(rows["snapshot"] + delay <= test_from)
    return train, np.flatnonzero(rows["snapshot"] >= test_from + delay)


# %% wrong="index labels instead of positions" check="split_future_order" message="these are index labels, not positions"
def split_future(rows, test_from, label_delay_days):
    final = rows["snapshot"] + pd.Timedelta(days=label_delay_days)
    return rows.index[final <= test_from], rows.index[rows["snapshot"] >= test_from]
