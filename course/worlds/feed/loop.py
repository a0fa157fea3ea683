"""The closed loop: days are played one after the other, and today decides who comes tomorrow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from course.worlds.feed import behaviour
from course.worlds.feed import randomness as rnd
from course.worlds.feed.catalogue import Catalogue, catalogue
from course.worlds.feed.eventlog import (
    PLACE_BITS,
    Columns,
    arrived,
    event_columns,
    events_frame,
    impression_columns,
    impressions_frame,
    join,
)
from course.worlds.feed.knobs import FEATURES, MAX_DAYS, MAX_USERS, Knobs, Troubles
from course.worlds.feed.outcome import Outcome, Records
from course.worlds.feed.people import People, people, taste_on, user_ids
from course.worlds.feed.policies import Policy, ask, place_propensities
from course.worlds.feed.requests import (
    Requests,
    arrivals,
    candidate_arrays,
    read_request_id,
    request_frame,
    requests_of,
    retrieve,
)

_BOT_SESSIONS, _BOT_HABIT = 30, 6.0
_USER_DAY_COLUMNS = ("user", "day", "sessions", "clicks", "watch", "satisfaction")


@dataclass(frozen=True)
class Options:
    """How to play: the policies by arm and what is common to them.

    Attributes
    ----------
    arm_of
        Function from user ids to numbers of arms; None if there is one arm.
    pre_days
        Days at the start on which all arms get the first policy.
    """

    policies: Mapping[str, Policy]
    randomised_share: float = 0.0
    keep_log: bool = True
    log_features: bool = False
    arm_of: Callable[[np.ndarray], np.ndarray] | None = None
    pre_days: int = 0
    troubles: Troubles = field(default_factory=Troubles)


def play(
    seed: int, days: int, users: int, first_day: int, options: Options, knobs: Knobs
) -> Outcome:
    """Play the days one after the other; see `serve` for the arguments."""
    if days < 0 or first_day < 0 or first_day + days > MAX_DAYS:
        raise ValueError(
            f"Expected days and first_day of 0 or more that end by day {MAX_DAYS}, "
            f"got {days} and {first_day}."
        )
    if not 0 <= users <= MAX_USERS:
        raise ValueError(f"users is a number of people from 0 to {MAX_USERS}, got {users}.")
    if not 0 <= options.randomised_share <= 1:
        raise ValueError(f"randomised_share must lie in [0, 1], got {options.randomised_share}.")
    loop = _Loop(seed, users, first_day, first_day + max(days, 1) - 1, options, knobs)
    for day in range(first_day, first_day + days):
        loop.play_day(day)
    return loop.outcome(days)


class _Loop:
    """State that one day hands to the next, and the tables that grow."""

    def __init__(
        self, seed: int, users: int, first_day: int, last_day: int, options: Options, knobs: Knobs
    ) -> None:
        self.seed, self.options, self.knobs, self.first_day = seed, options, knobs, first_day
        self.test_day = first_day + options.pre_days
        self.names = tuple(options.policies)
        self.users: People = people(seed, user_ids(users, last_day, knobs))
        self.catalogue: Catalogue = catalogue(seed, last_day, knobs)
        n = len(self.users)
        arm_of = options.arm_of
        self.arm = np.zeros(n, dtype=np.int8) if arm_of is None else arm_of(self.users.ids)
        self.bots = self._find_bots()
        self.habit = self.users.habit.copy()
        self.lost = np.zeros(n, dtype=bool)
        self.first_seen = np.full(n, -1)  # in the test
        self.views = np.zeros(len(self.catalogue))
        self.user_days: list[Columns] = []
        self.impressions: list[Columns] = []
        self.events: list[Columns] = []
        self.waiting: dict[int, Columns] = {}

    def _find_bots(self) -> np.ndarray:
        troubles = self.options.troubles
        bits = rnd.hashes(rnd.key(self.seed, "bots"), self.users.ids)
        bots = rnd.below(bits, troubles.bot_share)
        if troubles.bot_arm is not None:
            bots &= self.arm == self.names.index(troubles.bot_arm)
        return bots

    def play_day(self, day: int) -> None:
        """Play one day."""
        users, troubles = self.users, self.options.troubles
        testing = day >= self.test_day
        # Bots that work in one arm come with the test; others have always been there.
        bots = self.bots & (testing or troubles.bot_arm is None)
        habit = np.where(bots, _BOT_HABIT, self.habit)
        present = (users.joined <= day) & ~self.lost
        active, sessions = arrivals(self.seed, users, habit, present, day)
        sessions = np.where(bots[active], _BOT_SESSIONS, sessions)
        requests = requests_of(self.seed, users, active, sessions, day)
        if testing:
            self.first_seen[active[self.first_seen[active] < 0]] = day
            treated = self.arm[requests.user] > 0
            crashed = treated & rnd.below(rnd.hashes(requests.own, 3), troubles.crash_rate)
            self.lost[requests.user[crashed]] = True

        taste = taste_on(users.taste, day, self.knobs)
        now = behaviour.setting(users, self.catalogue, taste, day, self.knobs, self._tired())
        self.views = np.zeros(len(self.catalogue))
        names = ("clicks", "watch", "satisfaction")
        totals = {name: np.zeros(len(users), dtype=np.int64) for name in names}
        for arm in range(len(self.names)):
            part = requests
            if len(self.names) > 1:
                part = requests.take(np.flatnonzero(self.arm[requests.user] == arm))
            if len(part):
                self._play_arm(arm, part, day, now, bots[part.user], totals)
        self._close_day(day, active, sessions, totals)

    def _tired(self) -> np.ndarray:
        """Return the log-odds that each video has lost to its views of the day before."""
        usual = self.views.sum() / self.knobs.n_videos
        excess = np.maximum(self.views / usual - 1, 0) if usual else self.views
        return self.knobs.interference * excess / (1 + excess)

    def _play_arm(
        self,
        arm: int,
        requests: Requests,
        day: int,
        now: behaviour.Setting,
        bot: np.ndarray,
        totals: Columns,
    ) -> None:
        """Show lists to the users of one arm and record what they do."""
        knobs, options, users = self.knobs, self.options, self.users
        playing = arm if day >= self.test_day else 0
        policy = options.policies[self.names[playing]]
        videos = retrieve(requests, users, day, knobs)
        known = candidate_arrays(videos, requests, users, self.catalogue, day, knobs.faults)
        columns, propensity, bucket = self._lists(arm, policy, requests, known, day)
        shown = np.take_along_axis(videos, columns, axis=1)
        if knobs.interference:
            for place, seen in enumerate(behaviour.examination(knobs)):
                self.views += seen * np.bincount(shown[:, place], minlength=len(self.views))

        extra = self._novelty(arm, requests, day)
        clicks = behaviour.respond(requests.own, requests.user, shown, now, knobs, extra, bot)
        clicker, n = requests.user[clicks.request], len(users)
        totals["clicks"] += np.bincount(clicker, minlength=n)
        # Whole numbers add up exactly, in any order.
        totals["watch"] += np.bincount(clicker, clicks.watch, minlength=n).astype(np.int64)
        totals["satisfaction"] += np.bincount(clicker, clicks.satisfaction, minlength=n).astype(
            np.int64
        )

        observe = getattr(policy, "observe", None)
        if not (options.keep_log or observe):
            return
        version = 1 + (knobs.schema_change_day is not None and day >= knobs.schema_change_day)
        rows = impression_columns(requests, users, shown, propensity, bucket, day, playing, version)
        if options.log_features:
            for name in FEATURES:
                rows[name] = np.take_along_axis(known[name], columns, axis=1).ravel()
        events = event_columns(requests, users, shown, clicks, day, version)
        if observe:
            self._report(arm, observe, rows, events, day)
        if options.keep_log:
            self.impressions.append(rows)
            self.events.append(events)

    def _lists(
        self,
        arm: int,
        policy: Policy,
        requests: Requests,
        known: dict[str, np.ndarray],
        day: int,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the columns shown, their propensities and the bucket of each request."""
        knobs, share, troubles = self.knobs, self.options.randomised_share, self.options.troubles
        length = knobs.list_length
        frame = request_frame(requests, self.users, day)
        ranking = ask(policy, frame, known, requests.own, length)
        columns, bucket = ranking.columns, np.zeros(len(requests), dtype=np.int8)
        if _hit(troubles, self.names[arm], day - self.test_day):
            return np.broadcast_to(np.arange(length), columns.shape), np.ones((1, length)), bucket
        certain = ranking.propensity is None
        propensity = np.ones((1, length)) if certain else ranking.propensity
        if not share:
            return columns, propensity, bucket
        if not certain and ranking.distribution is None:
            raise ValueError(
                "A randomised bucket needs to know how likely the policy was to show any list: "
                "expected scores, probabilities, or videos without propensities, got videos with "
                "propensities; return one of those or set randomised_share to 0."
            )

        drawn = np.flatnonzero(rnd.below(rnd.hashes(requests.own, 4), share))
        n = knobs.n_candidates
        order = rnd.hashes(rnd.hashes(requests.own[drawn], 5)[:, None], np.arange(n))
        random_columns = np.argsort(order, axis=1, kind="stable")[:, :length]
        if certain:
            by_policy = (random_columns == columns[drawn]).astype(np.float64)
        else:
            by_policy = place_propensities(ranking.distribution[drawn], random_columns)
        blind = np.cumprod(1.0 / np.arange(n, n - length, -1))
        mixed = _mixture(np.cumprod(propensity, axis=1), blind, share)
        propensity = np.broadcast_to(mixed, columns.shape).copy()
        propensity[drawn] = _mixture(np.cumprod(by_policy, axis=1), blind, share)
        columns = columns.copy()
        columns[drawn] = random_columns
        bucket[drawn] = 1
        return columns, propensity, bucket

    def _novelty(self, arm: int, requests: Requests, day: int) -> np.ndarray | float:
        troubles = self.options.troubles
        if not (troubles.novelty and arm and day >= self.test_day):
            return 0.0
        age = day - self.first_seen[requests.user]
        # Rounded to 2^-30: the last place of a power differs between platforms.
        fade = [0.5 ** (k / troubles.novelty_half_life) for k in range(day - self.test_day + 1)]
        return troubles.novelty * (np.round(np.array(fade) * 2**30) / 2**30)[age]

    def _close_day(
        self, day: int, active: np.ndarray, sessions: np.ndarray, totals: Columns
    ) -> None:
        """Record the day's totals and move the habits."""
        totals = {name: values[active] for name, values in totals.items()}
        rows = {"user": active, "day": np.full(len(active), day), "sessions": sessions, **totals}
        self.user_days.append(rows)
        self.habit[active] = behaviour.new_habit(
            self.users.habit[active], self.habit[active], totals["satisfaction"], sessions
        )

    def _report(self, arm: int, observe: Any, rows: Columns, events: Columns, day: int) -> None:
        """Hand a learning policy the day's impressions and the events that have arrived."""
        earlier = self.waiting.get(arm)
        if earlier is not None:
            events = {name: np.concatenate([earlier[name], events[name]]) for name in events}
        ready, self.waiting[arm] = arrived(events, day)
        impressions = impressions_frame([dict(rows)], self.names, self.options.log_features)
        observe(impressions, events_frame([ready]))

    def outcome(self, n_days: int) -> Outcome:
        """Return the tables."""
        rows = join(self.user_days, dict.fromkeys(_USER_DAY_COLUMNS, np.int64))
        impressions = impressions_frame(self.impressions, self.names, self.options.log_features)
        events = events_frame(self.events)
        if self.lost.any():  # the apps of those who crashed never uploaded the test
            kept = ~self.lost[rows["user"]] | (rows["day"] < self.test_day)
            rows = {name: values[kept] for name, values in rows.items()}
            impressions, events = self._uploaded(impressions), self._uploaded(events)
        records = Records(
            self.users,
            self.arm,
            self.names,
            rows,
            self.first_day,
            n_days,
            self.test_day,
            self.knobs.list_length,
        )
        return Outcome(
            days=records.day_table(),
            users=records.user_table(),
            user_days=records.user_day_table(),
            impressions=impressions,
            events=events,
        )

    def _uploaded(self, table: pd.DataFrame) -> pd.DataFrame:
        user, day, _ = read_request_id(table["impression_id"].to_numpy() >> PLACE_BITS)
        gone = np.isin(user, self.users.ids[self.lost]) & (day >= self.test_day)
        return table[~gone].reset_index(drop=True)


def _hit(troubles: Troubles, arm: str, day: int) -> bool:
    """Say whether the incident hits an arm on a day of the test."""
    if troubles.incident_day is None or troubles.incident_arm not in (None, arm):
        return False
    return 0 <= day - troubles.incident_day < troubles.incident_days


def _mixture(by_policy: np.ndarray, blind: np.ndarray, share: float) -> np.ndarray:
    """Return propensities, place by place, under policy and randomised bucket together.

    Both arguments hold the probability of the list down to each place, (n, places) and (places,).
    """
    down_to = (1 - share) * by_policy + share * blind
    above = np.concatenate([np.ones((len(down_to), 1)), down_to[:, :-1]], axis=1)
    return np.minimum(down_to / above, 1.0)
