"""Viewers of a short-video app who renew a weekly premium pass, or let it lapse.

Every week each viewer is recorded once, on the viewer's own weekday: a *snapshot*.
The label says whether the pass lapsed in the seven days that follow; it is final only after another
seven days of payment grace, so `LABEL_DELAY_DAYS` after the snapshot. A lapsed viewer often buys
again, so the same viewer has many rows with both labels.

What drives a lapse (log-odds, per person p and calendar week t)::

    base_log_odds + user_effect * attachment[p, t]
                  + WATCH_EFFECT * (1 - drift * t / n_weeks) * watch_drop[p, t]
                  + SKIP_EFFECT * skip_rate[p, t]
                  + fingerprint_effect * mean of device_1 … device_4 (scaled to variance 1)

Nobody logs `attachment`: standard normal across people, remembered from week to week with
correlation `memory`. The eight `device_*` columns are constant per person up to noise of
`FINGERPRINT_NOISE` and, unless `fingerprint_effect` says otherwise, have nothing to do with lapses:
they say *who* it is. `last_creator` is a category with thousands of values, unrelated to lapses.

The traps and their knobs: people who can be recognised (`user_effect`), weaker causes as time goes
by (`drift`), late labels, second accounts whose rows were logged again with jitter
(`second_account_share`), and a category that can be memorised (`n_creators`).

Assumptions and limits: weekly snapshots never go missing, a lapse does not change later weeks, new
viewers are like old ones, an offer always reaches its viewer and saves a fixed share of those who
would have lapsed, and the two behaviour columns are independent of the person. Real churn data
break each of these.

The shape follows work on leakage: records of one person on both sides of a split (Saeb et al.
2017; Kapoor and Narayanan 2023), splits that mimic deployment (Roberts et al. 2017), gaps for late
labels (López de Prado 2018, "purging" and "embargo"). The sizes are this course's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

FIRST_DAY = pd.Timestamp("2025-01-06")
"""Monday of week 0."""
LABEL_DELAY_DAYS = 14
"""Days from a snapshot until its label is final: 7 of outcome window and 7 of payment grace."""
BEHAVIOUR = ["watch_drop", "skip_rate"]
"""Columns that cause lapses, in standard deviations."""
DEVICE = [f"device_{number}" for number in range(1, 9)]
"""Device and usage statistics, nearly constant per person, in standard deviations."""
WATCH_EFFECT = 0.9
SKIP_EFFECT = 0.5
FINGERPRINT_NOISE = 0.05
JITTER = 0.02
"""Standard deviation that re-logging adds to each numeric column of a copied row."""

OFFER_COST = 6.0
"""Euros that an offer costs, whoever gets it."""
SAVED_SHARE = 0.5
"""Share of viewers about to lapse whom an offer keeps."""
KEPT_VALUE = 26.0
"""Euros that a kept viewer brings."""

# One independent stream of random numbers per part of the world, so that adding viewers to one
# part never changes another.
_PEOPLE, _HISTORY, _SECOND_ACCOUNTS, _LOG_ORDER, _NEW_VIEWERS, _SURVEY = range(6)


class Model(Protocol):
    """Anything that scores a table of viewers as a scikit-learn classifier does."""

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        """Return one row per viewer; the last column is the probability of a lapse."""
        ...


@dataclass(frozen=True)
class Knobs:
    """The knobs of the world.

    Attributes
    ----------
    n_users
        People in the history.
    n_weeks
        Weeks of labelled history; at least 4.
    user_effect
        Weight of the unlogged attachment, in log-odds per standard deviation.
    memory
        Correlation of a person's attachment from one week to the next, in [0, 1].
    drift
        Share of the effect of `watch_drop` that is lost over `n_weeks` weeks.
    fingerprint_effect
        Weight of the device columns, in log-odds per standard deviation; 0 makes them pure
        fingerprints.
    second_account_share
        Share of people whose rows were logged again under a second account, in [0, 1].
    late_joiner_share
        Share of people who arrive after week 0, in [0, 1].
    n_creators
        Number of values of `last_creator`.
    base_log_odds
        Intercept.
    """

    n_users: int = 400
    n_weeks: int = 15
    user_effect: float = 1.8
    memory: float = 0.985
    drift: float = 0.3
    fingerprint_effect: float = 0.0
    second_account_share: float = 0.15
    late_joiner_share: float = 0.4
    n_creators: int = 1500
    base_log_odds: float = -1.3

    def __post_init__(self) -> None:
        if self.n_users < 0:
            raise ValueError(f"n_users is a number of people, 0 or more; got {self.n_users}.")
        if self.n_weeks < 4:
            raise ValueError(f"n_weeks must be at least 4; got {self.n_weeks}.")
        if self.n_creators < 1:
            raise ValueError(f"n_creators must be at least 1; got {self.n_creators}.")
        for name in ("memory", "second_account_share", "late_joiner_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1]; got {getattr(self, name)}.")


def make(seed: int, n_users: int = 400, **knobs: Any) -> pd.DataFrame:
    """Return the labelled history, as the logs hold it.

    Parameters
    ----------
    seed
        Seed of the world.
    n_users
        Number of people.
    **knobs
        See `Knobs`.

    Returns
    -------
    pandas.DataFrame
        One row per snapshot, in no particular order: `user_id` (text), `snapshot` (day),
        `watch_drop`, `skip_rate`, `device_1` … `device_8` (float), `last_creator` (text) and
        `lapsed` (0 or 1).

    Raises
    ------
    ValueError
        If a knob is out of range.
    """
    return _history(seed, Knobs(n_users=n_users, **knobs))[0]


def truth(seed: int, n_users: int = 400, **knobs: Any) -> pd.DataFrame:
    """Return what nobody logs, row by row for `make` with the same arguments.

    Returns
    -------
    pandas.DataFrame
        `person` (integer; both accounts of a person share it), `week`, `attachment`,
        `lapse_probability`, and `copy_of`: the position of the row that this one copies, or -1.
    """
    return _history(seed, Knobs(n_users=n_users, **knobs))[1]


def next_week(
    seed: int,
    n_viewers: int = 50_000,
    *,
    known: bool = False,
    n_weeks_served: int = 1,
    n_users: int = 400,
    **knobs: Any,
) -> pd.DataFrame:
    """Return the snapshots of the time when a model that is trained now will be served.

    The first served week begins `LABEL_DELAY_DAYS` after the last week of the history, when the
    labels of the history are final.

    Parameters
    ----------
    seed, n_users, **knobs
        As for `make`.
    n_viewers
        Number of new viewers; ignored if `known`.
    known
        Serve the people of the history instead of new ones.
    n_weeks_served
        Number of weeks; each viewer has one row in each.

    Returns
    -------
    pandas.DataFrame
        Columns as from `make`; `lapsed` is what will happen.
    """
    if n_viewers < 0:
        raise ValueError(f"n_viewers is a number of people, 0 or more; got {n_viewers}.")
    if n_weeks_served < 1:
        raise ValueError(f"n_weeks_served must be at least 1; got {n_weeks_served}.")
    settings = Knobs(n_users=n_users, **knobs)
    weeks = settings.n_weeks + LABEL_DELAY_DAYS // 7 + np.arange(n_weeks_served)
    # New viewers have no past: their attachment starts in the first served week.
    stream, n, first_week = (
        (_PEOPLE, settings.n_users, 0) if known else (_NEW_VIEWERS, n_viewers, weeks[0])
    )
    people = _People(np.random.default_rng([seed, stream]), n, settings, first_week, weeks[-1])
    person, week = (grid.ravel() for grid in np.meshgrid(np.arange(people.n), weeks, indexing="ij"))
    rng = np.random.default_rng([seed, stream, 1])
    rows, _ = _snapshots(rng, people, person, week, settings, prefix="u" if known else "new")
    return rows


def serve(
    model: Model,
    seed: int,
    *,
    offer_share: float = 0.1,
    n_viewers: int = 50_000,
    known: bool = False,
    n_weeks_served: int = 1,
    n_users: int = 400,
    **knobs: Any,
) -> dict[str, float]:
    """Serve a fitted model to next week's viewers and return what happened.

    The model scores the whole batch at once; the viewers with the highest scores get the offer.

    Parameters
    ----------
    model
        A fitted classifier; `predict_proba` gets a table with the columns of `make` without
        `lapsed`.
    offer_share
        Share of the viewers who get the offer, in [0, 1].
    seed, n_viewers, known, n_weeks_served, n_users, **knobs
        As for `next_week`.

    Returns
    -------
    dict
        As from `outcome`.

    Raises
    ------
    ValueError
        If the model's scores are not one finite number per viewer.
    """
    rows = next_week(
        seed,
        n_viewers,
        known=known,
        n_weeks_served=n_weeks_served,
        n_users=n_users,
        **knobs,
    )
    if rows.empty:
        return outcome(rows["lapsed"], np.zeros(0), offer_share)
    scores = np.asarray(model.predict_proba(rows.drop(columns="lapsed")), dtype=float)
    return outcome(rows["lapsed"], scores[:, -1] if scores.ndim == 2 else scores, offer_share)


def outcome(lapsed: Any, scores: Any, offer_share: float = 0.1) -> dict[str, float]:
    """Return what offers to the highest scores bring, given who lapses.

    Parameters
    ----------
    lapsed
        Shape (n,), 0 or 1: who lapses without an offer.
    scores
        Shape (n,): the higher, the sooner an offer. Ties go to the earlier row.
    offer_share
        Share of the viewers who get the offer, in [0, 1].

    Returns
    -------
    dict
        `viewers`, `offers`, `wasted` (offers to viewers who would have renewed), `missed` (lapses
        without an offer), `loyal_share` (share of the renewing viewers who got an offer),
        `precision` (share of the offers that went to viewers about to lapse), `auc`, `euros` and
        `euros_per_1000` viewers. Shares of nothing are NaN.

    Raises
    ------
    ValueError
        If lengths differ, a score is not finite, or the share is out of range.
    """
    lapsed, scores = np.asarray(lapsed, dtype=int), np.asarray(scores, dtype=float)
    if scores.shape != lapsed.shape or scores.ndim != 1:
        raise ValueError(f"Expected one score per viewer, {lapsed.shape}; got {scores.shape}.")
    if not np.isfinite(scores).all():
        raise ValueError(f"{(~np.isfinite(scores)).sum()} scores are not finite numbers.")
    if not 0 <= offer_share <= 1:
        raise ValueError(f"offer_share must lie in [0, 1]; got {offer_share}.")
    n = len(lapsed)
    offered = np.zeros(n, dtype=bool)
    offered[np.argsort(-scores, kind="stable")[: round(n * offer_share)]] = True
    offers, reached = int(offered.sum()), int(lapsed[offered].sum())
    renewing = n - int(lapsed.sum())
    euros = reached * SAVED_SHARE * KEPT_VALUE - offers * OFFER_COST
    return {
        "viewers": n,
        "offers": offers,
        "wasted": offers - reached,
        "missed": int(lapsed.sum()) - reached,
        "loyal_share": (offers - reached) / renewing if renewing else np.nan,
        "precision": reached / offers if offers else np.nan,
        "auc": float(roc_auc_score(lapsed, scores)) if 0 < renewing < n else np.nan,
        "euros": float(euros),
        "euros_per_1000": 1000 * euros / n if n else np.nan,
    }


def survey(
    seed: int, n_viewers: int = 200, n_columns: int = 5000, *, missing_share: float = 0.02
) -> tuple[np.ndarray, np.ndarray]:
    """Return answers to a pilot survey that have nothing to do with lapses.

    Parameters
    ----------
    seed
        Seed of the survey.
    n_viewers, n_columns
        Size of the table.
    missing_share
        Share of the answers that are missing, in [0, 1].

    Returns
    -------
    answers
        Shape (n_viewers, n_columns): standard normal noise, in each column on its own scale and
        around its own centre, with NaN for missing answers.
    lapsed
        Shape (n_viewers,): 0 or 1, with probability 1/2 each.
    """
    if n_viewers < 0 or n_columns < 0:
        raise ValueError(f"Sizes must be 0 or more; got {n_viewers} and {n_columns}.")
    if not 0 <= missing_share <= 1:
        raise ValueError(f"missing_share must lie in [0, 1]; got {missing_share}.")
    rng = np.random.default_rng([seed, _SURVEY])
    answers = rng.normal(size=(n_viewers, n_columns))
    answers = answers * rng.uniform(0.5, 5, n_columns) + rng.uniform(-5, 5, n_columns)
    answers[rng.random(answers.shape) < missing_share] = np.nan
    return answers, rng.integers(0, 2, n_viewers)


class _People:
    """Latent facts about a group of people, drawn once."""

    def __init__(
        self, rng: np.random.Generator, n: int, knobs: Knobs, origin_week: int, last_week: int
    ) -> None:
        self.n = n
        self.origin_week = origin_week
        self.fingerprint = rng.normal(size=(n, len(DEVICE)))
        self.weekday = rng.integers(0, 7, n)
        late = rng.random(n) < knobs.late_joiner_share
        self.first_week = np.where(late, rng.integers(1, knobs.n_weeks - 1, n), 0)
        attachment = rng.normal(size=n)
        weeks = [attachment]
        # Each week has a stream of its own: serving further weeks leaves earlier ones as they are.
        for shock in rng.spawn(last_week - origin_week):
            news = np.sqrt(1 - knobs.memory**2) * shock.normal(size=n)
            attachment = knobs.memory * attachment + news
            weeks.append(attachment)
        self._attachment = np.stack(weeks, axis=1)

    def attachment(self, person: np.ndarray, week: np.ndarray) -> np.ndarray:
        """Attachment of each person in each week."""
        return self._attachment[person, week - self.origin_week]


def _snapshots(
    rng: np.random.Generator,
    people: _People,
    person: np.ndarray,
    week: np.ndarray,
    knobs: Knobs,
    prefix: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Observed rows, and the truth behind them, for pairs of person and week."""
    n = len(person)
    watch_drop, skip_rate = rng.normal(size=(2, n))
    device = people.fingerprint[person] + FINGERPRINT_NOISE * rng.normal(size=(n, len(DEVICE)))
    attachment = people.attachment(person, week)
    log_odds = (
        knobs.base_log_odds
        + knobs.user_effect * attachment
        + WATCH_EFFECT * (1 - knobs.drift * week / knobs.n_weeks) * watch_drop
        + SKIP_EFFECT * skip_rate
        + knobs.fingerprint_effect * people.fingerprint[person, :4].sum(axis=1) / 2
    )
    probability = 1 / (1 + np.exp(-log_odds))
    days = 7 * week + people.weekday[person]
    rows = pd.DataFrame(
        {
            "user_id": _names(prefix, person),
            "snapshot": FIRST_DAY + pd.to_timedelta(days, unit="D"),
            "watch_drop": watch_drop,
            "skip_rate": skip_rate,
            **dict(zip(DEVICE, device.T, strict=True)),
            "last_creator": _names("creator", rng.integers(0, knobs.n_creators, n)),
            "lapsed": (rng.random(n) < probability).astype(int),
        }
    )
    hidden = pd.DataFrame(
        {
            "person": person,
            "week": week,
            "attachment": attachment,
            "lapse_probability": probability,
            "copy_of": np.full(n, -1),
        }
    )
    return rows, hidden


def _names(prefix: str, number: np.ndarray) -> pd.Series:
    """Return `prefix` and a number as text, such as `u00042`."""
    return pd.Series([f"{prefix}{value:05d}" for value in number], dtype="str")


def _history(seed: int, knobs: Knobs) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the labelled history and its truth, second accounts included, in log order."""
    last_week = knobs.n_weeks - 1
    people = _People(np.random.default_rng([seed, _PEOPLE]), knobs.n_users, knobs, 0, last_week)
    weeks = np.arange(knobs.n_weeks)
    person, week = np.nonzero(weeks >= people.first_week[:, None])
    rng = np.random.default_rng([seed, _HISTORY])
    rows, hidden = _snapshots(rng, people, person, week, knobs, prefix="u")

    copied, copied_truth = _second_accounts(
        np.random.default_rng([seed, _SECOND_ACCOUNTS]), rows, hidden, knobs
    )
    rows = pd.concat([rows, copied], ignore_index=True)
    hidden = pd.concat([hidden, copied_truth], ignore_index=True)

    order = np.random.default_rng([seed, _LOG_ORDER]).permutation(len(rows))
    position = np.empty(len(rows), dtype=int)
    position[order] = np.arange(len(rows))
    rows = rows.iloc[order].reset_index(drop=True)
    hidden = hidden.iloc[order].reset_index(drop=True)
    is_copy = (hidden["copy_of"] >= 0).to_numpy()
    hidden.loc[is_copy, "copy_of"] = position[hidden.loc[is_copy, "copy_of"]]
    return rows, hidden


def _second_accounts(
    rng: np.random.Generator, rows: pd.DataFrame, hidden: pd.DataFrame, knobs: Knobs
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of some people, logged again under another account: jittered, 0 to 2 days later."""
    has_second = rng.random(knobs.n_users) < knobs.second_account_share
    # Second accounts get numbers that look like any other account's.
    number = knobs.n_users + rng.permutation(knobs.n_users)
    source = np.flatnonzero(has_second[hidden["person"]])
    copied, copied_truth = rows.iloc[source].copy(), hidden.iloc[source].copy()
    copied["user_id"] = _names("u", number[copied_truth["person"]]).set_axis(copied.index)
    numeric = BEHAVIOUR + DEVICE
    copied[numeric] += JITTER * rng.normal(size=(len(source), len(numeric)))
    copied["snapshot"] += pd.to_timedelta(rng.integers(0, 3, len(source)), unit="D")
    copied_truth["copy_of"] = source
    return copied, copied_truth
