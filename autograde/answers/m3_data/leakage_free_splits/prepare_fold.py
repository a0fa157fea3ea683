"""Answers to `prepare_fold`."""


# %% right="numpy by hand"
def prepare_fold(X, y, train, test, n_features):
    median = np.nanmedian(X[train], axis=0)
    filled = np.where(np.isnan(X), median, X)
    mean, deviation = filled[train].mean(axis=0), filled[train].std(axis=0)
    scaled = (filled - mean) / deviation
    score = f_classif(scaled[train], y[train])[0]
    kept = np.sort(np.argsort(-score)[:n_features])
    return scaled[train][:, kept], scaled[test][:, kept]


# %% right="ColumnTransformer for the first two steps"
def prepare_fold(X, y, train, test, n_features):
    every_column = list(range(X.shape[1]))
    clean = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), every_column)
    )
    select = SelectKBest(f_classif, k=n_features)
    X_train = select.fit_transform(clean.fit_transform(X[train]), y[train])
    return X_train, select.transform(clean.transform(X[test]))


# %% right="frames, and the step order written out"
def prepare_fold(X, y, train, test, n_features):
    one, two = pd.DataFrame(X[train]), pd.DataFrame(X[test])
    median = one.median()
    one, two = one.fillna(median), two.fillna(median)
    mean, deviation = one.mean(), one.std(ddof=0)
    one, two = (one - mean) / deviation, (two - mean) / deviation
    select = SelectKBest(f_classif, k=n_features).set_output(transform="pandas")
    one.columns = two.columns = [f"c{number}" for number in one.columns]
    return select.fit_transform(one, y[train]), select.transform(two)


# %% wrong="scales all rows before splitting" check="prepare_fold_poison" message="the scale was learned from all rows"
def prepare_fold(X, y, train, test, n_features):
    filled = np.where(np.isnan(X), np.nanmedian(X[train], axis=0), X)
    scaled = StandardScaler().fit_transform(filled)
    select = SelectKBest(f_classif, k=n_features).fit(scaled[train], y[train])
    return select.transform(scaled[train]), select.transform(scaled[test])


# %% wrong="fills gaps with the median of all rows" check="prepare_fold_poison" message="the median was learned from all rows"
def prepare_fold(X, y, train, test, n_features):
    filled = SimpleImputer(strategy="median").fit_transform(X)
    steps = make_pipeline(StandardScaler(), SelectKBest(f_classif, k=n_features))
    return steps.fit_transform(filled[train], y[train]), steps.transform(filled[test])


# %% wrong="fit_transform on the test rows" check="prepare_fold_poison" message="scaled by their own statistics"
def prepare_fold(X, y, train, test, n_features):
    impute, scale = SimpleImputer(strategy="median"), StandardScaler()
    select = SelectKBest(f_classif, k=n_features)
    X_train = select.fit_transform(scale.fit_transform(impute.fit_transform(X[train])), y[train])
    X_test = select.transform(scale.fit_transform(impute.transform(X[test])))
    return X_train, X_test


# %% wrong="SelectKBest on all rows" check="prepare_fold_labels" message="chosen with the labels that they will be tested on"
def prepare_fold(X, y, train, test, n_features):
    filled = np.where(np.isnan(X), np.nanmedian(X[train], axis=0), X)
    kept = SelectKBest(f_classif, k=n_features).fit(filled, y).get_support()
    scale = StandardScaler().fit(filled[train][:, kept])
    return scale.transform(filled[train][:, kept]), scale.transform(filled[test][:, kept])


# %% wrong="a PCA on all rows" check="prepare_fold_labels" message="mixtures, as of a PCA"
def prepare_fold(X, y, train, test, n_features):
    from sklearn.decomposition import PCA

    filled = SimpleImputer(strategy="median").fit(X[train]).transform(X)
    scaled = StandardScaler().fit(filled[train]).transform(filled)
    components = PCA(n_features).fit_transform(scaled)
    return components[train], components[test]


# %% wrong="imputes and selects, but does not scale" check="prepare_fold_poison" message="off mean 0 and standard deviation 1"
def prepare_fold(X, y, train, test, n_features):
    steps = make_pipeline(SimpleImputer(strategy="median"), SelectKBest(f_classif, k=n_features))
    return steps.fit_transform(X[train], y[train]), steps.transform(X[test])


# %% wrong="keeps the first columns" check="prepare_fold_labels" message="with the largest F statistic are missing"
def prepare_fold(X, y, train, test, n_features):
    steps = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return steps.fit_transform(X[train])[:, :n_features], steps.transform(X[test])[:, :n_features]
