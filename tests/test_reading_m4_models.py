"""The chapter on models: held to what `test_readings` asks of every chapter."""

from __future__ import annotations

import pytest
import test_readings

CHAPTER = "m4_models"
CLAIMS = [
    ("'gain' of {1.6} points", "gain of the best of 20, shown", 100),
    ("later rows it is {−0.2}", "gain of the best of 20, later", 100),
    ("rises from {−0.6} points", "gain of the best of 1, shown", 100),
    ("near zero, {−0.3} and", "gain of the best of 1, later", 100),
    ("Without calibration {300} thousandths", "lost, none, 1000 rows", 1),
    ("loses {99} thousandths", "lost, isotonic, 100 rows", 1),
    ("where Platt loses {17}", "lost, Platt, 100 rows", 1),
    ("with 20,000 it is {1.2}", "lost, isotonic, 20000 rows", 1),
    ("1.2 against {8}", "lost, Platt, 20000 rows", 1),
    ("isotonic 99 with 100 rows, {10} with 2,000", "lost, isotonic, 2000 rows", 1),
    ("and stays at {48}", "lost, temperature, 20000 rows", 1),
    ("to a watch in {57} % of the requests", "watched, heavy, likely, 40", 1),
    ("popularity in {51} %", "watched, heavy, popular, 40", 1),
    ("uncorrected one in {34} %", "watched, heavy, peculiar, 40", 1),
    ("all meet at {59} %", "watched, heavy, popular, 400", 1),
    ("corrected peaks at {48} %", "watched, light, likely, 40", 1),
    ("falls to {45} % with 400", "watched, light, likely, 400", 1),
    ("rises from {17} %", "watched, light, peculiar, 10", 1),
    ("that is {70} ms with 8", "all-reduce of 1 GB, 8 workers, ms", 1),
    ("and {79} ms with 64", "all-reduce of 1 GB, 64 workers, ms", 1),
    ("it is {280} ms", "everyone to everyone, 8 workers, ms", 1),
    ("280 ms and {2.5} s", "everyone to everyone, 64 workers, ms", 0.001),
    ("takes {40} to 79 ms", "all-reduce of 1 GB, 2 workers, ms", 1),
    ("64 workers are {15} times", "Amdahl, 95 %, 64 workers", 1),
    ("more than {20} times", "Amdahl, 95 %, no end", 1),
    ("slowest of 64 takes {1.27} times", "straggler, 64 workers", 1),
    ("128 floats are {51} GB", "embedding table, GB", 1),
    ("averages an NE of {.77}", "NE, once, days 10 to 21", 1),
    ("nightly retraining {.73}", "NE, nightly, days 10 to 21", 1),
    ("hourly updates {.72}", "NE, online, days 10 to 21", 1),
    ("and its day is {.74}", "NE, online, days 22 to 22", 1),
    ("a gate that refuses it: {.72}", "NE, nightly, days 22 to 22", 1),
]


@pytest.mark.parametrize(
    "holds",
    [
        test_readings.test_numbers_are_true,
        test_readings.test_pictures_exist_and_have_alternative_text,
        test_readings.test_links_resolve,
        test_readings.test_size_and_parts,
        test_readings.test_cited_works_are_listed,
        test_readings.test_tables_are_whole,
    ],
)
def test_the_chapter(holds, monkeypatch):
    monkeypatch.setitem(test_readings.CLAIMS, CHAPTER, CLAIMS)
    monkeypatch.setitem(test_readings.WORDS, CHAPTER, (1500, 2500))
    holds(CHAPTER)
