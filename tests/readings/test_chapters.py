"""The reading chapters: their numbers are true, their pictures and links exist, they fit."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from claims import CHAPTERS
from texts import READINGS, text_of

from course.readings import figures


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


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_numbers_are_true(chapter: str) -> None:
    # One test per chapter: its numbers share their simulations.
    text, numbers = squeezed(text_of(chapter)), figures.CHAPTERS[chapter].NUMBERS
    claims = CHAPTERS[chapter]
    rounded = getattr(claims, "ROUNDED_TO_HUNDREDS", [])
    faults = []
    for snippet, name, scale in [*claims.CLAIMS, *((*claim, 1) for claim in rounded)]:
        plain, quoted, last = quoted_number(snippet)
        last = 100 if (snippet, name) in rounded else last
        if plain not in text:
            faults.append(f"the text no longer says: {plain}")
        value = scale * float(numbers[name]())
        # A little more than rounding: the last bits of a fit may differ between platforms.
        if not abs(value - quoted) <= 0.6 * last:
            faults.append(f"'{plain}': {name} is {value:.5g}")
    for plain, name, expected in getattr(claims, "IN_WORDS", []):
        if plain not in text:
            faults.append(f"the text no longer says: {plain}")
        if float(numbers[name]()) != expected:
            faults.append(f"'{plain}': {name} is {float(numbers[name]()):.5g}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
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


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_links_resolve(chapter: str) -> None:
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", text_of(chapter))
    assert any(link.startswith("../../release/") for link in links)
    for link in links:
        assert not link.startswith(("http", "/")), f"{link}: link by relative path"
        assert (READINGS / link.partition("#")[0]).resolve().exists(), link


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_size_and_parts(chapter: str) -> None:
    text = text_of(chapter)
    least, most = CHAPTERS[chapter].WORDS
    words = len(re.findall(r"[^\W_][\w.,’'%–-]*", prose(text)))
    assert least <= words <= most, f"{words} words"
    assert text.startswith("# ")
    for part in ("Mistakes", "What interviewers ask", "References"):
        assert re.search(rf"^## {part}", text, re.MULTILINE), part
    assert re.search(r"^\| when .*\|", text, re.MULTILINE), "no decision table"
    references = text.split("## References")[1]
    for line in references.strip().splitlines():
        assert re.search(r"^- .*\b(19|20)\d\d, \*", line), line


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_cited_works_are_listed(chapter: str) -> None:
    body, references = text_of(chapter).split("## References")
    cited = re.findall(r"(\w+)(?: et al\.)?,? \(?((?:19|20)\d\d)\b", body)
    assert len(cited) > 5
    for name, year in cited:
        entry = any(name in line and year in line for line in references.splitlines())
        assert entry, f"{name} {year} is not in the references"


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_tables_are_whole(chapter: str) -> None:
    for block in re.findall(r"(?:^\|.*\|\n)+", text_of(chapter), re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block.splitlines()[0]


def test_drawing_is_repeatable(tmp_path: Path) -> None:
    for name in ("first", "second"):
        figures.save(figures.FIGURES["m5_examination"](), tmp_path / f"{name}.png")
    first = (tmp_path / "first.png").read_bytes()
    assert first == (tmp_path / "second.png").read_bytes()
    assert b"tEXt" not in first, "the file would change with versions or times"
    assert not plt.get_fignums(), "a saved figure is closed"
