"""Observed tables beside the log: users, videos, features and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from course.worlds.feed import randomness as rnd
from course.worlds.feed.behaviour import KINDS
from course.worlds.feed.catalogue import catalogue
from course.worlds.feed.knobs import FEATURES, MAX_DAYS, TOPICS, read_knobs
from course.worlds.feed.people import COUNTRIES, people, user_ids
from course.worlds.feed.requests import (
    DAY_SECONDS,
    FIRST_DAY,
    Requests,
    candidate_arrays,
    read_request_id,
    request_frame,
    retrieve,
    second_of_day,
)


def users(seed: int, n_users: int = 5000, *, day: int = 0, **knobs: Any) -> pd.DataFrame:
    """Return what the app knows of all who have signed up by a day.

    Returns
    -------
    pandas.DataFrame
        `user_id`, `country`, `joined_day` (negative: before day 0) and, for each topic, the app's
        estimate of the user's taste `interest_…` (mean 0, variance 1).
    """
    settings = read_knobs(knobs)
    if n_users < 0 or not 0 <= day < MAX_DAYS:
        raise ValueError(f"Expected n_users and day of 0 or more, got {n_users} and {day}.")
    known = people(seed, user_ids(n_users, day, settings))
    return pd.DataFrame(
        {
            "user_id": known.ids,
            "country": pd.Categorical.from_codes(known.country, COUNTRIES),
            "joined_day": known.joined.astype(np.int64),
            **{f"interest_{name}": known.interest[:, i] for i, name in enumerate(TOPICS)},
        }
    )


def videos(seed: int, *, day: int = 0, **knobs: Any) -> pd.DataFrame:
    """Return what the app knows of all videos uploaded by a day; row i is video i.

    Returns
    -------
    pandas.DataFrame
        `video_id`, `topic`, `creator_id`, `country`, `length_s`, `created_day`, `audio_id` (shared
        by near-duplicates), `thumbnail_score`, `quality_score` and `popularity_score`.
    """
    if not 0 <= day < MAX_DAYS:
        raise ValueError(f"day must lie in [0, {MAX_DAYS}), got {day}.")
    known = catalogue(seed, day, read_knobs(knobs))
    ids = np.arange(len(known), dtype=np.int64)
    return pd.DataFrame(
        {
            "video_id": ids,
            "topic": pd.Categorical.from_codes(ids % len(TOPICS), TOPICS),
            "creator_id": known.creator.astype(np.int64),
            "country": pd.Categorical.from_codes(known.country, COUNTRIES),
            "length_s": known.length,
            "created_day": known.created.astype(np.int64),
            "audio_id": known.original.astype(np.int64),
            "thumbnail_score": known.thumbnail_score,
            "quality_score": known.quality_score,
            "popularity_score": known.popularity_score,
        }
    )


def request_batch(
    seed: int, request_ids: Any, **knobs: Any
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return logged requests as the policy got them, one row per id and in that order.

    With it a policy is asked again, offline, for the same candidates: `policy(*request_batch(…))`.

    Parameters
    ----------
    seed, **knobs
        Those of the log.
    request_ids
        Shape (n,).

    Returns
    -------
    requests, candidates
        See the package's docstring.
    """
    settings = read_knobs(knobs)
    ids = np.asarray(request_ids, dtype=np.int64)
    if ids.ndim != 1:
        raise ValueError(f"Expected a column of request ids, got shape {ids.shape}.")
    if (ids < 0).any():
        raise ValueError(f"Expected the request ids of a log, got {ids[ids < 0][0]}.")
    who, day, session = read_request_id(ids)
    unique, user = np.unique(who, return_inverse=True)
    known = people(seed, unique)
    own = rnd.hashes(rnd.key(seed, "requests"), ids)
    requests = Requests(ids, user, session, second_of_day(own, known, user), own)
    videos_known = catalogue(seed, int(day.max(initial=0)), settings)
    frames, arrays, order = [], [], []
    for each in np.unique(day) if len(ids) else [0]:
        rows = np.flatnonzero(day == each)
        part = requests.take(rows)
        found = retrieve(part, known, int(each), settings)
        frames.append(request_frame(part, known, int(each)))
        arrays.append(
            candidate_arrays(found, part, known, videos_known, int(each), settings.faults)
        )
        order.append(rows)
    back = np.argsort(np.concatenate(order), kind="stable")
    frame = pd.concat(frames, ignore_index=True).iloc[back].reset_index(drop=True)
    return frame, {
        name: np.concatenate([part[name] for part in arrays])[back] for name in arrays[0]
    }


def features(seed: int, rows: pd.DataFrame, **knobs: Any) -> pd.DataFrame:
    """Return the features of users and videos, one row per row and with the same index.

    Parameters
    ----------
    seed, **knobs
        Those of the log; faults are not applied.
    rows
        Impressions, or any table with `user_id`, `video_id` and `day` or `timestamp`.

    Returns
    -------
    pandas.DataFrame
        `FEATURES`, float32.
    """
    who, video, day = read_rows(rows)
    settings = read_knobs(knobs)
    known = catalogue(seed, int(day.max(initial=0)), settings)
    check_videos(video, len(known))
    unique, user = np.unique(who, return_inverse=True)
    person = people(seed, unique)
    columns = {
        "topic_match": person.interest[user, video % len(TOPICS)],
        "thumbnail_score": known.thumbnail_score[video],
        "quality_score": known.quality_score[video],
        "popularity_score": known.popularity_score[video],
        "same_country": known.country[video] == person.country[user],
        "length_s": known.length[video],
        "age_days": day - known.created[video],
    }
    return pd.DataFrame(
        {name: columns[name].astype(np.float32) for name in FEATURES}, index=rows.index
    )


def labelled(impressions: pd.DataFrame, events: pd.DataFrame, *, as_of: Any = None) -> pd.DataFrame:
    """Return impressions with what is known to have followed them.

    Parameters
    ----------
    impressions, events
        A log.
    as_of
        Moment up to which events have arrived; None for all events.

    Returns
    -------
    pandas.DataFrame
        The impressions with `clicked`, `liked`, `reported` (int8, 0 or 1), `watch_value` (as the
        app reported it, 0 without a click) and `stars` (NaN where nobody answered).
    """
    if as_of is not None:
        events = events[events["arrival_time"] <= pd.Timestamp(as_of)]
    ids = impressions["impression_id"].to_numpy()
    order = np.argsort(ids, kind="stable")
    place = np.searchsorted(ids, events["impression_id"].to_numpy(), sorter=order)
    found = np.flatnonzero(place < len(ids))
    row = order[place[found]]
    mine = ids[row] == events["impression_id"].to_numpy()[found]
    found, row = found[mine], row[mine]
    kind = events["kind"].cat.codes.to_numpy()[found]
    value = events["value"].to_numpy()[found]

    def of_kind(name: str, empty: float, dtype: type) -> np.ndarray:
        column = np.full(len(ids), empty, dtype=dtype)
        chosen = kind == KINDS.index(name)
        column[row[chosen]] = value[chosen]
        return column

    return impressions.assign(
        clicked=of_kind("click", 0, np.int8),
        liked=of_kind("like", 0, np.int8),
        reported=of_kind("report", 0, np.int8),
        watch_value=of_kind("watch", 0, np.float64),
        stars=of_kind("survey", np.nan, np.float64),
    )


def read_rows(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return user id, video id and day of each row of a table."""
    when = "day" if "day" in rows else "timestamp"
    missing = [name for name in ("user_id", "video_id", when) if name not in rows]
    if missing:
        raise ValueError(
            f"Expected the columns user_id, video_id and day or timestamp; missing: {missing}."
        )
    if when == "day":
        day = rows["day"].to_numpy()
    else:
        day = ((rows["timestamp"] - FIRST_DAY).dt.total_seconds() // DAY_SECONDS).to_numpy()
    return rows["user_id"].to_numpy(), rows["video_id"].to_numpy(np.int64), day.astype(np.int64)


def check_videos(video: np.ndarray, n_videos: int) -> None:
    """Refuse videos that are not uploaded yet."""
    bad = np.flatnonzero((video < 0) | (video >= n_videos))
    if len(bad):
        raise ValueError(
            f"Row {bad[0]}: expected a video id from 0 to {n_videos - 1}, got {video[bad[0]]}."
        )
