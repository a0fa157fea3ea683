"""What strangers' cells show, before it is kept."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from autograde.outputs import LARGEST_PICTURE, LONGEST_TEXT, MOST_OUTPUTS, clean_outputs

ROOT = Path(__file__).resolve().parents[2]

PICTURE = base64.b64encode(b"\x89PNG some bytes").decode()


def shown(**data: object) -> list[dict[str, object]]:
    return [{"output_type": "display_data", "data": data, "metadata": {"x": "<script>"}}]


def test_text_and_pictures_stay() -> None:
    kinds = {"text/plain": "a table", "image/png": PICTURE}
    [output] = clean_outputs(shown(**kinds))
    assert output.data == kinds
    assert output.metadata == {}


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "text/markdown",
        "text/latex",
        "image/svg+xml",
        "application/javascript",
        "application/vnd.course.verdict+json",
        "application/vnd.jupyter.widget-view+json",
    ],
)
def test_what_a_browser_would_run_or_a_grader_believe_does_not(kind: str) -> None:
    [output] = clean_outputs(shown(**{kind: "<script>alert(1)</script>", "text/plain": "2"}))
    assert list(output.data) == ["text/plain"]
    assert clean_outputs(shown(**{kind: "x"})) == []


def test_a_picture_that_would_end_its_attribute_is_dropped() -> None:
    assert clean_outputs(shown(**{"image/png": f'{PICTURE}" onerror="alert(1)'})) == []


def test_pictures_in_lines_stay_and_broken_ones_do_not() -> None:
    lines = "iVBO Rw0K\nGgo=\n"
    [output] = clean_outputs(shown(**{"image/png": lines}))
    assert output.data == {"image/png": lines}
    for broken in ("iV=BORw", "iVBO===", "iVBO\0", "iVBO-"):
        assert clean_outputs(shown(**{"image/png": broken})) == []


def test_a_picture_of_blanks_is_seen_through_at_once() -> None:
    """The time limit only ends a test that would take hours."""
    size = LARGEST_PICTURE - 100_000
    code = (
        "from autograde.outputs import clean_outputs\n"
        "for end in ('!', '=!', '==='):\n"
        f"    data = {{'image/png': ' ' * {size} + end}}\n"
        "    assert clean_outputs([{'output_type': 'display_data', 'data': data}]) == []\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        "text",
        {"output_type": "stream"},
        [None, 3, "x", []],
        [{"output_type": "execute_result", "data": ["not", "a", "dict"]}],
        [{"output_type": "update_display_data", "data": {"text/plain": "x"}}],
    ],
)
def test_nonsense_is_nothing(nonsense: object) -> None:
    assert clean_outputs(nonsense) == []


def test_a_malformed_error_is_still_an_error() -> None:
    broken = {"output_type": "error", "ename": 3, "evalue": None, "traceback": "no list"}
    [output] = clean_outputs([broken])
    assert (output.ename, output.evalue, output.traceback) == ("", "", [])


def test_amounts_are_bounded() -> None:
    stream = {"output_type": "stream", "name": "other", "text": "x" * (LONGEST_TEXT + 1)}
    outputs = clean_outputs([stream] * (MOST_OUTPUTS + 1))
    assert len(outputs) == MOST_OUTPUTS
    assert len(outputs[0].text) == LONGEST_TEXT
    assert outputs[0].name == "stdout"
