"""What strangers' cells show, before it is kept."""

from __future__ import annotations

import base64

import pytest

from autograde.outputs import LONGEST_TEXT, MOST_OUTPUTS, clean_outputs

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
