"""The first five minutes of a design interview: a brief, and an interviewer who can be questioned.

What it simulates
-----------------
The team of a short-video app wants every upload checked for harmful content before it goes live.
Its brief is a list of statements, each by someone of the company. Of the sixteen numbers that a
design depends on (`TOPICS`),

* most are stated once, in whatever unit the speaker is used to,
* one is stated twice, in different units, and agrees with itself,
* one is stated twice and does not: two speakers contradict each other,
* three are not stated at all,
* and, on request, the latency limit is shorter than a read that no check can do without: an
  infeasible pair.

An `Interviewer` answers questions about the topics. A question costs one minute of the clock, also
when its answer stood in the brief.

Assumptions and limits
----------------------
Everyone means what they say, and the interviewer knows every fact. Real ones answer 'what would you
assume?', which is an invitation to state an assumption and to say what it would flip. The facts of
a random brief are drawn independently of each other.

What its shape is taken from
----------------------------
Public rubrics of machine-learning design interviews, which score scoping first: constraints found,
unknowns asked for, nothing invented. The app and all its numbers are invented.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

UNITS = {
    "": 1.0,
    "k": 1e3,
    "million": 1e6,
    "%": 0.01,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "days": 1.0,
    "weeks": 7.0,
    "B": 1.0,
    "kB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "TB": 1e12,
    "KiB": 2.0**10,
    "MiB": 2.0**20,
    "GiB": 2.0**30,
    "TiB": 2.0**40,
    "kb": 1e3 / 8,
    "Mb": 1e6 / 8,
    "Gb": 1e9 / 8,
    "EUR": 1.0,
    "cents": 0.01,
}
"""What one of each unit is in the base unit of its kind: count, share, s, days, byte, euro."""

_QUANTITY = re.compile(r"^\s*(-?\d[\d,_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*([A-Za-z%]*)\s*$")


@dataclass(frozen=True)
class _Topic:
    """One thing to know: what it means, who states it how, and the values of random briefs."""

    meaning: str
    base: str
    speaker: str
    sentence: str
    units: tuple[str, ...]
    values: tuple[float | str, ...]


_TOPICS = {
    "daily_users": _Topic(
        "people who open the app on an average day",
        "count",
        "Product",
        "On an average day, {} people open the app.",
        ("million", "k"),
        (2e6, 3e6, 4e6, 6e6, 8e6),
    ),
    "uploads_per_user": _Topic(
        "videos that one of them uploads per day",
        "count",
        "Product",
        "Each of them uploads {} videos a day.",
        ("",),
        (0.1, 0.15, 0.25, 0.4),
    ),
    "peak_factor": _Topic(
        "traffic of the busiest hour over that of the average hour",
        "count",
        "Operations",
        "The busiest hour has {} times the traffic of the average one.",
        ("",),
        (2.5, 3.0, 3.5, 4.0),
    ),
    "video_bytes": _Topic(
        "size of one stored video",
        "byte",
        "Infrastructure",
        "A compressed video takes {}.",
        ("Mb", "MB", "kB"),
        (1.5e6, 2.5e6, 3e6, 4e6),
    ),
    "replication": _Topic(
        "copies of each stored video",
        "count",
        "Infrastructure",
        "Every video is stored {} times.",
        ("",),
        (3.0, 4.0, 5.0),
    ),
    "retention_days": _Topic(
        "days that videos and their vectors are kept",
        "days",
        "Legal",
        "Videos and their vectors are kept for {}.",
        ("weeks", "days"),
        (28.0, 91.0, 182.0),
    ),
    "vector_dims": _Topic(
        "components of the one vector per video in the search for copies",
        "count",
        "Machine learning",
        "Each video has one vector of {} numbers, for the search for copies.",
        ("",),
        (128.0, 256.0, 768.0),
    ),
    "shard_bytes": _Topic(
        "memory of one index server",
        "byte",
        "Infrastructure",
        "One index server holds {} of vectors.",
        ("Gb", "GB"),
        (8e9, 24e9, 32e9),
    ),
    "store_read_s": _Topic(
        "time to read the account's history, which every check needs",
        "s",
        "Infrastructure",
        "Every check reads the account's history first, which takes {}.",
        ("ms", "s"),
        (0.02, 0.03, 0.05),
    ),
    "p99_limit_s": _Topic(
        "time within which 99 of 100 uploads are decided",
        "s",
        "Product",
        "Of 100 uploads, 99 must be decided within {}.",
        ("s", "ms"),
        (0.5, 1.0, 3.0, 5.0),
    ),
    "prevalence": _Topic(
        "share of uploads that are harmful",
        "share",
        "Trust and safety",
        "The share of harmful uploads is {}.",
        ("%", ""),
        (0.001, 0.002, 0.005, 0.01),
    ),
    "harmful_euros": _Topic(
        "cost of a harmful video that goes live",
        "euro",
        "Legal",
        "A harmful video that goes live costs us {} on average.",
        ("EUR",),
        (8.0, 20.0, 40.0),
    ),
    "blocked_euros": _Topic(
        "cost of blocking a harmless video",
        "euro",
        "Creator relations",
        "Blocking a video that was fine costs us {} on average.",
        ("EUR", "cents"),
        (1.5, 2.0, 4.0, 5.0),
    ),
    "review_euros": _Topic(
        "cost of one look by a reviewer",
        "euro",
        "Operations",
        "One look by a reviewer costs {}.",
        ("cents", "EUR"),
        (0.4, 0.5, 0.8),
    ),
    "reviews_per_day": _Topic(
        "videos that the reviewers get through per day",
        "count",
        "Operations",
        "Our reviewers get through {} videos a day.",
        ("k", ""),
        (4e3, 6e3, 12e3, 24e3),
    ),
    "label_source": _Topic(
        "where the labels for training come from",
        "text",
        "Trust and safety",
        "The labels for training are {}.",
        ("",),
        ("verdicts of reviewers", "reports of viewers", "appeals of creators"),
    ),
}

TOPICS = tuple(_TOPICS)
"""The sixteen things that a design depends on; numbers are in the base unit of their topic."""

SHORT_VIDEO_APP: Mapping[str, float | str] = {
    "daily_users": 5e6,
    "uploads_per_user": 0.2,
    "peak_factor": 3.0,
    "video_bytes": 2e6,
    "replication": 3.0,
    "retention_days": 91.0,
    "vector_dims": 512.0,
    "shard_bytes": 16e9,
    "store_read_s": 0.04,
    "p99_limit_s": 2.0,
    "prevalence": 0.003,
    "harmful_euros": 15.0,
    "blocked_euros": 3.0,
    "review_euros": 0.6,
    "reviews_per_day": 14e3,
    "label_source": "verdicts of reviewers",
}
"""The facts of the course's app, as its interviewer knows them."""

SHORT_VIDEO_ROOM: Mapping[str, object] = {
    "facts": SHORT_VIDEO_APP,
    "missing": ("p99_limit_s", "harmful_euros", "label_source"),
    "contradicted": "reviews_per_day",
}
"""Knobs of the course's interview: what its brief leaves out, and where it contradicts itself."""


def topics() -> pd.DataFrame:
    """Return the meaning and the base unit of each topic, indexed by topic."""
    rows = {name: {"meaning": t.meaning, "base unit": t.base} for name, t in _TOPICS.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def quantity(says: str) -> tuple[float | None, str]:
    """Take a statement's value apart into its number and its unit, without converting anything.

    Parameters
    ----------
    says
        Text such as ``"40 ms"``, ``"5 million"``, ``"3"``.

    Returns
    -------
    number, unit
        ``(40.0, "ms")``, ``(5.0, "million")``, ``(3.0, "")``; ``(None, says)`` if it is no number.
    """
    match = _QUANTITY.match(says)
    if match is None:
        return None, says
    return float(match.group(1).replace(",", "").replace("_", "")), match.group(2)


def in_base_units(value: object) -> float | None:
    """Read a quantity as the checks do: a number in base units, or a text with its unit.

    Parameters
    ----------
    value
        Anything that a learner may return; a 0-d array and a numpy number count as numbers.

    Returns
    -------
    float or None
        The value in base units; None if it is neither a finite number nor a readable text.
    """
    if isinstance(value, str):
        number, unit = quantity(value)
        return None if number is None or unit not in UNITS else number * UNITS[unit]
    if isinstance(value, bool | np.bool_) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class BriefTruth:
    """What is planted in a brief; for tests, hidden checks and reveals.

    Attributes
    ----------
    facts
        Every topic with the value that holds, in base units, also those that the brief leaves out.
    missing
        Topics that the brief does not mention.
    contradicted
        The topic that two statements give different values for.
    repeated
        The topic that two statements give the same value for, in different units.
    contradictions
        Pairs of statement ids that cannot both hold, each as a frozenset.
    """

    facts: Mapping[str, float | str]
    missing: tuple[str, ...]
    contradicted: str
    repeated: str
    contradictions: frozenset[frozenset[int]]

    @property
    def to_ask(self) -> frozenset[str]:
        """Topics that are missing, or that occur in a contradiction."""
        in_doubt = {self.contradicted}
        if len(self.contradictions) > 1:
            in_doubt |= {"p99_limit_s", "store_read_s"}
        return frozenset({*self.missing, *in_doubt})


def brief(seed: int, **knobs: object) -> pd.DataFrame:
    """Write a brief.

    Parameters
    ----------
    seed
        Decides the facts, what is left out, who contradicts, and all units.
    **knobs
        `facts`: values in base units that replace drawn ones, by topic. `missing`: the topics left
        out (default: three at random). `contradicted`: the topic stated in two ways (default: one
        at random). `infeasible` (default False): plant a latency limit below the store's read time.

    Returns
    -------
    pandas.DataFrame
        `id` (int), `speaker`, `topic`, `number` (float; NaN for `label_source`), `unit` (one of
        `UNITS`) and `text`, in the order in which the statements are made.

    Raises
    ------
    ValueError
        If a knob names an unknown topic, or the plan cannot be planted.
    """
    return _plant(seed, **knobs)[0]


def brief_truth(seed: int, **knobs: object) -> BriefTruth:
    """Look up what is planted in the brief of the same seed and knobs."""
    return _plant(seed, **knobs)[1]


def as_prose(statements: pd.DataFrame) -> str:
    """Return a brief as its readers see it: who says what, one statement a line."""
    return "\n".join(f"[{row.id}] {row.speaker}: {row.text}" for row in statements.itertuples())


class Interviewer:
    """Somebody who knows the facts, and a clock.

    Parameters
    ----------
    seed, **knobs
        Those of `brief`.
    minutes
        Time for clarifying questions; one is gone with each.

    Attributes
    ----------
    statements
        The brief, as a table.
    minutes_left
        What is left on the clock.
    """

    def __init__(self, seed: int, *, minutes: int = 5, **knobs: object) -> None:
        if minutes < 0:
            raise ValueError(f"minutes must not be negative, got {minutes}.")
        self.statements, self._truth = _plant(seed, **knobs)
        self.minutes_left = minutes

    @property
    def prose(self) -> str:
        """The brief, as text."""
        return as_prose(self.statements)

    def ask(self, topic: str) -> str:
        """Ask about a topic; it costs a minute.

        Parameters
        ----------
        topic
            One of `TOPICS`.

        Returns
        -------
        str
            The answer, or a refusal once the time is up.

        Raises
        ------
        ValueError
            If there is no such topic; that costs nothing.
        """
        if topic not in _TOPICS:
            raise ValueError(f"Nobody knows about {topic!r}; ask about one of {', '.join(TOPICS)}.")
        if self.minutes_left == 0:
            return "We have to move on; assume something and say so."
        self.minutes_left -= 1
        answer = _TOPICS[topic].sentence.format(_say(topic, self._truth.facts[topic]))
        if topic in self._truth.missing:
            return answer
        if topic == self._truth.contradicted:
            return f"Good that you ask, two people told you different things. {answer}"
        return f"As the brief says: {answer}"


def _plant(
    seed: int,
    *,
    facts: Mapping[str, float | str] | None = None,
    missing: Sequence[str] | None = None,
    contradicted: str | None = None,
    infeasible: bool = False,
) -> tuple[pd.DataFrame, BriefTruth]:
    rng = np.random.default_rng([seed, 104])
    given = dict(facts or {})
    _refuse_unknown(given, missing or (), [contradicted] if contradicted else ())
    drawn = {name: topic.values[rng.integers(len(topic.values))] for name, topic in _TOPICS.items()}
    drawn |= given
    if infeasible:
        drawn["p99_limit_s"] = drawn["store_read_s"] / 8

    needed = {"p99_limit_s", "store_read_s"} if infeasible else set()
    left_out = _choose_missing(rng, missing, {*needed, *([contradicted] if contradicted else [])})
    stated = [name for name in TOPICS if name not in left_out]
    free = [name for name in stated if _TOPICS[name].base != "text" and name not in needed]
    contradicted = contradicted or str(rng.choice(free))
    if contradicted not in free:
        raise ValueError(f"{contradicted!r} cannot be contradicted: it is left out or no number.")
    in_two_units = [n for n in free if len(_TOPICS[n].units) > 1 and n != contradicted]
    if not in_two_units:
        raise ValueError("No stated topic has a second unit to be repeated in; leave out fewer.")
    repeated = str(rng.choice(in_two_units))

    lines = [(name, _TOPICS[name].speaker, _say(name, drawn[name], rng)) for name in stated]
    first_unit = next(quantity(says)[1] for name, _, says in lines if name == repeated)
    other = [unit for unit in _TOPICS[repeated].units if unit != first_unit]
    lines.append((repeated, "Finance", _in_unit(drawn[repeated], other[0])))
    wrong = drawn[contradicted] * (0.6 if rng.random() < 0.5 else 1.6)
    lines.append((contradicted, "Finance", _say(contradicted, wrong, rng)))
    order = [*rng.permutation(len(stated)), *(len(stated) + rng.permutation(2))]
    rows = []
    for position, (name, speaker, says) in enumerate((lines[i] for i in order), 1):
        number, unit = quantity(says)
        number, unit = (np.nan, "") if number is None else (number, unit)
        text = _TOPICS[name].sentence.format(says)
        rows.append((position, speaker, name, number, unit, text))
    columns = ["id", "speaker", "topic", "number", "unit", "text"]
    statements = pd.DataFrame(rows, columns=columns)

    def ids(*names: str) -> frozenset[int]:
        return frozenset(statements["id"][statements["topic"].isin(names)].tolist())

    pairs = {ids(contradicted)} | ({ids("p99_limit_s", "store_read_s")} if infeasible else set())
    truth = BriefTruth(drawn, tuple(left_out), contradicted, repeated, frozenset(pairs))
    return statements, truth


def _choose_missing(
    rng: np.random.Generator, missing: Sequence[str] | None, stated: set[str]
) -> list[str]:
    if missing is None:
        able = [name for name in TOPICS if name not in stated]
        missing = rng.choice(able, 3, replace=False).tolist()
    clash = sorted(stated & set(missing))
    if clash:
        raise ValueError(
            f"{', '.join(clash)} must be stated for this plan, so it can't be missing."
        )
    return [name for name in TOPICS if name in missing]


def _refuse_unknown(*groups: object) -> None:
    unknown = sorted({name for group in groups for name in group} - set(TOPICS))
    if unknown:
        raise ValueError(f"No such topic: {', '.join(unknown)}; there are {', '.join(TOPICS)}.")


def _say(topic: str, value: float | str, rng: np.random.Generator | None = None) -> str:
    if isinstance(value, str):
        return value
    units = _TOPICS[topic].units
    return _in_unit(value, units[0] if rng is None else units[rng.integers(len(units))])


def _in_unit(value: float, unit: str) -> str:
    return f"{value / UNITS[unit]:.10g} {unit}".strip()
