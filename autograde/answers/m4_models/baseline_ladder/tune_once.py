"""Answers to `tune_once`."""


# %% right="a validation set cut from the training rows"
def tune_once(candidates, X, y, X_test, y_test, seed):
    order = np.random.default_rng(seed).permutation(len(y))
    fit, held = order[: 2 * len(y) // 3], order[2 * len(y) // 3 :]
    scores = {}
    for name, model in candidates.items():
        fitted = clone(model).fit(X[fit], y[fit])
        scores[name] = roc_auc_score(y[held], fitted.predict_proba(X[held])[:, 1])
    chosen = max(scores, key=scores.get)
    final = clone(candidates[chosen]).fit(X, y)
    return {
        "chosen": chosen,
        "promise": roc_auc_score(y_test, final.predict_proba(X_test)[:, 1]),
        "validation": scores[chosen],
    }


# %% right="out-of-fold scores, ranked together"
def tune_once(candidates, X, y, X_test, y_test, seed):
    from sklearn.model_selection import cross_val_predict

    best, chosen = -1.0, None
    for name, model in candidates.items():
        folds = StratifiedKFold(4, shuffle=True, random_state=seed)
        out = cross_val_predict(model, X, y, cv=folds, method="predict_proba")[:, 1]
        score = roc_auc_score(y, out)
        if score > best:
            best, chosen = score, name
    final = clone(candidates[chosen])
    final.fit(X, y)
    promise = np.float64(roc_auc_score(y_test, final.predict_proba(X_test)[:, 1]))
    return {"chosen": chosen, "promise": promise}


# %% wrong="chooses on the test rows" check="tune_once_choice" message="has looked at the test labels"
def tune_once(candidates, X, y, X_test, y_test, seed):
    scores = {
        name: roc_auc_score(y_test, clone(model).fit(X, y).predict_proba(X_test)[:, 1])
        for name, model in candidates.items()
    }
    chosen = max(scores, key=scores.get)
    return {"chosen": chosen, "promise": scores[chosen]}


# %% wrong="chooses on the rows that the candidates were fitted to" check="tune_once_choice" message="validate on rows held out from the fit"
def tune_once(candidates, X, y, X_test, y_test, seed):
    fitted = {name: clone(model).fit(X, y) for name, model in candidates.items()}
    scores = {
        name: roc_auc_score(y, model.predict_proba(X)[:, 1]) for name, model in fitted.items()
    }
    chosen = max(scores, key=scores.get)
    promise = roc_auc_score(y_test, fitted[chosen].predict_proba(X_test)[:, 1])
    return {"chosen": chosen, "promise": promise}


# %% wrong="cross-validates without `scoring`, so by accuracy" check="tune_once_choice" message="not by accuracy, the default"
def tune_once(candidates, X, y, X_test, y_test, seed):
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    scores = {
        name: cross_val_score(model, X, y, cv=folds).mean() for name, model in candidates.items()
    }
    chosen = max(scores, key=scores.get)
    final = clone(candidates[chosen]).fit(X, y)
    return {
        "chosen": chosen,
        "promise": roc_auc_score(y_test, final.predict_proba(X_test)[:, 1]),
    }


# %% wrong="reports best_score_ of the search" check="tune_once_promise" message="it is the validation score that made the candidate win"
def tune_once(candidates, X, y, X_test, y_test, seed):
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    scores = {
        name: cross_val_score(model, X, y, cv=folds, scoring="roc_auc").mean()
        for name, model in candidates.items()
    }
    chosen = max(scores, key=scores.get)
    return {"chosen": chosen, "promise": scores[chosen]}


# %% wrong="trains the chosen one with 20 random seeds and reports the best" check="tune_once_promise" message="scored more than once, and the best score was kept"
def tune_once(candidates, X, y, X_test, y_test, seed):
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    scores = {
        name: cross_val_score(model, X, y, cv=folds, scoring="roc_auc").mean()
        for name, model in candidates.items()
    }
    chosen = max(scores, key=scores.get)
    model = candidates[chosen]
    tries = [clone(model)]
    if "random_state" in model.get_params():
        tries += [clone(model).set_params(random_state=k) for k in range(20)]
    results = [roc_auc_score(y_test, one.fit(X, y).predict_proba(X_test)[:, 1]) for one in tries]
    return {"chosen": chosen, "promise": max(results)}


# %% wrong="fits the chosen one to all rows, test rows included" check="tune_once_promise" message="it was fitted to rows of the test as well"
def tune_once(candidates, X, y, X_test, y_test, seed):
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    scores = {
        name: cross_val_score(model, X, y, cv=folds, scoring="roc_auc").mean()
        for name, model in candidates.items()
    }
    chosen = max(scores, key=scores.get)
    final = clone(candidates[chosen])
    final.fit(np.vstack([X, X_test]), np.concatenate([y, y_test]))
    return {
        "chosen": chosen,
        "promise": roc_auc_score(y_test, final.predict_proba(X_test)[:, 1]),
    }


# %% wrong="reports the best test score of all, whichever was chosen" check="tune_once_promise" message="as it was given reaches"
def tune_once(candidates, X, y, X_test, y_test, seed):
    scores, tested = {}, []
    for name, model in candidates.items():
        folds = StratifiedKFold(3, shuffle=True, random_state=seed)
        scores[name] = cross_val_score(model, X, y, cv=folds, scoring="roc_auc").mean()
        fitted = clone(model).fit(X, y)
        tested.append(roc_auc_score(y_test, fitted.predict_proba(X_test)[:, 1]))
    return {"chosen": max(scores, key=scores.get), "promise": max(tested)}
