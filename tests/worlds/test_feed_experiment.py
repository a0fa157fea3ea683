"""Experiments in the feed world: assignment, analysis that is right or wrong, and the troubles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course.worlds import feed

SEEDS = (1, 2, 3)
A_A = {"control": feed.PRODUCTION, "same": feed.PRODUCTION}


def arm_rate(days: pd.DataFrame) -> np.ndarray:
    """Clicks per session, shape (days, arms)."""
    return (days["clicks"] / days["sessions"]).to_numpy().reshape(-1, days["arm"].nunique())


def z_of_means(users: pd.DataFrame, column: str) -> float:
    groups = [group[column] for _, group in users.groupby("arm", observed=True)]
    error = sum(group.var() / len(group) for group in groups) ** 0.5
    return (groups[1].mean() - groups[0].mean()) / error


def chi_square(users: pd.DataFrame) -> float:
    """Sample-ratio statistic for equal shares of two arms; 10.8 is p = .001."""
    counts = users["arm"].value_counts().to_numpy()
    return ((counts - counts.mean()) ** 2 / counts.mean()).sum()


# Assignment


def test_assignment_is_a_fixed_even_and_salted_hash():
    ids = np.arange(100_000)
    first, other = feed.assign(ids, "ranker"), feed.assign(ids, "button")
    assert (feed.assign(ids[::-1], "ranker")[::-1] == first).all()
    assert abs(first.mean() - 0.5) < 5 * 0.5 / len(ids) ** 0.5
    assert abs((first == other).mean() - 0.5) < 5 * 0.5 / len(ids) ** 0.5
    shares = np.array([0.9, 0.06, 0.04])
    counts = np.bincount(feed.assign(ids, 7, shares)) / len(ids)
    assert (abs(counts - shares) < 5 * (shares * (1 - shares) / len(ids)) ** 0.5).all()


def test_repeated_assignment_adds_up_what_assign_deals():
    rng = np.random.default_rng(1)
    ids, values = np.arange(500), rng.normal(size=(500, 2))
    totals = feed.repeat_assignment(ids, values, ["x", "y"], shares=(0.3, 0.7))
    for row, salt in enumerate(["x", "y"]):
        arm = feed.assign(ids, salt, (0.3, 0.7))
        for number in range(2):
            mine = values[arm == number]
            assert totals.users[row, number] == len(mine)
            np.testing.assert_allclose(totals.mean[row, number], mine.mean(axis=0))
            np.testing.assert_allclose(totals.covariance[row, number], np.cov(mine.T))
    assert feed.repeat_assignment(ids, values[:, 0], 100).total.shape == (100, 2, 1)


# A/A: which analysis keeps its promise


@pytest.mark.parametrize("seed", SEEDS)
def test_false_positives_are_nominal_for_users_and_not_for_impressions(seed):
    users = feed.serve(feed.PRODUCTION, seed, days=7, users=4000, keep_log=False).users
    values = users[["clicks", "impressions"]]
    totals = feed.repeat_assignment(users["user_id"], values, 1000)
    n, mean, covariance = totals.users, totals.mean, totals.covariance
    rate = mean[..., 0] / mean[..., 1]
    residual = (
        covariance[..., 0, 0] - 2 * rate * covariance[..., 0, 1] + rate**2 * covariance[..., 1, 1]
    )
    delta = residual / mean[..., 1] ** 2 / n
    binomial = rate * (1 - rate) / totals.total[..., 1]
    by_users = covariance[..., 0, 0] / n

    def false_positives(estimate, variance):
        z = (estimate[:, 1] - estimate[:, 0]) / variance.sum(axis=1) ** 0.5
        return (abs(z) > 1.96).mean()

    four_errors = 4 * (0.05 * 0.95 / 1000) ** 0.5
    assert abs(false_positives(rate, delta) - 0.05) < four_errors
    assert abs(false_positives(mean[..., 0], by_users) - 0.05) < four_errors
    assert false_positives(rate, binomial) > 0.2  # impressions as if independent


@pytest.mark.parametrize("seed", SEEDS)
def test_peeking_finds_effects_where_none_are(seed):
    users = feed.serve(feed.PRODUCTION, seed, days=7, users=4000, keep_log=False).users
    # Users enter the experiment in twenty equal cohorts; one look after each.
    ids, clicks = users["user_id"].to_numpy(), users["clicks"].to_numpy(float)
    cohort = np.arange(len(ids)) % 20
    entered = cohort[:, None] <= np.arange(20)
    n = feed.repeat_assignment(ids, entered, 1000).total
    sums = feed.repeat_assignment(ids, clicks[:, None] * entered, 1000)
    squares = np.diagonal(sums.cross, axis1=2, axis2=3)
    mean = sums.total / n
    error = ((squares / n - mean**2) / n).sum(axis=1) ** 0.5
    z = abs(mean[:, 1] - mean[:, 0]) / error
    four_errors = 4 * (0.05 * 0.95 / 1000) ** 0.5
    assert abs((z[:, -1] > 1.96).mean() - 0.05) < four_errors
    assert abs((z > 1.96).any(axis=1).mean() - 0.248) < 4 * (0.248 * 0.752 / 1000) ** 0.5 + 0.01
    assert (z > 3.02).any(axis=1).mean() < 0.05  # Bonferroni


@pytest.mark.parametrize("seed", SEEDS)
def test_the_pre_period_takes_its_share_of_the_variance(seed):
    users = feed.experiment(A_A, seed, days=7, pre_days=14, users=4000).users
    y, x = users["clicks"], users["pre_clicks"]
    correlation = np.corrcoef(x, y)[0, 1]
    assert 0.65 < correlation < 0.9
    adjusted = y - np.cov(x, y)[0, 1] / x.var() * (x - x.mean())
    totals = feed.repeat_assignment(users["user_id"], np.column_stack([y, adjusted]), 1000)
    spread = (totals.mean[:, 1] - totals.mean[:, 0]).var(axis=0)
    ratio = spread[1] / spread[0]
    # The ratio of two correlated variances over 1000 draws: about 4 % standard error at most.
    assert abs(ratio / (1 - correlation**2) - 1) < 0.18


@pytest.mark.parametrize("seed", SEEDS)
def test_sound_experiments_have_no_mismatch_and_find_the_better_policy(seed):
    arms = {"control": feed.PRODUCTION, "balanced": feed.BALANCED_POLICY}
    outcome = feed.experiment(arms, seed, days=7, users=4000, salt=seed)
    assert chi_square(outcome.users) < 10.8
    rate = arm_rate(outcome.days).mean(axis=0)
    assert rate[1] / rate[0] > 1.15
    assert z_of_means(outcome.users, "clicks") > 2


# Troubles


@pytest.mark.parametrize("seed", SEEDS)
def test_crashes_lose_heavy_users_and_fake_an_effect(seed):
    sound, crashing = (
        feed.experiment(A_A, seed, days=14, users=8000, crash_rate=c, keep_log=True, pre_days=1)
        for c in (0.0, 0.02)
    )
    assert chi_square(sound.users) < 10.8
    assert chi_square(crashing.users) > 20
    assert z_of_means(crashing.users, "clicks") < -3.5
    assert abs(z_of_means(sound.users, "clicks")) < 3.5
    lost = set(sound.users["user_id"]) - set(crashing.users["user_id"])
    gone = sound.users[sound.users["user_id"].isin(lost)]
    kept = sound.users[~sound.users["user_id"].isin(lost)]
    assert (gone["arm"] == "same").all()
    assert gone["sessions"].mean() > 1.5 * kept["sessions"].mean()
    # The tables agree: what is lost is lost everywhere, the days before the test stay.
    assert crashing.days["impressions"].sum() == len(crashing.impressions)
    assert crashing.days["impressions"].sum() == crashing.user_days["impressions"].sum()
    assert crashing.events["impression_id"].isin(crashing.impressions["impression_id"]).all()
    assert (crashing.days["sessions"][:2] == sound.days["sessions"][:2]).all()
    untouched = [o.users.query("arm == 'control'")["clicks"].tolist() for o in (sound, crashing)]
    assert untouched[0] == untouched[1]


def test_novelty_fades_with_the_age_of_the_exposure():
    outcome = feed.experiment(
        A_A, 1, days=14, users=8000, pre_days=2, novelty=1.0, novelty_half_life=2.0
    )
    plain = feed.experiment(A_A, 1, days=14, users=8000, pre_days=2)
    rate, usual = arm_rate(outcome.days), arm_rate(plain.days)
    lift = rate[:, 1] / usual[:, 1] - 1
    assert (lift[:2] == 0).all()
    assert (rate[:, 0] == usual[:, 0]).all()
    assert lift[2] > 0.35
    assert lift[2:6].mean() > 3 * lift[12:].mean() > 0
    # Users who come late find the treatment new when others are used to it.
    rows = outcome.user_days.merge(outcome.users[["user_id", "first_day"]], on="user_id")
    rows = rows[(rows["arm"] == "same") & (rows["day"] >= 10)]
    fresh = rows["day"] == rows["first_day"]
    by_age = rows.groupby(fresh)[["clicks", "sessions"]].sum()
    by_age = by_age["clicks"] / by_age["sessions"]
    assert by_age[True] > 1.15 * by_age[False]


def test_bots_click_and_do_not_watch():
    sound = feed.experiment(A_A, 1, days=5, users=6000, pre_days=2)
    outcome = feed.experiment(
        A_A, 1, days=5, users=6000, pre_days=2, bot_share=0.005, bot_arm="same"
    )
    bots = outcome.users[outcome.users["sessions"] > 140]
    people = outcome.users[outcome.users["sessions"] <= 140]
    assert abs(len(bots) - 15) < 4 * 15**0.5
    assert (bots["arm"] == "same").all()
    assert (bots["clicks"] > 0.8 * bots["impressions"]).all()
    assert (bots["watch_seconds"] == 0).all()
    assert bots["pre_sessions"].max() < 60  # they come with the test
    expected = sound.users.set_index("user_id").loc[people["user_id"], "clicks"].tolist()
    assert people["clicks"].tolist() == expected
    everywhere = feed.experiment(A_A, 1, days=5, users=6000, pre_days=2, bot_share=0.005).users
    bots = everywhere[everywhere["sessions"] > 140]
    assert bots["arm"].nunique() == 2
    assert bots["pre_sessions"].min() == 60


@pytest.mark.parametrize("arm", [None, "balanced"])
def test_an_incident_hits_its_days_and_its_arm(arm):
    arms = {"control": feed.PRODUCTION, "balanced": feed.BALANCED_POLICY}
    settings = {"days": 6, "users": 4000, "pre_days": 1, "keep_log": True, "log_features": True}
    sound = feed.experiment(arms, 1, **settings)
    hit = feed.experiment(arms, 1, **settings, incident_day=2, incident_days=2, incident_arm=arm)
    ratio = arm_rate(hit.days) / arm_rate(sound.days)
    assert (ratio[:3] == 1).all()
    assert (ratio[3:5, 1] < 0.8).all()
    assert ((ratio[3:5, 0] == 1) if arm else (ratio[3:5, 0] < 0.95)).all()
    assert (abs(ratio[5:] - 1) < 0.15).all()
    day = (hit.impressions["timestamp"] - feed.FIRST_DAY).dt.days
    rows = hit.impressions[(hit.impressions["policy"] == "balanced") & day.isin([3, 4])]
    age = rows["age_days"].to_numpy().reshape(-1, 10)
    assert (np.diff(age, axis=1) >= 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_interference_flatters_the_arm_that_has_the_inventory_to_itself(seed):
    arms = {"control": feed.PRODUCTION, "clicks": feed.CLICK_POLICY}

    def effects(interference):
        settings = {"days": 6, "users": 3000, "interference": interference}
        split = feed.experiment(arms, seed, **settings).user_days
        launched = [
            feed.serve(policy, seed, keep_log=False, **settings).user_days
            for policy in arms.values()
        ]
        rates = []
        for name, world in zip(arms, launched, strict=True):
            mine = split.loc[split["arm"] == name, "user_id"]
            for table in (split, world):
                # The same users in both: their luck cancels.
                rows = table[table["user_id"].isin(mine) & (table["day"] > 0)]
                rates.append(rows["clicks"].sum() / rows["sessions"].sum())
        control_split, control_alone, treated_split, treated_alone = rates
        return treated_split / control_split, treated_alone / control_alone, treated_split, rates[3]

    measured, launched, _, _ = effects(0.0)
    assert measured == launched
    measured, launched, treated, after_launch = effects(3.0)
    assert measured > launched + 0.05
    assert after_launch < 0.93 * treated


@pytest.mark.parametrize("users", [0, 40])
def test_an_experiment_without_days_or_users_is_empty(users):
    outcome = feed.experiment(A_A, 1, days=0 if users else 3, users=users, keep_log=True)
    full = feed.experiment(A_A, 1, days=2, users=40, keep_log=True)
    for name in ("days", "users", "user_days", "impressions", "events"):
        table, expected = getattr(outcome, name), getattr(full, name)
        assert table.dtypes.astype(str).to_dict() == expected.dtypes.astype(str).to_dict()
    assert outcome.users.empty
    assert outcome.impressions.empty
    assert outcome.users["arm"].cat.categories.tolist() == ["control", "same"]


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"policies": {}}, "at least one arm"),
        ({"shares": (0.5, 0.6)}, "shares that sum to 1"),
        ({"shares": (1.0, 0.0)}, "positive shares"),
        ({"shares": (1.0,)}, "2 shares, one per arm, got 1"),
        ({"bot_arm": "treatment"}, r"one of the arms \['control', 'same'\], got 'treatment'"),
        ({"incident_arm": "x"}, "one of the arms"),
        ({"pre_days": -1}, "pre_days"),
        ({"crash_rate": 2}, "crash_rate"),
        ({"novelty_half_life": 0}, "novelty_half_life"),
        ({"incident_days": 0}, "incident_days"),
        ({"crash": 0.1}, "Unknown knobs"),
    ],
)
def test_bad_experiments_get_a_sentence(knobs, message):
    with pytest.raises(ValueError, match=message):
        feed.experiment(**{"policies": A_A, "seed": 1, "days": 1, "users": 10, **knobs})


def test_bad_values_get_a_sentence():
    with pytest.raises(ValueError, match="one row of values per user, 3, got shape"):
        feed.repeat_assignment([1, 2, 3], [1.0, 2.0], 5)
