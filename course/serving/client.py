"""An asynchronous client that offers requests at a rate, whatever the server makes of them.

The client is open-loop: a request leaves when its moment has come, not when the one before it has
been answered, and its latency counts from that moment. A client that waits for answers would slow
down with the server and hide the queue ("coordinated omission", Tene 2013).
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import httpx

LONGEST_BURST = 2.0
"""Seconds; longer bursts are refused, so that a notebook stays quick."""
PATIENCE = 1.5
"""Seconds after the end of a burst in which answers still count; then they are given up."""


@dataclass(frozen=True)
class Burst:
    """Requests for one model, offered at random moments.

    Attributes
    ----------
    rate
        Requests per second, on average: the moments are uniform in the burst.
    seconds
        Length of the burst, at most `LONGEST_BURST`.
    model
        Name of the hosted model that is asked.
    hedge_after_ms
        If given, a request that has no answer after so many milliseconds is sent once more; the
        first answer counts (a hedged request).
    users
        Number of distinct request bodies, asked for with Zipf frequencies (exponent 1).
    seed
        Of the moments and of who asks.
    """

    rate: float
    seconds: float = 0.5
    model: str = "ranker"
    hedge_after_ms: float | None = None
    users: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what would not end, or not begin."""
        if not 0 < self.seconds <= LONGEST_BURST:
            raise ValueError(
                f"A burst lasts above 0 and at most {LONGEST_BURST:g} s; got {self.seconds!r}."
            )
        if not 0 < self.rate <= 2_000:
            raise ValueError(
                f"A burst offers above 0 and at most 2,000 requests per second; got {self.rate!r}."
            )
        if self.users < 1:
            raise ValueError(f"A burst needs at least one user; got {self.users!r}.")


def infer_request(rows: np.ndarray) -> dict[str, object]:
    """Return the body of an infer request of the Open Inference Protocol.

    Parameters
    ----------
    rows
        Features, shape (rows, features); they travel as FP32.
    """
    rows = np.asarray(rows, dtype=np.float32)
    if rows.ndim != 2:
        raise ValueError(f"A request carries rows of features, shape (n, d); got {rows.shape}.")
    return {
        "inputs": [
            {
                "name": "features",
                "shape": list(rows.shape),
                "datatype": "FP32",
                "data": [round(float(value), 6) for value in rows.ravel()],
            }
        ]
    }


def send(url: str, burst: Burst, rows: np.ndarray) -> pd.DataFrame:
    """Send a burst and wait for its answers.

    Parameters
    ----------
    url
        Of the server, such as ``http://127.0.0.1:8123``.
    burst
        What to send.
    rows
        Features of the requests, shape (requests, candidates, features); user u gets the request
        number u modulo their count.

    Returns
    -------
    DataFrame
        One row per request in order of sending: `sent_s` (seconds since the burst began),
        `latency_ms` (NaN where no answer came in time) and `copies` (1, or 2 if hedged).
    """
    # A notebook's kernel has a running event loop; ours gets a thread of its own.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_send(url, burst, rows))).result()


async def _send(url: str, burst: Burst, rows: np.ndarray) -> pd.DataFrame:
    import httpx

    rng = np.random.default_rng(burst.seed)
    count = max(1, round(burst.rate * burst.seconds))
    moments = np.sort(rng.uniform(0, burst.seconds, count))
    popularity = 1 / np.arange(1, burst.users + 1)
    who = rng.choice(burst.users, count, p=popularity / popularity.sum())
    bodies = [infer_request(candidates) for candidates in rows[: burst.users]]
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    path = f"/v2/models/{burst.model}/infer"
    async with httpx.AsyncClient(
        base_url=url, limits=limits, timeout=burst.seconds + PATIENCE, trust_env=False
    ) as client:
        # The first request opens a connection and warms both sides up; it is not counted.
        await client.post(path, json=bodies[0])
        began = time.perf_counter()
        asked = [
            asyncio.create_task(
                _ask(client, path, bodies[user % len(bodies)], began + moment, burst.hedge_after_ms)
            )
            for user, moment in zip(who, moments, strict=True)
        ]
        await asyncio.wait(asked, timeout=burst.seconds + PATIENCE)
        for task in asked:
            task.cancel()
        results = await asyncio.gather(*asked, return_exceptions=True)
    answered = [item if isinstance(item, tuple) else (np.nan, 1) for item in results]
    latencies, copies = zip(*answered, strict=True)
    return pd.DataFrame({"sent_s": moments, "latency_ms": latencies, "copies": copies})


async def _ask(
    client: httpx.AsyncClient,
    path: str,
    body: dict[str, object],
    moment: float,
    hedge_after_ms: float | None,
) -> tuple[float, int]:
    """Return latency in ms since the moment of sending, and the number of copies sent."""
    await asyncio.sleep(max(0.0, moment - time.perf_counter()))
    waiting = {asyncio.create_task(client.post(path, json=body))}
    copies = 1
    try:
        if hedge_after_ms is not None:
            left = moment + hedge_after_ms / 1e3 - time.perf_counter()
            done, _ = await asyncio.wait(waiting, timeout=max(0.0, left))
            if not done:
                waiting.add(asyncio.create_task(client.post(path, json=body)))
                copies = 2
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        done.pop().result().raise_for_status()
        return (time.perf_counter() - moment) * 1e3, copies
    finally:
        for task in waiting:
            task.cancel()
