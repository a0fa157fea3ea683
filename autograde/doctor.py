"""Tell an instructor what this machine's sandbox holds, by trying it."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from autograde.nbgrader_settings import GRADEBOOK_VARIABLE
from autograde.sandbox import NoSandboxError, Tier, available_tiers, choose_tier, describe
from autograde.sandbox.attempts import ATTEMPTS, Outcome, Targets, claims
from autograde.sandbox.host import host_command

_COURSE = Path(__file__).parents[1]
_PACKAGES = ("nbgrader", "jupyterlab", "numpy")


def main() -> int:
    """Print the report.

    Returns
    -------
    int
        The exit code: 0 if strangers' submissions can be graded here and their sandbox held all
        that it claims to hold.
    """
    console = Console()
    console.print(_versions())
    tier, fault = _in_force()
    console.print(_tiers(tier))
    if fault:
        console.print(f"[red]{fault}[/red]")
    tried = Tier.LIMITS if tier is None else tier
    outcomes = list(_try_all(tried, console))
    console.print(_attempts(tried, outcomes))
    broken = [
        outcome.aim
        for attempt, outcome in zip(ATTEMPTS, outcomes, strict=False)
        if claims(tried, attempt) and not outcome.held
    ]
    if len(outcomes) < len(ATTEMPTS):
        broken.append("the sandbox's host ended before all was tried")
    if broken:
        console.print(f"[red]Not held: {'; '.join(broken)}. Do not grade strangers here.[/red]")
    elif tier:
        console.print(f"Strangers' submissions are graded under {tier}, which held all it claims.")
    return 1 if broken or tier is None else 0


def _versions() -> Table:
    table = Table(show_header=False, box=None)
    table.add_row("Python", f"{platform.python_version()} ({sys.executable})")
    for package in _PACKAGES:
        table.add_row(package, version(package))
    table.add_row("system", f"{platform.system()} {platform.release()}")
    table.add_row("user", "root" if os.geteuid() == 0 else "an ordinary one")
    table.add_row("gradebook", os.environ.get(GRADEBOOK_VARIABLE, "gradebook"))
    return table


def _in_force() -> tuple[Tier | None, str]:
    """Return the tier for strangers' submissions, or None and why there is none."""
    try:
        return choose_tier(), ""
    except NoSandboxError as error:
        return None, str(error)


def _tiers(in_force: Tier | None) -> Table:
    table = Table("sandbox", "works here", "holds", title="Sandboxes")
    for tier, reason in available_tiers().items():
        name = f"[bold]{tier}[/bold] (in force)" if tier is in_force else str(tier)
        table.add_row(name, "yes" if reason is None else f"no: {reason}", describe(tier))
    return table


def _attempts(tier: Tier, outcomes: list[Outcome]) -> Table:
    table = Table("attempt", "held", "how", title=f"Tried under {tier}")
    for attempt, outcome in zip(ATTEMPTS, outcomes, strict=False):
        held = {True: "[green]yes[/green]", False: "[red]no[/red]", None: "[red]not tried[/red]"}
        word = held[outcome.held]
        if not outcome.held and not claims(tier, attempt):
            word = "no, as said"
        table.add_row(outcome.aim, word, outcome.how)
    return table


def _try_all(tier: Tier, console: Console) -> Iterator[Outcome]:
    with _targets() as targets, Progress(console=console, transient=True) as progress:
        task = progress.add_task("trying the sandbox", total=len(ATTEMPTS))
        command = [
            sys.executable,
            "-m",
            "autograde.sandbox.attempts",
            tier,
            json.dumps(asdict(targets)),
        ]
        command, environment = host_command(tier, command, readable=[])
        environment["PYTHONPATH"] = str(_COURSE)
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as host:
            assert host.stdout
            for line in host.stdout:
                progress.advance(task)
                yield Outcome(**json.loads(line))


@contextmanager
def _targets() -> Iterator[Targets]:
    """Set up what the attempts aim at; each of them would succeed from here."""
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as server:
        folder = Path(name)
        folder.chmod(0o777)
        secret = folder / "secret"
        secret.write_text("secret")
        secret.chmod(0o644)
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        yield Targets(str(secret), name, server.getsockname()[1], os.getpid())


def _greet(server: socket.socket) -> None:
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return
        with line:
            line.sendall(b"x")


if __name__ == "__main__":
    sys.exit(main())
