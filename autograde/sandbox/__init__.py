"""Processes for strangers' code: forked warm from a host, confined, watched and ended."""

from autograde.sandbox.choose import TIER_VARIABLE, available_tiers, choose_tier
from autograde.sandbox.host import give_up_rights, host_command
from autograde.sandbox.limits import Limits
from autograde.sandbox.spawn import Sandbox, spawn
from autograde.sandbox.tier import NoSandboxError, Tier, describe

__all__ = [
    "TIER_VARIABLE",
    "Limits",
    "NoSandboxError",
    "Sandbox",
    "Tier",
    "available_tiers",
    "choose_tier",
    "describe",
    "give_up_rights",
    "host_command",
    "spawn",
]
