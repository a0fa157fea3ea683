"""The check of a short-video app's uploads: its traffic, its servers, its designs, its errors.

What it simulates
-----------------
Every upload is checked for harmful content. Uploads arrive with a daily curve and a few bursts; a
fleet of equal servers works them off; six designs (`DESIGNS`) differ in latency, server time, what
they catch, what they flag wrongly, who looks at flagged videos, and whether the check comes before
the video goes live. `play_day` lets a design live through a day and returns latency, reviews and
euros.

* Traffic: a mean rate per second proportional to ``exp(k cos(2 pi (t - 20 h) / 24 h))``, with k
  such that the busiest hour has `peak_factor` times the average, times 1.4 during three bursts of
  ten minutes; counts are Poisson.
* Latency: a plan is a list of steps; the calls of a step start together and the next step starts
  when the slowest is done. Stages are log-normal; a share of uploads skips some; an index server
  answers slowly one time in a hundred, and a search waits for all index servers.
* Queue: one queue before all servers. An upload waits until the work before it is done, which for
  many servers is the exact wait as soon as all are busy (see the tests for a comparison).
* Errors: a design catches a share of the harmful uploads and flags a share of the harmless ones.
  What is flagged is blocked, or looked at by people, who are always right; whatever they don't get
  to goes live. A design that checks after publishing has let some of the harm happen.
* Money, per day: servers, a fixed cost (team, labels, training), reviews, harmless videos blocked,
  harmful videos live, and 5 cents per upload that is decided after the limit.

`scored_uploads` draws calibrated scores for a week, one day of which sees an attack.

Assumptions and limits
----------------------
Stages are independent of each other and of the load; a real long video is slow in every stage.
Servers don't fail and don't take time to start, bursts don't follow from being slow (no retries),
reviewers are never wrong, and a design's quality doesn't drift.

What its shape is taken from
----------------------------
Utilisation law and waiting: Denning & Buzen 1978, Little 1961, Kingman 1961. Fan-out tails: Dean &
Barroso 2013 ("The tail at scale"). Costs and thresholds: Elkan 2001; review as a third action:
Chow 1970. Every size is invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, i0e

DAY_S = 86_400
TARGET_UTILISATION = 0.6
"""The share of its time that a server should work in the busiest hour."""
LATE_EUROS = 0.05
"""Cost of an upload that is decided after the limit: some creators give up."""

Plan = list[list[tuple[str, int]]]
"""Steps of calls, each a stage and how many copies of it are waited for."""

_BURST_FACTOR, _BURST_S, _BURSTS = 1.4, 600, 3
_BUSIEST_S = 20 * 3600


@dataclass(frozen=True)
class _Stage:
    """Latency of one stage: log-normal, with a share of slow answers, for a share of uploads."""

    median_s: float
    sigma: float
    slow_share: float = 0.0
    slow_s: float = 0.0
    needed_share: float = 1.0


_STAGES = {
    "receive": _Stage(0.06, 0.35),
    "account_store": _Stage(0.04, 0.3),
    "rules": _Stage(0.004, 0.3),
    "caption_model": _Stage(0.07, 0.35),
    "thumbnail_model": _Stage(0.11, 0.35),
    "index_server": _Stage(0.012, 0.4, slow_share=0.01, slow_s=0.35),
    "deep_frames": _Stage(0.75, 0.25, needed_share=0.15),
    "full_video": _Stage(1.6, 0.25),
}

STAGES = tuple(_STAGES)
"""Stages of a check; `index_server` is one of several that a search for copies asks."""


@dataclass(frozen=True)
class _Design:
    """One design, as planned."""

    steps: tuple[tuple[str, ...], ...]
    work: tuple[str, ...]  # stages that its servers compute
    euros_per_server_day: float
    fixed_euros_per_day: float
    caught: float
    false_alarms: float
    flagged_go_to: str
    harm_before_check: float = 0.0


_SIGNALS = ("caption_model", "thumbnail_model", "index_server")
_DESIGNS = {
    "rules": _Design(
        (("receive",), ("account_store",), ("rules",)),
        ("rules",),
        14,
        150,
        0.35,
        0.001,
        "block",
    ),
    "rules_and_people": _Design(
        (("receive",), ("account_store",), ("rules", "index_server")),
        ("rules",),
        14,
        400,
        0.62,
        0.03,
        "people",
    ),
    "small_model": _Design(
        (("receive",), ("account_store",), _SIGNALS),
        ("caption_model", "thumbnail_model"),
        14,
        1_500,
        0.60,
        0.008,
        "people",
    ),
    "cascade": _Design(
        (("receive",), ("account_store",), _SIGNALS, ("deep_frames",)),
        ("caption_model", "thumbnail_model", "deep_frames"),
        40,
        3_500,
        0.82,
        0.010,
        "people",
    ),
    "large_model": _Design(
        (("receive",), ("account_store",), ("full_video", "index_server")),
        ("full_video",),
        40,
        3_500,
        0.92,
        0.006,
        "people",
    ),
    "publish_then_check": _Design(
        (("receive",), ("account_store",)),
        ("full_video",),
        25,
        3_500,
        0.92,
        0.006,
        "people",
        harm_before_check=0.35,
    ),
}

DESIGNS = tuple(_DESIGNS)
"""Names of the six designs."""


def uploads_per_second(seed: int, spec: Mapping[str, float]) -> np.ndarray:
    """Count the uploads in each second of a day that starts at midnight.

    Parameters
    ----------
    seed
        Decides bursts and counts.
    spec
        `daily_users`, `uploads_per_user`, `peak_factor` (at least 1).

    Returns
    -------
    numpy.ndarray
        86,400 counts, int64.

    Raises
    ------
    ValueError
        If a number is missing, negative, or the peak is below the average.
    """
    uploads, factor = _uploads_per_day(spec), _number(spec, "peak_factor")
    rng = _rng(seed, 1)
    seconds = np.arange(DAY_S)
    rate = uploads / DAY_S * _daily_curve(seconds, factor)
    for start in [*rng.integers(0, DAY_S - _BURST_S, _BURSTS - 1), _BUSIEST_S]:
        rate[start : start + _BURST_S] *= _BURST_FACTOR
    return rng.poisson(rate * uploads / rate.sum() if uploads else rate)


def hourly_rates(counts: np.ndarray) -> np.ndarray:
    """Return the mean rate per second of each hour, from a day's counts per second."""
    if len(counts) != DAY_S:
        raise ValueError(f"A day has {DAY_S:,} seconds, got {len(counts):,} counts.")
    return np.asarray(counts).reshape(24, 3600).mean(axis=1)


def stage_samples(
    seed: int, n: int, *, store_read_s: float = 0.04, world: int | None = None
) -> dict[str, np.ndarray]:
    """Measure each stage by itself, unloaded.

    Parameters
    ----------
    seed
        Decides the draws, and the speed of the machines unless `world` is given.
    n
        Measurements of a stage, about: each has its own number, since each has its own log.
    store_read_s
        Median of the read of the account store.
    world
        Decides the speed of the machines.

    Returns
    -------
    dict of numpy.ndarray
        Seconds, by stage; 0 for an upload that skips the stage.
    """
    if n < 0:
        raise ValueError(f"n must not be negative, got {n}.")
    rng, stages = _rng(seed, 2), _machines(seed if world is None else world, store_read_s)
    sizes = np.round(n * rng.uniform(0.8, 1.2, len(stages))).astype(int)
    return {
        name: _draw(stage, size, rng)
        for (name, stage), size in zip(stages.items(), sizes, strict=True)
    }


def plan_of(design: str, spec: Mapping[str, float]) -> Plan:
    """Return the steps of a design before its decision; a search asks every index server.

    Parameters
    ----------
    design
        One of `DESIGNS`.
    spec
        What `index_servers` needs.
    """
    copies = {"index_server": index_servers(spec)}
    return [[(name, copies.get(name, 1)) for name in step] for step in _design(design).steps]


def index_servers(spec: Mapping[str, float]) -> int:
    """Count the servers that hold one copy of the index in 4-byte components, at least 1."""
    videos = _uploads_per_day(spec) * _number(spec, "retention_days")
    size = videos * _number(spec, "vector_dims") * 4
    shard = _number(spec, "shard_bytes")
    if shard == 0:
        raise ValueError("An index server holds something; shard_bytes must be positive.")
    return max(1, int(np.ceil(size / shard)))


def designs(spec: Mapping[str, float], seed: int, *, n: int = 100_000) -> pd.DataFrame:
    """Measure the six designs for an app, without load.

    Parameters
    ----------
    spec
        The facts of `course.worlds.interview`.
    seed
        The world: speed of machines, quality of models.
    n
        Uploads traced per design.

    Returns
    -------
    pandas.DataFrame
        One row per design, indexed by name: `latency_mean_s`, `latency_p99_s` (until the decision;
        until it is live if the check comes later), `service_s` (server time per upload),
        `euros_per_server_day`, `fixed_euros_per_day`, `caught` (share of harmful uploads),
        `false_alarms` (share of harmless ones), `flagged_go_to` (`"people"` or `"block"`) and
        `harm_before_check` (share of the harm of a caught video that has happened).
    """
    stages = _machines(seed, _number(spec, "store_read_s"))
    rows = {}
    for number, name in enumerate(DESIGNS):
        design, rng = _tuned(name, seed), _rng(seed, 3, number)
        latency = _trace(plan_of(name, spec), stages, n, rng)
        rows[name] = {
            "latency_mean_s": latency.mean(),
            "latency_p99_s": np.quantile(latency, 0.99),
            "service_s": sum(_mean(stages[stage]) for stage in design.work),
            "euros_per_server_day": float(design.euros_per_server_day),
            "fixed_euros_per_day": float(design.fixed_euros_per_day),
            "caught": design.caught,
            "false_alarms": design.false_alarms,
            "flagged_go_to": design.flagged_go_to,
            "harm_before_check": design.harm_before_check,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("design")


def servers_for(service_s: float, spec: Mapping[str, float]) -> int:
    """Size a fleet for the busiest hour at `TARGET_UTILISATION` (utilisation law), at least 1."""
    peak = _uploads_per_day(spec) / DAY_S * _number(spec, "peak_factor")
    return max(1, int(np.ceil(peak * service_s / TARGET_UTILISATION)))


def expected_day(table: pd.DataFrame, spec: Mapping[str, float]) -> pd.DataFrame:
    """Return what each design is expected to cost (planted truth, for hidden checks and reveals).

    Parameters
    ----------
    table
        What `designs` returned for the app.
    spec
        The facts of `course.worlds.interview`.

    Returns
    -------
    pandas.DataFrame
        By design: `servers`, `to_people` (videos per day), `euros` (per day, without late uploads)
        and `harmful_live`, under the assumption that reviewers get through what is flagged.
    """
    uploads = _uploads_per_day(spec)
    harmful = uploads * _number(spec, "prevalence")
    alarms = table["false_alarms"] * (uploads - harmful)
    people = (table["flagged_go_to"] == "people").astype(float)
    live = harmful * (1 - table["caught"] * (1 - table["harm_before_check"]))
    servers = table["service_s"].map(lambda service_s: servers_for(service_s, spec))
    to_people = people * (table["caught"] * harmful + alarms)
    euros = (
        servers * table["euros_per_server_day"]
        + table["fixed_euros_per_day"]
        + to_people * _number(spec, "review_euros")
        + (1 - people) * alarms * _number(spec, "blocked_euros")
        + live * _number(spec, "harmful_euros")
    )
    return pd.DataFrame(
        {"servers": servers, "to_people": to_people, "harmful_live": live, "euros": euros}
    )


@dataclass(frozen=True)
class Day:
    """What happened on a day under a design.

    Attributes
    ----------
    wait_s
        Wait of an upload that arrives in each second of the day.
    waiting
        Uploads that wait, at the end of each second.
    latency_s
        Time until the decision of a sample of uploads, wait included.
    outcome
        `p99_s`, `late_share`, `servers`, `uploads`, `harmful`, `harmful_live` (in full harms: a
        video that was taken down late counts in part), `wrongly_blocked`, `flagged_to_people`,
        `reviewed`, and the euros: `servers_euros`, `fixed_euros`, `review_euros`, `blocked_euros`,
        `harm_euros`, `late_euros`, `euros`.
    """

    wait_s: np.ndarray
    waiting: np.ndarray
    latency_s: np.ndarray
    outcome: dict[str, float]


def play_day(
    design: str,
    spec: Mapping[str, float],
    seed: int,
    *,
    world: int | None = None,
    servers: int | None = None,
) -> Day:
    """Let a design live through a day.

    Parameters
    ----------
    design
        One of `DESIGNS`.
    spec
        The facts of `course.worlds.interview`.
    seed
        Decides what happens on the day.
    world
        Decides machines and models, as in `designs`; by default `seed`.
    servers
        Size of the fleet; by default `servers_for`.

    Returns
    -------
    Day
    """
    world = seed if world is None else world
    plan, tuned = plan_of(design, spec), _tuned(design, world)
    stages = _machines(world, _number(spec, "store_read_s"))
    service_s = sum(_mean(stages[stage]) for stage in tuned.work)
    servers = servers_for(service_s, spec) if servers is None else int(servers)
    if servers < 1:
        raise ValueError(f"A fleet has at least one server, got {servers}.")

    counts = uploads_per_second(seed, spec)
    rng = _rng(seed, 4, DESIGNS.index(design))
    work = _work_per_second(counts, [stages[name] for name in tuned.work], rng)
    backlog = _backlog(work, servers)
    wait = np.concatenate([[0.0], backlog[:-1]]) / servers
    latency = np.zeros(0)
    if counts.any():
        arrived = rng.choice(DAY_S, 100_000, p=counts / counts.sum())
        latency = _trace(plan, stages, len(arrived), rng)
        if tuned.harm_before_check == 0:  # else the video is live before it queues
            latency = latency + wait[arrived]
    outcome = _count(tuned, spec, int(counts.sum()), rng)
    limit = _number(spec, "p99_limit_s")
    late = float((latency > limit).mean()) if len(latency) else 0.0
    outcome |= {
        "p99_s": float(np.quantile(latency, 0.99)) if len(latency) else 0.0,
        "late_share": late,
        "servers": servers,
        "servers_euros": servers * float(tuned.euros_per_server_day),
        "fixed_euros": float(tuned.fixed_euros_per_day),
        "late_euros": late * outcome["uploads"] * LATE_EUROS,
    }
    kinds = ("servers", "fixed", "review", "blocked", "harm", "late")
    outcome["euros"] = sum(outcome[f"{kind}_euros"] for kind in kinds)
    return Day(wait, backlog / service_s, latency, outcome)


def scored_uploads(
    seed: int,
    n_per_day: int,
    *,
    days: int = 7,
    prevalence: float = 0.003,
    separation: float = 3.0,
    attack: float = 6.0,
) -> pd.DataFrame:
    """Draw a week of uploads with the calibrated probability that each is harmful.

    The score of a model is normal with standard deviation 1, and `separation` higher on average for
    harmful uploads, so the log-odds given the score are
    ``logit(prevalence) + separation * score - separation ** 2 / 2``.

    Parameters
    ----------
    seed
        Decides everything.
    n_per_day
        Uploads of each day.
    days
        Number of days; on one of them, the day of the attack, more uploads are harmful.
    prevalence
        Share of harmful uploads on other days, in (0, 1).
    separation
        How well the model tells harmful from harmless, at least 0.
    attack
        By how much the odds of harm are multiplied on the day of the attack.

    Returns
    -------
    pandas.DataFrame
        `day` (0 to days - 1) and `p_harmful`, in random order of days.
    """
    if n_per_day < 0 or days < 1:
        raise ValueError(f"Ask for 1 day and 0 uploads or more, got {days} and {n_per_day}.")
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence must be in (0, 1), got {prevalence}.")
    if not (separation >= 0 and attack > 0):
        raise ValueError("separation must not be negative, and attack must be positive.")
    rng = _rng(seed, 5)
    day = rng.permutation(np.repeat(np.arange(days), n_per_day))
    attacked = rng.integers(days)
    logit = np.log(prevalence / (1 - prevalence)) + np.where(day == attacked, np.log(attack), 0.0)
    harmful = rng.random(len(day)) < expit(logit)
    score = rng.standard_normal(len(day)) + separation * harmful
    return pd.DataFrame(
        {"day": day, "p_harmful": expit(logit + separation * score - separation**2 / 2)}
    )


def _count(
    design: _Design, spec: Mapping[str, float], uploads: int, rng: np.random.Generator
) -> dict[str, float]:
    """Draw who is harmful, who is flagged and who is looked at, and price the errors."""
    harmful = int(rng.binomial(uploads, _number(spec, "prevalence")))
    caught = int(rng.binomial(harmful, design.caught))
    alarms = int(rng.binomial(uploads - harmful, design.false_alarms))
    to_people = caught + alarms if design.flagged_go_to == "people" else 0
    capacity = int(_number(spec, "reviews_per_day"))
    reviewed = min(to_people, capacity)
    if to_people > capacity:
        caught = int(rng.hypergeometric(caught, alarms, capacity))
    live = harmful - caught + design.harm_before_check * caught
    blocked = alarms if design.flagged_go_to == "block" else 0
    return {
        "uploads": uploads,
        "harmful": harmful,
        "harmful_live": live,
        "wrongly_blocked": blocked,
        "flagged_to_people": to_people,
        "reviewed": reviewed,
        "review_euros": reviewed * _number(spec, "review_euros"),
        "blocked_euros": blocked * _number(spec, "blocked_euros"),
        "harm_euros": live * _number(spec, "harmful_euros"),
    }


def _work_per_second(
    counts: np.ndarray, stages: list[_Stage], rng: np.random.Generator
) -> np.ndarray:
    """Draw the server time that the uploads of each second need."""
    work = sum(_draw(stage, int(counts.sum()), rng) for stage in stages)
    total = np.concatenate([[0.0], np.cumsum(work)])
    ends = np.cumsum(counts)
    return total[ends] - total[ends - counts]


def _backlog(work: np.ndarray, servers: float) -> np.ndarray:
    """Return the work left at the end of each second: Lindley's recursion, unrolled."""
    balance = np.cumsum(work - servers)
    return balance - np.minimum(0.0, np.minimum.accumulate(balance))


def _trace(
    plan: Plan, stages: Mapping[str, _Stage], n: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw the latency of `n` uploads through a plan."""
    total = np.zeros(n)
    for step in plan:
        slowest = np.zeros(n)
        for name, copies in step:
            for _ in range(copies):
                np.maximum(slowest, _draw(stages[name], n, rng), out=slowest)
        total += slowest
    return total


def _draw(stage: _Stage, n: int, rng: np.random.Generator) -> np.ndarray:
    seconds = stage.median_s * np.exp(stage.sigma * rng.standard_normal(n))
    if stage.slow_share:
        seconds += np.where(rng.random(n) < stage.slow_share, stage.slow_s, 0.0)
    if stage.needed_share < 1:
        seconds[rng.random(n) >= stage.needed_share] = 0.0
    return seconds


def _mean(stage: _Stage) -> float:
    lognormal = stage.median_s * np.exp(stage.sigma**2 / 2)
    return stage.needed_share * (lognormal + stage.slow_share * stage.slow_s)


def _daily_curve(seconds: np.ndarray, factor: float) -> np.ndarray:
    """Return the rate over its average: a von Mises curve with the given value at its top."""
    if not factor >= 1:
        raise ValueError(f"The busiest hour can't be below the average; peak_factor is {factor}.")
    if factor > 20:
        raise ValueError(f"peak_factor must be at most 20, got {factor}.")
    k = brentq(lambda k: 1 / i0e(k) - factor, 0, 10_000) if factor > 1 else 0.0
    angle = 2 * np.pi * (seconds - _BUSIEST_S) / DAY_S
    return np.exp(k * (np.cos(angle) - 1)) / i0e(k)


def _machines(world: int, store_read_s: float) -> dict[str, _Stage]:
    """Return the stages as they run in a world, whose machines are a few percent faster or not."""
    speed = np.exp(0.04 * _rng(world, 6).standard_normal(len(_STAGES)))
    return {
        name: _Stage(
            (store_read_s if name == "account_store" else stage.median_s) * factor,
            stage.sigma,
            stage.slow_share,
            stage.slow_s,
            stage.needed_share,
        )
        for (name, stage), factor in zip(_STAGES.items(), speed, strict=True)
    }


def _tuned(name: str, world: int) -> _Design:
    """Return a design as its models turned out in a world."""
    design = _design(name)
    better, louder = _rng(world, 7, DESIGNS.index(name)).standard_normal(2)
    return _Design(
        design.steps,
        design.work,
        design.euros_per_server_day,
        design.fixed_euros_per_day,
        float(np.clip(design.caught + 0.005 * better, 0, 1)),
        float(design.false_alarms * np.exp(0.03 * louder)),
        design.flagged_go_to,
        design.harm_before_check,
    )


def _design(name: str) -> _Design:
    if name not in _DESIGNS:
        raise ValueError(f"There is no design {name!r}; choose one of {', '.join(DESIGNS)}.")
    return _DESIGNS[name]


def _uploads_per_day(spec: Mapping[str, float]) -> float:
    return _number(spec, "daily_users") * _number(spec, "uploads_per_user")


def _number(spec: Mapping[str, float], name: str) -> float:
    value = spec.get(name)
    if value is None:
        raise ValueError(f"The sheet says nothing about {name}; ask for it first.")
    if not float(value) >= 0:
        raise ValueError(f"{name} must not be negative, got {value}.")
    return float(value)


def _rng(seed: int, *stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, *stream, 105])
