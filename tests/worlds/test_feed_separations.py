"""What labs build on: where offline numbers mislead in the feed world, and what repairs them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from course.worlds import feed

SEEDS = (1, 2, 3)
IMITATION = feed.LinearPolicy(feed.PRODUCTION.weights, noise=0.3)
BETTER = feed.BALANCED_POLICY
THETA = feed.true_examination()


class Lists:
    """Logged lists with their clicks, and the candidates that they were chosen from."""

    def __init__(self, seed: int, bucket: str | None, **settings):
        impressions, events = feed.log(seed, **settings)
        rows = feed.labelled(impressions, events)
        if bucket:
            rows = rows[rows["bucket"] == bucket]
        self.video = rows["video_id"].to_numpy().reshape(-1, 10)
        self.clicked = rows["clicked"].to_numpy().reshape(-1, 10)
        self.propensity = rows["propensity"].to_numpy().reshape(-1, 10)
        self.batch = feed.request_batch(seed, rows["request_id"].to_numpy()[::10])
        candidates = self.batch[1]["video_id"]
        self.column = (self.video[:, :, None] == candidates[:, None, :]).argmax(axis=2)
        self.n = len(self.video)

    def reordered(self, policy, values: np.ndarray) -> np.ndarray:
        """Values of the shown videos in the order in which a policy would put them."""
        scores = np.take_along_axis(policy(*self.batch), self.column, axis=1)
        return np.take_along_axis(values, np.argsort(-scores, axis=1, kind="stable"), axis=1)


def error_of(values: np.ndarray) -> float:
    return values.std() / len(values) ** 0.5


def clicks_per_session(policy, seed, **settings) -> float:
    days = feed.serve(policy, seed, keep_log=False, **settings).days
    return days["clicks"].sum() / days["sessions"].sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_offline_metric_prefers_the_imitation_and_the_users_do_not(seed):
    settings = {"days": 4, "users": 3000}
    lists = Lists(seed, "ranked", **settings)
    discount = 1 / np.log2(np.arange(2, 12))
    ideal = np.cumsum(discount)
    metrics = {}
    for name, policy in (("imitation", IMITATION), ("better", BETTER)):
        gains = lists.reordered(policy, lists.clicked)
        n_clicks = gains.sum(axis=1)
        some = n_clicks > 0
        ndcg = (gains @ discount)[some] / ideal[n_clicks[some] - 1]
        corrected = lists.reordered(policy, lists.clicked / THETA) @ discount
        metrics[name] = ndcg, corrected
    naive = [metrics[name][0] for name in ("imitation", "better")]
    assert naive[0].mean() - naive[1].mean() > 4 * np.hypot(*map(error_of, naive))
    assert naive[0].mean() > naive[1].mean() + 0.05
    gap = metrics["better"][1] - metrics["imitation"][1]  # the same lists: paired
    assert gap.mean() > 4 * error_of(gap)
    online = [clicks_per_session(policy, seed, **settings) for policy in (IMITATION, BETTER)]
    assert online[1] > 1.15 * online[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_randomised_bucket_predicts_what_serving_brings(seed):
    settings = {"days": 4, "users": 3000}
    lists = Lists(seed, "random", randomised_share=0.4, **settings)
    reach = np.concatenate([THETA, np.zeros(10)])
    for policy in (IMITATION, BETTER, feed.CLICK_POLICY, feed.LinearPolicy({"age_days": -1.0})):
        rank = np.argsort(np.argsort(-policy(*lists.batch), axis=1, kind="stable"), axis=1)
        # Shown at all with probability 1/2, at any place alike: examined with mean(theta) / 2.
        weight = reach[np.take_along_axis(rank, lists.column, axis=1)] / (THETA.mean() / 2)
        estimate = (lists.clicked * weight).sum(axis=1)
        online = clicks_per_session(policy, seed, **settings)
        # 2 % for users who come or stay away because of the policy.
        assert abs(estimate.mean() - online) < 4 * error_of(estimate) + 0.02 * online


@pytest.mark.parametrize("seed", SEEDS)
def test_examination_shows_in_the_randomised_bucket_only(seed):
    rows = {
        bucket: Lists(seed, bucket, days=7, users=4000, randomised_share=0.3)
        for bucket in ("random", "ranked")
    }
    rate = {bucket: lists.clicked.mean(axis=0) for bucket, lists in rows.items()}
    blind = rate["random"] / rate["random"][0]
    relative = ((1 / rate["random"] + 1 / rate["random"][0]) / rows["random"].n) ** 0.5
    assert (abs(blind - THETA) < 4 * blind * relative).all()
    confounded = rate["ranked"] / rate["ranked"][0]
    assert (confounded[4:] < 0.85 * THETA[4:]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_clicks_and_satisfaction_part_ways_in_two_weeks(seed):
    clicks, content = (
        feed.serve(policy, seed, days=14, users=4000, keep_log=False).days
        for policy in (feed.CLICK_POLICY, feed.SATISFACTION_POLICY)
    )
    first = [table["clicks"][0] / table["sessions"][0] for table in (clicks, content)]
    assert clicks["sessions"][0] == content["sessions"][0]
    assert first[0] > 1.3 * first[1]
    retention = [table["retention"].iloc[-4:].mean() for table in (clicks, content)]
    n = clicks["active_users"].iloc[-4:].sum()
    assert retention[1] - retention[0] > 4 * (2 * 0.25 / n) ** 0.5
    assert retention[1] > retention[0] + 0.06
    assert clicks["retention"].iloc[-4:].mean() < clicks["retention"].iloc[1:3].mean()
    assert clicks["active_users"].iloc[-1] < 0.9 * content["active_users"].iloc[-1]
    assert content["satisfaction"].sum() > clicks["satisfaction"].sum() + 10_000


def test_off_policy_estimates_meet_the_truth():
    logging = feed.LinearPolicy(feed.PRODUCTION.weights, temperature=1.0)
    target = BETTER
    errors = {"naive": [], "ips": [], "snips": [], "dr": []}
    for seed in range(1, 9):
        settings = {"days": 1, "users": 12_000}
        # Propensities cover policy and randomised bucket together, so all rows are needed.
        lists = Lists(seed, None, policy=logging, randomised_share=0.1, **settings)
        reward, propensity = lists.clicked[:, 0], lists.propensity[:, 0]
        _, candidates = lists.batch
        choice = np.argmax(target(*lists.batch), axis=1)
        weight = (lists.column[:, 0] == choice) / propensity
        effective = weight.sum() ** 2 / (weight**2).sum()
        assert effective > 300

        table = np.stack([candidates[name] for name in feed.FEATURES], axis=2)
        table = table[..., :5]  # scores and country
        row = np.arange(lists.n)
        model = LogisticRegression().fit(table[row, lists.column[:, 0]], reward)
        logged, chosen = (
            model.predict_proba(table[row, column])[:, 1] for column in (lists.column[:, 0], choice)
        )
        # On the first day both policies meet the same requests.
        served = feed.serve(target, seed, **settings)
        rows = feed.labelled(served.impressions, served.events)
        truth = rows.loc[rows["position"] == 1, "clicked"].mean()
        errors["naive"].append(reward.mean() - truth)
        errors["ips"].append((weight * reward).mean() - truth)
        errors["snips"].append((weight * reward).sum() / weight.sum() - truth)
        errors["dr"].append((chosen + weight * (reward - logged)).mean() - truth)
    errors = {name: np.array(values) for name, values in errors.items()}
    for name in ("ips", "snips", "dr"):
        bias, spread = errors[name].mean(), errors[name].std(ddof=1) / 8**0.5
        assert abs(bias) < 4 * spread
        assert abs(bias) < 0.25 * abs(errors["naive"].mean())
    assert errors["naive"].max() < -0.15
