"""The chapter on requirements: what its table and its map of designs say."""

from __future__ import annotations

import pytest
from texts import text_of

from course.readings import figures

CHOICES = {
    "as agreed": "cascade",
    "4 s": "large_model",
    "1 s": "small_model",
    "0.3 s": "publish_then_check",
    "0.3 s, checked first": "rules",
    "100,000 users": "rules",
    "half the reviewers": "rules",
}


@pytest.mark.parametrize("name", CHOICES)
def test_each_constraint_leads_to_the_design_of_the_table(name: str) -> None:
    assert figures.m1_requirements.flip(name)[0] == CHOICES[name]


def test_the_map_is_as_described() -> None:
    users = figures.m1_requirements.NUMBERS["fewest users with a model"]()
    assert 8e5 < users < 1e6
    assert "below about 900,000 users" in text_of("m1_requirements")
    choice = figures.m1_requirements.design_map()
    assert set(choice.ravel()) == {-1, 0, 2, 3, 4, 5}  # rules and people win nowhere on it
