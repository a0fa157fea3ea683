"""Requests: who opens the app when, and which candidates retrieval finds for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from course.worlds.feed import randomness as rnd
from course.worlds.feed.catalogue import Catalogue, window
from course.worlds.feed.knobs import FEATURES, TOPICS, Fault, Knobs
from course.worlds.feed.people import COUNTRIES, People

FIRST_DAY = pd.Timestamp("2025-01-06")
"""Midnight (UTC) at which day 0 begins, a Monday."""
DAY_SECONDS = 86_400
_MAX_SESSIONS = 60
_WEEKEND_SESSIONS, _WEEKEND_HABIT = 1.25, 0.15
# Relative traffic by hour of the user's own day: a small peak at noon, a large one in the evening.
_HOURLY = np.array(
    [4, 2, 1, 1, 1, 2, 4, 7, 8, 8, 8, 10, 13, 11, 9, 9, 10, 12, 15, 18, 20, 20, 15, 9], dtype=float
)
_HOURLY_TOTAL = np.cumsum(_HOURLY)

# A request id holds user, day and session, so that its candidates can be found again from the log.
_DAY_BITS, _SESSION_BITS = 11, 6
_BLOCK = 2048


@dataclass(frozen=True)
class Requests:
    """Requests of one day by dense index, in the order of time.

    Attributes
    ----------
    ids
        int64 request id.
    user
        int64 dense index of the user in `People`.
    session
        int64 number of the session on the user's day, from 0.
    second
        int64 second of the UTC day.
    own
        uint64 hash from which all random numbers of the request come.
    """

    ids: np.ndarray
    user: np.ndarray
    session: np.ndarray
    second: np.ndarray
    own: np.ndarray

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.ids)

    def take(self, rows: np.ndarray) -> Requests:
        """Return some of the requests."""
        names = ("ids", "user", "session", "second", "own")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})


def request_id(user_id: np.ndarray, day: int, session: np.ndarray) -> np.ndarray:
    """Return the int64 ids of requests."""
    return (user_id << (_DAY_BITS + _SESSION_BITS)) + (day << _SESSION_BITS) + session


def read_request_id(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return user id, day and session of each request."""
    ids = np.asarray(ids, dtype=np.int64)
    day = (ids >> _SESSION_BITS) & ((1 << _DAY_BITS) - 1)
    return ids >> (_DAY_BITS + _SESSION_BITS), day, ids & ((1 << _SESSION_BITS) - 1)


def arrivals(seed: int, users: People, habit: np.ndarray, present: np.ndarray, day: int):
    """Return the dense indices of the users who come on a day, and their numbers of sessions.

    Parameters
    ----------
    habit
        Log-odds, one per user, that the user comes on a working day.
    present
        Boolean, one per user: has signed up and not left for good.
    """
    weekend = day % 7 >= 5
    candidates = np.flatnonzero(present)
    today = rnd.hashes(rnd.key(seed, "arrivals", day), users.ids[candidates])
    probability = rnd.sigmoid(habit[candidates] + _WEEKEND_HABIT * weekend)
    # Everyone comes on the day of the sign-up.
    comes = rnd.below(today, probability) | (users.joined[candidates] == day)
    active = candidates[comes]
    spread = 2 * users.activity[active] * (_WEEKEND_SESSIONS if weekend else 1.0)
    further = np.floor(spread * rnd.uniform(rnd.hashes(today[comes], 1))).astype(np.int64)
    return active, np.minimum(1 + further, _MAX_SESSIONS)


def requests_of(
    seed: int, users: People, active: np.ndarray, sessions: np.ndarray, day: int
) -> Requests:
    """Return the requests of a day in the order of time; a session is one request."""
    user = np.repeat(active, sessions)
    first = np.repeat(np.cumsum(sessions) - sessions, sessions)
    session = np.arange(len(user)) - first
    ids = request_id(users.ids[user], day, session)
    own = rnd.hashes(rnd.key(seed, "requests"), ids)
    second = second_of_day(own, users, user)
    order = np.lexsort((ids, second))
    return Requests(ids, user, session, second, own).take(order)


def second_of_day(own: np.ndarray, users: People, user: np.ndarray) -> np.ndarray:
    """Return at which second of the UTC day each request is made, int64."""
    when = rnd.uniform(rnd.hashes(own, 0)) * _HOURLY_TOTAL[-1]
    hour = np.searchsorted(_HOURLY_TOTAL, when, side="right")
    share = 1 - (_HOURLY_TOTAL[hour] - when) / _HOURLY[hour]
    second = hour * 3600 + np.floor(3600 * share).astype(np.int64)
    return (second + users.clock[user]) % DAY_SECONDS


def retrieve(requests: Requests, users: People, day: int, knobs: Knobs) -> np.ndarray:
    """Return candidate video ids, int32 of shape (requests, candidates), the newest first.

    Candidate j comes from the j-th newest slice of a topic that the user's menu holds, so the
    candidates of a request are distinct.
    """
    low, high = window(day, knobs)
    n_topics, n = len(TOPICS), knobs.n_candidates
    per_topic = (high - low) // n_topics
    # The slices, counted from the newest video of the topic backwards.
    edge = np.arange(n + 1) * per_topic // n
    start, width = edge[:-1].astype(np.int32), np.diff(edge).astype(np.uint64)
    newest = (high - 1 - (high - 1 - np.arange(n_topics)) % n_topics).astype(np.int32)
    column = np.arange(n)
    videos = np.empty((len(requests), n), dtype=np.int32)
    for block in blocks(len(requests)):
        bits = rnd.hashes(requests.own[block, None], 16 + column)
        place = requests.user[block, None] * 16 + (bits & np.uint64(15)).astype(np.int64)
        topic = users.menu.take(place)
        bits >>= np.uint64(32)
        bits *= width
        bits >>= np.uint64(32)
        back = bits.astype(np.int32)
        back += start
        back *= n_topics
        np.subtract(newest.take(topic), back, out=videos[block])
    return videos


def blocks(n: int):
    """Yield slices that cover `range(n)`, small enough for their arrays to stay in the cache."""
    for start in range(0, n, _BLOCK):
        yield slice(start, min(start + _BLOCK, n))


def request_frame(requests: Requests, users: People, day: int) -> pd.DataFrame:
    """Return the context of the requests as a policy gets it."""
    user = requests.user
    return pd.DataFrame(
        {
            "request_id": requests.ids,
            "user_id": users.ids[user],
            "day": np.full(len(user), day, dtype=np.int64),
            "session": requests.session,
            "hour": requests.second / 3600,
            "country": pd.Categorical.from_codes(users.country[user], COUNTRIES),
            "tenure_days": (day - users.joined[user]).astype(np.int64),
        }
    )


def candidate_arrays(
    videos: np.ndarray,
    requests: Requests,
    users: People,
    catalogue: Catalogue,
    day: int,
    faults: tuple[Fault, ...] = (),
) -> dict[str, np.ndarray]:
    """Return what a policy knows of the candidates: arrays of the shape of `videos`."""
    arrays = {
        "video_id": videos,
        "topic": np.empty(videos.shape, dtype=np.int8),
        "creator_id": np.empty(videos.shape, dtype=np.int32),
        **{name: np.empty(videos.shape, dtype=np.float32) for name in FEATURES},
    }
    n_topics = len(TOPICS)
    age = (day - catalogue.created).astype(np.float32)
    topic_of = (np.arange(len(catalogue)) % n_topics).astype(np.int8)
    for block in blocks(len(videos)):
        ids = videos[block]
        user = requests.user[block, None]
        topic = topic_of.take(ids)
        arrays["topic"][block] = topic
        arrays["creator_id"][block] = catalogue.creator.take(ids)
        arrays["topic_match"][block] = users.interest.take(user * n_topics + topic)
        arrays["thumbnail_score"][block] = catalogue.thumbnail_score.take(ids)
        arrays["quality_score"][block] = catalogue.quality_score.take(ids)
        arrays["popularity_score"][block] = catalogue.popularity_score.take(ids)
        arrays["same_country"][block] = catalogue.country.take(ids) == users.country.take(user)
        arrays["length_s"][block] = catalogue.length.take(ids)
        arrays["age_days"][block] = age.take(ids)
    for fault in faults:
        if fault.first_day <= day <= fault.last_day:
            _break(arrays[fault.feature], fault, requests, videos)
    for values in arrays.values():  # a policy must not change what others read
        values.setflags(write=False)
    return arrays


def _break(values: np.ndarray, fault: Fault, requests: Requests, videos: np.ndarray) -> None:
    """Apply a fault in place."""
    if fault.kind == "stuck":
        values[:] = fault.value
    elif fault.kind == "scaled":
        values *= np.float32(fault.value)
    else:
        bits = rnd.hashes(rnd.hashes(requests.own, rnd.key(7, fault.feature))[:, None], videos)
        values[rnd.below(bits, fault.value)] = 0
