"""No submission of the catalogue earns, reads or harms anything, and what deserves it is named."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from autograde.sandbox import TIER_VARIABLE, Tier, available_tiers

from .attack import Attack
from .catalogue import CATALOGUE, named
from .scene import AFTER, BEFORE, MODULE, Evidence, Scene, scene

BY_THE_SANDBOX = ("read_secrets", "harm_others")
"""Groups that the sandbox holds, rather than the distance between checks and learners' code."""
BY_PLAIN_COMMAND = (
    "read_gradebook",
    "drop_asserts",
    "endless_function",
    "no_json",
    "forge_a_reply",
)
_LONGEST_SECONDS = 580


@dataclass
class Batch:
    """A batch that was graded.

    Attributes
    ----------
    code, printed
        What the command returned to the shell, and what it printed.
    found
        What came of each submission, by student.
    harmed
        What was harmed elsewhere, in words.
    """

    code: int
    printed: str
    found: dict[str, Evidence]
    harmed: list[str]


def grade(ground: Scene, attacks: list[Attack], *words: str, feedback: bool) -> Batch:
    """Grade attackers between honest students."""
    ground.hand_in(attacks)
    outcome = ground.command(*words, seconds=_LONGEST_SECONDS)
    if feedback:
        told = ground.nbgrader("generate_feedback", MODULE)
        assert told.returncode == 0, told.stdout[-3000:]
    students = [BEFORE, *(attack.name for attack in attacks), AFTER]
    found = {student: ground.evidence(student) for student in students}
    return Batch(outcome.returncode, outcome.stdout, found, ground.harm())


def class_command() -> list[str]:
    """Return the command that grades a class, with two workers."""
    return [sys.executable, "-m", "autograde.grade", MODULE, "--workers", "2"]


@pytest.fixture(scope="module")
def batch() -> Iterator[Batch]:
    """The whole catalogue, graded by the class command."""
    with scene(ours=True) as ground:
        yield grade(ground, CATALOGUE, *class_command(), feedback=True)


@pytest.fixture(scope="module")
def plain_batch() -> Iterator[Batch]:
    """A few of the catalogue, graded by nbgrader's own command."""
    few = [attack for attack in CATALOGUE if attack.name in BY_PLAIN_COMMAND]
    with scene(ours=True) as ground:
        command = [sys.executable, "-m", "nbgrader", "autograde", MODULE]
        yield grade(ground, few, *command, feedback=False)


@pytest.fixture(scope="module")
def landlock_batch() -> Iterator[Batch]:
    """What the sandbox holds, graded without namespaces."""
    reason = available_tiers()[Tier.LANDLOCK]
    if reason:
        pytest.skip(f"{Tier.LANDLOCK}: {reason}")
    with scene(ours=True) as ground, pytest.MonkeyPatch.context() as patch:
        patch.setenv(TIER_VARIABLE, Tier.LANDLOCK)
        yield grade(ground, held_by_the_sandbox(), *class_command(), feedback=False)


def held_by_the_sandbox() -> list[Attack]:
    """Return the attacks that the sandbox is there for."""
    return [attack for attack in CATALOGUE if attack.group in BY_THE_SANDBOX]


def came_to_nothing(attack: Attack, batch: Batch) -> None:
    """Assert that an attack earned, read and hid nothing."""
    found = batch.found[attack.name]
    assert found.said != "no grade", batch.printed[:2000]
    assert found.points == attack.points
    assert found.read == []
    assert not found.runs
    assert attack.says in found.said


def assert_nobody_else_suffered(batch: Batch) -> None:
    """Assert that the batch came to its end, and that nobody else lost or got anything."""
    assert batch.harmed == []
    assert [batch.found[student].points for student in (BEFORE, AFTER)] == [6, 6]
    assert [batch.found[student].said for student in (BEFORE, AFTER)] == ["", ""]
    assert batch.code == 0, batch.printed[-3000:]


def test_the_catalogue_is_whole() -> None:
    names = [attack.name for attack in CATALOGUE]
    assert len(names) == len(set(names)) >= 45
    assert all(attack.tries for attack in CATALOGUE)
    assert set(BY_PLAIN_COMMAND) <= set(names)


@pytest.mark.parametrize("attack", CATALOGUE, ids=lambda attack: attack.name)
def test_attack_comes_to_nothing(attack: Attack, batch: Batch) -> None:
    came_to_nothing(attack, batch)


def test_nobody_else_suffers(batch: Batch) -> None:
    assert_nobody_else_suffered(batch)


def test_no_code_of_a_terminal_is_printed(batch: Batch) -> None:
    assert "\x1b[2J" not in batch.printed
    assert "\x1b]0;" not in batch.printed


def test_plain_command_holds_too(plain_batch: Batch) -> None:
    for attack in CATALOGUE:
        if attack.name in BY_PLAIN_COMMAND:
            came_to_nothing(attack, plain_batch)
    assert_nobody_else_suffered(plain_batch)


def test_resubmission_does_not_hang_the_plain_command() -> None:
    """Without --force, nbgrader reads a time stamp before any of its hooks is called."""
    with scene(ours=True) as ground:
        command = [sys.executable, "-m", "nbgrader", "autograde", MODULE]
        assert ground.command(*command, seconds=120).returncode == 0
        os.mkfifo(ground.submission(BEFORE) / "timestamp.txt")
        assert ground.command(*command, seconds=120).returncode == 0


def test_many_large_submissions_do_not_take_their_neighbours_along() -> None:
    """What ends the processes that grade one submission must not end those of the others."""
    students = [f"m{number}_{kind}" for number in range(3) for kind in ("large", "neighbour")]
    with scene(ours=True) as ground:
        for student in students:
            hand = ground.hand(student)
            if student.endswith("large"):
                named("large_answers").make(hand)
            hand.solve_all()
            hand.add_first(f"import time\ntime.sleep(2)  # {student}")
            hand.write_notebook()
        outcome = ground.command(*class_command(), seconds=_LONGEST_SECONDS)
        found = {student: ground.evidence(student).points for student in (*students, BEFORE)}
    assert found == dict.fromkeys((*students, BEFORE), 6), outcome.stdout
    assert outcome.returncode == 0


@pytest.mark.parametrize("attack", held_by_the_sandbox(), ids=lambda attack: attack.name)
def test_attack_comes_to_nothing_under_landlock(attack: Attack, landlock_batch: Batch) -> None:
    came_to_nothing(attack, landlock_batch)


def test_nobody_else_suffers_under_landlock(landlock_batch: Batch) -> None:
    assert_nobody_else_suffered(landlock_batch)
