"""The chapter on requirements: its numbers are true, its pictures, links and parts are in place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import test_readings as readings

from course.readings import figures

CHAPTER = "m1_requirements"
LEAST, MOST = 1500, 2500
CLAIMS = [
    ("make {11.6} uploads a second", "uploads per second", 1),
    ("and {34.7} in a busiest hour", "uploads per second, peak", 1),
    ("91 days, {546} TB", "storage, TB", 1),
    ("512 floats are {186} GB", "index, GB", 1),
    ("or {12} servers of 16 GB", "index servers", 1),
    ("receive {0.14} s", "p99, receive", 1),
    ("read account {0.08} s", "p99, account_store", 1),
    ("caption model {0.15} s", "p99, caption_model", 1),
    ("thumbnail model {0.26} s", "p99, thumbnail_model", 1),
    ("12 index servers {0.36} s", "p99, index_server", 1),
    ("15 % of uploads {1.03} s", "p99, deep_frames", 1),
    ("needs {.30} server seconds", "server seconds of the cascade", 1),
    ("On average {3.5} servers", "servers busy on average", 1),
    ("busiest hour {10.6}. Should", "servers busy at peak", 1),
    ("4 servers, 11 or {18}?", "servers at 0.6", 1),
    ("waits {8.2} hours", "longest wait, 4 servers", 1 / 3600),
    ("wait up to {3.3} minutes", "longest wait, 11 servers", 1 / 60),
    ("the longest wait is {.4} s", "longest wait, 18 servers", 1),
    ("for {2} service times at a utilisation of .5", "time in system, 1 servers at 0.5", 1),
    ("for {5} at .8", "time in system, 1 servers at 0.8", 1),
    ("for {20} at .95", "time in system, 1 servers at 0.95", 1),
    ("at .8 take only {1.1} service", "time in system, 16 servers at 0.8", 1),
    ("still let {41} % of requests", "Erlang C, 8 of 10", 100),
    ("the cascade's is {.37} s", "mean of the cascade", 1),
    ("of the sum {1.7} times", "added over true, 4 smooth", 1),
    ("is then {.17} of the truth", "added over true, 4 rare", 1),
    ("p99s add to {1.61} s", "p99s added, cascade", 1),
    ("the whole has {1.33} s", "p99 of the cascade", 1),
    ("{11} % for 12 servers", "any of 12 slow", 100),
    ("and {63} % for 100", "any of 100 slow", 100),
    ("must be fast {99.99} % of", "leaf quantile for 99 % over 100", 100),
    ("p90 from {.36} to", "hedging, plain", 1),
    ("to {.11} s, for", "hedging, hedged", 1),
    ("for {1.0} % more load", "hedging, load", 100),
    ("shows {97.6} % precision", "precision, balanced", 100),
    ("In the app it has {10.7} %", "precision, app", 100),
    ("and 0.2 % has {47} %", "precision, app, strict", 100),
    ("3 / 18 = {.17}", "threshold", 1),
    ("everything between {.04} and", "review from", 1),
    ("between .04 and {.80}", "review to", 1),
    ("the rules cost {808} €", "euros, 100,000 users", 1),
    ("in all, {23} % of the cascade's", "rules of the start-up over a team", 100),
    ("that {69} % of searches", "any of 117 slow", 100),
]
# Euros that the text rounds to hundreds.
ROUNDED = [
    ("threshold {50,400} €", "review week, threshold"),
    ("scores {41,700} €", "review week, highest"),
    ("savings {39,300} €", "review week, savings"),
    ("about {12,800} € a day", "saved by the cascade"),
    ("{19,500} € a day", "euros, as agreed"),
    ("{16,100} € a day", "euros, 4 s"),
    ("{25,500} € a day", "euros, 1 s"),
    ("{29,100} € a day", "euros, 0.3 s"),
    ("{32,400} € a day", "euros, 0.3 s, checked first"),
    ("{58,600} €", "review week, 0.5"),
]
CHOICES = {
    "as agreed": "cascade",
    "4 s": "large_model",
    "1 s": "small_model",
    "0.3 s": "publish_then_check",
    "0.3 s, checked first": "rules",
    "100,000 users": "rules",
    "half the reviewers": "rules",
}


def test_numbers_are_true() -> None:
    text, numbers = readings.squeezed(readings.text_of(CHAPTER)), figures.m1_requirements.NUMBERS
    faults = []
    for snippet, name, scale in [*CLAIMS, *((text, name, 1) for text, name in ROUNDED)]:
        plain, quoted, last = readings.quoted_number(snippet)
        last = 100 if (snippet, name) in ROUNDED else last
        if plain not in text:
            faults.append(f"the text no longer says: {plain}")
        value = scale * float(numbers[name]())
        if not abs(value - quoted) <= 0.6 * last:
            faults.append(f"'{plain}': {name} is {value:.5g}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", CHOICES)
def test_each_constraint_leads_to_the_design_of_the_table(name: str) -> None:
    assert figures.m1_requirements.flip(name)[0] == CHOICES[name]


def test_the_map_is_as_described() -> None:
    users = figures.m1_requirements.NUMBERS["fewest users with a model"]()
    assert 8e5 < users < 1e6
    assert "below about 900,000 users" in readings.text_of(CHAPTER)
    choice = figures.m1_requirements.design_map()
    assert set(choice.ravel()) == {-1, 0, 2, 3, 4, 5}  # rules and people win nowhere on it


def test_pictures_exist_and_have_alternative_text() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", readings.text_of(CHAPTER))
    assert {Path(path).stem for _, path in pictures} == set(figures.m1_requirements.FIGURES)
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


def test_cited_works_are_listed() -> None:
    body, references = readings.text_of(CHAPTER).split("## References")
    cited = re.findall(r"(\w+)(?: et al\.)?,? \(?((?:19|20)\d\d)\b", body)
    assert len(cited) > 5
    for name, year in cited:
        assert any(name in line and year in line for line in references.splitlines()), name
    for line in references.strip().splitlines():
        assert re.search(r"^- .*\b(19|20)\d\d, \*", line), line


def test_tables_are_whole() -> None:
    for block in re.findall(r"(?:^\|.*\|\n)+", readings.text_of(CHAPTER), re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block.splitlines()[0]
