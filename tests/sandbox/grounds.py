"""Where and as whom attempts are made: in sandboxes, and outside."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

from autograde.sandbox import Tier

ORDINARY_USER = 1234
SECRET_VARIABLE = "COURSE_TEST_SECRET"


class Line:
    """A process that runs attempts, sandboxed or not."""

    def __init__(self, command: list[str], temporary: Path) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env=os.environ | {SECRET_VARIABLE: "of-the-environment", "TMPDIR": str(temporary)},
        )

    def ask(self, **request: object) -> dict:
        """Send a request and return the answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the host ended"
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


class Ground:
    """A tier, and a user who grades with it."""

    def __init__(self, tier: Tier, python: Path, user: int | None, folder: Path) -> None:
        self.tier = tier
        self.user = os.geteuid() if user is None else user
        self.folder = folder
        self.temporary = Path(tempfile.mkdtemp(dir=folder))
        """Where hosts that are not confined make their sandboxes' folders."""
        self.temporary.chmod(0o777)
        self.runs_as_root = self.user == 0
        self._python = [str(python)]
        if user is not None:
            change = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
            self._python = [*change, *self._python]
        self._lines: list[Line] = []

    def why_not(self) -> str | None:
        """Return why the tier does not work here, or None."""
        code = (
            f"import sys; sys.path.insert(0, {str(self.folder)!r})\n"
            "from autograde.sandbox import Tier, available_tiers\n"
            f"print(available_tiers()[Tier({str(self.tier)!r})] or '')"
        )
        command = [*self._python, "-c", code]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def open(self, *readable: Path) -> Line:
        """Start a host."""
        return self._start("launch", self.tier, *map(str, readable))

    def open_plain(self) -> Line:
        """Start a process that nothing confines."""
        return self._start("plain")

    def close(self) -> None:
        """End all that was started here."""
        for line in self._lines:
            line.close()

    def _start(self, *words: str) -> Line:
        line = Line([*self._python, str(self.folder / "host.py"), *words], self.temporary)
        self._lines.append(line)
        return line


def source(function: Callable) -> dict[str, object]:
    """Return a function as a request's code."""
    return {"code": textwrap.dedent(inspect.getsource(function)), "name": function.__name__}
