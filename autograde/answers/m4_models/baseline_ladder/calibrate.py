"""Answers to `calibrate`."""


# %% right="FrozenEstimator and CalibratedClassifierCV, sigmoid"
def calibrate(model, X, y, X_new, seed):
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    order = np.random.default_rng(seed).permutation(len(y))
    fit, held, test = np.array_split(order, 3)
    fitted = FrozenEstimator(clone(model).fit(X[fit], y[fit]))
    whole = CalibratedClassifierCV(fitted, method="sigmoid").fit(X[held], y[held])
    return {
        "probability": whole.predict_proba(X_new)[:, 1],
        "fit": fit,
        "calibrate": held,
        "test": test,
        "ece": calibration_error(y[test], whole.predict_proba(X[test])[:, 1]),
    }


# %% right="Platt on raw scores, or isotonic where the calibration set is large"
def calibrate(model, X, y, X_new, seed):
    from sklearn.isotonic import IsotonicRegression
    from sklearn.model_selection import train_test_split

    rest, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=seed)
    fit, held = train_test_split(rest, test_size=0.4, random_state=seed)
    fitted = clone(model).fit(X[fit], y[fit])
    scores = fitted.predict_proba(X[held])[:, 1]
    if len(held) >= 1000:
        step = IsotonicRegression(y_min=0.001, y_max=0.999, out_of_bounds="clip")
        step.fit(scores, y[held])

        def curve(rows):
            return step.predict(fitted.predict_proba(rows)[:, 1])
    else:
        platt = LogisticRegression(C=100).fit(logit(np.clip(scores, 0.01, 0.99))[:, None], y[held])

        def curve(rows):
            p = np.clip(fitted.predict_proba(rows)[:, 1], 0.01, 0.99)
            return platt.predict_proba(logit(p)[:, None])[:, 1]

    error = calibration_error(y[test], curve(X[test]))
    return {
        "probability": list(curve(X_new)),
        "fit": list(fit),
        "calibrate": list(held),
        "test": list(test),
        "ece": error,
    }


# %% right="temperature and shift by minimising the log loss"
def calibrate(model, X, y, X_new, seed):
    from scipy.optimize import minimize

    order = np.random.default_rng(seed).permutation(len(y))
    fit, held, test = np.split(order, [int(0.5 * len(y)), int(0.8 * len(y))])
    fitted = clone(model).fit(X[fit], y[fit])

    def z(rows):
        return logit(np.clip(fitted.predict_proba(rows)[:, 1], 0.001, 0.999))

    z_held, sign = z(X[held]), 2 * y[held] - 1

    def loss(ab):
        return np.logaddexp(0, -sign * (ab[0] * z_held + ab[1])).mean()

    a, b = minimize(loss, [1.0, 0.0]).x
    return {
        "probability": expit(a * z(X_new) + b),
        "fit": fit,
        "calibrate": held,
        "test": test,
        "ece": calibration_error(y[test], expit(a * z(X[test]) + b)),
    }


# %% wrong="fits the calibrator to the test rows and reports on them" check="calibrate_sets" message="the sets must be disjoint"
def calibrate(model, X, y, X_new, seed):
    order = np.random.default_rng(seed).permutation(len(y))
    fit, test = np.array_split(order, 2)
    fitted = clone(model).fit(X[fit], y[fit])

    def z(rows):
        return logit(np.clip(fitted.predict_proba(rows)[:, 1], 0.001, 0.999))[:, None]

    platt = LogisticRegression().fit(z(X[test]), y[test])
    return {
        "probability": platt.predict_proba(z(X_new))[:, 1],
        "fit": fit,
        "calibrate": test,
        "test": test,
        "ece": calibration_error(y[test], platt.predict_proba(z(X[test]))[:, 1]),
    }


# %% wrong="three sets, but the error is measured on the calibration rows" check="calibrate_sets" message="measured on the rows that the calibrator was fitted to"
def calibrate(model, X, y, X_new, seed):
    order = np.random.default_rng(seed).permutation(len(y))
    fit, held, test = np.array_split(order, 3)
    fitted = clone(model).fit(X[fit], y[fit])

    def z(rows):
        return logit(np.clip(fitted.predict_proba(rows)[:, 1], 0.001, 0.999))[:, None]

    platt = LogisticRegression().fit(z(X[held]), y[held])
    return {
        "probability": platt.predict_proba(z(X_new))[:, 1],
        "fit": fit,
        "calibrate": held,
        "test": test,
        "ece": calibration_error(y[held], platt.predict_proba(z(X[held]))[:, 1]),
    }


# %% wrong="calibrates on in-fold scores, of the rows that the model was fitted to" check="calibrate_honest" message="the calibrator saw scores of rows that the model was fitted to"
def calibrate(model, X, y, X_new, seed):
    order = np.random.default_rng(seed).permutation(len(y))
    fit, held, test = np.array_split(order, 3)
    fitted = clone(model).fit(X[fit], y[fit])

    def z(rows):
        return logit(np.clip(fitted.predict_proba(rows)[:, 1], 0.001, 0.999))[:, None]

    platt = LogisticRegression().fit(z(X[fit]), y[fit])
    return {
        "probability": platt.predict_proba(z(X_new))[:, 1],
        "fit": fit,
        "calibrate": held,
        "test": test,
        "ece": calibration_error(y[test], platt.predict_proba(z(X[test]))[:, 1]),
    }


# %% wrong="calibrates the output of predict" check="calibrate_honest" message="the classes of `predict`"
def calibrate(model, X, y, X_new, seed):
    order = np.random.default_rng(seed).permutation(len(y))
    fit, held, test = np.array_split(order, 3)
    fitted = clone(model).fit(X[fit], y[fit])
    platt = LogisticRegression().fit(fitted.predict(X[held])[:, None], y[held])

    def p(rows):
        return platt.predict_proba(fitted.predict(rows)[:, None])[:, 1]

    return {
        "probability": p(X_new),
        "fit": fit,
        "calibrate": held,
        "test": test,
        "ece": calibration_error(y[test], p(X[test])),
    }


# %% wrong="isotonic regression whatever the size" check="calibrate_small" message="isotonic regression over-fits a hundred calibration rows"
def calibrate(model, X, y, X_new, seed):
    from sklearn.isotonic import IsotonicRegression

    order = np.random.default_rng(seed).permutation(len(y))
    fit, held, test = np.split(order, [int(0.6 * len(y)), int(0.8 * len(y))])
    fitted = clone(model).fit(X[fit], y[fit])
    step = IsotonicRegression(out_of_bounds="clip")
    step.fit(fitted.predict_proba(X[held])[:, 1], y[held])

    def p(rows):
        return step.predict(fitted.predict_proba(rows)[:, 1])

    return {
        "probability": p(X_new),
        "fit": fit,
        "calibrate": held,
        "test": test,
        "ece": calibration_error(y[test], p(X[test])),
    }
