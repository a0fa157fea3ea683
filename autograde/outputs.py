"""Outputs of a stranger's cells, made fit to be kept and shown.

They go into the graded notebook, which instructors open in the formgrader and learners as a page.
Text and pictures stay; whatever a browser would run or load does not.
"""

from __future__ import annotations

import re

from nbformat import NotebookNode
from nbformat.v4 import new_output

MOST_OUTPUTS = 200
"""Outputs that are kept of one cell."""
LONGEST_TEXT = 200_000
LARGEST_PICTURE = 2_000_000
"""Characters of a picture in base64."""

_PICTURES = ("image/png", "image/jpeg")
# Without going back (`*+`): white space matches twice here, and would be divided in every way.
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*+={0,2}\s*")
_STREAMS = ("stdout", "stderr")


def clean_outputs(outputs: object) -> list[NotebookNode]:
    """Return the outputs that are fit to be kept, as new ones.

    Parameters
    ----------
    outputs
        What a learner's process says its cell showed; nothing about it is trusted.
    """
    if not isinstance(outputs, list):
        return []
    cleaned = (_clean(output) for output in outputs[:MOST_OUTPUTS] if isinstance(output, dict))
    return [output for output in cleaned if output is not None]


def _clean(output: dict[str, object]) -> NotebookNode | None:
    kind = output.get("output_type")
    if not isinstance(kind, str):
        return None
    if kind == "stream":
        name = output.get("name")
        name = name if isinstance(name, str) and name in _STREAMS else "stdout"
        return new_output("stream", name=name, text=_text(output.get("text")))
    if kind in ("display_data", "execute_result"):
        data = _clean_data(output.get("data"))
        return new_output(kind, data=data) if data else None
    if kind == "error":
        lines = output.get("traceback")
        lines = lines if isinstance(lines, list) else []
        return new_output(
            "error",
            ename=_text(output.get("ename"))[:200],
            evalue=_text(output.get("evalue"))[:2_000],
            traceback=[_text(line)[:20_000] for line in lines[:100]],
        )
    return None


def _clean_data(data: object) -> dict[str, str]:
    if not isinstance(data, dict):
        return {}
    kept = {}
    if "text/plain" in data:
        kept["text/plain"] = _text(data["text/plain"])
    for kind in _PICTURES:
        picture = data.get(kind)
        # It is put between the quotes of an attribute: letters of base64 and nothing else.
        fair = isinstance(picture, str) and len(picture) <= LARGEST_PICTURE
        if fair and _BASE64.fullmatch(picture):
            kept[kind] = picture
    return kept


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return text[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
