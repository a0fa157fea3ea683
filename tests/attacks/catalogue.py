"""All attacks, in the order in which they are told."""

from __future__ import annotations

from . import break_batch, forge_points, harm_others, read_secrets
from .attack import Attack

CATALOGUE: list[Attack] = [
    attack
    for module in (read_secrets, forge_points, harm_others, break_batch)
    for attack in module.GROUP.attacks
]
"""Names are unique: they are the students' names."""


def named(name: str) -> Attack:
    """Return the attack with a name."""
    [found] = [attack for attack in CATALOGUE if attack.name == name]
    return found
