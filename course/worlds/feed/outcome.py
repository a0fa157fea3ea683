"""What happened, summed up per day, per user, and per user and day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from course.worlds.feed.behaviour import SATISFACTION_UNIT, WATCH_UNIT
from course.worlds.feed.eventlog import Columns
from course.worlds.feed.people import COUNTRIES, People


@dataclass(frozen=True)
class Outcome:
    """What happened.

    Attributes
    ----------
    days
        One row per day and arm: `day`, `arm`, `active_users`, `sessions`, `impressions`, `clicks`,
        `watch_seconds`, `satisfaction` (sum over clicks of a number in [-1, 1]) and `retention`
        (share of the arm's users active on the day before who are active again; NaN on the first).
    users
        One row per user who was seen: `user_id`, `arm`, `country`, `tenure_days` (on the first
        day), `first_day` (first seen), `active_days`, `sessions`, `impressions`, `clicks`,
        `watch_seconds`, `satisfaction`, and `pre_sessions`, `pre_impressions`, `pre_clicks`,
        `pre_watch_seconds` from the days before an experiment (0 without them).
    user_days
        One row per user and day with a session: `user_id`, `arm`, `day`, `sessions`,
        `impressions`, `clicks`, `watch_seconds`, `satisfaction`.
    impressions, events
        The log, see `log`; empty if it was not kept.
    """

    days: pd.DataFrame
    users: pd.DataFrame
    user_days: pd.DataFrame
    impressions: pd.DataFrame
    events: pd.DataFrame


@dataclass(frozen=True)
class Records:
    """User-days, one entry per user and day with a session.

    Attributes
    ----------
    users, arm, names
        All users, the number of each one's arm, and the names of the arms.
    rows
        `user` (dense index), `day`, `sessions`, `clicks`, `watch` (tenths of a second),
        `satisfaction` (64ths), all int64, in the order of days.
    first_day, n_days, test_day
        First day, number of days, and the day from which on the arms get their own policies.
    list_length
        Impressions per session.
    """

    users: People
    arm: np.ndarray
    names: tuple[str, ...]
    rows: Columns
    first_day: int
    n_days: int
    test_day: int
    list_length: int

    def day_table(self) -> pd.DataFrame:
        """Return the totals of each day and arm."""
        rows, n_arms, width = self.rows, len(self.names), len(self.users)
        n = self.n_days * n_arms
        cell = (rows["day"] - self.first_day) * n_arms + self.arm[rows["user"]]
        active = np.bincount(cell, minlength=n)
        sums = self._sums(cell, n)

        visits = rows["day"] * width + rows["user"]  # in rising order
        again = np.isin(visits - width, visits, assume_unique=True)
        returned = np.bincount(cell[again], minlength=n)
        before = np.concatenate([np.zeros(n_arms, dtype=np.int64), active])[:n]
        retention = np.full(n, np.nan)
        np.divide(returned, before, out=retention, where=before > 0)
        day, arm = np.divmod(np.arange(n), n_arms)
        return pd.DataFrame(
            {
                "day": day + self.first_day,
                "arm": pd.Categorical.from_codes(arm, self.names),
                "active_users": active,
                **sums,
                "retention": retention,
            }
        )

    def user_table(self) -> pd.DataFrame:
        """Return the totals of each user who was seen in the test."""
        users, n, rows = self.users, len(self.users), self.rows
        test = rows["day"] >= self.test_day
        sums = self._sums(rows["user"], n, test)
        before = self._sums(rows["user"], n, ~test)
        del before["satisfaction"]
        # Rows are in the order of days, so the last assignment from the end is the first day.
        first = np.zeros(n, dtype=np.int64)
        first[rows["user"][test][::-1]] = rows["day"][test][::-1]
        columns = {
            "user_id": users.ids,
            "arm": self.arm,
            "country": users.country,
            "tenure_days": (self.test_day - users.joined).astype(np.int64),
            "first_day": first,
            "active_days": np.bincount(rows["user"][test], minlength=n),
            **sums,
            **{f"pre_{name}": values for name, values in before.items()},
        }
        seen = np.flatnonzero(sums["sessions"])
        columns = {name: values[seen] for name, values in columns.items()}
        columns["arm"] = pd.Categorical.from_codes(columns["arm"], self.names)
        columns["country"] = pd.Categorical.from_codes(columns["country"], COUNTRIES)
        return pd.DataFrame(columns)

    def user_day_table(self) -> pd.DataFrame:
        """Return the user-days."""
        rows = self.rows
        return pd.DataFrame(
            {
                "user_id": self.users.ids[rows["user"]],
                "arm": pd.Categorical.from_codes(self.arm[rows["user"]], self.names),
                "day": rows["day"],
                "sessions": rows["sessions"],
                "impressions": rows["sessions"] * self.list_length,
                "clicks": rows["clicks"],
                "watch_seconds": rows["watch"] / WATCH_UNIT,
                "satisfaction": rows["satisfaction"] / SATISFACTION_UNIT,
            }
        )

    def _sums(self, cell: np.ndarray, n: int, chosen: np.ndarray | slice = slice(None)) -> Columns:
        """Return the sums of the rows in each cell; whole numbers, so exact in any order."""

        def total(name: str) -> np.ndarray:
            return np.bincount(cell[chosen], self.rows[name][chosen], minlength=n)

        sessions = total("sessions").astype(np.int64)
        return {
            "sessions": sessions,
            "impressions": sessions * self.list_length,
            "clicks": total("clicks").astype(np.int64),
            "watch_seconds": total("watch") / WATCH_UNIT,
            "satisfaction": total("satisfaction") / SATISFACTION_UNIT,
        }
