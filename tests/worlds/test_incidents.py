"""The incidents world: what it draws and refuses, and the effects that the lab builds on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score

from course.worlds import incidents

FEATURES = list(incidents.FEATURES)
SEEDS = (1, 2, 3)
SIZES = {"tapes": 8, "rows": 600}


def nobody(report: pd.DataFrame) -> list[str]:
    return ["none"] * len(report)


def evidence_based(report: pd.DataFrame) -> np.ndarray:
    """What the lab's own answer does, column by column."""
    gap = np.abs(logit(report["implied_prior"]) - logit(report["served_prior"]))
    rested, quiet = report["days_since_action"] > 3, report["feature_psi"] < 0.1
    attack = report["worst_feature"].eq("creator_score") & ~quiet
    rules = [
        report["implausible"] > 0.3,
        attack & (report["last_action"] != "roll_back"),
        quiet & (gap > 0.4) & rested,
        ~attack & (report["matured_auc"] < 0.77) & rested,
    ]
    return np.select(rules, ["fix_pipeline", "roll_back", "reweight", "retrain"], "none")


def retrain_on_psi(report: pd.DataFrame) -> np.ndarray:
    due = (report["feature_psi"] > 0.25) & (report["days_since_action"] > 3)
    return np.where(due, "retrain", "none")


def fix_on_psi(report: pd.DataFrame) -> np.ndarray:
    return np.where(report["feature_psi"] > 0.25, "fix_pipeline", "none")


def retrain_on_auc(report: pd.DataFrame) -> np.ndarray:
    due = (report["matured_auc"] < 0.77) & (report["days_since_action"] > 3)
    return np.where(due, "retrain", "none")


def saved(policy: Callable, seed: int) -> float:
    """Share of the way from nobody on call to knowing everything."""
    none, every = incidents.floor(seed, **SIZES).euros, incidents.ceiling(seed, **SIZES).euros
    return (none - incidents.run(policy, seed, **SIZES).euros) / (none - every)


def of_incident(seed: int, kind: str, frame: pd.DataFrame) -> pd.DataFrame:
    row = incidents.true_incidents(seed).set_index("kind").loc[kind]
    return frame[frame["day"].between(row["first_day"], row["last_day"])]


def psi(reference: pd.Series, current: pd.Series) -> float:
    return float(incidents.psi(reference.to_numpy()[None], current.to_numpy()[None])[0])


# ── contract ─────────────────────────────────────────────────────────────────────────────────────


def test_equal_seeds_give_equal_tapes_and_others_give_others():
    first, again, other = (incidents.tape(seed, rows=50) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["score"].equals(other["score"])
    one, two = (incidents.run(evidence_based, 5, tapes=2, rows=100).days for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    np.testing.assert_array_equal(incidents.label_shift(3)[1], incidents.label_shift(3)[1])


def test_a_tape_has_sixty_days_of_typed_columns():
    tape = incidents.tape(4, rows=20)
    assert list(tape.columns) == ["day", *FEATURES, "score", "signed_on"]
    assert tape["day"].value_counts().eq(20).all()
    assert tape["day"].nunique() == incidents.DAYS
    assert tape["score"].between(0, 1).all()
    late = tape["signed_on"] - tape["day"]
    assert late.dropna().between(0, incidents.LABEL_DELAY).all()


def test_no_rows_give_an_empty_reference_with_its_columns():
    empty, full = incidents.reference(1, 0), incidents.reference(1, 5)
    assert len(empty) == 0
    assert list(empty.dtypes) == list(full.dtypes)


@pytest.mark.parametrize("seed", SEEDS)
def test_incidents_do_not_overlap_and_lie_within_the_tape(seed: int):
    plans = [
        (0, incidents.true_incidents(seed)),
        *incidents.true_incidents(seed, tapes=8).groupby("tape"),
    ]
    for _, plan in plans:
        assert plan["first_day"].iloc[0] >= 7
        assert plan["last_day"].max() <= incidents.DAYS - 1
        assert (plan["first_day"] <= plan["last_day"]).all()
        assert (plan["first_day"].to_numpy()[1:] > plan["last_day"].to_numpy()[:-1]).all()
        if "concept_drift" in set(plan["kind"]):
            assert plan["kind"].iloc[-1] == "concept_drift"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: incidents.tape(-1), "seed must be an integer"),
        (lambda: incidents.tape(1, rows=0), "rows must be an integer of 1"),
        (lambda: incidents.reference("a"), "seed must be an integer"),
        (lambda: incidents.label_shift(1, prior=1.0), "prior must lie between"),
        (lambda: incidents.daily_means(1, days=9), "days must be an integer of 28"),
        (lambda: incidents.psi(np.zeros(5), np.zeros(5)), "two arrays of shape"),
        (lambda: incidents.psi(np.zeros((2, 5)), np.zeros((2, 0))), "two arrays of shape"),
        (lambda: incidents.run(nobody, 1, tapes=0), "tapes must be an integer"),
        (lambda: incidents.run(lambda r: "none", 1, tapes=2, rows=50), "Day 0: the policy returns"),
        (lambda: incidents.run(lambda r: ["none"], 1, tapes=2, rows=50), "expected 2 actions"),
        (lambda: incidents.run(lambda r: ["page"] * 2, 1, tapes=2, rows=50), "'page' is none of"),
        (
            lambda: incidents.feedback_loop(lambda *a: ([[400]], None), 1, slots=1),
            "expected 1 items",
        ),
        (
            lambda: incidents.alarm_score([True], incidents.true_incidents(1)),
            "there are 1 days of alarms",
        ),
    ],
)
def test_bad_input_gets_a_sentence(call: Callable, message: str):
    with pytest.raises(ValueError, match=message.replace("'", ".")):
        call()


def test_a_report_has_one_row_per_tape_and_all_evidence():
    reports = []

    def keeps(report: pd.DataFrame) -> list[str]:
        reports.append(report)
        return nobody(report)

    incidents.run(keeps, 6, tapes=3, rows=100)
    assert len(reports) == incidents.DAYS
    everything = pd.concat(reports)
    assert len(everything) == 3 * incidents.DAYS
    assert everything.notna().all().all()
    assert everything["implied_prior"].between(0, 1).all()


def test_alarms_are_scored_by_false_ones_and_days_to_detect():
    plan = pd.DataFrame({"kind": ["a", "b"], "first_day": [10, 20], "last_day": [14, 29]})
    alarms = np.zeros(40, dtype=bool)
    alarms[[3, 12, 13]] = True
    score = incidents.alarm_score(alarms, plan)
    assert score["false_per_month"] == pytest.approx(30 / 25)
    assert score["days_to_detect"]["a"] == 2
    assert np.isnan(score["days_to_detect"]["b"])


# ── alarm without harm, harm without alarm ───────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", SEEDS)
def test_inputs_and_harm_go_separate_ways(seed: int):
    tape, quiet, harm = incidents.tape(seed), incidents.reference(seed), incidents.true_harm(seed)
    found = {}
    for kind in incidents.KINDS:
        rows = of_incident(seed, kind, tape)
        label = rows["signed_on"].notna()
        found[kind] = (
            max(psi(quiet[name], rows[name]) for name in FEATURES),
            roc_auc_score(label, rows["score"]),
            rows["score"].mean() / label.mean(),
            harm.loc[rows["day"].unique()].sum(),
        )
    index, auc, ratio, euros = (
        dict(zip(found, each, strict=True)) for each in zip(*found.values(), strict=True)
    )
    # 12,000 rows: the standard error of an AUC is below .004, of a ratio below .02
    assert index["irrelevant_shift"] > 1.5
    assert euros["irrelevant_shift"] == 0
    assert auc["irrelevant_shift"] == pytest.approx(0.865, abs=0.02)
    assert index["concept_drift"] < 0.01
    assert auc["concept_drift"] < 0.77
    assert ratio["concept_drift"] == pytest.approx(1, abs=0.1)
    assert euros["concept_drift"] > 80_000
    assert index["label_shift"] < 0.06
    assert auc["label_shift"] == pytest.approx(0.865, abs=0.03)
    assert ratio["label_shift"] > 2
    assert min(index["stuck"], index["scaled"]) > 2
    assert auc["scaled"] < 0.7
    assert auc["creator_attack"] < 0.84
    assert harm[:7].sum() == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_about_half_of_the_loss_falls_on_days_above_the_conventional_limit(seed: int):
    tape, quiet, harm = incidents.tape(seed), incidents.reference(seed), incidents.true_harm(seed)
    paged = [max(psi(quiet[n], day[n]) for n in FEATURES) > 0.25 for _, day in tape.groupby("day")]
    assert 0.4 < harm[np.array(paged)].sum() / harm.sum() < 0.65


def test_psi_of_quiet_windows_follows_its_null_law():
    rng = np.random.default_rng(0)
    small = incidents.psi(rng.random((2_000, 100)), rng.random((2_000, 100)))
    assert (small > 0.1).mean() > 0.75
    values = incidents.psi(rng.random((2_000, 800)), rng.random((2_000, 400)))
    limit = (1 / 800 + 1 / 400) * chi2.ppf(0.95, 9)
    assert (values > limit).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2_000))
    assert incidents.psi(values[None], values[None])[0] == 0


@pytest.mark.parametrize("prior", [0.1, 0.55])
def test_label_shift_is_pure_and_its_correction_exact(prior: float):
    source, scores = incidents.label_shift(7, prior)
    truth, base = incidents.true_probability(7, prior), source["satisfied"].mean()
    assert truth.mean() == pytest.approx(prior, abs=0.02)
    moved = logit(truth) - logit(scores)
    assert np.ptp(moved) < 1e-3
    assert moved.mean() == pytest.approx(logit(prior) - logit(base), abs=0.1)
    cut = source["score"] > 0.4
    hit, false = (cut[source["satisfied"] == label].mean() for label in (1, 0))
    implied = (np.mean(scores > 0.4) - false) / (hit - false)
    assert implied == pytest.approx(prior, abs=0.03)


@pytest.mark.parametrize("seed", range(5))
def test_a_break_shows_downstream_and_weekends_are_louder(seed: int):
    means, inputs = incidents.daily_means(seed)
    broken, start = incidents.true_break(seed)
    weekday = means.index % 7
    usual = means[:21].groupby(weekday[:21]).mean()
    left = means - usual.loc[weekday].to_numpy()
    after = left[start:].mean().abs()
    assert broken not in inputs
    assert after.drop(list(inputs)).idxmax() == broken
    assert after.idxmax() in inputs
    assert means.drop(columns=list(inputs)).diff().abs().max().idxmax() in ("hour_share", "friends")


# ── on call ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", SEEDS)
def test_evidence_saves_most_and_conventional_policies_do_not(seed: int):
    assert saved(evidence_based, seed) > 0.6
    assert saved(nobody, seed) == 0
    assert saved(retrain_on_psi, seed) < 0
    assert saved(fix_on_psi, seed) < 0.55
    assert saved(retrain_on_auc, seed) < 0.3


def test_each_action_costs_its_price_and_idle_actions_change_nothing():
    def idle(report: pd.DataFrame) -> list[str]:
        return ["fix_pipeline" if report["day"].iloc[0] == 2 else "none"] * len(report)

    acted, rested = (incidents.run(policy, 9, tapes=2, rows=200) for policy in (idle, nobody))
    np.testing.assert_array_equal(acted.days["harm"], rested.days["harm"])
    assert acted.euros - rested.euros == pytest.approx(incidents.ACTION_EUROS["fix_pipeline"])


def test_a_fixed_pipeline_does_no_harm_from_the_next_day_on():
    def fixes(report: pd.DataFrame) -> np.ndarray:
        return np.where(report["implausible"] > 0.3, "fix_pipeline", "none")

    plan = incidents.true_incidents(8, tapes=8)
    days = incidents.run(fixes, 8, **SIZES).days
    for row in plan[plan["kind"].isin(["stuck", "scaled"])].itertuples():
        after = days[
            (days["tape"] == row.tape) & days["day"].between(row.first_day + 1, row.last_day)
        ]
        assert after["harm"].sum() == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ranker_that_never_explores_stays_with_what_it_knows(seed: int):
    def choose(
        estimates: np.ndarray, requests: int, slots: int, epsilon: float, rng: np.random.Generator
    ):
        best = np.argsort(-estimates, kind="stable")[:slots]
        drawn = rng.integers(0, len(estimates), (requests, slots))
        return np.where(rng.random((requests, slots)) < epsilon, drawn, best), None

    greedy, explores = (incidents.feedback_loop(choose, seed, epsilon=e) for e in (0.0, 0.2))
    assert (
        greedy["quality"][-50:].mean() + 0.05 < explores["quality"][-50:].mean() < explores["best"]
    )
    assert greedy["ever_shown"] < 60 < 150 < explores["ever_shown"]
