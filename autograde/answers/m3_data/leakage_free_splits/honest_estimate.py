"""Answers to `honest_estimate`."""


# %% right="seven folds, from the middle of the calendar, with cross_val_score"
def honest_estimate(model, rows, label_delay_days, seed):
    person = people(rows, crossing_copies(rows, rows))
    first, last = rows["snapshot"].min(), rows["snapshot"].max()
    test_from = (first + (last - first) * 0.55).normalize()
    folds = split_future_new_users(
        rows.assign(user_id=person), test_from, label_delay_days, 7, seed
    )
    return cross_val_score(model, rows, rows["lapsed"], cv=folds, scoring="roc_auc").mean()


# %% right="written anew: scipy for the copies, shuffle-split of people, masks on dates"
def honest_estimate(model, rows, label_delay_days, seed):
    from scipy.spatial import cKDTree
    from sklearn.model_selection import GroupShuffleSplit

    tree = cKDTree(rows[NUMERIC].to_numpy())
    pairs = tree.query_pairs(0.15, output_type="ndarray")
    person = people(rows, pairs)
    day = rows["snapshot"]
    cut = day.quantile(0.6)
    old = (day + pd.Timedelta(days=label_delay_days) <= cut).to_numpy()
    scores = []
    splitter = GroupShuffleSplit(8, test_size=0.3, random_state=seed)
    for train, test in splitter.split(rows, groups=person):
        train, test = train[old[train]], test[(day >= cut).to_numpy()[test]]
        fitted = clone(model).fit(rows.iloc[train], rows["lapsed"].iloc[train])
        probability = fitted.predict_proba(rows.iloc[test])[:, 1]
        scores.append(roc_auc_score(rows["lapsed"].iloc[test], probability))
    return np.mean(scores)


# %% right="three folds, keeping one account of each person"
def honest_estimate(model, rows, label_delay_days, seed):
    person = people(rows, crossing_copies(rows, rows))
    account = pd.Series(rows["user_id"].to_numpy()).groupby(person).transform("min")
    single = rows[(account == rows["user_id"].to_numpy()).to_numpy()]
    test_from = single["snapshot"].quantile(0.6)
    folds = split_future_new_users(single, test_from, label_delay_days, 3, seed)
    return cross_val_score(model, single, single["lapsed"], cv=folds, scoring="roc_auc").mean()


# %% wrong="the best fold" check="honest_estimate_truth" message="is it the best fold"
def honest_estimate(model, rows, label_delay_days, seed):
    by_person = rows.assign(user_id=people(rows, crossing_copies(rows, rows)))
    test_from = rows["snapshot"].quantile(0.65).normalize()
    folds = split_future_new_users(by_person, test_from, label_delay_days, 5, seed)
    return cross_val_score(model, rows, rows["lapsed"], cv=folds, scoring="roc_auc").max()


# %% wrong="the AUC of 0/1 predictions" check="honest_estimate_truth" message="is it the AUC of 0/1 predictions"
def honest_estimate(model, rows, label_delay_days, seed):
    by_person = rows.assign(user_id=people(rows, crossing_copies(rows, rows)))
    test_from = rows["snapshot"].quantile(0.65).normalize()
    scores = []
    for train, test in split_future_new_users(by_person, test_from, label_delay_days, 5, seed):
        fitted = clone(model).fit(rows.iloc[train], rows["lapsed"].iloc[train])
        scores.append(roc_auc_score(rows["lapsed"].iloc[test], fitted.predict(rows.iloc[test])))
    return float(np.mean(scores))


# %% wrong="random rows" check="honest_estimate_people" message="rows of the same viewer are on both sides"
def honest_estimate(model, rows, label_delay_days, seed):
    folds = KFold(5, shuffle=True, random_state=seed)
    return cross_val_score(model, rows, rows["lapsed"], cv=folds, scoring="roc_auc").mean()


# %% wrong="groups are accounts, not people" check="honest_estimate_people" message="people with two accounts are on both sides"
def honest_estimate(model, rows, label_delay_days, seed):
    test_from = rows["snapshot"].quantile(0.65).normalize()
    folds = split_future_new_users(rows, test_from, label_delay_days, 5, seed)
    return cross_val_score(model, rows, rows["lapsed"], cv=folds, scoring="roc_auc").mean()


# %% wrong="new people, but past and future mixed" check="honest_estimate_later" message="your folds mix past and future"
def honest_estimate(model, rows, label_delay_days, seed):
    by_person = rows.assign(user_id=people(rows, crossing_copies(rows, rows)))
    folds = split_new_users(by_person, 5, seed)
    return cross_val_score(model, rows, rows["lapsed"], cv=folds, scoring="roc_auc").mean()


# %% wrong="fits on all rows, then scores each test side" check="honest_estimate_choice" message="your estimate chooses everything"
def honest_estimate(model, rows, label_delay_days, seed):
    by_person = rows.assign(user_id=people(rows, crossing_copies(rows, rows)))
    test_from = rows["snapshot"].quantile(0.65).normalize()
    fitted = clone(model).fit(rows, rows["lapsed"])
    scores = []
    for _, test in split_future_new_users(by_person, test_from, label_delay_days, 5, seed):
        probability = fitted.predict_proba(rows.iloc[test])[:, 1]
        scores.append(roc_auc_score(rows["lapsed"].iloc[test], probability))
    return float(np.mean(scores))


# %% wrong="validates a model of its own" check="honest_estimate_choice" message="both candidates get the same estimate"
def honest_estimate(model, rows, label_delay_days, seed):
    by_person = rows.assign(user_id=people(rows, crossing_copies(rows, rows)))
    test_from = rows["snapshot"].quantile(0.65).normalize()
    folds = split_future_new_users(by_person, test_from, label_delay_days, 5, seed)
    own = LogisticRegression()
    return cross_val_score(own, rows[NUMERIC], rows["lapsed"], cv=folds, scoring="roc_auc").mean()
