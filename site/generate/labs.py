"""The pages of the labs: one that says what a lab is about, and the worked notebook."""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path

from course.catalogue import LabEntry, Module
from course.checks.magics import VERDICT_MIME
from generate.links import page_of
from generate.worlds import worlds_of

_INTRODUCTION = """\
# Labs

A lab is a notebook: a decision to make, a world that plays it out, and functions to write that
repair it. Checks answer in words as you go. Each page here says what a lab asks for and leads to
the worked notebook; [Start](../start.md) says how to open your own copy.

"""
_TITLE = re.compile(r"^# +(.+?)\s*$", re.MULTILINE)


def lab_pages(root: Path, modules: list[Module]) -> dict[str, bytes]:
    """Return the page of each lab, its notebooks and the list of all, by path in the site.

    Parameters
    ----------
    root
        Root of the repository.
    modules
        The course's modules.
    """
    pages: dict[str, bytes] = {}
    lists = []
    for module in modules:
        lists.append(_module_list(module))
        for lab in module.labs:
            notebook = lab.release.read_bytes()
            pages[f"downloads/{lab.name}.ipynb"] = notebook
            pages[f"labs/{lab.name}.md"] = _lab_page(lab, module, notebook, root).encode()
            if lab.solution.is_file():
                pages[f"solutions/{lab.name}.ipynb"] = _worked(lab).encode()
    pages["labs/index.md"] = (_INTRODUCTION + "\n".join(lists)).encode()
    return pages


def _module_list(module: Module) -> str:
    """Return a module's labs with what each teaches."""
    entries = "\n".join(lab.name for lab in module.labs)
    lines = "\n".join(f"- [{lab.title}]({lab.name}.md): {lab.teaches}" for lab in module.labs)
    return f"## {module.title}\n\n{lines}\n\n```{{toctree}}\n:hidden:\n{entries}\n```\n"


def _lab_page(lab: LabEntry, module: Module, notebook: bytes, root: Path) -> str:
    """Return what a learner reads before opening a lab."""
    stem = lab.name.split("/")[1]
    cells = json.loads(notebook)["cells"]
    exercises = "\n".join(f"- {exercise.heading}" for exercise in lab.exercises)
    page = f"labs/{lab.name}.md"
    related = []
    if module.reading:
        link = _link(page_of(module.reading.relative_to(root).as_posix()), page)
        related.append(f"- The chapter to read first: [](<{link}>)")
    for world in worlds_of(notebook.decode()):
        related.append(f"- A world that it runs in: [](<{_link(f'worlds/{world}.rst', page)}>)")
    download = _link(f"downloads/{lab.name}.ipynb", page)
    related.append(f"- The notebook as it is released: {{download}}`{stem}.ipynb <{download}>`")
    worked = ""
    if lab.solution.is_file():
        link = _link(f"solutions/{lab.name}", page)
        entry = f"The worked notebook, with every solution and hidden test <{link}>"
        worked = f"\n## After your own attempt\n\n```{{toctree}}\n{entry}\n```\n"
    return (
        f"{''.join(cells[0]['source'])}\n\n"
        f"## Start\n\n```console\n$ make lab LAB={stem}\n```\n\n"
        "opens your own copy in JupyterLab, and\n\n"
        f"```console\n$ make check LAB={stem}\n```\n\n"
        "grades what you have saved, hidden tests included.\n\n"
        f"## Exercises\n\n{exercises}\n\n"
        f"## Around it\n\n{chr(10).join(related)}\n{worked}"
    )


def _worked(lab: LabEntry) -> str:
    """Return a worked notebook that says at its top what it is."""
    notebook = json.loads(lab.solution.read_text(encoding="utf-8"))
    first = notebook["cells"][0]
    stem = lab.name.split("/")[1]
    back = _link(f"labs/{lab.name}.md", f"solutions/{lab.name}.ipynb")
    note = (
        "\n\n:::{note}\nThis is the worked notebook, with every solution and hidden test in it. "
        f"`make lab LAB={stem}` opens your own copy; [its page](<{back}>) says what it asks for.\n"
        ":::\n\n"
    )
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(VERDICT_MIME, None)  # for programs; the card is beside it
    text = "".join(first["source"])
    first["source"] = _TITLE.sub(lambda match: f"# {match[1]} (worked){note}", text, count=1)
    return json.dumps(notebook, ensure_ascii=False)


def _link(target: str, page: str) -> str:
    return posixpath.relpath(target, posixpath.dirname(page))
