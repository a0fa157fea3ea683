"""Every lab grades strangers: at arm's length its solution earns all points, its release none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from submitted_labs import submitted

from authoring.lab import Lab, read_lab
from authoring.tree import REPOSITORY
from autograde.arms_length.service import GradingService
from autograde.sandbox import choose_tier


@pytest.fixture(scope="module", params=REPOSITORY.lab_names())
def lab(request: pytest.FixtureRequest) -> Lab:
    return read_lab(request.param)


@pytest.fixture(scope="module")
def service(lab: Lab) -> Iterator[GradingService]:
    """A service for one lab, so that no more than one is warm at a time."""
    service = GradingService(choose_tier())
    yield service
    service.close()


def points(result: dict[str, Any]) -> dict[str, float]:
    return {
        cell["verdict"]["check"]: cell["verdict"]["points"]
        for cell in result["cells"].values()
        if "verdict" in cell
    }


def test_the_solution_earns_all_points_and_the_release_none(
    lab: Lab, service: GradingService
) -> None:
    answers = {name: cell.text for name, cell in lab.exercises.items()}
    solved = service.grade(submitted(lab, answers))
    # Not cells that only define: now each exercise's checks talk to a copy of their own.
    talking = {name: f"print('mine')\n{text}" for name, text in answers.items()}
    again = service.grade(submitted(lab, talking))
    unsolved = service.grade(submitted(lab, {}))
    worth = {name: cell.points for name, cell in lab.checks.items()}
    assert points(solved) == worth
    assert solved["notes"] == unsolved["notes"] == []
    assert points(unsolved) == dict.fromkeys(worth, 0)
    # What is known of the checks' conversations says the same again, without their work.
    assert points(again) == worth
    assert again["spared"] == len(worth)
