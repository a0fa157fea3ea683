"""The event log: columns of impressions and events, day by day, and the frames made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from course.worlds.feed.behaviour import KINDS, Clicks
from course.worlds.feed.knobs import FEATURES
from course.worlds.feed.people import People
from course.worlds.feed.requests import DAY_SECONDS, FIRST_DAY, Requests

Columns = dict[str, np.ndarray]

BUCKETS = ("ranked", "random")
"""How a list was made, by number: by the policy, or in random order from all candidates."""
PLACE_BITS = 5
"""An impression's id is `request_id * 2**PLACE_BITS + position - 1`."""

_IMPRESSION_TYPES = {
    "impression_id": np.int64,
    "request_id": np.int64,
    "user_id": np.int64,
    "video_id": np.int32,
    "timestamp": np.int64,
    "policy": np.int8,
    "bucket": np.int8,
    "position": np.int8,
    "propensity": np.float64,
    "client_version": np.int8,
}
_EVENT_TYPES = {
    "impression_id": np.int64,
    "user_id": np.int64,
    "video_id": np.int32,
    "kind": np.int8,
    "value": np.float64,
    "event_time": np.int64,
    "arrival_time": np.int64,
}


def impression_columns(
    requests: Requests,
    users: People,
    shown: np.ndarray,
    propensity: np.ndarray,
    bucket: np.ndarray,
    day: int,
    arm: int,
    version: int,
) -> Columns:
    """Return the impressions of a batch of lists; times are seconds since day 0."""
    n, length = shown.shape
    place = np.arange(length, dtype=np.int64)
    return {
        "impression_id": ((requests.ids << PLACE_BITS)[:, None] + place).ravel(),
        "request_id": np.repeat(requests.ids, length),
        "user_id": np.repeat(users.ids[requests.user], length),
        "video_id": shown.ravel(),
        "timestamp": np.repeat(day * DAY_SECONDS + requests.second, length),
        "policy": np.full(n * length, arm, dtype=np.int8),
        "bucket": np.repeat(bucket, length),
        "position": np.tile(np.arange(1, length + 1, dtype=np.int8), n),
        "propensity": np.broadcast_to(propensity, shown.shape).ravel(),
        "client_version": np.full(n * length, version, dtype=np.int8),
    }


def event_columns(
    requests: Requests,
    users: People,
    shown: np.ndarray,
    clicks: Clicks,
    day: int,
    version: int,
) -> Columns:
    """Return the events of a batch of lists; from version 2 on the app watches in milliseconds."""
    request, place = clicks.request[clicks.row], clicks.place[clicks.row]
    time = day * DAY_SECONDS + requests.second[request] + clicks.after
    value = clicks.value
    if version > 1:
        value = np.where(clicks.kind == KINDS.index("watch"), value * 1000, value)
    return {
        "impression_id": (requests.ids[request] << PLACE_BITS) + place,
        "user_id": users.ids[requests.user[request]],
        "video_id": shown[request, place],
        "kind": clicks.kind,
        "value": value,
        "event_time": time,
        "arrival_time": time + clicks.delay,
    }


def impressions_frame(
    parts: list[Columns], names: tuple[str, ...], with_features: bool
) -> pd.DataFrame:
    """Return impressions in the order of time; the parts are used up."""
    features = dict.fromkeys(FEATURES, np.float32) if with_features else {}
    columns = join(parts, {**_IMPRESSION_TYPES, **features})
    if len(names) > 1:  # with one arm the parts are in the order of time
        order = np.lexsort((columns["impression_id"], columns["timestamp"]))
        columns = {name: values[order] for name, values in columns.items()}
    columns["timestamp"] = _moments(columns["timestamp"])
    columns["policy"] = pd.Categorical.from_codes(columns["policy"], names)
    columns["bucket"] = pd.Categorical.from_codes(columns["bucket"], BUCKETS)
    return pd.DataFrame(columns)


def events_frame(parts: list[Columns]) -> pd.DataFrame:
    """Return events in the order of arrival; the parts are used up."""
    columns = join(parts, _EVENT_TYPES)
    order = np.lexsort((columns["kind"], columns["impression_id"], columns["arrival_time"]))
    columns = {name: values[order] for name, values in columns.items()}
    for name in ("event_time", "arrival_time"):
        columns[name] = _moments(columns[name])
    columns["kind"] = pd.Categorical.from_codes(columns["kind"], KINDS)
    return pd.DataFrame(columns)


def join(parts: list[Columns], types: Mapping[str, Any]) -> Columns:
    """Return parts of a table one after the other; each column is given up as it is copied."""
    return {
        name: np.concatenate([part.pop(name) for part in parts] or [np.zeros(0, dtype)])
        for name, dtype in types.items()
    }


def arrived(waiting: Columns, day: int) -> tuple[Columns, Columns]:
    """Split events into those that have arrived by the end of a day and those still on the way."""
    here = waiting["arrival_time"] < (day + 1) * DAY_SECONDS
    return (
        {name: values[here] for name, values in waiting.items()},
        {name: values[~here] for name, values in waiting.items()},
    )


def _moments(seconds: np.ndarray) -> np.ndarray:
    return FIRST_DAY.to_datetime64().astype("datetime64[s]") + seconds.astype("timedelta64[s]")
