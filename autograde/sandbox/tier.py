"""The kinds of sandbox, strongest first."""

from __future__ import annotations

from enum import StrEnum


class Tier(StrEnum):
    """How a submission's code is confined."""

    NAMESPACES = "namespaces"
    LANDLOCK = "landlock"
    LIMITS = "limits"


class NoSandboxError(Exception):
    """No sandbox as strong as asked for works here; the text says what to do."""


_HOLDS = {
    Tier.NAMESPACES: (
        "no network, no files but the course's and its own, no other process to be seen; "
        "bounded memory, processor time, processes and disk"
    ),
    Tier.LANDLOCK: (
        "no sockets, no files but the course's and its own, no signal to other processes; "
        "bounded memory, processor time, processes and disk"
    ),
    Tier.LIMITS: (
        "bounded memory, processor time and processes; not held: reading and changing your files, "
        "the network, other processes"
    ),
}


def describe(tier: Tier) -> str:
    """Return, in one line, what a tier holds, and of the weakest what it doesn't."""
    return _HOLDS[tier]
