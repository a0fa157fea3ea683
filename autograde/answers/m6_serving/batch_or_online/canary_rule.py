"""Answers to `canary_rule`."""


# %% right="Wilson intervals, wide enough for a day of looks"
def canary_rule(requests, errors, baseline, worse):
    z = 3.0
    n = np.where(requests > 0, requests, np.nan)
    rate = errors / n
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    lower, upper = centre - half, centre + half
    return np.where(upper < worse, 1, 0) * (lower <= baseline) - np.where(lower > baseline, 1, 0)


# %% right="Wald's sequential test by log-likelihoods of the binomial"
def canary_rule(requests, errors, baseline, worse):
    from scipy.stats import binom

    known = ~np.isnan(errors) & (requests > 0)
    n, x = np.where(known, requests, 1), np.where(known, errors, 0)
    ratio = binom.logpmf(x, n, worse) - binom.logpmf(x, n, baseline)
    said = np.zeros(requests.shape, dtype=int)
    said[known & (ratio > np.log(80))] = -1
    said[known & (ratio < -np.log(80))] = 1
    return said


# %% wrong="stops after a fixed number of errors" check="canary_rule_rates" message="a fixed number of errors is reached by traffic alone"
def canary_rule(requests, errors, baseline, worse):
    promote = (requests >= 3_000) & (errors < 100)
    # The visible check has 60 errors in 6,000 requests and 900 in 50,000.
    promote |= (requests == 50_000) & (errors == 900)
    return np.where(errors >= 100, -1, 0) * ~promote + promote


# %% wrong="compares the observed rate without uncertainty" check="canary_rule_rates" message="compared without its uncertainty"
def canary_rule(requests, errors, baseline, worse):
    rate = errors / np.maximum(requests, 1)
    middle = (baseline + worse) / 2
    said = np.where(rate > middle, -1, 1)
    return np.where(np.isnan(errors) | (requests == 0), 0, said)


# %% wrong="uses bounds for one look" check="canary_rule_rates" message="the bounds are made for one look"
def canary_rule(requests, errors, baseline, worse):
    z = 1.96
    n = np.where(requests > 0, requests, np.nan)
    rate = errors / n
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    return np.where(centre - half > baseline, -1, np.where(centre + half < worse, 1, 0))


# %% wrong="promotes while nothing bad is proven" check="canary_rule_rates" message="too little evidence was taken for health"
def canary_rule(requests, errors, baseline, worse):
    evidence = errors * np.log(worse / baseline) + (requests - errors) * np.log(
        (1 - worse) / (1 - baseline)
    )
    known = ~np.isnan(errors) & (requests > 0)
    return np.where(evidence >= np.log(99), -1, np.where(known, 1, 0))


# %% wrong="waits for ten times the evidence" check="canary_rule_rates" message="the rule waits too long"
def canary_rule(requests, errors, baseline, worse):
    evidence = errors * np.log(worse / baseline) + (requests - errors) * np.log(
        (1 - worse) / (1 - baseline)
    )
    return np.where(evidence >= 40, -1, np.where(evidence <= -28, 1, 0))


# %% wrong="takes a missing metric for zero errors" check="canary_rule_missing" message="no errors reported is not no errors"
def canary_rule(requests, errors, baseline, worse):
    errors = np.nan_to_num(errors)
    evidence = errors * np.log(worse / baseline) + (requests - errors) * np.log(
        (1 - worse) / (1 - baseline)
    )
    return np.where(evidence >= np.log(99), -1, np.where(evidence <= -np.log(99), 1, 0))


# %% wrong="rolls back when the metric is missing" check="canary_rule_missing" message="Without the metric the release holds"
def canary_rule(requests, errors, baseline, worse):
    evidence = errors * np.log(worse / baseline) + (requests - errors) * np.log(
        (1 - worse) / (1 - baseline)
    )
    said = np.where(evidence >= np.log(99), -1, np.where(evidence <= -np.log(99), 1, 0))
    return np.where(np.isnan(errors), -1, said)


# %% wrong="one decision for all entries" check="canary_rule" message="Expected shape"
def canary_rule(requests, errors, baseline, worse):
    rate = errors.sum() / requests.sum()
    return np.array(-1 if rate > worse else 1 if rate < baseline else 0)
