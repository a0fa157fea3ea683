"""Experiments: arms side by side on hashed users, and the same assignment many times over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course.worlds.feed import randomness as rnd
from course.worlds.feed.knobs import Troubles, read_knobs
from course.worlds.feed.loop import Options, play
from course.worlds.feed.outcome import Outcome
from course.worlds.feed.policies import Policy


def assign(user_ids: Any, salt: int | str, shares: Sequence[float] = (0.5, 0.5)) -> np.ndarray:
    """Return the number of each user's arm, int8: a hash of salt and user id.

    Parameters
    ----------
    user_ids
        Shape (n,), non-negative whole numbers.
    salt
        Name of the experiment; another salt deals the users anew.
    shares
        Share of each arm, positive numbers that sum to one.

    Raises
    ------
    ValueError
        If the shares are not positive or do not sum to one.
    """
    edges = _edges(shares)
    bits = rnd.hashes(rnd.key(0, "salt", salt), np.asarray(user_ids, dtype=np.int64))
    return np.searchsorted(edges, rnd.uniform(bits), side="right").astype(np.int8)


def experiment(
    policies: Mapping[str, Policy],
    seed: int,
    *,
    days: int = 14,
    users: int = 5000,
    pre_days: int = 0,
    shares: Sequence[float] | None = None,
    salt: int | str = "experiment",
    first_day: int = 0,
    randomised_share: float = 0.0,
    keep_log: bool = False,
    log_features: bool = False,
    crash_rate: float = 0.0,
    novelty: float = 0.0,
    novelty_half_life: float = 3.0,
    bot_share: float = 0.0,
    bot_arm: str | None = None,
    incident_day: int | None = None,
    incident_days: int = 1,
    incident_arm: str | None = None,
    **knobs: Any,
) -> Outcome:
    """Run policies side by side, each on the users that a hash gives it.

    The arms share all random numbers: a user who got the other policy would have come, scrolled
    and clicked by the same draws.

    Parameters
    ----------
    policies
        Policy of each arm by name; the first is the control.
    pre_days
        Days before the test on which everybody gets the control; they come on top of `days`.
    shares
        Share of the users in each arm, by default equal.
    salt
        See `assign`.
    crash_rate, novelty, novelty_half_life, bot_share, bot_arm, incident_day, incident_days, \
incident_arm
        See `Troubles`.
    seed, days, users, first_day, randomised_share, keep_log, log_features, **knobs
        As for `serve`.

    Returns
    -------
    Outcome
        `users` covers the test, with the days before it in the columns `pre_…`; `days`,
        `user_days` and the log cover both, the test from day `first_day + pre_days` on.

    Raises
    ------
    ValueError
        If a size, share, knob or arm is out of range, or an answer is not a ranking.
    """
    if not policies:
        raise ValueError("An experiment needs at least one arm, got no policies.")
    if pre_days < 0 or days < 0:
        raise ValueError(f"Expected days and pre_days of 0 or more, got {days} and {pre_days}.")
    shares = [1 / len(policies)] * len(policies) if shares is None else shares
    if len(shares) != len(policies):
        raise ValueError(f"Expected {len(policies)} shares, one per arm, got {len(shares)}.")
    for arm in (bot_arm, incident_arm):
        if arm is not None and arm not in policies:
            raise ValueError(f"Expected one of the arms {list(policies)}, got {arm!r}.")
    _edges(shares)
    options = Options(
        policies=dict(policies),
        randomised_share=randomised_share,
        keep_log=keep_log,
        log_features=log_features,
        arm_of=lambda ids: assign(ids, salt, shares),
        pre_days=pre_days,
        troubles=Troubles(
            crash_rate=crash_rate,
            novelty=novelty,
            novelty_half_life=novelty_half_life,
            bot_share=bot_share,
            bot_arm=bot_arm,
            incident_day=incident_day,
            incident_days=incident_days,
            incident_arm=incident_arm,
        ),
    )
    return play(seed, pre_days + days, users, first_day, options, read_knobs(knobs))


@dataclass(frozen=True)
class ArmTotals:
    """Sums over the users of each arm, for many assignments of the same users.

    Attributes
    ----------
    users
        Shape (salts, arms): number of users.
    total
        Shape (salts, arms, columns): sum of each column.
    cross
        Shape (salts, arms, columns, columns): sum of the products of two columns.
    """

    users: np.ndarray
    total: np.ndarray
    cross: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean of each column, shape (salts, arms, columns)."""
        return self.total / self.users[..., None]

    @property
    def covariance(self) -> np.ndarray:
        """Sample covariance of the columns, shape (salts, arms, columns, columns)."""
        n = self.users[..., None, None]
        outer = self.total[..., :, None] * self.total[..., None, :]
        return (self.cross - outer / n) / (n - 1)


def repeat_assignment(
    user_ids: Any,
    values: Any,
    salts: int | Sequence[int | str],
    shares: Sequence[float] = (0.5, 0.5),
) -> ArmTotals:
    """Deal the same users to arms many times, and return what each arm would have added up.

    With the users of one run under one policy these are A/A experiments: the arms differ by chance
    alone, whatever the salt.

    Parameters
    ----------
    user_ids
        Shape (n,).
    values
        Shape (n,) or (n, columns): numbers per user.
    salts
        The salts, or their number.
    shares
        As for `assign`.

    Returns
    -------
    ArmTotals
        Enough for t-tests of user means, the delta method and CUPED, for all salts at once.

    Raises
    ------
    ValueError
        If `values` has not one row per user.
    """
    user_ids = np.asarray(user_ids, dtype=np.int64)
    values = np.asarray(values, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != len(user_ids):
        raise ValueError(
            f"Expected one row of values per user, {len(user_ids)}, got shape {values.shape}."
        )
    salts = range(salts) if isinstance(salts, int) else list(salts)
    n_columns = values.shape[1]
    products = (values[:, :, None] * values[:, None, :]).reshape(len(values), n_columns**2)
    table = np.concatenate([np.ones((len(values), 1)), values, products], axis=1)
    sums = np.empty((len(salts), len(shares), table.shape[1]))
    for start in range(0, len(salts), 64):
        part = salts[start : start + 64]
        arm = np.array([assign(user_ids, salt, shares) for salt in part])
        for number in range(len(shares)):
            sums[start : start + 64, number] = (arm == number).astype(np.float64) @ table
    cross = sums[..., 1 + n_columns :].reshape(*sums.shape[:2], n_columns, n_columns)
    return ArmTotals(sums[..., 0], sums[..., 1 : 1 + n_columns], cross)


def _edges(shares: Sequence[float]) -> np.ndarray:
    """Return the inner edges between arms on [0, 1)."""
    array = np.asarray(shares, dtype=np.float64)
    if array.ndim != 1 or not (array > 0).all() or abs(array.sum() - 1) > 1e-9:
        raise ValueError(f"Expected positive shares that sum to 1, got {list(shares)}.")
    return np.cumsum(array)[:-1]
