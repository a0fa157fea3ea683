"""Grounds on which sandboxes are proven: each tier, as this user and as an ordinary one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from autograde.sandbox import Tier
from sandbox.grounds import ORDINARY_USER, Ground

ROOT = Path(__file__).resolve().parents[2]
SYSTEM_PYTHON = Path("/usr/bin/python3")
OLDEST_PYTHON = (3, 11)


def _copy_of_package(folder: Path) -> None:
    package = folder / "autograde"
    package.mkdir()
    shutil.copy(ROOT / "autograde" / "__init__.py", package)
    shutil.copytree(
        ROOT / "autograde" / "sandbox",
        package / "sandbox",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(Path(__file__).parent / "host.py", folder)


def _open_to_others(folder: Path) -> None:
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)


@pytest.fixture(scope="session")
def public_folder() -> Iterator[Path]:
    """A folder with a copy of the package, which every user can read."""
    folder = Path(tempfile.mkdtemp(prefix="course-sandbox-", dir="/var/tmp"))
    _copy_of_package(folder)
    _open_to_others(folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def public_python(public_folder: Path) -> Path | None:
    """A Python that every user can run, with what a host needs; None where there is none."""
    if not SYSTEM_PYTHON.exists():
        return None
    ask = "import sys; print(*sys.version_info[:2])"
    version = subprocess.run([SYSTEM_PYTHON, "-c", ask], capture_output=True, text=True, check=True)
    if tuple(map(int, version.stdout.split())) < OLDEST_PYTHON:
        return None
    environment = public_folder / "environment"
    subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", environment], check=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    shutil.copytree(Path(psutil.__file__).parent, packages / "psutil")
    _open_to_others(environment)
    return environment / "bin" / "python"


GROUNDS = ("namespaces-as-i-am", "namespaces-ordinary", "landlock-as-i-am", "landlock-ordinary")


@pytest.fixture(scope="module", params=GROUNDS)
def ground(
    request: pytest.FixtureRequest, public_folder: Path, public_python: Path | None
) -> Iterator[Ground]:
    """Each tier, as the user who runs the tests and, where that is root, as an ordinary one."""
    name, _, who = request.param.partition("-")
    tier = Tier(name)
    ground = Ground(tier, Path(sys.executable), None, public_folder)
    if who == "ordinary":
        if os.geteuid() != 0:
            pytest.skip("the tests run as an ordinary user already")
        if public_python is None:
            pytest.skip(f"there is no {SYSTEM_PYTHON} of version 3.11 or later")
        ground = Ground(tier, public_python, ORDINARY_USER, public_folder)
    reason = ground.why_not()
    if reason and "cannot be read by other users" in reason and public_python is not None:
        ground = Ground(tier, public_python, None, public_folder)
        reason = ground.why_not()
    if reason and "not installed" in reason:
        pytest.fail(reason)
    if reason:
        pytest.skip(f"{tier}: {reason}")
    yield ground
    ground.close()
