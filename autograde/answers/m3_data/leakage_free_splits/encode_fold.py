"""Answers to `encode_fold`."""


# %% right="TargetEncoder from scikit-learn"
def encode_fold(category, y, train, test, n_folds, seed):
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    names, y = np.asarray(category, dtype=object).reshape(-1, 1), np.asarray(y)
    inner = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    encoder = TargetEncoder(target_type="binary", cv=inner)
    train_codes = encoder.fit_transform(names[train], y[train])[:, 0]
    return train_codes, encoder.transform(names[test])[:, 0]


# %% right="K folds by hand, shrunk towards the mean"
def encode_fold(category, y, train, test, n_folds, seed):
    category, y, train, test = (np.asarray(part) for part in (category, y, train, test))
    fold = np.random.default_rng(seed).integers(0, n_folds, len(train))
    weight = 2.0

    def means(used):
        total, count = {}, {}
        for name, label in zip(category[used], y[used], strict=True):
            total[name] = total.get(name, 0) + label
            count[name] = count.get(name, 0) + 1
        overall = y[used].mean()
        shrunk = {n: (total[n] + weight * overall) / (count[n] + weight) for n in total}
        return shrunk, overall

    train_codes = np.empty(len(train))
    for k in range(n_folds):
        known, overall = means(train[fold != k])
        train_codes[fold == k] = [known.get(n, overall) for n in category[train[fold == k]]]
    known, overall = means(train)
    return train_codes, np.array([known.get(n, overall) for n in category[test]])


# %% right="ordered, as in CatBoost: earlier rows of a random order only"
def encode_fold(category, y, train, test, n_folds, seed):
    category, y = pd.Series(np.asarray(category)), pd.Series(np.asarray(y, dtype=float))
    train, test = np.asarray(train), np.asarray(test)
    order = np.random.default_rng(seed).permutation(len(train))
    name, label = category[train[order]], y[train[order]]
    prior = y[train].mean()
    seen = label.groupby(name).cumcount()
    total = label.groupby(name).cumsum() - label
    train_codes = np.empty(len(train))
    train_codes[order] = ((total + prior) / (seen + 1)).to_numpy()
    mean = y[train].groupby(category[train]).agg(["sum", "count"])
    code = (mean["sum"] + prior) / (mean["count"] + 1)
    return train_codes, category[test].map(code).fillna(prior).to_numpy()


# %% wrong="mean label over training and test rows together" check="encode_fold_test_labels" message="the encoding has seen the answers"
def encode_fold(category, y, train, test, n_folds, seed):
    category, y = pd.Series(np.asarray(category)), pd.Series(np.asarray(y, dtype=float))
    codes = y.groupby(category).transform("mean").to_numpy()
    return codes[train], codes[test]


# %% wrong="mean of the training rows, applied to the same rows" check="encode_fold_own_label" message="contains its own label"
def encode_fold(category, y, train, test, n_folds, seed):
    category, y = pd.Series(np.asarray(category)), pd.Series(np.asarray(y, dtype=float))
    mean = y[train].groupby(category[train]).mean()
    codes = category.map(mean).fillna(y[train].mean()).to_numpy()
    return codes[train], codes[test]


# %% wrong="leaves out only the row itself" check="encode_fold_own_label" message="upside down"
def encode_fold(category, y, train, test, n_folds, seed):
    category, y = pd.Series(np.asarray(category)), pd.Series(np.asarray(y, dtype=float))
    groups = y[train].groupby(category[train])
    total, count = groups.transform("sum"), groups.transform("count")
    overall = y[train].mean()
    others = ((total - y[train]) / (count - 1)).fillna(overall)
    codes = category[test].map(groups.mean()).fillna(overall)
    return others.to_numpy(), codes.to_numpy()


# %% wrong="no code for unseen categories" check="encode_fold" message="rows have no code"
def encode_fold(category, y, train, test, n_folds, seed):
    category, y = pd.Series(np.asarray(category)), pd.Series(np.asarray(y, dtype=float))
    train_codes = np.empty(len(train))
    for rest, fold in KFold(n_folds, shuffle=True, random_state=seed).split(train):
        mean = y[train[rest]].groupby(category[train[rest]]).mean()
        train_codes[fold] = category[train[fold]].map(mean)
    return train_codes, category[test].map(y[train].groupby(category[train]).mean())


# %% wrong="code 0 for unseen categories" check="encode_fold_signal" message="categories that are new get 0.00"
def encode_fold(category, y, train, test, n_folds, seed):
    category, y = pd.Series(np.asarray(category)), pd.Series(np.asarray(y, dtype=float))
    train_codes = np.empty(len(train))
    for rest, fold in KFold(n_folds, shuffle=True, random_state=seed).split(train):
        mean = y[train[rest]].groupby(category[train[rest]]).mean()
        train_codes[fold] = category[train[fold]].map(mean).fillna(0)
    return train_codes, category[test].map(y[train].groupby(category[train]).mean()).fillna(0)


# %% wrong="counts instead of mean labels" check="encode_fold_signal" message="test codes are off the true rates"
def encode_fold(category, y, train, test, n_folds, seed):
    category = pd.Series(np.asarray(category))
    share = category[train].value_counts(normalize=True)
    overall = float(np.asarray(y)[train].mean())
    codes = category.map(share).fillna(overall).to_numpy()
    return codes[train], codes[test]
