"""The reading chapters: their numbers are true, their pictures and links exist, they fit."""

from __future__ import annotations

import re
import time
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from course.readings import figures

ROOT = Path(__file__).resolve().parents[1]
READINGS = ROOT / "course" / "readings"
WORDS = {"m3_data": (1500, 2500), "m5_evaluation": (2000, 3000)}

# Text of a chapter with one number in braces · which number it is · what the text multiplies it by.
# Runs of spaces in the chapter count as one; a minus is −.
M3_DATA = [
    ("Random rows promise an AUC of {.81}", "AUC, random rows", 1),
    ("Strangers deliver {.59}", "AUC, strangers", 1),
    ("half-way, to {.69}", "AUC, new accounts", 1),
    ("the promise of {.61} is close", "AUC, new people", 1),
    ("it delivers {.74}", "AUC, known viewers", 1),
    ("the time split's {.72}", "AUC, the future", 1),
    ("later and new people {0.58}", "AUC, both", 1),
    ("noise scores {81} %", "accuracy on noise, 5000 columns, before", 100),
    ("rises from {48} % with 25", "accuracy on noise, 25 columns, before", 100),
    ("over {62} % with 100", "accuracy on noise, 100 columns, before", 100),
    ("stays between {48} %", "accuracy on noise, lowest inside", 100),
    ("48 % and {51} %", "accuracy on noise, highest inside", 100),
    ("gives a test AUC of {.87}", "target encoding, everything", 1),
    ("see their own label, {.57}", "target encoding, own rows", 1),
    ("other folds, {.69}", "target encoding, cross-fitted", 1),
    ("next to {.68} without", "target encoding, none", 1),
    ("own label promises {.92}", "offline, join own row included", 1),
    ("promises .92 and serves {.76}", "served, join own row included", 1),
    ("were not final: {.78} offline", "offline, join by event time", 1),
    (".78 offline, {.76} served", "served, join by event time", 1),
    ("A gap of {.02} drowns", "gap, join by event time", 1),
    ("yet {56} % of the rows", "mismatch, join by event time", 100),
    ("by more than 0.05: {63} %", "mismatch, join own row included", 100),
    ("by availability 0.76 and {0.76}", "served, join by availability", 1),
    ("in the app arrive {2.0} days", "mean delay of a report, days", 1),
    ("Yesterday shows {1.9} reports", "reports per 1000 clicks, last day, naive", 1),
    ("in the end it will have {8.4}", "reports per 1000 clicks, last day, final", 1),
    ("It gives {8.0} for yesterday", "reports per 1000 clicks, last day, weighted", 1),
    ("+ .65 - 1) = {.69}$", "true share behind .73 at Se .9, Sp .65", 1),
    ("a true {1.8} %", "click rate of ads", 100),
    ("reads as {27} %", "share of clicks after 1.8 %, w = .05", 100),
    ("logits move by {−3.00}", "logit shift for w = .05", 1),
    ("a $p$ of at least {16.8} %", "threshold on the score for 1 %, w = .05", 100),
    ("it leaves €{329}", "profit at keep rate 0.05, times w", 1),
    ("€329 of €{551}", "profit at keep rate 0.05, corrected", 1),
    ("to a loss of {1,812} at 0.05", "profit at keep rate 0.05, as trained", -1),
    ("so $w$ is {.204}", "keep rate of sampling_strategy=.1 at 20 of 1000", 1),
    ("It makes {34.5} %", "share of positives after 5 %, w = .1", 100),
    ("split takes $w = {.053}$", "keep rate for an even split of 5 %", 1),
    ("AUC before ({.99})", "SMOTE before the folds, AUC", 1),
    ("and inside ({.67})", "SMOTE inside the folds, AUC", 1),
    ("collides: {9.5} %", "share of 1e6 ids that collide in 1e7 buckets", 100),
]
M5_EVALUATION = [
    ("online it lifts clicks by {11} %", "online, blend 25 %", 100),
    ("lifts them by {33} %. In its", "online, clicks", 100),
    ("has {18} % fewer daily users", "active_users, clicks policy, days 22 to 28", -100),
    ("have an NDCG of {.961}", "NDCG of 3,2,3,0,1,2, linear gain", 1),
    ("gain and {.949} with gain", "NDCG of 3,2,3,0,1,2, exponential gain", 1),
    ("an average precision of {.21}", "AP@5, hits at 1 and 3, over R = 8", 1),
    (".21, {.33} or", "AP@5, hits at 1 and 3, over min(k, R)", 1),
    (".33 or {.83}", "AP@5, hits at 1 and 3, over hits", 1),
    ("AUC is {.86}, whatever", "AUC at separation 1.5", 1),
    ("Average precision is {.12}", "AP at prevalence 1 %", 1),
    ("positives, {.48} at 10 %", "AP at prevalence 10 %", 1),
    ("10 % and {.85} at 50 %", "AP at prevalence 50 %", 1),
    ("a precision of {8.3} %", "precision at TPR .9, FPR .01, prevalence .1 %", 100),
    ("{5,492} of the requests", "requests in the random bucket", 1),
    ("look at position 10 is {.083}", "click rate at 10 over 1, all traffic", 1),
    ("the truth is {.126}", "click rate at 10 over 1, examination", 1),
    ("shuffled bucket finds {.125}", "click rate at 10 over 1, random bucket", 1),
    ("a rank correlation of {.53}", "rank correlation, naive", 1),
    ("by more than 5 % it is {.11}", "rank correlation, naive, lifts above 5 %", 1),
    ("agrees with production is {.94}", "rank correlation, naive and agreement", 1),
    ("same logs, reaches {.98}", "rank correlation, corrected", 1),
    (".98 ({.86} among", "rank correlation, corrected, lifts above 5 %", 1),
    ("noisy copy of production (NDCG {.78}", "ndcg, production + noise", 1),
    ("(NDCG .78, lift {0} %)", "online, production + noise", 100),
    ("the balanced ranker ({.69}", "ndcg, balanced", 1),
    ("(.69, lift {28} %)", "online, balanced", 100),
    ("leads with NDCG {0.82}", "ndcg, blend 25 %", 1),
    ("clicks has {0.68}", "ndcg, clicks", 1),
    ("of about {2,900} requests", "off-policy requests at distance 1", 1),
    ("at full distance is {48} %", "off-policy truth at distance 1", 100),
    ("falls from {96} %", "off-policy ess at distance 0", 100),
    ("to {38} % half-way", "off-policy ess at distance 0.5", 100),
    ("At full distance, {7} % of the log", "off-policy ess at distance 1", 100),
    ("may weigh {87} times", "off-policy largest at distance 1", 1),
    ("wrong by {17} points", "off-policy model bias at distance 1", -100),
    ("is {17} percentage points", "off-policy model at distance 1", 100),
    ("model alone, {4.4} for IPS", "off-policy ips at distance 1", 100),
    ("{3.2} for DR", "off-policy dr at distance 1", 100),
    ("{2.8} for SNIPS", "off-policy snips at distance 1", 100),
    ("Control kept {9,921} users", "crash 1.0%: control", 1),
    ("treatment {8,909} (", "crash 1.0%: treatment", 1),
    (r"\approx {2} \cdot 10^{-13}", "crash 1.0%: p_srm", 1e13),
    ("'fell' by {12.5} %", "crash 1.0%: lift", -100),
    ("in this run ($p = {.016}$)", "crash 0.3%: p_srm", 1),
    ("the read-out by {−5.5} points", "crash 0.3%: bias", 100),
    ("Impressions as units call {42} %", "A/A false positives, impressions as units", 100),
    ("error is {2.4} times", "standard error over users against binomial", 1),
    ("over users restores {5} %", "A/A false positives, delta method", 100),
    ("{4} % with a t-test", "A/A false positives, t-test of clicks per user", 100),
    ("false alarms, to {15} %", "A/A false positives, 14 looks", 100),
    ("rises from {4} % to 15 %", "A/A false positives, 1 look", 100),
    ("looks it is {25} %", "A/A false positives, 20 equal looks", 100),
    ("wasteful ({1} %)", "A/A false positives, 14 looks, Bonferroni", 100),
    ("'wins' {64} %", "one false alarm among 20 metrics", 100),
    ("takes {31,231} users", "users per arm, 5 % to 5.5 %", 1),
    ("and {30,400} by the rule", "users per arm, rule of 16", 1),
    ("pre-period: {81} % with 1 day", "CUPED variance, 1 days", 100),
    ("{62} % with 3", "CUPED variance, 3 days", 100),
    ("{45} % with 7", "CUPED variance, 7 days", 100),
    ("{37} % with 14", "CUPED variance, 14 days", 100),
    ("{31} % with 28 days", "CUPED variance, 28 days", 100),
    ("as promised: {33} % more", "per_session, clicks policy, days 1 to 14", 100),
    ("in week four {18} % fewer", "active_users, clicks policy, days 22 to 28", -100),
    ("of a lead of {38} %", "clicks, clicks policy, days 1 to 1", 100),
    ("in daily clicks {9} % is left", "clicks, clicks policy, days 22 to 28", 100),
    ("clicks {−16} % on the first day", "clicks, satisfaction policy, days 1 to 1", 100),
    ("first day, +{5} %", "clicks, satisfaction policy, days 22 to 28", 100),
    ("has {22} % more daily users", "active_users, satisfaction policy, days 22 to 28", 100),
    ("still stand {30} % above", "per_session, clicks policy, days 22 to 28", 100),
]
CLAIMS = {"m3_data": M3_DATA, "m5_evaluation": M5_EVALUATION}
# Words that stand for a number: what it must be.
IN_WORDS = {
    "m5_evaluation": [
        ("Fourteen rankers compete", "policies", 14),
        ("The ranker in seventh place", "place of `clicks` by NDCG", 7),
        ("the favourite is the one", "place of `blend 25 %` by NDCG", 1),
        ("order is closest to production's", "place of `blend 25 %` by agreement", 1),
        ("the seven that lift clicks", "policies with lifts above 5 %", 7),
        ("all fourteen estimates agree", "share of estimates that agree with the test", 1),
    ]
}


def text_of(chapter: str) -> str:
    return (READINGS / f"{chapter}.md").read_text(encoding="utf-8")


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def prose(text: str) -> str:
    """Return what is read word by word: no references, addresses, alternative text or formulas."""
    text = text.split("\n## References")[0]
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"\$\$.*?\$\$", " ", text, flags=re.DOTALL)
    return re.sub(r"\$[^$\n]*\$", " x ", text)


def quoted_number(snippet: str) -> tuple[str, float, float]:
    """Return the text without braces, the number in them, and the value of its last digit."""
    found = re.search(r"\{([−-]?[\d,]*\.?\d+)\}", snippet)
    assert found is not None, snippet
    digits = found[1].replace(",", "").replace("−", "-")
    decimals = len(digits.partition(".")[2])
    plain = snippet[: found.start()] + found[1] + snippet[found.end() :]
    # 2,900 is read as rounded to hundreds only where the text says 'about'.
    last = 100.0 if f"about {{{found[1]}}}" in snippet else 10.0**-decimals
    return plain, float(digits), last


@pytest.mark.parametrize("chapter", sorted(CLAIMS))
def test_numbers_are_true(chapter: str) -> None:
    # One test per chapter: its numbers share their simulations.
    text, numbers = squeezed(text_of(chapter)), figures.CHAPTERS[chapter].NUMBERS
    faults = []
    for snippet, name, scale in CLAIMS[chapter]:
        plain, quoted, last = quoted_number(snippet)
        if plain not in text:
            faults.append(f"the text no longer says: {plain}")
        value = scale * float(numbers[name]())
        # A little more than rounding: the last bits of a fit may differ between platforms.
        if not abs(value - quoted) <= 0.6 * last:
            faults.append(f"'{plain}': {name} is {value:.5g}")
    for plain, name, expected in IN_WORDS.get(chapter, []):
        if plain not in text:
            faults.append(f"the text no longer says: {plain}")
        if float(numbers[name]()) != expected:
            faults.append(f"'{plain}': {name} is {float(numbers[name]()):.5g}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("chapter", sorted(CLAIMS))
def test_pictures_exist_and_have_alternative_text(chapter: str) -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text_of(chapter))
    assert 4 <= len(pictures) <= 6
    for alternative, path in pictures:
        assert len(alternative.split()) >= 15, f"{path}: say what the figure shows"
        assert re.search(r"\d", alternative), f"{path}: the finding has numbers"
        assert (READINGS / path).read_bytes().startswith(b"\x89PNG"), path
    used = {Path(path).stem for _, path in pictures}
    assert used == set(figures.CHAPTERS[chapter].FIGURES)


def test_every_picture_is_drawn_here() -> None:
    pictures = {path.stem for path in figures.FOLDER.glob("*.png")}
    assert pictures == set(figures.FIGURES)


@pytest.mark.parametrize("chapter", sorted(CLAIMS))
def test_links_resolve(chapter: str) -> None:
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", text_of(chapter))
    assert any(link.startswith("../../release/") for link in links)
    for link in links:
        assert not link.startswith(("http", "/")), f"{link}: link by relative path"
        assert (READINGS / link.partition("#")[0]).resolve().exists(), link


@pytest.mark.parametrize("chapter", sorted(CLAIMS))
def test_size_and_parts(chapter: str) -> None:
    text = text_of(chapter)
    least, most = WORDS[chapter]
    words = len(re.findall(r"[^\W_][\w.,’'%–-]*", prose(text)))
    assert least <= words <= most, f"{words} words"
    assert text.startswith("# ")
    for part in ("Mistakes", "What interviewers ask", "References"):
        assert re.search(rf"^## {part}", text, re.MULTILINE), part
    assert re.search(r"^\| when .*\|", text, re.MULTILINE), "no decision table"
    references = text.split("## References")[1]
    for line in references.strip().splitlines():
        assert re.search(r"^- .*\b(19|20)\d\d, \*", line), line


@pytest.mark.parametrize("chapter", sorted(CLAIMS))
def test_cited_works_are_listed(chapter: str) -> None:
    body, references = text_of(chapter).split("## References")
    cited = re.findall(r"(\w+)(?: et al\.)?,? \(?((?:19|20)\d\d)\b", body)
    assert len(cited) > 5
    for name, year in cited:
        entry = any(name in line and year in line for line in references.splitlines())
        assert entry, f"{name} {year} is not in the references"


@pytest.mark.parametrize("chapter", sorted(CLAIMS))
def test_tables_are_whole(chapter: str) -> None:
    for block in re.findall(r"(?:^\|.*\|\n)+", text_of(chapter), re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block.splitlines()[0]


def test_drawing_is_quick_and_repeatable(tmp_path: Path) -> None:
    start = time.perf_counter()
    for name in ("first", "second"):
        figures.save(figures.FIGURES["m5_examination"](), tmp_path / f"{name}.png")
    assert time.perf_counter() - start < 20
    first = (tmp_path / "first.png").read_bytes()
    assert first == (tmp_path / "second.png").read_bytes()
    assert b"tEXt" not in first, "the file would change with versions or times"
    assert not plt.get_fignums(), "a saved figure is closed"
