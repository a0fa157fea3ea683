"""Which tiers work on this machine, and which one to use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from autograde.sandbox import landlock, seccomp
from autograde.sandbox.host import BUBBLEWRAP, host_command
from autograde.sandbox.tier import NoSandboxError, Tier
from autograde.sandbox.trial import WORKS

TIER_VARIABLE = "COURSE_SANDBOX"
"""Environment variable that names the tier to use, instead of the strongest that works."""

_NO_LINUX = "it needs Linux"
_NO_BUBBLEWRAP = "bubblewrap is not installed; on Debian and Ubuntu: apt-get install bubblewrap"
_NO_SECCOMP = "libseccomp is not installed; on Debian and Ubuntu: apt-get install libseccomp2"
_NO_LANDLOCK = "the kernel has no Landlock, or does not let this process use it"
_TRIAL_SECONDS = 60
_COURSE = Path(__file__).parents[2]


@cache
def available_tiers() -> dict[Tier, str | None]:
    """Try each tier.

    Returns
    -------
    dict of Tier to str or None
        None for a tier that works here, else a sentence without its full stop that says why not.
    """
    return {tier: _missing(tier) or _try(tier) for tier in Tier}


def choose_tier(*, allow_unsafe: bool = False) -> Tier:
    """Return the strongest tier that works here, or the one that `TIER_VARIABLE` names.

    Parameters
    ----------
    allow_unsafe
        Whether limits alone will do, which do not keep a stranger's code from anything.

    Raises
    ------
    NoSandboxError
        If there is none.
    """
    if TIER_VARIABLE in os.environ:
        return _wanted(os.environ[TIER_VARIABLE], allow_unsafe)
    reasons = available_tiers()
    for tier, reason in reasons.items():
        if reason is None and (allow_unsafe or tier is not Tier.LIMITS):
            return tier
    raise NoSandboxError(
        "Strangers' code cannot be confined here. "
        f"Namespaces: {reasons[Tier.NAMESPACES]}. Landlock: {reasons[Tier.LANDLOCK]}."
    )


def _wanted(name: str, allow_unsafe: bool) -> Tier:
    try:
        tier = Tier(name)
    except ValueError:
        raise NoSandboxError(f"{TIER_VARIABLE} is '{name}'; it can be {', '.join(Tier)}.") from None
    if tier is Tier.LIMITS and not allow_unsafe:
        raise NoSandboxError(
            f"{TIER_VARIABLE} asks for limits alone, which do not confine strangers' code; "
            "unset it, or allow unsafe grading."
        )
    if reason := available_tiers()[tier]:
        raise NoSandboxError(f"{TIER_VARIABLE} asks for {tier}, but {reason}.")
    return tier


def _missing(tier: Tier) -> str | None:
    """Return what a tier needs and is not there, or None."""
    if tier is Tier.LIMITS:
        return None
    if sys.platform != "linux":
        return _NO_LINUX
    if tier is Tier.NAMESPACES and not shutil.which(BUBBLEWRAP):
        return _NO_BUBBLEWRAP
    if not seccomp.is_there():
        return _NO_SECCOMP
    if tier is Tier.LANDLOCK and not landlock.version():
        return _NO_LANDLOCK
    return None


def _try(tier: Tier) -> str | None:
    command = [sys.executable, "-m", "autograde.sandbox.trial", tier]
    command, environment = host_command(tier, command, readable=[])
    try:
        outcome = subprocess.run(
            command,
            env=environment | {"PYTHONPATH": _python_path()},
            capture_output=True,
            text=True,
            timeout=_TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"a trial did not end within {_TRIAL_SECONDS} s"
    said = (outcome.stdout or outcome.stderr).strip().splitlines() or ["without a word"]
    return None if said[-1] == WORKS else said[-1].rstrip(".")


def _python_path() -> str:
    """Where to import this package from; it need not be installed."""
    return os.pathsep.join([str(_COURSE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
