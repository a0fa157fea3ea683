"""Ranking policies: what they get, what they may answer, and the ones that the world brings along.

A policy is a function of two arguments, asked once a day for all requests of the day:

* `requests`, a frame with one row per request, and
* `candidates`, a dictionary of arrays of shape (requests, candidates).

It returns one of

* floats (requests, candidates): scores, the highest first; ties go to the earlier candidate;
* whole numbers (requests, list_length): the video ids to show, in order;
* a pair of such video ids and of the probabilities, in (0, 1], with which the policy chose each of
  them given those above it;
* a dictionary with one of the keys `scores`, `videos` (and `propensity`) or `probabilities`. The
  last is a distribution over the candidates of each request: the world draws the list from it, one
  place after another without replacement (Plackett-Luce), with its own random numbers.

A policy may have a method `observe(impressions, events)`, which is called at the end of each day
with what was logged on it and with the events that have arrived since the last call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from course.worlds.feed import randomness as rnd
from course.worlds.feed.knobs import FEATURES
from course.worlds.feed.requests import blocks

Policy = Callable[[pd.DataFrame, dict[str, np.ndarray]], Any]


@dataclass(frozen=True)
class LinearPolicy:
    """Rank by a weighted sum of features.

    Attributes
    ----------
    weights
        Weight of each feature by name, see `FEATURES`.
    noise
        Standard deviation of a disturbance that is drawn per request and video.
    noise_seed
        Two policies with the same seed have the same disturbances.
    temperature
        None: the highest score comes first. Otherwise places are filled by chance, each candidate
        with probability proportional to `exp(score / temperature)`.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    noise: float = 0.0
    noise_seed: int = 0
    temperature: float | None = None

    def __post_init__(self) -> None:
        """Refuse features that do not exist."""
        unknown = sorted(set(self.weights) - set(FEATURES))
        if unknown:
            raise ValueError(f"Unknown features {unknown}; a candidate has {list(FEATURES)}.")
        if self.temperature is not None and not self.temperature > 0:
            raise ValueError(f"temperature must be positive, got {self.temperature}.")

    def score(self, requests: pd.DataFrame, candidates: dict[str, np.ndarray]) -> np.ndarray:
        """Return the scores, float32 of shape (requests, candidates)."""
        scores = np.zeros(candidates["video_id"].shape, dtype=np.float32)
        request_key = rnd.hashes(
            rnd.key(self.noise_seed, "policy noise"), requests["request_id"].to_numpy()
        )
        for block in blocks(len(scores)):
            part = scores[block]
            for name, weight in self.weights.items():
                part += np.float32(weight) * candidates[name][block]
            if self.noise:
                bits = rnd.hashes(request_key[block, None], candidates["video_id"][block])
                part += (self.noise * rnd.normal(bits)).astype(np.float32)
        return scores

    def __call__(self, requests: pd.DataFrame, candidates: dict[str, np.ndarray]) -> Any:
        """Return scores, or with a temperature the distribution of the first place."""
        scores = self.score(requests, candidates)
        if self.temperature is None:
            return scores
        scores = scores.astype(np.float64) / self.temperature
        weights = rnd.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
        total = np.zeros(len(weights))
        for column in weights.T:  # one after the other: the same rounding everywhere
            total += column
        return {"probabilities": weights / total[:, None]}


PRODUCTION = LinearPolicy({"topic_match": 0.3, "popularity_score": 1.0})
"""What the app ranks by today: mostly by how popular earlier rankings have made a video."""
CLICK_POLICY = LinearPolicy({"topic_match": 0.6, "thumbnail_score": 1.0, "same_country": 0.4})
"""Ranks by the probability of a click, clickbait included."""
BALANCED_POLICY = LinearPolicy(
    {"topic_match": 0.8, "thumbnail_score": 0.6, "quality_score": 0.4, "same_country": 0.4}
)
"""Ranks by clicks and quality together: better than `PRODUCTION` in all respects."""
SATISFACTION_POLICY = LinearPolicy(
    {"topic_match": 0.6, "quality_score": 1.0, "thumbnail_score": -0.1, "same_country": 0.3}
)
"""Ranks by how content a viewer will be."""


@dataclass(frozen=True)
class Ranking:
    """A checked answer: columns of the candidates, best first, and how they were chosen.

    Attributes
    ----------
    columns
        int64 (requests, list_length): columns of the candidate arrays.
    propensity
        float64 of the same shape: probability of the choice at each place given those above it;
        None for a deterministic policy.
    distribution
        float64 (requests, candidates) if the policy gave one, else None.
    """

    columns: np.ndarray
    propensity: np.ndarray | None = None
    distribution: np.ndarray | None = None


def ask(
    policy: Policy,
    requests: pd.DataFrame,
    candidates: dict[str, np.ndarray],
    own: np.ndarray,
    list_length: int,
) -> Ranking:
    """Ask a policy for a batch of rankings and check its answer.

    Parameters
    ----------
    own
        uint64 hash of each request, from which a list is drawn if the policy gives a distribution.

    Raises
    ------
    ValueError
        If the answer is none of those that the module's docstring lists; the message names the
        first request at fault.
    """
    answer = policy(requests, candidates)
    videos = candidates["video_id"]
    ids = requests["request_id"].to_numpy()
    kind, values, propensity = _read(answer)
    if kind == "scores":
        scores = _matrix(values, videos.shape, "one score per candidate", ids)
        _refuse(np.isnan(scores), ids, "a number as score of every candidate", scores)
        return Ranking(best_columns(scores, list_length))
    if kind == "probabilities":
        distribution = _distribution(values, videos.shape, ids, list_length)
        columns, chosen = _draw(distribution, own, videos, list_length)
        return Ranking(columns, chosen, distribution)
    shape = (len(videos), list_length)
    shown = _matrix(values, shape, "one video id per place of the list", ids)
    columns = _columns_of(shown, videos, ids)
    if propensity is None:
        return Ranking(columns)
    chosen = _matrix(propensity, shape, "one propensity per place of the list", ids)
    chosen = chosen.astype(np.float64)
    _refuse(~((chosen > 0) & (chosen <= 1)), ids, "propensities in (0, 1]", chosen)
    return Ranking(columns, chosen)


def best_columns(scores: np.ndarray, list_length: int) -> np.ndarray:
    """Return the columns of the highest scores, best first; ties go to the earlier column."""
    if scores.dtype != np.float32:
        return np.argsort(-scores, axis=1, kind="stable")[:, :list_length]
    # Score and column in one integer: plain sorting is then stable, and several times faster.
    columns = np.empty((len(scores), list_length), dtype=np.int64)
    number = np.arange(scores.shape[1], dtype=np.int64)
    for block in blocks(len(scores)):
        bits = (np.float32(0) - scores[block]).view(np.int32).astype(np.int64)
        np.copyto(bits, -(bits & 0x7FFFFFFF), where=bits < 0)
        bits <<= 6
        bits += number
        bits.sort(axis=1)
        np.bitwise_and(bits[:, :list_length], 63, out=columns[block])
    return columns


def place_propensities(distribution: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the Plackett-Luce probability of each place of a list given the places above it.

    Parameters
    ----------
    distribution
        Shape (requests, candidates), each row sums to one.
    columns
        Shape (requests, places): the candidates of the list, in order.
    """
    chosen = np.take_along_axis(distribution, columns, axis=1)
    left = np.array(distribution, dtype=np.float64)
    propensity = np.empty(chosen.shape)
    for place in range(columns.shape[1]):
        remaining = np.zeros(len(left))
        for column in left.T:
            remaining += column
        share = chosen[:, place] / np.maximum(remaining, 2.0**-1000)
        propensity[:, place] = np.minimum(share, 1.0)
        left[np.arange(len(left)), columns[:, place]] = 0
    return propensity


def _read(answer: Any) -> tuple[str, Any, Any]:
    """Tell the kinds of answers apart."""
    if isinstance(answer, dict):
        kinds = [name for name in ("scores", "videos", "probabilities") if name in answer]
        known = {*kinds, "propensity"} if kinds == ["videos"] else set(kinds)
        if len(kinds) != 1 or set(answer) - known:
            raise ValueError(
                "Expected a dictionary with one of 'scores', 'videos' (with 'propensity' if the "
                f"policy draws) or 'probabilities', got the keys {list(answer)}."
            )
        return kinds[0], answer[kinds[0]], answer.get("propensity")
    if isinstance(answer, tuple):
        if len(answer) != 2:
            raise ValueError(f"Expected a pair (videos, propensity), got {len(answer)} items.")
        return "videos", *answer
    return ("videos" if _is_whole(answer) else "scores"), answer, None


def _is_whole(answer: Any) -> bool:
    """Say whether an answer holds whole numbers; rows of a list may differ in length."""
    if isinstance(answer, list) and answer:
        answer = answer[0]
    return np.asarray(answer).dtype.kind in "iu"


def _matrix(values: Any, shape: tuple[int, ...], what: str, ids: np.ndarray) -> np.ndarray:
    """Return an array of numbers of the expected shape."""
    if isinstance(values, (list, tuple)):
        for row, length in enumerate(np.size(value) for value in values):
            if length != shape[1]:
                raise ValueError(f"{_name(ids, row)}: expected {what}, {shape[1]}; got {length}.")
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"Expected {what}, an array of numbers, got {_kind(values, array)}.")
    if array.shape != shape:
        first = _name(ids, 0) + ": " if array.ndim == 2 and len(array) == shape[0] else ""
        raise ValueError(f"{first}expected {what}, shape {shape}, got shape {array.shape}.")
    return array


def _kind(values: Any, array: np.ndarray) -> str:
    return f"{type(values).__name__} of {array.dtype}" if array.ndim else type(values).__name__


def _name(ids: np.ndarray, row: int) -> str:
    return f"Request {ids[row]} (row {row})" if row < len(ids) else f"Row {row}"


def _refuse(bad: np.ndarray, ids: np.ndarray, expected: str, values: np.ndarray) -> None:
    """Raise for the first bad entry, if there is one."""
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"{_name(ids, row)}: expected {expected}, got {values[row, column]} in column {column} "
            f"({int(bad.any(axis=1).sum())} of {len(bad)} rows are like this)."
        )


def _distribution(
    values: Any, shape: tuple[int, ...], ids: np.ndarray, list_length: int
) -> np.ndarray:
    array = _matrix(values, shape, "one probability per candidate", ids).astype(np.float64)
    _refuse(~((array >= 0) & (array <= 1)), ids, "probabilities in [0, 1]", array)
    total = array.sum(axis=1)
    wrong = np.flatnonzero(np.abs(total - 1) > 1e-6)
    if len(wrong):
        raise ValueError(
            f"{_name(ids, wrong[0])}: expected probabilities that sum to 1, "
            f"got a sum of {total[wrong[0]]:.6g} ({len(wrong)} of {len(array)} rows are like this)."
        )
    support = (array > 0).sum(axis=1)
    short = np.flatnonzero(support < list_length)
    if len(short):
        raise ValueError(
            f"{_name(ids, short[0])}: expected at least {list_length} candidates with a "
            f"probability above 0, as many as places, got {support[short[0]]}."
        )
    return array


def _draw(
    distribution: np.ndarray, own: np.ndarray, videos: np.ndarray, list_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw lists by an exponential race, which has the Plackett-Luce distribution."""
    columns = np.empty((len(videos), list_length), dtype=np.int64)
    race = rnd.hashes(own, 9)
    for block in blocks(len(videos)):
        wait = rnd.exponential(rnd.hashes(race[block, None], videos[block]))
        with np.errstate(divide="ignore"):
            wait /= distribution[block]
        columns[block] = np.argsort(wait, axis=1, kind="stable")[:, :list_length]
    return columns, place_propensities(distribution, columns)


def _columns_of(shown: np.ndarray, videos: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the candidate column of each video shown."""
    if shown.dtype.kind == "f":
        _refuse(shown != np.floor(shown), ids, "whole numbers as video ids", shown)
    columns = np.empty(shown.shape, dtype=np.int64)
    known = np.empty(shown.shape, dtype=bool)
    for block in blocks(len(videos)):
        same = shown[block, :, None] == videos[block, None, :]
        known[block], columns[block] = same.any(axis=2), same.argmax(axis=2)
    _refuse(~known, ids, "ids of the request's own candidates", shown)
    ordered = np.sort(columns, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    if twice.any():
        row = int(np.argmax(twice))
        raise ValueError(
            f"{_name(ids, row)}: expected {shown.shape[1]} different videos, got "
            f"{len(np.unique(shown[row]))} different ones in {shown[row].tolist()} "
            f"({int(twice.sum())} of {len(shown)} rows are like this)."
        )
    return columns
