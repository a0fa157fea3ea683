"""What two machines must have in common to grade alike."""

from __future__ import annotations

import functools
import hashlib
from importlib import metadata
from pathlib import Path

import autograde
import course

COURSE = "this course"
_LIBRARIES = ("imbalanced-learn", "numpy", "pandas", "scikit-learn", "scipy")


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of the libraries that labs compute with, and a digest of the course."""
    whole = hashlib.sha256()
    packages = Path(course.__file__).parent, Path(autograde.__file__).parent
    for package, folder in zip(packages, ("", "arms_length"), strict=True):
        for path in sorted((package / folder).rglob("*.py")):
            whole.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    found = {COURSE: whole.hexdigest()[:12]}
    return found | {name: metadata.version(name) for name in _LIBRARIES}


def differences(wanted: dict[str, str]) -> str:
    """Return in words what is here in another version than wanted, or an empty text."""
    here = versions()
    others = [name for name, version in wanted.items() if here.get(name) != version]
    return ", ".join(f"{name} {here.get(name)} instead of {wanted[name]}" for name in others)
