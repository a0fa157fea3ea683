"""The interview: what its briefs plant, what the interviewer answers, how quantities are read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course.worlds import interview

SEEDS = range(40)


def values_of(statements: pd.DataFrame, topic: str) -> np.ndarray:
    rows = statements[statements["topic"] == topic]
    return rows["number"].to_numpy() * rows["unit"].map(interview.UNITS).to_numpy()


def test_a_seed_decides_everything():
    assert interview.brief(3).equals(interview.brief(3))
    assert interview.brief_truth(3) == interview.brief_truth(3)
    assert not interview.brief(3).equals(interview.brief(4))


def test_columns_and_types():
    statements = interview.brief(1)
    assert list(statements.columns) == ["id", "speaker", "topic", "number", "unit", "text"]
    assert statements["id"].tolist() == list(range(1, len(statements) + 1))
    assert statements["number"].dtype == float
    assert set(statements["unit"]) <= set(interview.UNITS)


@pytest.mark.parametrize("infeasible", [False, True])
def test_every_brief_holds_what_its_truth_says(infeasible):
    for seed in SEEDS:
        statements = interview.brief(seed, infeasible=infeasible)
        truth = interview.brief_truth(seed, infeasible=infeasible)
        stated = set(statements["topic"])
        assert len(truth.missing) == 3
        assert stated == set(interview.TOPICS) - set(truth.missing)
        for topic in stated - {"label_source", truth.contradicted}:
            told = values_of(statements, topic)
            assert np.allclose(told, truth.facts[topic], rtol=1e-9), (seed, topic)
        first, second = values_of(statements, truth.contradicted)
        assert max(first, second) / min(first, second) > 1.5
        assert truth.facts[truth.contradicted] in (pytest.approx(first), pytest.approx(second))
        again = statements[statements["topic"] == truth.repeated]
        assert len(again) == 2
        assert again["unit"].nunique() == 2
        assert len(truth.contradictions) == 1 + infeasible
        assert all(len(pair) == 2 for pair in truth.contradictions)
        limit, read = truth.facts["p99_limit_s"], truth.facts["store_read_s"]
        assert (limit < read) == infeasible
        assert set(truth.missing) | {truth.contradicted} <= truth.to_ask


def test_some_brief_speaks_in_bits():
    units = {unit for seed in SEEDS for unit in interview.brief(seed)["unit"]}
    assert {"Mb", "MB", "Gb", "GB"} <= units


def test_facts_and_gaps_can_be_set():
    truth = interview.brief_truth(5, **interview.SHORT_VIDEO_ROOM)
    assert truth.facts == dict(interview.SHORT_VIDEO_APP)
    assert truth.missing == ("p99_limit_s", "harmful_euros", "label_source")
    assert truth.to_ask == {*truth.missing, "reviews_per_day"}


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"missing": ("colour",)}, "No such topic: colour"),
        ({"facts": {"colour": 1}}, "No such topic: colour"),
        ({"contradicted": "colour"}, "No such topic: colour"),
        ({"contradicted": "prevalence", "missing": ("prevalence",)}, "must be stated"),
        ({"infeasible": True, "missing": ("store_read_s",)}, "must be stated"),
        ({"contradicted": "label_source"}, "cannot be contradicted"),
    ],
)
def test_plans_that_cannot_be_planted_are_refused(knobs, sentence):
    with pytest.raises(ValueError, match=sentence):
        interview.brief(1, **knobs)


def test_the_prose_has_one_line_per_statement():
    room = interview.Interviewer(2)
    assert room.prose == interview.as_prose(room.statements)
    assert len(room.prose.splitlines()) == len(room.statements)


def test_a_question_costs_a_minute_and_the_clock_ends():
    room = interview.Interviewer(9, minutes=3, **interview.SHORT_VIDEO_ROOM)
    assert room.ask("p99_limit_s") == "Of 100 uploads, 99 must be decided within 2 s."
    assert "two people told you different things" in room.ask("reviews_per_day")
    assert room.ask("replication").startswith("As the brief says")
    assert room.minutes_left == 0
    assert room.ask("harmful_euros").startswith("We have to move on")


def test_unknown_questions_are_refused_and_free():
    room = interview.Interviewer(1)
    with pytest.raises(ValueError, match="Nobody knows about 'colour'"):
        room.ask("colour")
    assert room.minutes_left == 5
    with pytest.raises(ValueError, match="must not be negative"):
        interview.Interviewer(1, minutes=-1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("40 ms", 0.04),
        ("16 Mb", 2e6),
        ("2 MB", 2e6),
        ("1 GiB", 2**30),
        ("1,500", 1500),
        ("0.3 %", 0.003),
        ("2e3 kB", 2e6),
        (3, 3.0),
        (np.float32(0.5), 0.5),
        (np.array(7), 7.0),
        ("about five", None),
        ("5 parsecs", None),
        (None, None),
        (True, None),
        (float("nan"), None),
        ([], None),
    ],
)
def test_quantities_are_read_with_their_unit(value, expected):
    read = interview.in_base_units(value)
    assert read is None if expected is None else read == pytest.approx(expected)


def test_topics_are_explained():
    table = interview.topics()
    assert tuple(table.index) == interview.TOPICS
    assert len(table) == 16
