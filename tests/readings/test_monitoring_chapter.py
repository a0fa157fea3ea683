"""The chapter on monitoring: its table of incidents."""

from __future__ import annotations

import pytest
from texts import text_of

from course.readings import figures

INCIDENTS = {
    "one feature stuck": "stuck",
    "a feature × 100": "scaled",
    "battery level + 1.5 σ": "irrelevant_shift",
    "creator attack": "creator_attack",
    "label shift": "label_shift",
    "concept drift": "concept_drift",
}
COLUMNS = {"psi": 0.01, "score psi": 0.01, "auc": 0.01, "ratio": 0.01, "euros": 100}


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_table_of_incidents_is_true(name: str) -> None:
    lines = text_of("m7_monitoring").split("## An alarm is not harm")[1].splitlines()
    row = next(line for line in lines if line.startswith(f"| {name} | "))
    cells = [float(cell.replace(",", "")) for cell in row.strip("| ").split(" | ")[1:]]
    for quoted, (column, last) in zip(cells, COLUMNS.items(), strict=True):
        value = figures.m7_monitoring.NUMBERS[f"{column}, {INCIDENTS[name]}"]()
        assert abs(quoted - value) <= 0.6 * last, f"{name}, {column}: {value:.5g}"
