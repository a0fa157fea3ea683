"""Answers to `smote_inside_folds`."""


# %% right="imbalanced-learn's Pipeline with cross_validate"
def smote_inside_folds(X, y, model, n_folds, seed):
    from imblearn.pipeline import make_pipeline
    from sklearn.model_selection import cross_validate

    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    steps = make_pipeline(SMOTE(random_state=seed), model)
    scores = cross_validate(
        steps, X, y, cv=folds, scoring="roc_auc", return_indices=True, error_score="raise"
    )
    validation = scores["indices"]["test"]
    return pd.DataFrame(
        {
            "auc": scores["test_score"],
            "rows": [len(rows) for rows in validation],
            "clicks": [y[rows].sum() for rows in validation],
        }
    )


# %% right="shuffled rows cut by hand, synthetic clicks by hand"
def smote_inside_folds(X, y, model, n_folds, seed):
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(seed)
    parts = np.array_split(rng.permutation(len(y)), n_folds)
    table = []
    for i, part in enumerate(parts):
        fit_rows = np.concatenate([other for j, other in enumerate(parts) if j != i])
        clicks = X[fit_rows][y[fit_rows] == 1]
        wanted = (y[fit_rows] == 0).sum() - len(clicks)
        near = NearestNeighbors(n_neighbors=6).fit(clicks).kneighbors(clicks)[1]
        parent = rng.integers(len(clicks), size=wanted)
        partner = near[parent, rng.integers(1, 6, size=wanted)]
        step = rng.random((wanted, 1))
        synthetic = clicks[parent] + step * (clicks[partner] - clicks[parent])
        fitted = clone(model).fit(
            np.vstack([X[fit_rows], synthetic]), np.r_[y[fit_rows], np.ones(wanted, dtype=int)]
        )
        auc = roc_auc_score(y[part], fitted.predict_proba(X[part])[:, 1])
        table.append((auc, len(part), int(y[part].sum())))
    return pd.DataFrame(table, columns=["auc", "rows", "clicks"])


# %% wrong="resamples all rows, then splits" check="smote_inside_folds_honest" message="Split first, resample after"
def smote_inside_folds(X, y, model, n_folds, seed):
    X, y = SMOTE(random_state=seed).fit_resample(X, y)
    results = []
    for a, b in StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(X, y):
        fitted = clone(model).fit(X[a], y[a])
        auc = roc_auc_score(y[b], fitted.predict_proba(X[b])[:, 1])
        results.append({"auc": auc, "rows": len(b), "clicks": y[b].sum()})
    return pd.DataFrame(results)


# %% wrong="puts the sampler into scikit-learn's Pipeline" check="smote_inside_folds" message="scikit-learn's Pipeline has no sampling step"
def smote_inside_folds(X, y, model, n_folds, seed):
    from sklearn.pipeline import make_pipeline

    results = []
    for a, b in StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(X, y):
        fitted = make_pipeline(SMOTE(random_state=seed), clone(model)).fit(X[a], y[a])
        auc = roc_auc_score(y[b], fitted.predict_proba(X[b])[:, 1])
        results.append({"auc": auc, "rows": len(b), "clicks": y[b].sum()})
    return pd.DataFrame(results)


# %% wrong="applies SMOTE to the validation rows as well" check="smote_inside_folds" message="synthetic rows reached validation"
def smote_inside_folds(X, y, model, n_folds, seed):
    sampler = SMOTE(random_state=seed)
    results = []
    for a, b in StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(X, y):
        fitted = clone(model).fit(*sampler.fit_resample(X[a], y[a]))
        X_check, y_check = sampler.fit_resample(X[b], y[b])
        auc = roc_auc_score(y_check, fitted.predict_proba(X_check)[:, 1])
        results.append({"auc": auc, "rows": len(y_check), "clicks": y_check.sum()})
    return pd.DataFrame(results)


# %% wrong="forgets to resample" check="smote_inside_folds_resamples" message="its training rows were not resampled"
def smote_inside_folds(X, y, model, n_folds, seed):
    results = []
    for a, b in StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(X, y):
        fitted = clone(model).fit(X[a], y[a])
        auc = roc_auc_score(y[b], fitted.predict_proba(X[b])[:, 1])
        results.append({"auc": auc, "rows": len(b), "clicks": y[b].sum()})
    return pd.DataFrame(results)


# %% wrong="scores the probability of no click" check="smote_inside_folds_resamples" message="below chance"
def smote_inside_folds(X, y, model, n_folds, seed):
    results = []
    for a, b in StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(X, y):
        fitted = clone(model).fit(*SMOTE(random_state=seed).fit_resample(X[a], y[a]))
        auc = roc_auc_score(y[b], fitted.predict_proba(X[b])[:, 0])
        results.append({"auc": auc, "rows": len(b), "clicks": y[b].sum()})
    return pd.DataFrame(results)


# %% wrong="takes the AUC of predicted labels" check="smote_inside_folds_resamples" message="AUC from 0/1 labels"
def smote_inside_folds(X, y, model, n_folds, seed):
    results = []
    for a, b in StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(X, y):
        fitted = clone(model).fit(*SMOTE(random_state=seed).fit_resample(X[a], y[a]))
        auc = roc_auc_score(y[b], fitted.predict(X[b]))
        results.append({"auc": auc, "rows": len(b), "clicks": y[b].sum()})
    return pd.DataFrame(results)
