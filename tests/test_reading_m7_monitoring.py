"""The chapter on monitoring: its numbers are true, its pictures, links and parts are in place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import test_readings as readings

from course.readings import figures

CHAPTER = "m7_monitoring"
LEAST, MOST = 1500, 2500
CLAIMS = [
    ("awake for {52} % of the loss", "share of the loss that paged", 100),
    ("At 100 rows, {78} % of", "above 0.1 at 100 rows", 100),
    ("99th percentile is {.012}, and", "99th percentile at 3200 rows", 1),
    ("reference of 6,000: {.019}", "law, one alarm a month, 6 features, 1500 and 6000 rows", 1),
    ("each give {5} false alarms", "false alarms a day, 100 features", 1),
    ("on call costs {334} thousand", "thousand euros, nobody on call", 1),
    ("so retrain' costs {667}", "thousand euros, retrain on PSI", 1),
    ("when AUC falls costs {418}", "thousand euros, retrain on AUC", 1),
    ("fix on PSI {269}", "thousand euros, fix on PSI", 1),
    ("of evidence costs {165}", "thousand euros, by kind of evidence", 1),
    ("{88} % of what somebody", "saved by evidence", 100),
    ("all-knowing ({142})", "thousand euros, all-knowing", 1),
    ("200 €: {7.7} days", "best cadence", 1),
    ("anything between {5.7} and", "shortest tolerable", 1),
    ("5.7 and {10.6} is within", "longest tolerable", 1),
    ("rounds {17} items have", "shown, greedy", 1),
    ("mean quality is {.28}", "quality, greedy", 1),
    ("would give {.49}", "quality, best", 1),
    ("at random, {195} were shown", "shown, exploring", 1),
    ("quality is {.42}, exploration", "quality, exploring", 1),
    ("leaves {43.2} minutes", "minutes of budget", 1),
    ("the mean is {0.17};", "mean PSI at 100 rows", 1),
]
INCIDENTS = {
    "one feature stuck": "stuck",
    "a feature × 100": "scaled",
    "battery level + 1.5 σ": "irrelevant_shift",
    "creator attack": "creator_attack",
    "label shift": "label_shift",
    "concept drift": "concept_drift",
}
COLUMNS = {"psi": 0.01, "score psi": 0.01, "auc": 0.01, "ratio": 0.01, "euros": 100}


def test_numbers_are_true() -> None:
    text, numbers = readings.squeezed(readings.text_of(CHAPTER)), figures.m7_monitoring.NUMBERS
    faults = []
    for snippet, name, scale in CLAIMS:
        plain, quoted, last = readings.quoted_number(snippet)
        if plain not in text:
            faults.append(f"the text no longer says: {plain}")
        value = scale * float(numbers[name]())
        if not abs(value - quoted) <= 0.6 * last:
            faults.append(f"'{plain}': {name} is {value:.5g}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_table_of_incidents_is_true(name: str) -> None:
    lines = readings.text_of(CHAPTER).split("## An alarm is not harm")[1].splitlines()
    row = next(line for line in lines if line.startswith(f"| {name} | "))
    cells = [float(cell.replace(",", "")) for cell in row.strip("| ").split(" | ")[1:]]
    for quoted, (column, last) in zip(cells, COLUMNS.items(), strict=True):
        value = figures.m7_monitoring.NUMBERS[f"{column}, {INCIDENTS[name]}"]()
        assert abs(quoted - value) <= 0.6 * last, f"{name}, {column}: {value:.5g}"


def test_pictures_exist_and_have_alternative_text() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", readings.text_of(CHAPTER))
    assert {Path(path).stem for _, path in pictures} == set(figures.m7_monitoring.FIGURES)
    for alternative, path in pictures:
        assert len(alternative.split()) >= 15, f"{path}: say what the figure shows"
        assert (readings.READINGS / path).read_bytes().startswith(b"\x89PNG"), path


def test_links_resolve() -> None:
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", readings.text_of(CHAPTER))
    assert any(link.startswith("../../release/") for link in links)
    for link in links:
        assert (readings.READINGS / link).resolve().exists(), link


def test_size_and_parts() -> None:
    text = readings.text_of(CHAPTER)
    words = len(re.findall(r"[^\W_][\w.,’'%–-]*", readings.prose(text)))
    assert LEAST <= words <= MOST, f"{words} words"
    for part in ("Mistakes", "What interviewers ask", "References"):
        assert re.search(rf"^## {part}", text, re.MULTILINE), part
    assert re.search(r"^\| when .*\|", text, re.MULTILINE), "no decision table"


def test_tables_are_whole() -> None:
    for block in re.findall(r"(?:^\|.*\|\n)+", readings.text_of(CHAPTER), re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block.splitlines()[0]


def test_cited_works_are_listed() -> None:
    body, references = readings.text_of(CHAPTER).split("## References")
    cited = re.findall(r"(\w+)(?: et al\.)?,? \(?((?:19|20)\d\d)\b", body)
    assert len(cited) > 5
    for name, year in cited:
        assert any(name in line and year in line for line in references.splitlines()), name
