"""The upload check: traffic, queue, latency, errors, and the separations that the lab builds on."""

from __future__ import annotations

import heapq

import numpy as np
import pandas as pd
import pytest

from course.worlds import upload_check
from course.worlds.interview import SHORT_VIDEO_APP

SPEC = dict(SHORT_VIDEO_APP)
SEEDS = (1, 2, 3)


def exact_waits(arrivals: np.ndarray, service: np.ndarray, servers: int) -> np.ndarray:
    """First come, first served by the server that is free first (Kiefer & Wolfowitz)."""
    free = [0.0] * servers
    waits = np.empty(len(arrivals))
    for row, (arrival, seconds) in enumerate(zip(arrivals, service, strict=True)):
        start = max(arrival, free[0])
        waits[row] = start - arrival
        heapq.heapreplace(free, start + seconds)
    return waits


def best(measured: pd.DataFrame, spec: dict, check_first: bool = False) -> pd.Series:
    """Euros of the feasible designs, cheapest first."""
    expected = upload_check.expected_day(measured, spec)
    feasible = (measured["latency_p99_s"] <= spec["p99_limit_s"]) & (
        expected["to_people"] <= spec["reviews_per_day"]
    )
    if check_first:
        feasible &= measured["harm_before_check"] == 0
    return expected["euros"][feasible].sort_values()


def test_a_seed_decides_everything():
    first, again = (upload_check.play_day("cascade", SPEC, 5) for _ in range(2))
    assert first.outcome == again.outcome
    assert (first.latency_s == again.latency_s).all()
    assert upload_check.designs(SPEC, 3, n=500).equals(upload_check.designs(SPEC, 3, n=500))
    assert first.outcome != upload_check.play_day("cascade", SPEC, 6).outcome


def test_no_function_touches_the_global_stream():
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    upload_check.play_day("rules", SPEC | {"daily_users": 1e4}, 1)
    upload_check.scored_uploads(1, 100)
    assert np.random.random() == expected  # noqa: NPY002


@pytest.mark.parametrize("factor", [1.0, 2.5, 4.0])
def test_traffic_has_the_stated_average_and_peak(factor):
    spec = SPEC | {"peak_factor": factor}
    for seed in SEEDS:
        counts = upload_check.uploads_per_second(seed, spec)
        hourly = upload_check.hourly_rates(counts)
        assert counts.sum() == pytest.approx(1e6, abs=5e3)  # 5 standard errors of a Poisson count
        assert 0.9 * factor <= hourly.max() / hourly.mean() <= 1.15 * factor


def test_an_app_without_uploads_gives_an_empty_day():
    spec = SPEC | {"daily_users": 0}
    assert upload_check.uploads_per_second(1, spec).sum() == 0
    day = upload_check.play_day("cascade", spec, 1)
    assert len(day.latency_s) == 0
    assert day.outcome["uploads"] == 0
    assert day.outcome["servers"] == 1
    assert upload_check.index_servers(spec) == 1
    week = upload_check.scored_uploads(1, 0)
    assert len(week) == 0
    assert week["p_harmful"].dtype == float
    assert all(len(seconds) == 0 for seconds in upload_check.stage_samples(1, 0).values())


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: upload_check.play_day("magic", SPEC, 1), "There is no design 'magic'"),
        (lambda: upload_check.play_day("rules", SPEC, 1, servers=0), "at least one server"),
        (lambda: upload_check.designs({"daily_users": 1}, 1), "ask for it first"),
        (lambda: upload_check.designs(SPEC | {"prevalence": None}, 1), None),
        (lambda: upload_check.uploads_per_second(1, SPEC | {"daily_users": -1}), "negative"),
        (lambda: upload_check.uploads_per_second(1, SPEC | {"peak_factor": 0.5}), "below the ave"),
        (lambda: upload_check.uploads_per_second(1, SPEC | {"peak_factor": 30}), "at most 20"),
        (lambda: upload_check.index_servers(SPEC | {"shard_bytes": 0}), "shard_bytes"),
        (lambda: upload_check.hourly_rates(np.ones(24)), "A day has 86,400 seconds"),
        (lambda: upload_check.stage_samples(1, -1), "must not be negative"),
        (lambda: upload_check.scored_uploads(1, 10, days=0), "Ask for 1 day"),
        (lambda: upload_check.scored_uploads(1, 10, prevalence=0), "prevalence must be in"),
        (lambda: upload_check.scored_uploads(1, 10, attack=0), "attack must be positive"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence):
    if sentence is None:  # a fact that this function does not need
        call()
        return
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("servers", [8, 13, 18])
def test_the_queue_agrees_with_an_exact_simulation(servers):
    rng = np.random.default_rng(0)
    counts = upload_check.uploads_per_second(1, SPEC)[19 * 3600 : 21 * 3600]
    service = rng.lognormal(np.log(0.28), 0.5, counts.sum())
    arrivals = np.sort(np.repeat(np.arange(len(counts)), counts) + rng.random(counts.sum()))
    exact = exact_waits(arrivals, service, servers)
    total = np.concatenate([[0.0], np.cumsum(service)])
    work = np.diff(total[np.concatenate([[0], np.cumsum(counts)])])
    wait = np.concatenate([[0.0], upload_check._backlog(work, servers)[:-1]]) / servers
    fluid = wait[arrivals.astype(int)]
    # An upload adds at most its own service; the comparison is for waits that matter, seconds.
    assert abs(fluid.mean() - exact.mean()) <= 0.3 + 0.02 * exact.mean()
    assert abs(np.quantile(fluid, 0.99) - np.quantile(exact, 0.99)) <= 1 + 0.02 * exact.max()


def test_a_fleet_for_the_average_makes_uploads_wait_for_hours():
    for seed in SEEDS:
        service_s = upload_check.designs(SPEC, seed, n=10).loc["cascade", "service_s"]
        naive = int(np.ceil(1e6 / 86_400 * service_s))
        peak = int(np.ceil(1e6 / 86_400 * 3 * service_s))
        assert upload_check.play_day("cascade", SPEC, seed, servers=naive).wait_s.max() > 5 * 3600
        assert upload_check.play_day("cascade", SPEC, seed, servers=peak).outcome["p99_s"] > 20
        assert upload_check.play_day("cascade", SPEC, seed).outcome["p99_s"] < 1.6


def test_measured_latency_is_what_the_stages_imply():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        samples = upload_check.stage_samples(seed + 100, 60_000, world=seed)
        measured = upload_check.designs(SPEC, seed)
        for name in upload_check.DESIGNS:
            total = np.zeros(100_000)
            for step in upload_check.plan_of(name, SPEC):
                calls = [
                    rng.choice(samples[stage], (copies, 100_000)).max(axis=0)
                    for stage, copies in step
                ]
                total += np.max(calls, axis=0)
            # 0.5 % is the standard error of a p99 from 1e5 draws; 60,000 measurements add 0.7 %.
            p99 = measured.loc[name, "latency_p99_s"]
            assert np.quantile(total, 0.99) == pytest.approx(p99, rel=0.04)
            assert total.mean() == pytest.approx(measured.loc[name, "latency_mean_s"], rel=0.02)


def test_percentiles_do_not_add_in_either_direction():
    rng = np.random.default_rng(0)
    smooth = rng.lognormal(0, 0.6, (4, 200_000))
    rare = np.where(rng.random((4, 200_000)) < 0.008, 1.0, 0.05)
    added = [np.quantile(stages, 0.99, axis=1).sum() for stages in (smooth, rare)]
    p99 = [np.quantile(stages.sum(axis=0), 0.99) for stages in (smooth, rare)]
    assert added[0] > 1.4 * p99[0]
    assert added[1] < 0.3 * p99[1]


def test_a_fan_out_is_slow_as_often_as_its_formula_says():
    samples = upload_check.stage_samples(1, 200_000)["index_server"]
    waits = np.random.default_rng(0).choice(samples, (12, 100_000)).max(axis=0)
    expected = 1 - 0.99**12
    # 5 standard errors of the share, and of the slow share among the measurements (times 12).
    noise = np.sqrt(expected / 100_000) + 12 * np.sqrt(0.01 / 200_000)
    assert (waits > 0.3).mean() == pytest.approx(expected, abs=5 * noise)


def test_a_day_costs_what_is_expected():
    for seed in SEEDS:
        measured = upload_check.designs(SPEC, seed, n=1000)
        expected = upload_check.expected_day(measured, SPEC)
        for name in ("rules", "small_model", "cascade", "publish_then_check"):
            outcome = upload_check.play_day(name, SPEC, seed + 50, world=seed).outcome
            euros = outcome["euros"] - outcome["late_euros"]
            harmful = expected.loc[name, "harmful_live"]
            noise = 15 * np.sqrt(harmful) + 0.6 * np.sqrt(15_000) + 3 * np.sqrt(1_000)
            assert euros == pytest.approx(expected.loc[name, "euros"], abs=5 * noise)
            assert outcome["servers"] == expected.loc[name, "servers"]


def test_reviewers_get_through_no_more_than_they_can():
    outcome = upload_check.play_day("rules_and_people", SPEC, 4).outcome
    assert outcome["flagged_to_people"] > outcome["reviewed"] == SPEC["reviews_per_day"]
    enough = upload_check.play_day("rules_and_people", SPEC | {"reviews_per_day": 1e6}, 4).outcome
    assert outcome["harmful_live"] > 1.3 * enough["harmful_live"]


@pytest.mark.parametrize(
    ("change", "check_first", "expected"),
    [
        ({}, False, "cascade"),
        ({"p99_limit_s": 4.0}, False, "large_model"),
        ({"p99_limit_s": 1.0}, False, "small_model"),
        ({"p99_limit_s": 0.3}, False, "publish_then_check"),
        ({"p99_limit_s": 0.3}, True, "rules"),
        ({"daily_users": 1e5}, False, "rules"),
        ({"daily_users": 1e5, "harmful_euros": 50.0}, False, "rules_and_people"),
    ],
)
def test_each_constraint_flips_the_choice(change, check_first, expected):
    for world in (1, 2, 3, 71):
        measured = upload_check.designs(SPEC | change, world, n=30_000)
        euros = best(measured, SPEC | change, check_first)
        assert euros.index[0] == expected
        # The lab accepts 5 % more than the cheapest, so the runner-up must be further away.
        assert len(euros) == 1 or euros.iloc[1] > 1.06 * euros.iloc[0]


def test_measured_limits_are_not_at_the_edge():
    for world in (1, 2, 3, 71):
        p99 = upload_check.designs(SPEC, world, n=30_000)["latency_p99_s"]
        for limit in (0.3, 1.0, 2.0, 4.0):
            assert (np.abs(np.log(p99 / limit)) > 0.1).all()


def test_scores_are_calibrated_and_one_day_is_attacked():
    week = upload_check.scored_uploads(3, 40_000, separation=2.5)
    by_day = week.groupby("day")["p_harmful"].mean()
    usual = by_day.drop(by_day.idxmax())
    # Calibration implies E[p] = prevalence; the odds of the attacked day are six times as high.
    noise = week["p_harmful"].std() / np.sqrt(len(usual) * 40_000)
    assert usual.mean() == pytest.approx(0.003, abs=5 * noise)
    assert by_day.max() == pytest.approx(0.003 * 6 / (1 + 5 * 0.003), rel=0.15)


def test_thresholds_and_reviews_are_worth_their_money():
    for seed in SEEDS:
        week = upload_check.scored_uploads(seed, 20_000, separation=2.5)
        p, day = week["p_harmful"].to_numpy(), week["day"].to_numpy()
        auto = np.minimum(15 * p, 3 * (1 - p))
        half = np.where(p >= 0.5, 3 * (1 - p), 15 * p)
        assert half.sum() > 1.1 * auto.sum()
        saved = auto - 0.6
        by_saving, by_score = auto.copy(), auto.copy()
        for today in range(7):
            rows = np.flatnonzero(day == today)
            by_saving[rows[np.argsort(-saved[rows])[:100]]] = 0.6
            by_score[rows[np.argsort(-p[rows])[:100]]] = 0.6
        assert by_score.sum() > 1.03 * by_saving.sum()
        assert by_saving.sum() < 0.95 * auto.sum()
