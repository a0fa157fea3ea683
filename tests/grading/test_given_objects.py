"""Checks of a submission share a process: none may change what the others are given."""

from __future__ import annotations

import contextlib
import json
from hashlib import sha256

import joblib
import pytest
from submitted_labs import submitted

from authoring.lab import Lab, read_lab
from authoring.tree import REPOSITORY
from autograde.arms_length.codec import encode
from autograde.arms_length.plan import Kind
from autograde.arms_length.shell import start_shell
from autograde.forked import run_forked
from course.checks.verdict import Status, run_check


def content(value: object) -> object:
    """Return what shows whether a value has changed, or None for what is no data."""
    with contextlib.suppress(Exception):
        message = encode(value)
        return json.dumps(message.tree), [sha256(buffer).digest() for buffer in message.buffers]
    with contextlib.suppress(Exception):
        digest = joblib.hash(value)
        # A figure is never the same twice; no check reads one.
        return digest if digest == joblib.hash(value) else None
    return None


def changes_by_checks(lab: Lab) -> list[str]:
    """Run a lab's solution; return which exercise's checks changed which given objects."""
    shell = start_shell()
    names = shell.user_ns
    answers = {name: cell.text for name, cell in lab.exercises.items()}
    cells = submitted(lab, answers).cells
    found: list[str] = []
    given: dict[str, object] = {}
    for place, cell in enumerate(cells):
        if cell.kind is Kind.GIVEN:
            before = set(names)
            shell.run(cell.source)
            given |= {name: None for name in set(names) - before if name[0] != "_"}
        elif cell.kind is Kind.LEARNER:
            shell.run(cell.source)
        elif cell.kind is Kind.CHECK:
            first = cells[place - 1].kind is not Kind.CHECK
            last = cell is cells[-1] or cells[place + 1].kind is not Kind.CHECK
            if first:
                given = {name: content(names[name]) for name in given}
            verdict = run_check(cell.source, names, name=cell.check)
            found += [] if verdict.status is Status.PASSED else [f"{cell.check} fails"]
            if last:
                after = {name: content(names[name]) for name in given}
                found += [
                    f"checks of {cell.exercise} change {name}"
                    for name in given
                    if after[name] != given[name]
                ]
    return found


@pytest.mark.parametrize("name", REPOSITORY.lab_names())
def test_no_check_changes_what_is_given(name: str) -> None:
    lab = read_lab(name)
    [(_, found)] = run_forked([lambda: changes_by_checks(lab)], seconds=300)
    assert found == []
