"""Find out, as a host, whether sandboxes can be spawned here.

``python -m autograde.sandbox.trial TIER`` prints `WORKS`, or how it failed.
"""

from __future__ import annotations

import importlib
import sys
import time

from autograde.sandbox.limits import Limits
from autograde.sandbox.spawn import spawn
from autograde.sandbox.tier import Tier

WORKS = "works"

_SECONDS = 20
_PAUSE_SECONDS = 0.005


def try_tier(tier: Tier) -> str:
    """Spawn a sandbox, and return `WORKS` or how that failed."""
    sandbox = spawn(_load_a_module, tier=tier, limits=Limits(wall_seconds=_SECONDS))
    while not sandbox.ended():
        if reason := sandbox.excess():
            sandbox.kill()
            return f"a sandbox {reason}"
        time.sleep(_PAUSE_SECONDS)
    if failure := sandbox.failure():
        return failure
    return WORKS if sandbox.exit_code == 0 else f"a sandbox ended with {sandbox.exit_code}"


def _load_a_module() -> None:
    """Load what the host has not loaded, as a learner's code does."""
    importlib.import_module("colorsys")


if __name__ == "__main__":
    print(try_tier(Tier(sys.argv[1])))
