"""Sixty days of a ranking model in production, with incidents, and somebody on call.

What it simulates
-----------------
The short-video app scores every impression with a logistic regression: the probability that the
viewer is satisfied (comes back to the creator, likes, or finishes the video). Videos that score at
least `PROMOTE_AT` are promoted. A promoted video earns its probability minus `PROMOTE_AT`, so a
wrong decision costs the distance between the two: the *harm* of a day is that sum over a million
impressions, in euros, against a team that knows each probability. Satisfaction shows late: a sign
of it arrives after some hours to `LABEL_DELAY` days, its absence never arrives at all.

Six incidents happen, see `KINDS`:

* `stuck`: `watch_history` has one and the same value for everybody (pipeline).
* `scaled`: `quality_score` arrives multiplied by 100 (pipeline).
* `irrelevant_shift`: `battery_level`, which the model does not use, moves by 1.5 sigma.
* `label_shift`: a campaign brings viewers of whom fewer are satisfied. P(features | label) stays,
  P(label) falls from about .3 to .1.
* `creator_attack`: a growing share of the videos comes from creators who inflate `creator_score`.
* `concept_drift`: tastes turn. P(features) stays, P(label | features) changes, for good.

Who is on call may answer with one of `ACTIONS` each evening; it works from the next morning on:

* `fix_pipeline` repairs a broken feature, if one is broken, and computes past values again;
* `reweight` estimates the share of satisfied viewers from the unlabelled scores of the last three
  days (black box shift estimation) and moves all odds accordingly;
* `retrain` fits the model to the last three days whose labels are complete;
* `roll_back` puts last month's model in place, which does not know `creator_score`.

Use
---
>>> from course.worlds import incidents
>>> tape = incidents.tape(seed=1)
>>> int(tape["day"].max())
59
>>> def never(report):
...     return ["none"] * len(report)
>>> result = incidents.run(never, seed=1, tapes=2)
>>> bool(result.euros == incidents.floor(1, tapes=2).euros)
True

`reference`, `tape`, `label_shift`, `daily_means` and `run` are what a team can see.
`true_incidents`, `true_harm`, `true_break`, `true_probability` and `ceiling` look up what is
planted: for reveals and checks.

Assumptions and limits
----------------------
Incidents do not overlap, traffic has no weekly cycle except in `daily_means`, features are
independent, and the model family is right. An action never fails and has a fixed price. Nobody
learns from being attacked: creators do not move on to the next feature. Satisfaction under the
campaign is pure label shift, which real campaigns are not. The sizes of all effects are this
course's own.

What its shape is taken from
----------------------------
Statistics and their null distribution: Yurdakul 2018 (PSI), Rabanser, Guennemann and Lipton 2019
(failing loudly: two-sample tests and domain classifiers). Label shift and its correction: Saerens,
Latinne and Decaestecker 2002; Lipton, Wang and Smola 2018. Kinds of drift: Gama et al. 2014.
Delayed positives: Chapelle 2014. Feedback of a recommender on its own data: Chaney, Stewart and
Engelhardt 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import expit, logit

FEATURES = (
    "topic_match",
    "quality_score",
    "creator_score",
    "watch_history",
    "thumbnail_score",
    "battery_level",
)
"""What the model gets, in standard deviations of quiet days."""
KINDS = (
    "stuck",
    "irrelevant_shift",
    "scaled",
    "label_shift",
    "creator_attack",
    "concept_drift",
)
"""What can happen, in the order of the first tape."""
ACTIONS = ("none", "fix_pipeline", "reweight", "retrain", "roll_back")
"""What whoever is on call can do of an evening."""
ACTION_EUROS = {
    "none": 0,
    "fix_pipeline": 4_000,
    "reweight": 1_000,
    "retrain": 6_000,
    "roll_back": 3_000,
}
"""What an action costs, whether it helps or not."""
DAYS = 60
LABEL_DELAY = 4
"""Days after which every sign of satisfaction has arrived."""
PROMOTE_AT = 0.4
IMPRESSIONS = 1_000_000
"""Impressions of a day, of which a tape holds a sample."""
EUROS_PER_UNIT = 0.3
"""What a promoted impression earns per unit of probability above `PROMOTE_AT`."""
WEIGHTS = (1.1, 0.9, 0.9, 0.9, 0.3, 0.0)
INTERCEPT = -1.35

_DRIFTED = (-0.2, 0.9, 0.9, 0.9, 1.3, 0.0)
_SHIFTED_PRIOR = 0.10
_BROKEN = ("stuck", "scaled")
_HISTORY = 8  # quiet days before day 0, so that a cohort has matured on day 0
_REFERENCE_ROWS = 6_000
_POOLED = 3  # days in a cohort, in the estimate of the prior, and in a training set
_RANK = {kind: rank for rank, kind in enumerate(("creator_attack", "concept_drift"), 1)}


def _seeded(seed: int, *purpose: int) -> np.random.Generator:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be an integer of 0 or more, got {seed!r}.")
    return np.random.default_rng([int(seed), *purpose])


def _size(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be an integer of {least} or more, got {value!r}.")
    return int(value)


def _probability(features: np.ndarray, weights: Sequence[float] = WEIGHTS) -> np.ndarray:
    return expit(INTERCEPT + features @ np.asarray(weights, features.dtype))


def _move_prior(p: np.ndarray, old: float, new: float) -> np.ndarray:
    """Return probabilities whose prior moved from `old` to `new` (Saerens et al. 2002)."""
    return expit(logit(p) + logit(new) - logit(old))


@lru_cache(maxsize=1)
def _quiet_prior() -> float:
    spread = np.sqrt(np.sum(np.square(WEIGHTS)))
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    return float(np.sum(expit(INTERCEPT + spread * points) * weights) / weights.sum())


def _rows_given_label(rng: np.random.Generator, n: int, prior: float) -> tuple:
    """Draw features with P(features | label) of a quiet day, but another share of positives."""
    positives = int(rng.binomial(n, prior))
    pool = rng.standard_normal((8 * n + 100, len(FEATURES))).astype(np.float32)
    label = rng.random(len(pool)) < _probability(pool)
    yes, no = np.flatnonzero(label)[:positives], np.flatnonzero(~label)[: n - positives]
    chosen = rng.permutation(np.r_[yes, no])
    features = pool[chosen]
    return features, label[chosen], _move_prior(_probability(features), _quiet_prior(), prior)


# ── what is planted ──────────────────────────────────────────────────────────────────────────────


def _plan(seed: int, tape: int, kinds: Sequence[str] | None) -> pd.DataFrame:
    """Lay incidents out one after another; drift and attack, which stay, come last."""
    rng = _seeded(seed, tape, 0)
    if kinds is None:
        kinds = rng.permutation(KINDS)[:4]
        kinds = sorted(kinds, key=lambda kind: _RANK.get(kind, 0))
    quiet, slot = (7, 9) if len(kinds) > 4 else (8, 13)
    rows = []
    for place, kind in enumerate(kinds):
        slack = 1 if slot == 9 else 4
        first = quiet + place * slot + int(rng.integers(0, slack))
        last = quiet + (place + 1) * slot - 2
        if kind == "scaled":
            last = min(last, first + 3)  # an outage that users notice by themselves
        elif place == len(kinds) - 1:
            last = DAYS - 1
        rows.append((tape, str(kind), first, last))
    return pd.DataFrame(rows, columns=["tape", "kind", "first_day", "last_day"])


@dataclass(frozen=True)
class _Fleet:
    """Everything that happens on some tapes; arrays are (tapes, history + days, rows, …)."""

    plan: pd.DataFrame
    clean: np.ndarray
    seen: np.ndarray
    truth: np.ndarray
    label: np.ndarray
    delay: np.ndarray


@lru_cache(maxsize=6)
def _fleet(seed: int, tapes: int, rows: int, kinds: tuple[str, ...] | None) -> _Fleet:
    plan = pd.concat([_plan(seed, tape, kinds) for tape in range(tapes)], ignore_index=True)
    rng = _seeded(seed, tapes, 1)
    shape = (tapes, _HISTORY + DAYS, rows)
    clean = rng.standard_normal((*shape, len(FEATURES)), dtype=np.float32)
    truth = _probability(clean)
    label = rng.random(shape, dtype=np.float32) < truth
    seen = clean.copy()
    for row in plan.itertuples():
        for age, day in enumerate(range(row.first_day + _HISTORY, row.last_day + _HISTORY + 1)):
            at = (row.tape, day)
            if row.kind == "label_shift":
                clean[at], label[at], truth[at] = _rows_given_label(rng, rows, _SHIFTED_PRIOR)
            elif row.kind == "concept_drift":
                truth[at] = _probability(clean[at], _DRIFTED)
                label[at] = rng.random(rows) < truth[at]
            elif row.kind == "irrelevant_shift":
                clean[at][:, 5] += 1.5
            elif row.kind == "creator_attack":
                inflated = rng.random(rows) < min(0.5, 0.05 * (age + 1))
                clean[at][inflated, 2] += 2.5
            seen[at] = clean[at]
            if row.kind == "stuck":
                seen[at][:, 3] = 1.0
            elif row.kind == "scaled":
                seen[at][:, 1] *= 100
    delay = np.minimum(rng.exponential(1.5, shape).astype(np.float32), LABEL_DELAY)
    for array in (clean, seen, truth, label, delay):
        array.setflags(write=False)
    return _Fleet(plan, clean, seen, truth, label, delay)


def _harm(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Euros lost in a day by promoting on `scores` rather than on the truth; over the last axis."""
    wrong = (scores >= PROMOTE_AT) != (truth >= PROMOTE_AT)
    return EUROS_PER_UNIT * IMPRESSIONS * np.mean(np.abs(truth - PROMOTE_AT) * wrong, axis=-1)


def _first_tape(seed: int, rows: int) -> _Fleet:
    _seeded(seed)
    return _fleet(int(seed), 1, _size("rows", rows, 1), KINDS)


# ── what a team sees ─────────────────────────────────────────────────────────────────────────────


def reference(seed: int, rows: int = _REFERENCE_ROWS) -> pd.DataFrame:
    """Return rows of quiet days before the tape: features, `score` and the final `satisfied`.

    Parameters
    ----------
    seed
        An integer of 0 or more.
    rows
        Number of rows.

    Raises
    ------
    ValueError
        If an argument is not an integer, or too small.
    """
    rng = _seeded(seed, 2)
    features = rng.standard_normal((_size("rows", rows, 0), len(FEATURES)), dtype=np.float32)
    frame = pd.DataFrame(features, columns=list(FEATURES))
    frame["score"] = _probability(features)
    frame["satisfied"] = (rng.random(rows) < frame["score"]).astype(np.int8)
    return frame


def tape(seed: int, rows: int = 1_500) -> pd.DataFrame:
    """Return a sample of 60 days on which nobody acted, with all six incidents.

    The incidents come in the order of `KINDS`, on the same days whatever the seed; the tapes of
    `run` have other days and orders.

    Parameters
    ----------
    seed
        An integer of 0 or more.
    rows
        Rows of each day.

    Returns
    -------
    pandas.DataFrame
        `day` (0 to 59), the `FEATURES` as the model got them, its `score`, and `signed_on`: the day
        (a fraction tells the hour) on which a sign of satisfaction arrived, `NaN` if none ever did.

    Raises
    ------
    ValueError
        If an argument is not an integer, or too small.
    """
    fleet = _first_tape(seed, rows)
    seen = fleet.seen[0, _HISTORY:].reshape(-1, len(FEATURES))
    frame = pd.DataFrame(seen, columns=list(FEATURES))
    frame.insert(0, "day", np.repeat(np.arange(DAYS), rows))
    frame["score"] = _probability(seen)
    arrived = frame["day"] + fleet.delay[0, _HISTORY:].ravel()
    frame["signed_on"] = np.where(fleet.label[0, _HISTORY:].ravel(), arrived, np.nan)
    return frame


def true_incidents(seed: int, *, tapes: int | None = None) -> pd.DataFrame:
    """Return kind, first and last day of what is planted on `tape`, or on the tapes of `run`."""
    _seeded(seed)
    if tapes is None:
        return _plan(seed, 0, KINDS).drop(columns="tape")
    each = [_plan(seed, number, None) for number in range(_size("tapes", tapes, 1))]
    return pd.concat(each, ignore_index=True)


def true_harm(seed: int, rows: int = 1_500) -> pd.Series:
    """Return the euros that each day of `tape` lost because nobody acted, indexed by day."""
    fleet = _first_tape(seed, rows)
    harm = _harm(fleet.truth[0, _HISTORY:], _probability(fleet.seen[0, _HISTORY:]))
    return pd.Series(harm, index=pd.RangeIndex(DAYS, name="day"), name="euros")


def psi(reference_rows: np.ndarray, current_rows: np.ndarray, bins: int = 10) -> np.ndarray:
    """Return the population stability index of many pairs of windows at once.

    Bins are quantiles of the reference; half a count is added to every bin of both windows.

    Parameters
    ----------
    reference_rows, current_rows
        Values, of shapes (pairs, m) and (pairs, n).
    bins
        Number of bins.

    Returns
    -------
    numpy.ndarray
        One number per pair, shape (pairs,).

    Raises
    ------
    ValueError
        If the arrays do not pair up, or a window is empty.
    """
    old, new = np.asarray(reference_rows, float), np.asarray(current_rows, float)
    if old.ndim != 2 or new.ndim != 2 or len(old) != len(new) or 0 in (old.shape[1], new.shape[1]):
        raise ValueError(
            f"psi takes two arrays of shape (pairs, values), got {old.shape} and {new.shape}."
        )
    edges = np.quantile(old, np.arange(1, bins) / bins, axis=1).T
    shares = []
    for values in (old, new):
        below = np.stack([(values <= edge[:, None]).sum(axis=1) for edge in edges.T], axis=1)
        counts = np.diff(below, axis=1, prepend=0, append=values.shape[1]) + 0.5
        shares.append(counts / counts.sum(axis=1, keepdims=True))
    return np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0]), axis=1)


def label_shift(
    seed: int, prior: float = 0.1, rows: int = 20_000
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return labelled quiet rows, and the scores of a day with another share of positives.

    Parameters
    ----------
    seed
        An integer of 0 or more.
    prior
        Share of satisfied viewers on the new day, in (0, 1). P(features | label) is unchanged.
    rows
        Rows of either table.

    Returns
    -------
    source, scores
        A frame with `score` and `satisfied`; an array of scores without labels.
    """
    source = reference(seed, rows)[["score", "satisfied"]]
    return source, _probability(_shifted(seed, prior, rows)[0])


def true_probability(seed: int, prior: float = 0.1, rows: int = 20_000) -> np.ndarray:
    """Return the planted probability behind each of the unlabelled scores of `label_shift`."""
    return _shifted(seed, prior, rows)[2]


@lru_cache(maxsize=8)
def _shifted(seed: int, prior: float, rows: int) -> tuple:
    if not 0 < prior < 1:
        raise ValueError(f"prior must lie between 0 and 1, got {prior}.")
    pools = []  # drawn in parts, so that a prior near 1 finds its positives
    for part in range(2):
        half = _size("rows", rows, 2) // 2 + part * (rows % 2)
        pools.append(_rows_given_label(_seeded(seed, 3, part), half, prior))
    return tuple(np.concatenate(parts) for parts in zip(*pools, strict=True))


_RAW = ("watched", "skipped", "topic_match", "quality", "hour_share", "friends")
_DERIVED = {
    "watch_ratio": ("watched", "skipped"),
    "affinity": ("topic_match", "watched"),
    "rank_input": ("quality", "watch_ratio"),
    "social_lift": ("friends", "hour_share"),
}
_MIX = {"watch_ratio": (2.0, -1.5), "affinity": (1.0, 1.6), "rank_input": (1.8, 1.7)}


def daily_means(seed: int, days: int = 42) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """Return the daily mean of each feature of a pipeline, and what each one is computed from.

    Traffic differs at weekends (days 5 and 6 of each week). The first 21 days are quiet; on a later
    day one feature that is not computed from others breaks, and stays broken.

    Parameters
    ----------
    seed
        An integer of 0 or more.
    days
        Number of days, at least 28.

    Returns
    -------
    means, inputs
        A frame with one row per day (index `day`) and one column per feature; and for each feature
        that is computed from others, their names.
    """
    rng = _seeded(seed, 4)
    days = _size("days", days, 28)
    broken, start = true_break(seed, days)
    weekend = np.isin(np.arange(days) % 7, (5, 6)).astype(float)
    frame = pd.DataFrame(index=pd.RangeIndex(days, name="day"))
    for name in _RAW:
        cycle = {"watched": 1.2, "hour_share": 3.0, "friends": -1.5}.get(name, 0.0)
        frame[name] = cycle * weekend + 0.08 * rng.standard_normal(days)
    frame.loc[start:, broken] += rng.choice([-1.0, 1.0]) * rng.uniform(1.0, 1.4)
    for name, inputs in _DERIVED.items():
        mix = _MIX.get(name, (1.9, 1.6))
        frame[name] = sum(w * frame[part] for w, part in zip(mix, inputs, strict=True))
        frame[name] += 0.02 * rng.standard_normal(days)
    return frame[list(_seeded(seed, 5).permutation(frame.columns))], dict(_DERIVED)


def true_break(seed: int, days: int = 42) -> tuple[str, int]:
    """Return the feature of `daily_means` that broke, and its first bad day."""
    rng = _seeded(seed, 6)
    return str(rng.choice(("watched", "quality", "topic_match"))), int(rng.integers(22, days - 4))


# ── on call ──────────────────────────────────────────────────────────────────────────────────────

Policy = Callable[[pd.DataFrame], Sequence[str]]
"""Gets the evening's report with one row per tape, returns one of `ACTIONS` per row."""


@dataclass(frozen=True)
class Result:
    """What happened on some tapes in the care of a policy.

    Attributes
    ----------
    days
        One row per tape and day: `tape`, `day`, `harm` (euros lost to wrong promotions), `action`
        (of the evening), `action_euros`.
    euros
        Harm and actions together, per tape.
    """

    days: pd.DataFrame
    euros: float


class _Models:
    """The models in service, one per tape, and what is known of each on labelled rows."""

    def __init__(self, tapes: int, labelled: pd.DataFrame) -> None:
        self.reference = labelled[list(FEATURES)].to_numpy()
        self.weights = np.tile(np.r_[INTERCEPT, WEIGHTS], (tapes, 1))
        self.prior = np.full(tapes, _quiet_prior())  # of the rows that the model was fitted to
        self.offset = np.zeros(tapes)
        self.edges = np.empty((tapes, 9))
        self.shares = np.empty((tapes, 10))
        self.cut, self.hit, self.false = np.empty((3, tapes))
        label = labelled["satisfied"].to_numpy() == 1
        self.quiet_rows = (self.reference, label)
        for tape_number in range(tapes):
            self._describe(tape_number, *self.quiet_rows)

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Log-odds before any re-weighting; `features` is (tapes, …, features)."""
        flat = features.reshape(len(features), -1, len(FEATURES))
        values = np.matmul(flat, self.weights[:, 1:, None].astype(np.float32))[..., 0]
        return (values + self.weights[:, :1]).reshape(features.shape[:-1])

    def _describe(self, at: int, features: np.ndarray, label: np.ndarray) -> None:
        values = self.reference @ self.weights[at, 1:] + self.weights[at, 0]
        self.edges[at] = np.quantile(values, np.arange(1, 10) / 10)
        counts = np.bincount(np.searchsorted(self.edges[at], values), minlength=10) + 0.5
        self.shares[at] = counts / counts.sum()
        fitted = features @ self.weights[at, 1:] + self.weights[at, 0]
        self.cut[at] = np.quantile(fitted, 1 - label.mean())
        above = fitted >= self.cut[at]
        self.hit[at], self.false[at] = above[label].mean(), above[~label].mean()

    def implied_prior(self, logits: np.ndarray) -> np.ndarray:
        """Share of positives by black box shift estimation; `logits` is (tapes, rows)."""
        above = (logits >= self.cut[:, None]).mean(axis=1)
        gap = np.maximum(self.hit - self.false, 0.05)
        return np.clip((above - self.false) / gap, 0.01, 0.99)

    def score_psi(self, logits: np.ndarray) -> np.ndarray:
        values = np.empty(len(logits))
        for at, row in enumerate(logits):
            counts = np.bincount(np.searchsorted(self.edges[at], row), minlength=10) + 0.5
            new = counts / counts.sum()
            values[at] = np.sum((new - self.shares[at]) * np.log(new / self.shares[at]))
        return values

    def reweight(self, at: int, prior: float) -> None:
        self.offset[at] = logit(prior) - logit(self.prior[at])

    def retrain(self, at: int, features: np.ndarray, label: np.ndarray) -> None:
        self.weights[at] = _fit(features, label)
        self.prior[at], self.offset[at] = label.mean(), 0.0
        self._describe(at, features, label)

    def roll_back(self, at: int) -> None:
        self.weights[at] = _previous_model()
        self.prior[at], self.offset[at] = _quiet_prior(), 0.0
        self._describe(at, *self.quiet_rows)


def _fit(features: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Fit a logistic regression with a little ridge by Newton's method; intercept first."""
    design = np.column_stack([np.ones(len(features)), features]).astype(float)
    scale = np.maximum(design.std(axis=0), 1e-3)
    scale[0] = 1.0
    design /= scale
    ridge = np.full(design.shape[1], 2.0)
    ridge[0] = 1e-3
    weights = np.zeros(design.shape[1])
    for _ in range(8):
        p = expit(design @ weights)
        gradient = design.T @ (label - p) - ridge * weights
        hessian = (design * (p * (1 - p))[:, None]).T @ design + np.diag(ridge)
        weights = weights + np.linalg.solve(hessian, gradient)
    return weights / scale


@lru_cache(maxsize=1)
def _previous_model() -> np.ndarray:
    """Last month's model: fitted to quiet rows, without `creator_score`."""
    rows = reference(0, 40_000)
    features = rows[list(FEATURES)].to_numpy().copy()
    features[:, 2] = 0
    weights = _fit(features, rows["satisfied"].to_numpy())
    weights[3] = 0.0
    return weights


def _auc(scores: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each row of two arrays (tapes, rows), ties by position."""
    ranks = np.empty_like(scores)
    order = np.argsort(scores, axis=1)
    np.put_along_axis(ranks, order, np.arange(1.0, scores.shape[1] + 1)[None, :], axis=1)
    positives = label.sum(axis=1)
    total = (ranks * label).sum(axis=1) - positives * (positives + 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / (positives * (scores.shape[1] - positives))


@lru_cache(maxsize=6)
def _feature_reports(seed: int, tapes: int, rows: int, kinds: tuple | None) -> dict:
    """PSI and share of implausible values of each feature on each day, broken and repaired."""
    fleet = _fleet(seed, tapes, rows, kinds)
    quiet = reference(seed)[list(FEATURES)].to_numpy()
    out = {}
    for name, values in (("seen", fleet.seen), ("clean", fleet.clean)):
        psis = np.empty((*values.shape[:2], len(FEATURES)))
        odd = np.empty_like(psis)
        for column in range(len(FEATURES)):
            old, new = quiet[:, column], values[..., column]
            edges = np.quantile(old, np.arange(1, 10) / 10)
            expected = np.bincount(np.searchsorted(edges, old), minlength=10) + 0.5
            expected = expected / expected.sum()
            cell = np.searchsorted(edges, new) + 10 * np.arange(
                new.shape[0] * new.shape[1]
            ).reshape(*new.shape[:2], 1)
            counts = np.bincount(cell.ravel(), minlength=10 * new.shape[0] * new.shape[1])
            shares = counts.reshape(*new.shape[:2], 10) + 0.5
            shares = shares / shares.sum(axis=-1, keepdims=True)
            psis[..., column] = np.sum((shares - expected) * np.log(shares / expected), axis=-1)
            outside = ((new < old.min()) | (new > old.max())).mean(axis=-1)
            repeated = (new == new[..., :1]).mean(axis=-1)
            odd[..., column] = np.maximum(
                outside, np.where(repeated > 2 / new.shape[-1], repeated, 0)
            )
        out[name] = (psis, odd)
    return out


def run(policy: Policy, seed: int, *, tapes: int = 8, rows: int = 1_000) -> Result:
    """Let a policy be on call on fresh tapes of 60 days, each with four of the incidents.

    Parameters
    ----------
    policy
        Called once an evening with a frame of one row per tape, columns:

        `tape`, `day`;
        `worst_feature`, `feature_psi`: the feature with the largest PSI of the day against the
        reference, and that PSI;
        `implausible`: share of that feature's values outside the range of the reference, or the
        share of its most frequent value if that is larger;
        `score_psi`: PSI of the scores;
        `matured_auc`, `matured_calibration` (mean prediction over mean label): the model in service
        re-scored on the latest three days whose labels are complete;
        `implied_prior`, `served_prior`: share of satisfied viewers that the scores of the last
        three days imply under label shift, and the share that the model in service assumes;
        `last_action` ("none" if there was none yet), `days_since_action` (99 if none).

        It returns one of `ACTIONS` per row.
    seed
        An integer of 0 or more.
    tapes, rows
        Number of tapes, and rows of each day.

    Returns
    -------
    Result
        What each day cost.

    Raises
    ------
    ValueError
        If the policy returns something else than one action per tape, or an argument is too small.
    """
    _seeded(seed)
    return _play(policy, int(seed), _size("tapes", tapes, 1), _size("rows", rows, 50), None)


def floor(seed: int, *, tapes: int = 8, rows: int = 1_000) -> Result:
    """Return what the tapes of `run` cost if nobody ever acts."""
    return run(lambda report: ["none"] * len(report), seed, tapes=tapes, rows=rows)


def ceiling(seed: int, *, tapes: int = 8, rows: int = 1_000) -> Result:
    """Return what the tapes of `run` cost if somebody knows each evening what happened that day."""
    _seeded(seed)
    plan = true_incidents(seed, tapes=tapes)
    todo: dict[tuple[int, int], str] = {}
    for row in plan.itertuples():
        if row.kind in _BROKEN:
            todo[row.tape, row.first_day] = "fix_pipeline"
        elif row.kind == "label_shift":
            todo[row.tape, row.first_day] = todo[row.tape, row.last_day] = "reweight"
        elif row.kind == "creator_attack":
            todo[row.tape, row.first_day + 3] = "roll_back"
        elif row.kind == "concept_drift":
            todo[row.tape, row.first_day + LABEL_DELAY + _POOLED - 1] = "retrain"

    def oracle(report: pd.DataFrame) -> list[str]:
        pairs = zip(report["tape"], report["day"], strict=True)
        return [todo.get((int(tape), int(day)), "none") for tape, day in pairs]

    return _play(oracle, int(seed), tapes, rows, plan)


def _play(policy: Policy, seed: int, tapes: int, rows: int, known: pd.DataFrame | None) -> Result:
    fleet = _fleet(seed, tapes, rows, None)
    features_of = _feature_reports(seed, tapes, rows, None)
    models = _Models(tapes, reference(seed))
    repaired = np.zeros(fleet.truth.shape[:2], dtype=bool)
    last_action, last_day = np.full(tapes, "none", dtype=object), np.full(tapes, -1)
    records = []

    def served(days: slice) -> np.ndarray:
        fixed = repaired[:, days]
        if not fixed.any():
            return fleet.seen[:, days]
        return np.where(fixed[..., None, None], fleet.clean[:, days], fleet.seen[:, days])

    for day in range(DAYS):
        now = day + _HISTORY
        features = served(slice(now, now + 1))[:, 0]
        scores = expit(models.logits(features) + models.offset[:, None])
        harm = _harm(fleet.truth[:, now], scores)

        old = slice(now - LABEL_DELAY - _POOLED + 1, now - LABEL_DELAY + 1)
        matured, label = served(old), fleet.label[:, old].reshape(tapes, -1)
        logits = models.logits(matured).reshape(tapes, -1)
        recent = models.logits(served(slice(now - _POOLED + 1, now + 1))).reshape(tapes, -1)
        implied = models.implied_prior(recent)
        fixed = repaired[:, now, None]
        psis = np.where(fixed, features_of["clean"][0][:, now], features_of["seen"][0][:, now])
        odd = np.where(fixed, features_of["clean"][1][:, now], features_of["seen"][1][:, now])
        worst = psis.argmax(axis=1)
        each = np.arange(tapes)
        with np.errstate(divide="ignore"):
            ratio = expit(logits + models.offset[:, None]).mean(axis=1) / label.mean(axis=1)
        report = pd.DataFrame(
            {
                "tape": each,
                "day": day,
                "worst_feature": np.array(FEATURES)[worst],
                "feature_psi": psis[each, worst],
                "implausible": odd[each, worst],
                "score_psi": models.score_psi(models.logits(features)),
                "matured_auc": _auc(logits, label),
                "matured_calibration": ratio,
                "implied_prior": implied,
                "served_prior": expit(logit(models.prior) + models.offset),
                "last_action": last_action.astype(str),
                "days_since_action": np.where(last_day < 0, 99, day - last_day),
            }
        )
        actions = _valid(policy(report), day, tapes)
        for at, action in enumerate(actions):
            records.append((at, day, harm[at], action, ACTION_EUROS[action]))
            if action == "none":
                continue
            last_action[at], last_day[at] = action, day
            if action == "fix_pipeline":
                for row in fleet.plan[fleet.plan["tape"] == at].itertuples():
                    if row.kind in _BROKEN and row.first_day <= day <= row.last_day:
                        repaired[at, row.first_day + _HISTORY : row.last_day + _HISTORY + 1] = True
            elif action == "reweight":
                prior = implied[at] if known is None else _known_prior(known, at, day)
                models.reweight(at, prior)
            elif action == "retrain":
                models.retrain(at, matured[at].reshape(-1, len(FEATURES)), label[at])
            else:
                models.roll_back(at)
    days = pd.DataFrame(records, columns=["tape", "day", "harm", "action", "action_euros"])
    days = days.sort_values(["tape", "day"], ignore_index=True)
    return Result(days, float((days["harm"] + days["action_euros"]).sum() / tapes))


def _known_prior(plan: pd.DataFrame, tape_number: int, day: int) -> float:
    rows = plan[(plan["tape"] == tape_number) & (plan["kind"] == "label_shift")]
    during = ((rows["first_day"] <= day) & (day < rows["last_day"])).any()
    return _SHIFTED_PRIOR if during else _quiet_prior()


def _valid(actions: object, day: int, tapes: int) -> list[str]:
    if isinstance(actions, str) or not hasattr(actions, "__len__"):
        raise ValueError(
            f"Day {day}: the policy returns a list with one action per row of the report "
            f"({tapes}), got {actions!r}."
        )
    given = [str(action) for action in np.asarray(actions, dtype=object).ravel()]
    if len(given) != tapes:
        raise ValueError(f"Day {day}: expected {tapes} actions, one per tape, got {len(given)}.")
    unknown = sorted(set(given) - set(ACTIONS))
    if unknown:
        raise ValueError(f"Day {day}: {unknown[0]!r} is none of the actions {ACTIONS}.")
    return given


def alarm_score(alarms: Sequence[bool], incidents: pd.DataFrame) -> dict[str, object]:
    """Score daily alarms by what a team feels: false alarms a month, and days to detect.

    Parameters
    ----------
    alarms
        One truth value per day of a tape.
    incidents
        Frame with `kind`, `first_day`, `last_day`: what an alarm should have been for.

    Returns
    -------
    dict
        `false_per_month` (alarms per 30 days outside the incidents), and `days_to_detect`: for
        each kind the days from its start to the first alarm within it, `NaN` if there was none.

    Raises
    ------
    ValueError
        If an incident lies outside the days of `alarms`.
    """
    rang = np.asarray(alarms, dtype=bool).ravel()
    quiet = np.ones(len(rang), dtype=bool)
    to_detect = {}
    for row in incidents.itertuples():
        if not 0 <= row.first_day <= row.last_day < len(rang):
            raise ValueError(
                f"{row.kind} lasts from day {row.first_day} to {row.last_day}; "
                f"there are {len(rang)} days of alarms."
            )
        quiet[row.first_day : row.last_day + 1] = False
        days = np.flatnonzero(rang[row.first_day : row.last_day + 1])
        to_detect[row.kind] = float(days[0]) if len(days) else float("nan")
    false = 30 * rang[quiet].mean() if quiet.any() else float("nan")
    return {"false_per_month": float(false), "days_to_detect": to_detect}


# ── the model chooses its own data ───────────────────────────────────────────────────────────────

Choose = Callable[[np.ndarray, int, int, float, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""`choose(estimates, requests, slots, epsilon, rng)` -> (items, propensities)."""


def feedback_loop(
    choose: Choose,
    seed: int,
    *,
    epsilon: float = 0.2,
    items: int = 200,
    slots: int = 10,
    impressions: int = 20,
    steps: int = 400,
) -> dict[str, np.ndarray]:
    """Let a ranker learn from the clicks on what it chose to show.

    Quality (the probability of a click) of the items is Beta(2, 8). At each step a choice of slots
    is shown `impressions` times; the ranker knows the observed click-through rate of each item,
    with one click in ten pretended views to start with.

    Parameters
    ----------
    choose
        Called once a step with the estimates of all items, 1 request, and the number of slots.
    seed
        An integer of 0 or more.
    epsilon
        Handed to `choose`.
    items, slots, impressions, steps
        Sizes.

    Returns
    -------
    dict
        `quality` of what was shown at each step (steps,), `best` possible quality, `views` and
        `clicks` per item, and `ever_shown`.
    """
    rng, draws = _seeded(seed, 7), _seeded(seed, 8)
    planted = rng.beta(2, 8, items)
    views, clicks = np.zeros(items), np.zeros(items)
    quality = np.empty(steps)
    for step in range(steps):
        estimates = (clicks + 1) / (views + 10)
        shown = np.asarray(choose(estimates, 1, slots, epsilon, draws)[0], dtype=int).ravel()
        if len(shown) != slots or shown.min() < 0 or shown.max() >= items:
            raise ValueError(
                f"Step {step}: expected {slots} items of 0 to {items - 1}, got {shown.tolist()}."
            )
        np.add.at(views, shown, impressions)
        np.add.at(clicks, shown, rng.binomial(impressions, planted[shown]))
        quality[step] = planted[shown].mean()
    return {
        "quality": quality,
        "best": float(np.sort(planted)[-slots:].mean()),
        "views": views,
        "clicks": clicks,
        "ever_shown": int((views > 0).sum()),
    }
