"""Run each attack against nbgrader as it comes and against this course, and tell both in a table.

``python -m tests.attacks.compare [--out FILE] [NAME …]`` takes about half an hour for the whole
catalogue. Each attack on plain nbgrader is run in a course folder of its own, in a sandbox
that keeps it from this machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import track

from .attack import Attack
from .catalogue import CATALOGUE, named
from .scene import AFTER, MODULE, ROOT, Evidence, Scene, scene

_WALL_SECONDS = 100
_GRADING_SECONDS = 60
_MEMORY_BYTES = 3 << 30
_AT_A_TIME = 2
_SLOW_SECONDS = 40
POINTS = {"double": 3, "halve": 3}
"""What the exercises of the practice lab are worth."""
_HEADINGS = {
    "read_secrets": "Reading secrets",
    "forge_points": "Forging points",
    "harm_others": "Harming others",
    "break_batch": "Breaking the batch",
}
_INTRODUCTION = """\
# Attacks

Each of these {count} submissions was graded between honest students, by nbgrader 0.9.6 as it comes
and by this course; `python -m tests.attacks.compare` runs them and writes this page. With plain
nbgrader {bad} of them earn what they should not, read a secret, harm others, or lose what was
earned; here {ours}. That nbgrader's tracebacks and feedback show its hidden tests to everybody is
not counted.
"""


@dataclasses.dataclass
class Outcome:
    """What came of an attack.

    Attributes
    ----------
    found
        What came of the submission itself.
    harmed
        What it harmed elsewhere, in words.
    neighbour
        The points of the honest student who was graded after it; None without a grade.
    seconds
        How long the batch took.
    ended
        Whether the batch came to its end by itself.
    """

    found: Evidence
    harmed: list[str]
    neighbour: float | None
    seconds: float
    ended: bool


def grade_plainly(attack: Attack) -> Outcome:
    """Grade an attack and an honest student with nbgrader as it comes; to be run in a sandbox."""
    with scene(ours=False) as ground:
        started = time.monotonic()
        ground.hand_in([attack])
        graded = ground.nbgrader("autograde", MODULE, seconds=_GRADING_SECONDS)
        seconds = time.monotonic() - started
        return _outcome(ground, attack, seconds, graded.returncode >= 0)


def grade_here(attacks: list[Attack]) -> dict[str, Outcome]:
    """Grade attacks and honest students with this course's class command."""
    with scene(ours=True) as ground:
        started = time.monotonic()
        ground.hand_in(attacks)
        words = [sys.executable, "-m", "autograde.grade", MODULE, "--workers", "2"]
        graded = ground.command(*words, seconds=900)
        ground.nbgrader("generate_feedback", MODULE)
        seconds = (time.monotonic() - started) / len(attacks)
        return {a.name: _outcome(ground, a, seconds, graded.returncode >= 0) for a in attacks}


def _outcome(ground: Scene, attack: Attack, seconds: float, ended: bool) -> Outcome:
    found = ground.evidence(attack.name)
    return Outcome(found, ground.harm(), ground.evidence(AFTER).points, seconds, ended)


def in_a_sandbox(name: str) -> Outcome | None:
    """Grade an attack plainly in a process that can't harm this machine; None if it was ended."""
    words = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    words += ["--size", str(1 << 30), "--tmpfs", "/var/tmp", "--tmpfs", "/dev/shm", "--tmpfs"]
    words += ["/run", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--die-with-parent"]
    words += ["--new-session", "--chdir", str(ROOT), "prlimit", f"--as={_MEMORY_BYTES}"]
    words += ["--fsize=200000000", "--core=0", sys.executable, "-m", "tests.attacks.compare"]
    process = subprocess.Popen(
        [*words, "--one", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        said, trouble = process.communicate(timeout=_WALL_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    lines = [line for line in said.splitlines() if line.startswith('{"found"')]
    if not lines:
        raise RuntimeError(f"{name} gave no outcome ({process.returncode}):\n{trouble[-3000:]}")
    return _from_data(json.loads(lines[-1]))


def is_bad(attack: Attack, outcome: Outcome | None) -> bool:
    """Say whether an attack had an outcome that it should not have."""
    return "**" in _in_words(attack, outcome)


def _in_words(attack: Attack, outcome: Outcome | None) -> str:
    """Say what came of an attack."""
    if outcome is None:
        return "**the batch hung** or was ended"
    found, said = outcome.found, []
    if not outcome.ended:
        said.append("**the batch hung** or was ended")
    elif outcome.neighbour != 6:
        said.append("**the batch stopped**: the next student has no grade")
    # Where a check fails, nbgrader's traceback has its source: that is no attack's doing.
    told = {"hidden test"} if attack.points < sum(POINTS.values()) else set()
    read = [what for what in found.read if what not in told]
    if read:
        said.append(f"**read**: {', '.join(read)}")
    said += [f"**harm**: {what}" for what in outcome.harmed]
    if found.runs:
        said.append("**its script runs** in the instructor's page")
    if outcome.ended and (found.points is None or found.said == "no grade"):
        said.append("no grade, and no reason" if attack.points == 0 else "**lost** what it earned")
    elif found.points is not None and found.points > attack.points:
        said.append(f"**{found.points:g} points** instead of {attack.points:g}")
    elif found.points is not None and found.points < attack.points:
        said.append(f"{found.points:g} points: **lost** {attack.points - found.points:g} it earned")
    if outcome.ended and outcome.seconds > _SLOW_SECONDS:
        said.append(f"**held the batch up** for {outcome.seconds:.0f} s")
    return "; ".join(said) or f"{attack.points:g} points"


def table(plain: dict[str, Outcome | None], ours: dict[str, Outcome]) -> str:
    """Return the page with both outcomes of each attack."""
    chosen = [attack for attack in CATALOGUE if attack.name in ours]
    bad = sum(is_bad(attack, plain[attack.name]) for attack in chosen)
    bad_here = sum(is_bad(attack, ours[attack.name]) for attack in chosen)
    text = _INTRODUCTION.format(count=len(chosen), bad=bad, ours=bad_here or "none does")
    for group, heading in _HEADINGS.items():
        text += f"\n## {heading}\n\n"
        text += "| attack | what it tries | plain nbgrader | this course |\n|---|---|---|---|\n"
        for attack in chosen:
            if attack.group == group:
                here = _in_words(attack, ours[attack.name])
                note = ours[attack.name].found.said
                here += f"; the report says “{_short(note)}”" if note else ""
                row = (
                    f"`{attack.name}`",
                    attack.tries,
                    _in_words(attack, plain[attack.name]),
                    here,
                )
                text += f"| {' | '.join(_cell(part) for part in row)} |\n"
    return text


def _short(note: str) -> str:
    return note if len(note) <= 120 else f"{note[:119]}…"


def _cell(text: str) -> str:
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text.replace("|", "\\|").replace("<", "&lt;")


def _kept(path: Path | None) -> dict[str, Outcome | None]:
    """Return the outcomes of plain nbgrader that are known from an earlier run."""
    if path is None or not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {name: _from_data(data) for name, data in kept.items()}


def _keep(path: Path | None, outcomes: dict[str, Outcome | None]) -> None:
    if path is not None:
        kept = {name: o and dataclasses.asdict(o) for name, o in outcomes.items()}
        path.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def _from_data(data: dict[str, object] | None) -> Outcome | None:
    return Outcome(**data | {"found": Evidence(**data["found"])}) if data else None


def main(arguments: list[str] | None = None) -> int:
    """Run attacks against both and write the table of both."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.compare", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these attacks")
    parser.add_argument("--out", type=Path, help="the page to write; standard output without")
    parser.add_argument("--plain", type=Path, help="where outcomes of plain nbgrader are kept")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(dataclasses.asdict(grade_plainly(named(options.one)))))
        return 0
    chosen = [a for a in CATALOGUE if not options.names or a.name in options.names]
    console = Console(stderr=True)
    plain = _kept(options.plain)
    missing = [attack.name for attack in chosen if attack.name not in plain]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        found = pool.map(in_a_sandbox, missing)
        for name in track(missing, "Plain nbgrader", console=console):
            plain[name] = next(found)
            _keep(options.plain, plain)
    ours = grade_here(chosen)
    page = table(plain, ours)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(page, encoding="utf-8")
    else:
        print(page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
