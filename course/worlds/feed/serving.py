"""Serving one policy: the closed loop, and the log of the app as it is today."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course.worlds.feed.knobs import read_knobs
from course.worlds.feed.loop import Options, play
from course.worlds.feed.outcome import Outcome
from course.worlds.feed.policies import PRODUCTION, Policy


def serve(
    policy: Policy,
    seed: int,
    *,
    days: int = 14,
    users: int = 5000,
    first_day: int = 0,
    randomised_share: float = 0.0,
    keep_log: bool = True,
    log_features: bool = False,
    name: str = "policy",
    **knobs: Any,
) -> Outcome:
    """Play a ranking policy for some days and return what happened.

    Parameters
    ----------
    policy
        See `course.worlds.feed.policies`.
    seed
        The world. The same seed means the same users, videos, requests and moods for any policy.
    days, first_day
        Number of days, and the first of them; all habits are at their start on `first_day`.
    users
        Users who had signed up before day 0; more follow each day.
    randomised_share
        Share of the requests whose list is drawn at random from all candidates instead.
    keep_log
        Return impressions and events too.
    log_features
        Add the features of each impression, as the policy got them, to the impressions.
    name
        Name of the policy in the tables.
    **knobs
        Fields of `Knobs`.

    Returns
    -------
    Outcome
        Zero users or days give empty tables of the same columns and types.

    Raises
    ------
    ValueError
        If a size or knob is out of range, or the policy's answer is not a ranking.
    """
    options = Options({name: policy}, randomised_share, keep_log, log_features)
    return play(seed, days, users, first_day, options, read_knobs(knobs))


def log(
    seed: int,
    *,
    days: int = 7,
    users: int = 5000,
    policy: Policy = PRODUCTION,
    randomised_share: float = 0.05,
    first_day: int = 0,
    log_features: bool = False,
    **knobs: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the event log of the app under its production policy.

    Parameters
    ----------
    seed, days, users, policy, randomised_share, first_day, log_features, **knobs
        As for `serve`.

    Returns
    -------
    impressions
        One row per video of a list that was served, in the order of time: `impression_id`,
        `request_id`, `user_id`, `video_id`, `timestamp` (UTC), `policy`, `bucket` (`ranked` or
        `random`), `position` (from 1), `propensity` (probability of this video at this place
        given the videos above it, under policy and randomised bucket together) and
        `client_version`.
    events
        One row per event, in the order of arrival: `impression_id`, `user_id`, `video_id`, `kind`
        (click, watch, like, report, survey), `value` (seconds watched, stars, else 1),
        `event_time` and `arrival_time`.
    """
    outcome = serve(
        policy,
        seed,
        days=days,
        users=users,
        first_day=first_day,
        randomised_share=randomised_share,
        log_features=log_features,
        name="production" if policy is PRODUCTION else "policy",
        **knobs,
    )
    return outcome.impressions, outcome.events
