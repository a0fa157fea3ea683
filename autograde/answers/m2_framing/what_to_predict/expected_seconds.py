"""Answers to `expected_seconds`."""


# %% right="Poisson regression"
def expected_seconds(X, clicked, seconds, X_new):
    return PoissonRegressor(alpha=0, solver="newton-cholesky").fit(X, seconds).predict(X_new)


# %% right="Tweedie regression, between Poisson and gamma"
def expected_seconds(X, clicked, seconds, X_new):
    from sklearn.linear_model import TweedieRegressor

    model = TweedieRegressor(power=1.5, alpha=0, link="log", solver="newton-cholesky")
    return model.fit(X, seconds).predict(X_new)


# %% right="weighted logistic regression by Newton's method"
def expected_seconds(X, clicked, seconds, X_new):
    design = np.column_stack([np.ones(len(X)), X])
    weight = np.where(clicked == 1, seconds, 1.0)
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (weight * (clicked - p)) - 1e-3 * beta
        curvature = design.T @ (design * (weight * p * (1 - p))[:, None])
        beta = beta + np.linalg.solve(curvature + 1e-3 * np.eye(len(beta)), gradient)
    return np.exp(np.column_stack([np.ones(len(X_new)), X_new]) @ beta)


# %% right="odds from predict_proba, clicks of 0 seconds as negatives"
def expected_seconds(X, clicked, seconds, X_new):
    watched = np.asarray(seconds) > 0
    model = LogisticRegression(C=1e3, max_iter=500)
    model.fit(X, watched, sample_weight=np.where(watched, seconds, 1.0))
    p = model.predict_proba(X_new)[:, 1]
    return p / (1 - p)


# %% right="probability of a click times seconds given a click"
def expected_seconds(X, clicked, seconds, X_new):
    from sklearn.linear_model import GammaRegressor

    hit = (np.asarray(clicked) == 1) & (np.asarray(seconds) > 0)
    chance = LogisticRegression().fit(X, clicked).predict_proba(X_new)[:, 1]
    given = GammaRegressor(alpha=0, solver="newton-cholesky").fit(X[hit], seconds[hit])
    return chance * given.predict(X_new)


# %% wrong="serves the sigmoid" check="expected_seconds_truth" message="Its odds are the seconds"
def expected_seconds(X, clicked, seconds, X_new):
    weights = np.where(clicked == 1, seconds, 1.0)
    model = LogisticRegression().fit(X, clicked, sample_weight=weights)
    return model.predict_proba(X_new)[:, 1]


# %% wrong="gives the negatives the weight of the seconds" check="expected_seconds_truth" message="theirs is 1"
def expected_seconds(X, clicked, seconds, X_new):
    weights = np.where(clicked == 1, 1.0, seconds[clicked == 1].mean())
    model = LogisticRegression().fit(X, clicked, sample_weight=weights)
    return np.exp(model.decision_function(X_new))


# %% wrong="clicks times the mean seconds" check="expected_seconds_truth" message="the most clicked are watched least"
def expected_seconds(X, clicked, seconds, X_new):
    chance = LogisticRegression().fit(X, clicked).predict_proba(X_new)[:, 1]
    return chance * seconds[clicked == 1].mean()


# %% wrong="a model of clicked impressions alone" check="expected_seconds_truth" message="who did not click is missing"
def expected_seconds(X, clicked, seconds, X_new):
    hit = clicked == 1
    model = PoissonRegressor(alpha=0, solver="newton-cholesky")
    return model.fit(X[hit], seconds[hit]).predict(X_new)


# %% wrong="tames long watches with a square root" check="expected_seconds_truth" message="The rank correlation with the true seconds is"
def expected_seconds(X, clicked, seconds, X_new):
    weights = np.where(clicked == 1, np.sqrt(seconds), 1.0)
    model = LogisticRegression().fit(X, clicked, sample_weight=weights)
    return np.exp(model.decision_function(X_new)) ** 2 / np.mean(clicked)


# %% wrong="boosted trees chase the noise of few clicks" check="expected_seconds_truth" message="too flexible for"
def expected_seconds(X, clicked, seconds, X_new):
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(loss="poisson", max_iter=60, learning_rate=0.1)
    return model.fit(X, seconds).predict(X_new)
