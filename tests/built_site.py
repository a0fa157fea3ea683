"""The web site, built once for all tests, whichever of pytest's processes asks first."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT

BUILD_SECONDS = 600


@dataclass(frozen=True)
class Site:
    """A built site.

    Attributes
    ----------
    html
        The folder of its pages.
    log
        What the build printed.
    succeeded
        Whether it ended without a warning.
    """

    html: Path
    log: str
    succeeded: bool

    def pages(self) -> dict[str, Path]:
        """Return all pages, by their path in the site."""
        own = (path for path in self.html.rglob("*.html") if "_static" not in path.parts)
        return {path.relative_to(self.html).as_posix(): path for path in sorted(own)}


def build_site(factory: pytest.TempPathFactory) -> Site:
    """Build the site, or return it if that has been done in this run of the tests."""
    base = factory.getbasetemp()
    # pytest-xdist gives each of its processes a folder in a common one.
    common = base.parent if base.name.startswith("popen-") else base
    output, log = common / "site", common / "site.log"
    with (common / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not log.exists():
            run = subprocess.run(
                [sys.executable, str(ROOT / "site" / "build.py"), "--output", str(output)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=BUILD_SECONDS,
                check=False,
            )
            log.write_text(f"{run.returncode}\n{run.stdout}{run.stderr}", encoding="utf-8")
    code, _, text = log.read_text(encoding="utf-8").partition("\n")
    return Site(output / "html", text, code == "0")
