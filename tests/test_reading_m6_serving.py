"""The chapter on serving: its numbers are true, its pictures, links and parts are in place."""

from __future__ import annotations

import re
from pathlib import Path

import test_readings as readings

from course.readings import figures

CHAPTER = "m6_serving"
LEAST, MOST = 1500, 2500
CLAIMS = [
    ("99th percentile of {16} ms", "p99 at 20/s, spread 0.5", 1),
    ("first evening the p99 is {206} ms", "p99 at 190/s, spread 0.5", 1),
    ("everyone wastes {75} %", "wasted, nightly_all", 100),
    ("and costs {400} € a day", "euros, nightly_all", 1),
    ("active lately, {180} €", "euros, nightly_active", 1),
    ("it costs {4,320} €", "euros, hourly_active", 1),
    ("and {94} % are never seen", "wasted, hourly_active", 100),
    ("online costs {1,800} €", "euros, online", 1),
    ("and {990} € with a cache", "euros, online_cached", 1),
    ("and 12 ms, {1.8} requests", "in the system at 150/s and 12 ms", 1),
    ("{2} at one half", "M/M/1 at 0.5", 1),
    ("{5} at .8", "M/M/1 at 0.8", 1),
    ("{20} at .95", "M/M/1 at 0.95", 1),
    ("the p99 is {38} ms if every", "p99 at 140/s, spread 0", 1),
    ("and {128} ms if requests differ", "p99 at 140/s, spread 1", 1),
    ("{49} for spread and", "p99 at 140/s, spread 0.5", 1),
    ("at 0.95 it is {166}, 206", "p99 at 190/s, spread 0", 1),
    ("206 and {637} ms", "p99 at 190/s, spread 1", 1),
    ("80 %, make {41} % of", "waits, 8 of 10", 100),
    ("same 80 % make {2} % wait", "waits, 80 of 100", 100),
    ("100 machines, {63} %", "slow requests of 100 calls", 100),
    ("quick in {99.99} %", "quantile of a leaf", 100),
    ("requests from {134} to 24 ms", "median without a hedge", 1),
    ("from 134 to {24} ms", "median, hedge after 20", 1),
    ("for {1} % more calls", "extra load, hedge after 20", 100),
    ("100 % at once, {50} % after", "extra load, hedge after 5", 100),
    ("one by one carries {233}", "carried one by one", 1),
    ("of 16 carry {1,818}", "carried in batches of 16", 1),
    ("users make {56} % of", "traffic of 1 % of the users", 100),
    ("8 probes that is {2,828} lists", "lists for a million", 1),
    ("lists and {0.6} % of the reading", "share read of a million", 100),
    ("128 floats are {512} GB", "GB of a billion vectors", 1),
    ("add about {151} GB", "GB of links", 1),
    ("place of 512: {16} GB", "GB of codes", 1),
    ("and read {67} % of", "work, 16 lists, 8 probes", 100),
    ("they reach {1.00}, .98", "recall, 16 lists, 8 probes", 1),
    ("64 lists find {98} % at", "recall, 64 lists, 8 probes", 100),
    ("find 98 % at {21} %", "work, 64 lists, 8 probes", 100),
    (".98 and {.92} at", "recall, 256 lists, 8 probes", 1),
    ("21 and {12} % of the work", "work, 256 lists, 8 probes", 100),
    ("rolls back {23} % of", "sound rolled back, observed rate", 100),
    ("observed rate {23.1} %", "sound rolled back, observed rate", 100),
    ("promotes {32} % of", "bad promoted, observed rate", 100),
    ("releases are rolled back and {32.4} %", "bad promoted, observed rate", 100),
    ("still rolls back {12} %", "sound rolled back, 95 % interval", 100),
    ("95 % interval {11.8} and", "sound rolled back, 95 % interval", 100),
    ("11.8 and {5.7}; three", "bad promoted, 95 % interval", 100),
    ("three sigma {2.4} and", "sound rolled back, 3-sigma interval", 100),
    ("2.4 and {0.4}; seq", "bad promoted, 3-sigma interval", 100),
    ("sequential test {0.4} and", "sound rolled back, sequential test", 100),
    ("test 0.4 and {0.5}.", "bad promoted, sequential test", 100),
]


def test_numbers_are_true() -> None:
    text, numbers = readings.squeezed(readings.text_of(CHAPTER)), figures.m6_serving.NUMBERS
    faults = []
    for snippet, name, scale in CLAIMS:
        plain, quoted, last = readings.quoted_number(snippet)
        if plain not in text:
            faults.append(f"the text no longer says: {plain}")
        value = scale * float(numbers[name]())
        if not abs(value - quoted) <= 0.6 * last:
            faults.append(f"'{plain}': {name} is {value:.5g}")
    assert not faults, "\n".join(faults)


def test_erlang_c_agrees_with_its_definition() -> None:
    from math import factorial

    for load, servers in ((0.5, 1), (8, 10), (3, 4)):
        waiting = load**servers / factorial(servers) * servers / (servers - load)
        total = sum(load**k / factorial(k) for k in range(servers)) + waiting
        assert abs(figures.m6_serving.erlang_c(load, servers) - waiting / total) < 1e-9


def test_pictures_exist_and_have_alternative_text() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", readings.text_of(CHAPTER))
    assert {Path(path).stem for _, path in pictures} == set(figures.m6_serving.FIGURES)
    for alternative, path in pictures:
        assert len(alternative.split()) >= 15, f"{path}: say what the figure shows"
        assert re.search(r"\d", alternative), f"{path}: the finding has numbers"
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
    for line in text.split("## References")[1].strip().splitlines():
        assert re.search(r"^- .*\b(19|20)\d\d, \*", line), line


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
