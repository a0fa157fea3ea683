"""The chapter on framing: held to what `test_readings` asks of every chapter."""

from __future__ import annotations

import pytest
import test_readings

CHAPTER = "m2_framing"
CLAIMS = [
    ("session rise from {1.00} to", "clicks per session in two days, popularity", 1),
    ("from 1.00 to {1.33}", "clicks per session in two days, click", 1),
    ("and {.7} % fewer users", "lift of users on the second day, click", -100),
    ("fourteenth day {10} % fewer", "lift of users on the last day, click", -100),
    ("in the app, {7.5} % of the impressions", "share of clicks", 100),
    ("clicks, {3.3} % order within 3 days", "label at window 3", 100),
    ("3 days, {8.3} % within 14", "label at window 14", 100),
    ("14 and {9.8} % within 30", "label at window 30", 100),
    ("against {9.9} % some day", "old campaigns, truth", 100),
    ("falls from {95} %", "mature at window 3", 100),
    ("95 % to {50} %", "mature at window 30", 100),
    ("campaigns are near {10} %", "new campaigns, naive", 100),
    ("corrected near {21} %", "new campaigns, corrected", 100),
    ("the truth is near {20} %", "new campaigns, truth", 100),
    ("so far earns €{17,260}", "euros, naive", 1),
    ("corrected rate €{20,880}", "euros, corrected", 1),
    ("rate €{20,880}, as much as with the truth", "euros, truth", 1),
    ("users make {18} %", "share of impressions of the busiest twentieth", 100),
    ("watched for {21} seconds", "seconds per click", 1),
    ("and for {14.5} seconds at the median", "median seconds per click", 1),
    ("the log has {1.61} seconds", "seconds per impression", 1),
    ("formula promises {1.74}", "sum of seconds over impressions without a click", 1),
    ("odds promise {7.3} seconds", "odds, highest tenth", 1),
    ("seconds where {6.0} come", "seen, highest tenth", 1),
    ("the sigmoid {.86}", "sigmoid, highest tenth", 1),
    ("seconds is {−1} for", "prototype, click order", 1),
    ("and +{1} for", "prototype, odds order", 1),
    ("shown: popularity {0.1}", "bait, popularity", 1),
    ("click {0.7}, completion", "bait, click", 1),
    ("completion {−0.4}", "bait, completion", 1),
    ("like {−0.5}", "bait, like", 1),
    ("seconds {0.1}. Mean", "bait, seconds", 1),
    ("length shown: {42}, 43", "length_s, popularity", 1),
    ("42, {43}, 35", "length_s, click", 1),
    ("43, {35}, 45", "length_s, completion", 1),
    ("35, {45} and", "length_s, like", 1),
    ("45 and {61} seconds", "length_s, seconds", 1),
    ("week 2: {47}, 43", "retention, popularity", 100),
    ("47, {43}, 52", "retention, click", 100),
    ("43, {52}, 53", "retention, completion", 100),
    ("52, {53} and 48", "retention, like", 100),
    ("53 and {48} %", "retention, seconds", 100),
    ("shown is {18} % shorter", "lift of length_s, completion", -100),
    ("reward length: {43} % longer", "lift of length_s, seconds", 100),
    ("per session by only {4} %", "lift of per session, like", 100),
    ("are watched {3.4} times", "long over short, seconds", 1),
    ("watched is {.85} of", "long over short, share", 1),
    ("say: clicks (+{34} %)", "lift of per session, click", 100),
    ("clicks bring {23} % more", "lift of per day, click", 100),
    ("completion brings {30} %", "lift of per day, click · seconds · completion", 100),
    ("session fall from {1.33}", "per session, like weight 0", 1),
    ("1.33 to {1.09}", "per session, like weight 4", 1),
    ("rises from {43} to 53", "retention, like weight 0", 100),
    ("43 to {53} %. Right", "retention, like weight 4", 100),
    ("rise from {4,991} at", "per day, like weight 0", 1),
    ("to {5,364} at", "per day, like weight 0.5", 1),
    ("fall to {4,934} at", "per day, like weight 4", 1),
    ("At $w = {.5}$ the app", "best like weight per day", 1),
    ("in week six, $w = {1}$ leads", "best like weight per day in week 6", 1),
    ("the app has {7} % more", "best weight against clicks alone, per day", 100),
    ("and {49} % retention", "retention, like weight 0.5", 100),
    ("instead of {43} %", "retention, like weight 0", 100),
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
