"""Traffic on a model server: queues, batches, slow calls, caches, releases; and vectors to search.

What it simulates
-----------------
* `load_test`: one replica that answers one request at a time, first come first served, with
  log-normal service times and Poisson arrivals; requests that wait too long are given up (NaN).
* `batcher`: a replica that runs up to `max_batch` requests at once, a run costing a fixed launch
  and a little per request. It picks the first request that waits, then waits at most `max_wait_ms`
  for the batch to fill; `course.serving.server` does the same in earnest.
* `calls`: latencies of calls to leaves, of which a small share is slow.
* `cache_trace`: users with Zipf frequencies against a cache of lists with a time to live.
* `video_vectors`: an embedding per video, with topics that overlap.
* `canary_counts`: hourly requests and errors of releases, cumulated; `play_release` walks one
  release through its stages under a rule.
* `designs`: what six ways to serve a feed compute in a day, how fast and how fresh they are.

Assumptions and limits
----------------------
Replicas do not slow each other down, service times are independent of load and of each other, and a
cancelled request costs nothing more. Errors of a release are independent from request to request;
real ones come in bursts, which asks for more evidence than a rule for independent errors. Vectors
have no updates. The figures of `designs` are made up, in proportions that are common.

What its shape is taken from
----------------------------
Poisson arrivals and the single queue: Erlang 1917, Lindley 1952 (the recursion of waiting times).
Slow leaves and hedged requests: Dean and Barroso 2013, "The tail at scale". Zipf popularity:
Breslau et al. 1999. Batches with a fixed cost per launch: as in dynamic batching of inference
servers, Crankshaw et al. 2017 ("Clipper").
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

TOPICS = 24
STAGES = (0.01, 0.05, 0.25, 1.0)
"""Shares of the traffic that a release gets, one stage after another."""


def waiting_room(arrivals_ms: np.ndarray, service_ms: np.ndarray) -> np.ndarray:
    """Return the time in system of each request at one server, first come first served.

    Parameters
    ----------
    arrivals_ms, service_ms
        Moments of arrival, rising, and service times, both of shape (n,) in ms.

    Returns
    -------
    ndarray
        Waiting plus service in ms, by Lindley's recursion in closed form.
    """
    if len(arrivals_ms) != len(service_ms):
        raise ValueError(
            f"Every arrival needs a service time; got {len(arrivals_ms)} and {len(service_ms)}."
        )
    done = np.cumsum(service_ms)
    before = done - service_ms
    # A request starts when it has come and all before it are done.
    start = np.maximum.accumulate(np.asarray(arrivals_ms) - before) + before
    return start + service_ms - arrivals_ms


def load_test(
    seed: int,
    loads: tuple[float, ...],
    *,
    service_ms: float = 5.0,
    spread: float = 0.5,
    requests: int = 3_000,
    repeats: int = 3,
    patience_ms: float = 1_000.0,
) -> pd.DataFrame:
    """Return the requests of a load test.

    Parameters
    ----------
    seed
        Of all that is random.
    loads
        Offered loads in requests per second.
    service_ms
        Mean service time; the capacity is 1,000 / service_ms requests per second.
    spread
        Standard deviation of the logarithm of a service time; 0 makes all equal.
    requests, repeats
        Requests per repeat, and repeats per load.
    patience_ms
        A request that takes longer was given up.

    Returns
    -------
    DataFrame
        `offered_per_s`, `repeat`, `latency_ms` (NaN where the request was given up).
    """
    if service_ms <= 0 or any(load <= 0 for load in loads):
        raise ValueError(f"Loads and service time are above 0; got {loads} and {service_ms}.")
    parts = []
    for number, load in enumerate(loads):
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, number, repeat])
            arrivals = np.cumsum(rng.exponential(1e3 / load, requests))
            service = service_ms * rng.lognormal(-(spread**2) / 2, spread, requests)
            latency = waiting_room(arrivals, service)
            latency[latency > patience_ms] = np.nan
            parts.append(
                pd.DataFrame(
                    {"offered_per_s": float(load), "repeat": repeat, "latency_ms": latency}
                )
            )
    columns = {"offered_per_s": "float64", "repeat": "int64", "latency_ms": "float64"}
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    return pd.concat(parts, ignore_index=True).astype(columns)


def batcher(
    seed: int,
    rate: float,
    max_batch: int,
    max_wait_ms: float,
    *,
    launch_ms: float = 4.0,
    per_request_ms: float = 0.3,
    requests: int = 3_000,
) -> np.ndarray:
    """Return the latency in ms of requests at a replica that batches them.

    Parameters
    ----------
    seed
        Of the arrivals.
    rate
        Requests per second.
    max_batch, max_wait_ms
        Largest batch, and the longest wait for it to fill once its first request is picked.
    launch_ms, per_request_ms
        A run of B requests takes launch_ms + B * per_request_ms.
    requests
        How many come; the queue starts empty.
    """
    if rate <= 0 or max_batch < 1 or max_wait_ms < 0:
        raise ValueError(
            "Expected a rate above 0, a batch of at least 1 and a wait of at least 0 ms; "
            f"got {rate}, {max_batch}, {max_wait_ms}."
        )
    rng = np.random.default_rng([seed, 77])
    arrivals = np.cumsum(rng.exponential(1e3 / rate, requests))
    latency = np.empty(requests)
    free, first = 0.0, 0
    while first < requests:
        picked = max(free, arrivals[first])
        full = first + max_batch - 1
        filled = arrivals[full] if full < requests else np.inf
        start = max(picked, min(picked + max_wait_ms, filled))
        last = min(int(np.searchsorted(arrivals, start, side="right")), first + int(max_batch))
        free = start + launch_ms + (last - first) * per_request_ms
        latency[first:last] = free - arrivals[first:last]
        first = last
    return latency


def calls(
    seed: int, requests: int, leaves: int = 100, *, slow_share: float = 0.01
) -> tuple[np.ndarray, np.ndarray]:
    """Return latencies in ms of calls to leaves, and of a second copy of each call.

    Parameters
    ----------
    seed
        Of all that is random.
    requests, leaves
        Shape of both results: each request calls all leaves.
    slow_share
        Share of the calls that take 100 to 200 ms; the others are log-normal around 5 ms.
    """
    if not 0 <= slow_share <= 1:
        raise ValueError(f"A share lies between 0 and 1; got {slow_share}.")
    rng = np.random.default_rng([seed, 78])

    def draw() -> np.ndarray:
        usual = rng.lognormal(np.log(5), 0.4, (requests, leaves))
        slow = rng.uniform(100, 200, (requests, leaves))
        return np.where(rng.random((requests, leaves)) < slow_share, slow, usual)

    return draw(), draw()


def cache_trace(
    seed: int, requests: int, *, users: int = 20_000, hours: float = 24.0, ttl_hours: float = 1.0
) -> pd.DataFrame:
    """Return requests of users against a cache of their lists.

    Returns
    -------
    DataFrame
        `hour` of the request, `hit` (bool), `age_hours` of the list that is shown (0 on a miss).
    """
    if ttl_hours < 0:
        raise ValueError(f"A time to live is at least 0 hours; got {ttl_hours}.")
    rng = np.random.default_rng([seed, 79])
    moments = np.sort(rng.uniform(0, hours, requests))
    popularity = 1 / np.arange(1, users + 1)
    who = rng.choice(users, requests, p=popularity / popularity.sum())
    made = np.full(users, -np.inf)
    age = np.zeros(requests)
    for row, (user, moment) in enumerate(zip(who, moments, strict=True)):
        if moment - made[user] < ttl_hours:
            age[row] = moment - made[user]
        else:
            made[user] = moment
    return pd.DataFrame({"hour": moments, "hit": age > 0, "age_hours": age})


def video_vectors(
    seed: int, n: int, *, width: int = 24, topics: int = TOPICS, norm_spread: float = 0.35
) -> tuple[np.ndarray, np.ndarray]:
    """Return an embedding per video, and its main topic.

    A video mixes topics, its noise is wider in some directions than in others, and its length
    varies, so that the nearest vector is seldom the one with the largest inner product. No two are
    jittered copies of each other, which would make approximate search look too easy.

    Returns
    -------
    vectors, topics
        Float64 of shape (n, width), int64 of shape (n,).
    """
    if n < 0 or width < 1 or topics < 1:
        raise ValueError(f"Expected n >= 0, width and topics >= 1; got {n}, {width}, {topics}.")
    # The topics lie where they lie in every world: only the videos are drawn anew.
    scales = np.geomspace(1, 0.15, width)
    centres = 1.2 * scales * np.random.default_rng(20).standard_normal((topics, width))
    rng = np.random.default_rng([seed, 80])
    mix = rng.dirichlet(np.full(topics, 0.1), n)
    vectors = mix @ centres + 0.4 * scales * rng.standard_normal((n, width))
    vectors *= np.exp(norm_spread * rng.standard_normal((n, 1)))
    return vectors, mix.argmax(axis=1)


def canary_counts(
    seed: int,
    releases: int,
    hours: int,
    *,
    per_hour: float,
    error_rate: float,
    missing_share: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return cumulated requests and errors of releases, hour by hour.

    Returns
    -------
    requests, errors
        Float arrays of shape (releases, hours), both cumulated since the stage began; `errors` is
        NaN in hours in which the metric did not arrive.
    """
    if not 0 <= error_rate <= 1 or per_hour < 0:
        raise ValueError(
            f"Expected a rate in [0, 1] and traffic of at least 0; got {error_rate}, {per_hour}."
        )
    rng = np.random.default_rng([seed, 81])
    hourly = rng.poisson(per_hour, (releases, hours))
    errors = rng.binomial(hourly, error_rate).cumsum(axis=1).astype(float)
    errors[rng.random((releases, hours)) < missing_share] = np.nan
    return hourly.cumsum(axis=1).astype(float), errors


def play_release(
    rule: Callable[[np.ndarray, np.ndarray], object],
    seed: int,
    *,
    error_rates: tuple[float, ...],
    per_hour: float = 20_000.0,
    hours_per_stage: int = 12,
    silent_stage: int | None = None,
) -> pd.DataFrame:
    """Walk one release through `STAGES`, until it is promoted to the end, rolled back, or stuck.

    Parameters
    ----------
    rule
        Called once per hour with the requests and errors of the stage so far, as arrays of shape
        (1,); returns -1 (roll back), 0 (hold) or 1 (next stage), as an array of shape (1,).
    seed
        Of the traffic.
    error_rates
        The release's error rate in each stage.
    per_hour
        Requests of the whole app per hour.
    hours_per_stage
        A stage that is undecided so long is stuck: a person is called, and the walk ends.
    silent_stage
        Number of a stage in which the metric is missing.

    Returns
    -------
    DataFrame
        One row per hour: `hour`, `share`, `requests`, `errors` (of this hour), `decision`.
    """
    if len(error_rates) != len(STAGES):
        raise ValueError(f"Expected {len(STAGES)} error rates, one per stage; got {error_rates}.")
    rng = np.random.default_rng([seed, 82])
    rows: list[dict[str, float]] = []
    for stage, (share, error_rate) in enumerate(zip(STAGES, error_rates, strict=True)):
        requests = errors = 0
        decision = 0
        for _ in range(hours_per_stage):
            came = int(rng.poisson(per_hour * share))
            failed = int(rng.binomial(came, error_rate))
            requests, errors = requests + came, errors + failed
            seen = np.nan if stage == silent_stage else float(errors)
            said = rule(np.array([float(requests)]), np.array([seen]))
            decision = int(np.asarray(said).ravel()[0])
            rows.append(
                {
                    "hour": len(rows),
                    "share": share,
                    "requests": came,
                    "errors": failed,
                    "decision": decision,
                }
            )
            if decision:
                break
        if decision != 1:
            break
    return pd.DataFrame(rows)


def designs(seed: int = 0, *, noise: float = 0.0) -> pd.DataFrame:
    """Return six ways to serve the feed: what each computes in a day, how fast and how fresh.

    Parameters
    ----------
    seed, noise
        With noise above 0, all numbers vary by about that share (log-normal).

    Returns
    -------
    DataFrame
        `design`; `lists_computed` and `lists_shown` (computed lists that somebody saw), in
        millions per day; `euros_per_million` lists computed; `p99_ms`; `stale_hours` (age at
        which a list is shown, 95th percentile); `cold_share` (requests of users without a list).
    """
    columns = [
        "design",
        "lists_computed",
        "lists_shown",
        "euros_per_million",
        "p99_ms",
        "stale_hours",
        "cold_share",
    ]
    rows = [
        ("nightly_all", 20.0, 5.0, 20.0, 9.0, 23.0, 0.01),
        ("nightly_active", 9.0, 4.8, 20.0, 9.0, 23.0, 0.04),
        ("hourly_all", 480.0, 14.0, 20.0, 9.0, 0.95, 0.01),
        ("hourly_active", 216.0, 13.5, 20.0, 9.0, 0.95, 0.04),
        ("online", 20.0, 20.0, 90.0, 62.0, 0.0, 0.0),
        ("online_cached", 11.0, 11.0, 90.0, 62.0, 0.45, 0.0),
    ]
    table = pd.DataFrame(rows, columns=columns)
    rng = np.random.default_rng([seed, 83])
    numbers = table.columns[1:]
    table[numbers] *= np.exp(noise * rng.standard_normal((len(table), len(numbers))))
    table["lists_shown"] = table[["lists_shown", "lists_computed"]].min(axis=1)
    online = table["design"].str.startswith("online")
    table.loc[online, "lists_shown"] = table.loc[online, "lists_computed"]
    return table
