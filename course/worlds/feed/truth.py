"""Planted truth: for tests, hidden checks and the reveal of a lab, never for a policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from course.worlds.feed import behaviour
from course.worlds.feed import randomness as rnd
from course.worlds.feed.catalogue import catalogue
from course.worlds.feed.knobs import TOPICS, read_knobs
from course.worlds.feed.people import people, taste_on
from course.worlds.feed.policies import Policy, ask
from course.worlds.feed.tables import check_videos, read_rows, request_batch

# Nodes and weights that average a function over a normal disturbance (Gauss-Hermite, 3 points).
_NODES, _NODE_WEIGHTS = (-1.7320508075688772, 0.0, 1.7320508075688772), (1 / 6, 2 / 3, 1 / 6)


def true_examination(**knobs: Any) -> np.ndarray:
    """Return the probability that a user looks at each position, from the first on."""
    return behaviour.examination(read_knobs(knobs))


def true_users(seed: int, user_ids: Any) -> pd.DataFrame:
    """Return the latent facts of users.

    Returns
    -------
    pandas.DataFrame
        `user_id`, `activity` (mean number of further sessions on an active day, about),
        `habit` (log-odds of coming on a working day at the start), `clickiness` (log-odds) and
        `taste_…` for each topic.
    """
    known = people(seed, np.asarray(user_ids, dtype=np.int64))
    return pd.DataFrame(
        {
            "user_id": known.ids,
            "activity": known.activity,
            "habit": known.habit,
            "clickiness": known.clickiness,
            **{f"taste_{name}": known.taste[:, i] for i, name in enumerate(TOPICS)},
        }
    )


def true_videos(seed: int, *, day: int = 0, **knobs: Any) -> pd.DataFrame:
    """Return `video_id`, `quality`, `appeal` and `original` of all videos uploaded by a day."""
    known = catalogue(seed, day, read_knobs(knobs))
    return pd.DataFrame(
        {
            "video_id": np.arange(len(known), dtype=np.int64),
            "quality": known.quality,
            "appeal": known.appeal,
            "original": known.original.astype(np.int64),
        }
    )


def true_response(seed: int, rows: pd.DataFrame, **knobs: Any) -> pd.DataFrame:
    """Return what users think of videos, row by row.

    Parameters
    ----------
    seed, **knobs
        Those of the log. Interference and the troubles of an experiment are left out.
    rows
        Impressions, or any table with `user_id`, `video_id` and `day` or `timestamp`.

    Returns
    -------
    pandas.DataFrame
        With the index of `rows`: `click` (probability of a click on an examined impression; times
        `true_examination` at its position, of a click), `satisfaction` (expected, given a click)
        and `watch_fraction` (expected, given a click).
    """
    settings = read_knobs(knobs)
    who, video, day = read_rows(rows)
    known = catalogue(seed, int(day.max(initial=0)), settings)
    check_videos(video, len(known))
    unique, user = np.unique(who, return_inverse=True)
    person = people(seed, unique)
    result = {name: np.empty(len(rows)) for name in ("click", "satisfaction", "watch_fraction")}
    for each in np.unique(day):
        at = np.flatnonzero(day == each)
        taste = taste_on(person.taste, int(each), settings)
        now = behaviour.setting(person, known, taste, int(each), settings, np.zeros(len(known)))
        fit = behaviour.affinity(now, user[at], video[at])
        result["click"][at] = behaviour.click_probability(now, user[at], video[at], fit)
        feeling = behaviour.satisfaction_logit(now, video[at], fit)
        result["satisfaction"][at] = 2 * _average(feeling, behaviour.SATISFACTION_NOISE) - 1
        watching = behaviour.watch_logit(now, video[at], fit)
        result["watch_fraction"][at] = _average(watching, behaviour.WATCH_NOISE)
    return pd.DataFrame(result, index=rows.index)


def true_value(seed: int, policy: Policy, request_ids: Any, **knobs: Any) -> pd.DataFrame:
    """Return what a policy's lists are worth on given requests, without the noise of users.

    Returns
    -------
    pandas.DataFrame
        One row per request: `request_id`, `clicks` and `satisfaction` (expected sums over the
        list). If the policy draws its lists, one drawn list is valued.
    """
    settings = read_knobs(knobs)
    requests, candidates = request_batch(seed, request_ids, **knobs)
    own = rnd.hashes(rnd.key(seed, "requests"), requests["request_id"].to_numpy())
    columns = ask(policy, requests, candidates, own, settings.list_length).columns
    shown = np.take_along_axis(candidates["video_id"], columns, axis=1)
    rows = pd.DataFrame(
        {
            "user_id": np.repeat(requests["user_id"].to_numpy(), settings.list_length),
            "video_id": shown.ravel(),
            "day": np.repeat(requests["day"].to_numpy(), settings.list_length),
        }
    )
    response = true_response(seed, rows, **knobs)
    click = response["click"].to_numpy().reshape(shown.shape) * behaviour.examination(settings)
    content = response["satisfaction"].to_numpy().reshape(shown.shape)
    return pd.DataFrame(
        {
            "request_id": requests["request_id"],
            "clicks": click.sum(axis=1),
            "satisfaction": (click * content).sum(axis=1),
        }
    )


def _average(logit: np.ndarray, noise: float) -> np.ndarray:
    """Return the mean of the logistic function over a normal disturbance of the log-odds."""
    nodes = zip(_NODES, _NODE_WEIGHTS, strict=True)
    return sum(weight * rnd.sigmoid(logit + noise * node) for node, weight in nodes)
