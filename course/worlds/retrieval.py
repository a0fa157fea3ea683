"""The shelf 'Up next' of the short-video app: which video is watched after which kind of video.

What it simulates
-----------------
A video ends, and the app offers a shelf of ten. What it knows is the context c, the kind of video
that has just ended (and the time of day), a number from 0 on. A retriever has prepared a list of
candidates for each context, a ranker picks the ten to show. With popularity falling as
1 / rank ** popularity_exponent over the videos i, in an order that has nothing to do with ids::

    P(i | c) = popularity_i * exp(taste * affinity_ci) / sum over videos
    P(i | request) = P(i | c) * exp(personal * own_ri) / sum over videos

`affinity` is a product of four-dimensional normal vectors of context and video (variance 1), `own`
is normal and new for each request: the viewer's own mood. A request watches one video of its
distribution if the shelf shows it, and leaves otherwise. A retriever can know P(i | c) at best. A
ranker also sees the viewer, with an error: its score is log P(i | request) plus `noise` times a
normal number, up to a constant. A dear ranker has little noise and takes long.

Use
---
>>> import numpy as np
>>> from course.worlds import retrieval
>>> log = retrieval.watches(seed=1, n_watches=5000)
>>> list(log.columns)
['context', 'video_id']
>>> popular = np.bincount(log["video_id"], minlength=400).argsort()[::-1][:40]
>>> shown = retrieval.serve(np.tile(popular, (24, 1)), "heavy", seed=1, n_requests=100)
>>> bool(shown["watched"].mean() > 0.3)
True

`watches` is the log from which a retriever learns. `serve` plays lists and a ranker. The same seed
means the same requests, moods and errors for any lists and ranker, so designs can be compared
request by request. `latency_ms` and `euros_per_month` are what a design costs.
`true_probability` and `true_watch_rate` are planted truth, for tests, hidden checks and reveals.

Assumptions and limits
----------------------
The log shows what was watched in each context as if everything had been offered: real logs hold
what earlier retrievers offered. Contexts are equally frequent, nothing changes with time, every
video can be seen on the shelf whatever its place, and a video shown to many does not tire. Latency
grows by the same amount with each candidate, without queues.

What its shape is taken from
----------------------------
Retrieval as a softmax over videos: Covington, Adams and Sargin 2016. Sampling bias of in-batch
negatives and its correction: Bengio and Senécal 2008; Yi et al. 2019. Popularity of videos that
falls as a power of the rank: Cha et al. 2007. Sizes are this course's own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

_DIMENSIONS = 4
_OVERHEAD_MS, _OVERHEAD_EUROS = 8.0, 3_000.0


@dataclass(frozen=True)
class Ranker:
    """A ranker of the shelf.

    Attributes
    ----------
    noise
        Standard deviation of its error, in log-odds; None if it keeps the order of the lists.
    ms_per_candidate
        What each candidate adds to the 99th percentile of the latency, in milliseconds.
    euros_per_candidate
        What each candidate of a request adds to the bill of a month, in euros.
    """

    noise: float | None
    ms_per_candidate: float
    euros_per_candidate: float


RANKERS = {
    "none": Ranker(None, 0.0, 0.0),
    "light": Ranker(1.5, 0.03, 20.0),
    "heavy": Ranker(0.4, 0.5, 600.0),
}
"""The rankers that the team has, from the simplest on."""


@dataclass(frozen=True)
class Knobs:
    """What can be turned; every public function that plays takes these by name.

    Attributes
    ----------
    n_contexts, n_videos
        Number of contexts and of videos.
    taste
        Standard deviation of the log-odds by which contexts differ in their liking of a video.
    popularity_exponent
        Popularity falls as the rank to minus this power.
    personal
        Standard deviation of the log-odds by which requests of a context differ.
    list_length
        Number of videos on the shelf.
    """

    n_contexts: int = 24
    n_videos: int = 400
    taste: float = 1.4
    popularity_exponent: float = 1.0
    personal: float = 1.4
    list_length: int = 10

    def __post_init__(self) -> None:
        """Refuse sizes that no world can have."""
        for name in ("n_contexts", "n_videos", "list_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        for name in ("taste", "popularity_exponent", "personal"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}.")
        if self.list_length > self.n_videos:
            raise ValueError(
                f"Expected list_length <= n_videos, got {self.list_length} and {self.n_videos}."
            )


def true_probability(seed: int, **knobs: Any) -> np.ndarray:
    """Return the planted P(video | context), float64 of shape (contexts, videos)."""
    return np.array(_probability(seed, _read(knobs)))


def watches(seed: int, n_watches: int = 60_000, **knobs: Any) -> pd.DataFrame:
    """Return a log of watches.

    Parameters
    ----------
    seed
        The world.
    n_watches
        Number of rows.
    **knobs
        Fields of `Knobs`.

    Returns
    -------
    pandas.DataFrame
        One row per watch: `context` and `video_id`, both int64 from 0 on.

    Raises
    ------
    ValueError
        If a size is out of range or a knob is unknown.
    """
    settings = _read(knobs)
    _check_size("n_watches", n_watches)
    rng = np.random.default_rng([seed, 1])
    context = rng.integers(0, settings.n_contexts, n_watches)
    video = _draw(_probability(seed, settings), context, rng.random(n_watches))
    return pd.DataFrame({"context": context, "video_id": video})


def serve(
    lists: Any,
    ranker: str,
    seed: int,
    *,
    n_requests: int = 2_000,
    days: int = 1,
    first_day: int = 0,
    **knobs: Any,
) -> pd.DataFrame:
    """Play candidate lists and a ranker, and return what happened.

    Parameters
    ----------
    lists
        Video ids, shape (contexts, candidates), the most promising first; no id twice in a row.
    ranker
        One of `RANKERS`.
    seed, **knobs
        The world, as for `watches`.
    n_requests
        Requests a day.
    days, first_day
        Number of days and the first of them; each day has its own requests.

    Returns
    -------
    pandas.DataFrame
        One row per request: `day`, `context` (int64) and `watched` (int8, 0 or 1).

    Raises
    ------
    ValueError
        If the lists are not ids of videos, too short, or the ranker is unknown.
    """
    settings = _read(knobs)
    table = _read_lists(lists, settings)
    _check_size("n_requests", n_requests)
    _check_size("days", days)
    parts = []
    for day in range(first_day, first_day + days):
        context, shown, _, wanted = _play(table, ranker, seed, day, n_requests, settings)
        watched = (shown == wanted[:, None]).any(axis=1)
        parts.append(
            pd.DataFrame(
                {
                    "day": np.full(n_requests, day, dtype=np.int64),
                    "context": context,
                    "watched": watched.astype(np.int8),
                }
            )
        )
    empty = {"day": np.int64, "context": np.int64, "watched": np.int8}
    if not parts:
        return pd.DataFrame({name: np.empty(0, dtype) for name, dtype in empty.items()})
    return pd.concat(parts, ignore_index=True)


def true_watch_rate(
    lists: Any,
    ranker: str,
    seed: int,
    *,
    n_requests: int = 2_000,
    first_day: int = 0,
    **knobs: Any,
) -> float:
    """Return the share of a day's requests that `serve` is expected to end with a watch.

    The requests are those of `serve`; only the draw of the watched video is averaged out.
    """
    settings = _read(knobs)
    table = _read_lists(lists, settings)
    _, _, probability, _ = _play(table, ranker, seed, first_day, n_requests, settings)
    return float(probability.sum(axis=1).mean())


def latency_ms(n_candidates: int, ranker: str) -> float:
    """Return the 99th percentile of the latency of a request, in milliseconds."""
    return _OVERHEAD_MS + n_candidates * _ranker(ranker).ms_per_candidate


def euros_per_month(n_candidates: int, ranker: str) -> float:
    """Return what serving costs, in euros per month."""
    return _OVERHEAD_EUROS + n_candidates * _ranker(ranker).euros_per_candidate


def _read(knobs: dict[str, Any]) -> Knobs:
    known = [field.name for field in fields(Knobs)]
    unknown = sorted(set(knobs) - set(known))
    if unknown:
        raise ValueError(f"Unknown knobs {unknown}; this world has {known}.")
    return Knobs(**knobs)


def _check_size(name: str, value: int) -> None:
    if value < 0:
        raise ValueError(f"{name} must be 0 or more, got {value}.")


def _ranker(name: str) -> Ranker:
    if name not in RANKERS:
        raise ValueError(f"Unknown ranker {name!r}; there are {list(RANKERS)}.")
    return RANKERS[name]


def _read_lists(lists: Any, settings: Knobs) -> np.ndarray:
    table = np.asarray(lists)
    if table.dtype.kind not in "iu":
        raise ValueError(f"Expected video ids, whole numbers; got an array of {table.dtype}.")
    shortest = settings.list_length
    if table.ndim != 2 or len(table) != settings.n_contexts or table.shape[1] < shortest:
        raise ValueError(
            f"Expected one list of at least {shortest} videos for each of {settings.n_contexts} "
            f"contexts; got an array of shape {table.shape}."
        )
    if table.min() < 0 or table.max() >= settings.n_videos:
        raise ValueError(
            f"Expected video ids from 0 to {settings.n_videos - 1}; got {table.min()} to "
            f"{table.max()}."
        )
    ordered = np.sort(table, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    if twice.any():
        raise ValueError(
            f"Context {int(np.argmax(twice))}: expected different videos, got one twice."
        )
    return table


@lru_cache(maxsize=16)
def _probability(seed: int, settings: Knobs) -> np.ndarray:
    rng = np.random.default_rng([seed, 0])
    contexts = rng.standard_normal((settings.n_contexts, _DIMENSIONS))
    videos = rng.standard_normal((settings.n_videos, _DIMENSIONS))
    affinity = contexts @ videos.T / np.sqrt(_DIMENSIONS)
    rank = rng.permutation(settings.n_videos) + 1
    weight = np.exp(settings.taste * affinity) * rank**-settings.popularity_exponent
    probability = weight / weight.sum(axis=1, keepdims=True)
    probability.setflags(write=False)
    return probability


def _draw(probability: np.ndarray, row: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Draw one column per entry of `row`, by the inverse of the distribution function."""
    # One long increasing line: row k's distribution function lies in (k, k + 1].
    line = np.cumsum(probability, axis=1)
    line = (line / line[:, -1:] + np.arange(len(line))[:, None]).ravel()
    place = np.searchsorted(line, row + uniform, side="right")
    column = place - row * probability.shape[1]
    return np.clip(column, 0, probability.shape[1] - 1).astype(np.int64)


@lru_cache(maxsize=4)
def _requests(seed: int, day: int, n_requests: int, settings: Knobs) -> tuple[np.ndarray, ...]:
    """Return context, log-odds, probability, error and wanted video of each request."""
    rng = np.random.default_rng([seed, 2, day])
    context = rng.integers(0, settings.n_contexts, n_requests)
    shape = (n_requests, settings.n_videos)
    log_odds = np.log(_probability(seed, settings)).astype(np.float32)[context]
    log_odds += np.float32(settings.personal) * rng.standard_normal(shape, dtype=np.float32)
    weight = np.exp(log_odds - log_odds.max(axis=1, keepdims=True, initial=-np.inf))
    probability = weight / weight.sum(axis=1, keepdims=True)
    error = rng.standard_normal(shape, dtype=np.float32)
    wanted = _draw(probability.astype(np.float64), np.arange(n_requests), rng.random(n_requests))
    for array in (context, log_odds, probability, error, wanted):
        array.setflags(write=False)
    return context, log_odds, probability, error, wanted


def _play(
    table: np.ndarray, ranker: str, seed: int, day: int, n_requests: int, settings: Knobs
) -> tuple[np.ndarray, ...]:
    """Return context, shown ids, their probabilities, and the wanted id, per request."""
    noise, length = _ranker(ranker).noise, settings.list_length
    context, log_odds, probability, error, wanted = _requests(seed, day, n_requests, settings)
    candidates = table[context]
    if noise is None or candidates.shape[1] == length:
        shown = candidates[:, :length]
    else:
        score = np.take_along_axis(log_odds, candidates, axis=1)
        score += np.float32(noise) * np.take_along_axis(error, candidates, axis=1)
        best = np.argpartition(-score, length - 1, axis=1)[:, :length]
        shown = np.take_along_axis(candidates, best, axis=1)
    return context, shown, np.take_along_axis(probability, shown, axis=1), wanted
