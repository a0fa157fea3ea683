"""The ads world: what it draws, what it refuses, and the effects that labs build on it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier

from course.worlds import ads

FEATURES = list(ads.FEATURES)
SEEDS = (1, 2, 3)
KEEP_RATE = 0.05


def corrected(p_sampled: np.ndarray, keep_rate: float = KEEP_RATE) -> np.ndarray:
    return p_sampled / (p_sampled + (1 - p_sampled) / keep_rate)


def normalised_entropy(clicked: np.ndarray, p_click: np.ndarray) -> float:
    background = np.full(len(clicked), clicked.mean())
    return log_loss(clicked, p_click) / log_loss(clicked, background)


@pytest.fixture(scope="module", params=SEEDS)
def thinned(request):
    """A log whose training days are thinned, and two models fitted to them."""
    log = ads.impressions(request.param, 280_000)
    train, test = log[log["day"] < 6], log[log["day"] >= 10]
    draws = np.random.default_rng(request.param).random(len(train))
    sample = train[(train["clicked"] == 1) | (draws < KEEP_RATE)]
    boosting = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, random_state=0)
    models = [
        model.fit(sample[FEATURES], sample["clicked"]) for model in (LogisticRegression(), boosting)
    ]
    return request.param, train, sample, test, models


def test_a_seed_decides_everything():
    assert ads.impressions(3, 500).equals(ads.impressions(3, 500))
    assert not ads.impressions(3, 500)["clicked"].equals(ads.impressions(4, 500)["clicked"])


def test_no_function_touches_the_global_stream():
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    ads.run_auction(lambda requests: np.full(len(requests), 0.02), 1, 100)
    assert np.random.random() == expected  # noqa: NPY002


def test_columns_and_types():
    log = ads.impressions(1, 1000)
    assert list(log.columns) == [*ads.REQUEST_COLUMNS, "clicked"]
    assert log["clicked"].dtype == np.int8
    assert all(log[name].dtype == np.float64 for name in [*FEATURES, "value_per_click"])
    assert log["day"].is_monotonic_increasing
    assert log["day"].between(0, 13).all()
    assert log["hour"].between(0, 23).all()
    assert (log["value_per_click"] > 0).all()


def test_an_ad_keeps_its_advertiser_and_its_value():
    log = ads.impressions(1, 20_000)
    pairs = log[["ad_id", "advertiser_id", "value_per_click"]].drop_duplicates()
    assert pairs["ad_id"].is_unique


def test_features_are_standard_scores():
    features = ads.impressions(2, 100_000)[FEATURES]
    # A user's interests repeat between rows, so interest_match varies more than its row count says.
    assert features.mean().abs().max() <= 0.1
    assert (features.std() - 1).abs().max() <= 0.1


def test_empty_tables_have_the_same_columns_and_types():
    assert ads.impressions(1, 0).dtypes.equals(ads.impressions(1, 10).dtypes)
    served = ads.run_auction(lambda requests: np.zeros(len(requests)), 1, 0)
    assert served.dtypes.equals(ads.run_auction(lambda r: np.zeros(len(r)), 1, 10).dtypes)
    assert ads.expected_profit(1, served) == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ads.impressions(1, -1), "n >= 0"),
        (lambda: ads.impressions(1, 10, days=0), "days >= 1"),
        (lambda: ads.impressions(1, 10, base=2), "Unknown knobs"),
        (lambda: ads.impressions(1, 10, n_ads=0), "n_ads must be at least 1"),
        (lambda: ads.impressions(1, 10, user_sd=-1), "user_sd must not be negative"),
        (lambda: ads.impressions(1, 10, price_level=0), "price_level must be positive"),
        (lambda: ads.thinned_view(1, 10, 0.0), "keep_rate must be in"),
        (lambda: ads.true_ctr(1, pd.DataFrame({"user_id": [1]})), "missing"),
        (lambda: ads.run_auction(lambda r: np.zeros(3), 1, 10), "one click probability per"),
        (lambda: ads.run_auction(lambda r: np.full(10, 1.5), 1, 10), "Expected click prob"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("seed", SEEDS)
def test_clicks_follow_the_planted_truth(seed):
    log = ads.impressions(seed, 200_000)
    truth = ads.true_ctr(seed, log)
    assert 0.015 <= truth.mean() <= 0.021
    for part in (truth < np.median(truth), truth >= np.median(truth)):
        error = log["clicked"][part].mean() - truth[part].mean()
        assert abs(error) <= 4 * np.sqrt(truth[part].mean() / part.sum())


def test_truth_follows_the_rows_in_any_order_and_part():
    log = ads.impressions(1, 5000)
    shuffled = log.sample(frac=0.5, random_state=0)
    expected = pd.Series(ads.true_ctr(1, log), index=log.index)[shuffled.index]
    np.testing.assert_array_equal(ads.true_ctr(1, shuffled), expected)


def test_later_days_are_new_rows_of_the_same_world():
    early, late = ads.impressions(1, 5000), ads.impressions(1, 5000, first_day=14, days=1)
    assert set(late["day"]) == {14}
    assert not np.array_equal(early["ad_novelty"], late["ad_novelty"])
    values = early.groupby("ad_id")["value_per_click"].first()
    again = late.groupby("ad_id")["value_per_click"].first()
    shared = values.index.intersection(again.index)
    assert values[shared].equals(again[shared])


def test_knobs_move_what_they_name():
    rare = ads.impressions(1, 50_000, base_logit=-6.0)["clicked"].mean()
    assert rare < 0.5 * ads.impressions(1, 50_000)["clicked"].mean()
    log = ads.impressions(1, 1000, user_sd=0, ad_sd=0)
    logit = -4.6 + log["interest_match"]
    logit += 0.6 * log["ad_novelty"] * (log["session_freshness"] > 0)
    truth = ads.true_ctr(1, log, user_sd=0, ad_sd=0)
    np.testing.assert_allclose(truth, 1 / (1 + np.exp(-logit)))


@pytest.mark.parametrize("keep_rate", [0.02, 0.3])
def test_the_thinned_view_fits_the_kept_rows(keep_rate):
    rate, score, held_out = ads.thinned_view(1, 200_000, keep_rate)
    kept = held_out[held_out["kept"]]
    assert kept["clicked"].sum() == held_out["clicked"].sum()
    error = kept["score"].mean() / kept["clicked"].mean() - 1
    assert abs(error) <= 4 * np.sqrt(1 / held_out["clicked"].sum())
    np.testing.assert_allclose(corrected(score, keep_rate), rate)


def test_the_auction_pays_the_second_price_and_balances():
    served = ads.run_auction(lambda requests: np.full(len(requests), 0.02), 1, 20_000)
    assert (served["bid"][served["won"]] > served["paid"][served["won"]]).all()
    lost = served[~served["won"]]
    assert (lost[["paid", "earned", "clicked"]] == 0).all(axis=None)
    balance = served["earned"] - served["paid"] - served["fee"]
    np.testing.assert_allclose(served["profit"], balance)
    assert served["answered"].all()
    np.testing.assert_allclose(served["fee"], ads.Knobs().fee)


def test_an_unanswered_request_costs_and_earns_nothing():
    served = ads.run_auction(lambda requests: np.full(len(requests), np.nan), 1, 1000)
    assert not served["answered"].any()
    assert (served[["bid", "paid", "fee", "earned", "profit", "promised"]] == 0).all(axis=None)


def test_two_models_meet_the_same_day():
    low = ads.run_auction(lambda requests: np.full(len(requests), 0.01), 1, 20_000)
    high = ads.run_auction(lambda requests: np.full(len(requests), 0.05), 1, 20_000)
    assert (high["won"] | ~low["won"]).all()
    both = low["won"]
    assert low[both][["paid", "clicked"]].equals(high[both][["paid", "clicked"]])


def test_a_policy_cannot_change_the_requests():
    def meddle(requests: pd.DataFrame) -> np.ndarray:
        requests["value_per_click"] = 1000.0
        return np.full(len(requests), 0.02)

    served = ads.run_auction(meddle, 1, 1000)
    assert served["value_per_click"].max() < 1000


@pytest.mark.parametrize("seed", SEEDS)
def test_no_common_distortion_earns_more_than_the_truth(seed):
    knobs = {"user_sd": 0.0, "ad_sd": 0.0}  # so that the features show all there is to know
    profits = {}
    for factor in (0.5, 0.8, 1.0, 1.25, 2.0):
        served = ads.run_auction(
            lambda requests, factor=factor: np.clip(
                factor * ads.true_ctr(seed, requests, **knobs), 0, 1
            ),
            seed,
            60_000,
            **knobs,
        )
        profits[factor] = ads.expected_profit(seed, served, **knobs)
    assert max(profits, key=profits.get) == 1.0
    served = ads.run_auction(
        lambda requests: ads.true_ctr(seed, requests, **knobs), seed, 60_000, **knobs
    )
    noise = np.sqrt((served["value_per_click"] ** 2 * served["clicked"]).sum())
    assert abs(served["profit"].sum() - profits[1.0]) <= 4 * noise
    assert served["promised"].sum() == pytest.approx(profits[1.0])


def test_thinning_multiplies_the_prediction_and_leaves_the_order(thinned):
    _, train, sample, test, models = thinned
    clicked = test["clicked"].to_numpy()
    rate, clicks = clicked.mean(), clicked.sum()
    for model in models:
        raw = model.predict_proba(test[FEATURES])[:, 1]
        fixed = corrected(raw)
        noise = 4 * np.sqrt(1 / clicks + 1 / train["clicked"].sum())
        assert 11 <= raw.mean() / rate <= 14
        assert abs(fixed.mean() / rate - 1) <= noise
        assert 0.55 <= (raw * KEEP_RATE).mean() / rate <= 0.70
        prior_ratio = train["clicked"].mean() / sample["clicked"].mean()
        assert 0.75 <= (raw * prior_ratio).mean() / rate <= 0.9
        assert roc_auc_score(clicked, raw) == pytest.approx(
            roc_auc_score(clicked, fixed), abs=1e-12
        )
        assert normalised_entropy(clicked, raw) > 3
        assert normalised_entropy(clicked, fixed) < 0.92


def test_weights_suit_logistic_regression_and_not_trees(thinned):
    *_, sample, test, _ = thinned
    weights = np.where(sample["clicked"] == 1, 1, 1 / KEEP_RATE)
    clicked = test["clicked"].to_numpy()
    ratio, entropy = {}, {}
    for model in (LogisticRegression(), HistGradientBoostingClassifier(random_state=0)):
        model.fit(sample[FEATURES], sample["clicked"], sample_weight=weights)
        p_click = model.predict_proba(test[FEATURES])[:, 1]
        name = type(model).__name__
        ratio[name] = p_click.mean() / clicked.mean()
        entropy[name] = normalised_entropy(clicked, p_click)
    assert abs(ratio["LogisticRegression"] - 1) <= 0.1
    assert entropy["LogisticRegression"] < 0.92
    assert ratio["HistGradientBoostingClassifier"] > 1.5
    assert entropy["HistGradientBoostingClassifier"] > 1


def test_overprediction_loses_what_correction_earns(thinned):
    seed, train, sample, _, models = thinned
    prior_ratio = train["clicked"].mean() / sample["clicked"].mean()
    policies = {
        "raw": lambda p: np.where(p >= 0.01, p, np.nan),
        "corrected": lambda p: np.where(corrected(p) >= 0.01, corrected(p), np.nan),
        "corrected, no floor": corrected,
        "times w": lambda p: np.where(p * KEEP_RATE >= 0.01, p * KEEP_RATE, np.nan),
        "prior ratio": lambda p: np.where(p * prior_ratio >= 0.01, p * prior_ratio, np.nan),
    }
    profit = {}
    for name, policy in policies.items():
        served = ads.run_auction(
            lambda requests, policy=policy: policy(
                models[1].predict_proba(requests[FEATURES])[:, 1]
            ),
            seed,
            100_000,
        )
        profit[name] = ads.expected_profit(seed, served)
    assert profit["raw"] < -3 * profit["corrected"] < 0
    assert profit["corrected, no floor"] < 0.95 * profit["corrected"]
    assert profit["times w"] < 0.8 * profit["corrected"]
    assert profit["prior ratio"] < 0.95 * profit["corrected"]


@pytest.mark.parametrize("seed", SEEDS)
def test_smote_before_the_split_flatters_a_model_that_memorises(seed):
    log = ads.impressions(seed, 4000, base_logit=-4.0, match_effect=0.5, novelty_effect=0.0)
    X, y = log[FEATURES].to_numpy(), log["clicked"].to_numpy()

    def mean_auc(X: np.ndarray, y: np.ndarray, resample: bool) -> float:
        scores = []
        for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(X, y):
            rows = (X[train], y[train])
            rows = SMOTE(random_state=0).fit_resample(*rows) if resample else rows
            model = KNeighborsClassifier().fit(*rows)
            scores.append(roc_auc_score(y[test], model.predict_proba(X[test])[:, 1]))
        return float(np.mean(scores))

    assert mean_auc(*SMOTE(random_state=0).fit_resample(X, y), resample=False) > 0.93
    assert mean_auc(X, y, resample=True) < 0.65


def test_average_precision_moves_with_prevalence_alone():
    rng = np.random.default_rng(0)
    expected = {0.01: 0.12, 0.1: 0.48, 0.5: 0.85}
    for prevalence, value in expected.items():
        positive = np.arange(200_000) < 200_000 * prevalence
        scores = rng.standard_normal(200_000) + 1.5 * positive
        assert average_precision_score(positive, scores) == pytest.approx(value, abs=0.02)
