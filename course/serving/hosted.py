"""How the server hosts a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hosted:
    """How the server hosts the model under one name; explained in `course.serving.server`.

    Attributes
    ----------
    max_batch
        Requests that may share one run of the model.
    max_wait_ms
        Longest time to wait for a batch to fill.
    launch_ms
        Time that each run costs whatever its size, as an accelerator's launch does.
    cache_seconds
        How long an answer is kept for equal requests; 0 keeps none.
    stall_share, stall_ms
        Share of the requests that are delayed, and by how much.
    """

    max_batch: int = 1
    max_wait_ms: float = 0.0
    launch_ms: float = 4.0
    cache_seconds: float = 0.0
    stall_share: float = 0.0
    stall_ms: float = 0.0
