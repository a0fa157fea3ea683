"""Broken and malicious submissions on which a batch could stop, hang or lose what others earned."""

from __future__ import annotations

import json
import os

import nbformat
from nbformat.v4 import new_code_cell

from .attack import FIND_CHANNEL, FULL, STEM, Group, Hand

GROUP = Group("break_batch")

FORGE = f"""\
import json, struct
{FIND_CHANNEL}
def send(tree, sizes=()):
    channel = _channel()
    if channel is not None:
        header = json.dumps({{"tree": tree, "sizes": list(sizes)}}).encode()
        channel.connection.sendall(struct.pack("!I", len(header)) + header)
"""
"""Defines ``send``, which writes any tree to whoever waits for an answer."""


@GROUP.add(points=0, says="not JSON")
def no_json(hand: Hand) -> None:
    """Hands in a text that is no JSON."""
    hand.write("this is no notebook")


@GROUP.add(points=0, says="not JSON")
def empty_file(hand: Hand) -> None:
    """Hands in an empty file."""
    hand.write(b"")


@GROUP.add(points=0, says="not JSON")
def cut_off(hand: Hand) -> None:
    """Hands in the first half of a notebook."""
    hand.solve_all()
    text = nbformat.writes(hand.notebook)
    hand.write(text[: len(text) // 2])


@GROUP.add(points=0, says="not JSON")
def no_text(hand: Hand) -> None:
    """Hands in bytes that are no text."""
    hand.write(bytes(range(256)) * 64)


@GROUP.add(points=0, says="not JSON")
def deep_nesting(hand: Hand) -> None:
    """Hands in JSON that is nested a hundred thousand deep."""
    hand.write("[" * 100_000 + "]" * 100_000)


@GROUP.add(points=6)
def deep_metadata(hand: Hand) -> None:
    """Hands in a right notebook whose metadata are nested a few hundred deep."""
    hand.solve_all()
    data = json.loads(nbformat.writes(hand.notebook))
    for depth, place in ((900, data["metadata"]), (400, data["cells"][4]["metadata"])):
        place["x"] = json.loads("[" * depth + "]" * depth)
    hand.write(json.dumps(data))


@GROUP.add(points=3)
def deep_source(hand: Hand) -> None:
    """Hands in a cell whose text is a list nested a few hundred deep."""
    hand.solve_half()
    data = json.loads(nbformat.writes(hand.notebook))
    data["cells"][4]["source"] = json.loads("[" * 900 + "]" * 900)
    hand.write(json.dumps(data))


@GROUP.add(points=6)
def metadata_bomb(hand: Hand) -> None:
    """Hands in a right notebook with millions of empty widgets in its metadata, 12 MB of them."""
    hand.solve_all()
    data = nbformat.writes(hand.notebook)
    state = ",".join(["{}"] * 4_000_000)
    hand.write(data.replace('"metadata": {', f'"metadata": {{"widgets": [{state}], ', 1))


@GROUP.add(points=6)
def lone_surrogates(hand: Hand) -> None:
    """Hands in text with halves of characters and with null characters in it."""
    hand.solve_all()
    hand.cell("double").source += "\n# \x00 SURROGATE"
    text = nbformat.writes(hand.notebook).replace("SURROGATE", "\\ud800 \\udfff")
    text = text.replace('"metadata": {', '"metadata": {"\\ud800": "\\udc00", ', 1)
    hand.write(text)


@GROUP.add(points=0, says="not known")
def format_of_the_future(hand: Hand) -> None:
    """Says that the notebook's format is number 99."""
    hand.solve_all()
    hand.write(nbformat.writes(hand.notebook).replace('"nbformat": 4', '"nbformat": 99'))


@GROUP.add(points=0, says="could not be upgraded")
def format_of_the_past(hand: Hand) -> None:
    """Says that the format is number 3 and fills it with what none of that time had."""
    cells = [
        {"cell_type": "code", "input": 5, "language": "python", "outputs": [], "metadata": {}},
        {"cell_type": "code", "input": {"a": ["\ud800"]}, "language": 7, "outputs": 3},
        {"cell_type": ["markdown"], "source": None, "metadata": []},
    ]
    worksheets = [{"cells": cells}, {"cells": None}]
    hand.write(json.dumps({"nbformat": 3, "nbformat_minor": 0, "worksheets": worksheets}))


@GROUP.add(points=0)
def past_with_numbers(hand: Hand) -> None:
    """Hands in a notebook of format 3 with numbers for texts and halves of characters."""
    cells = [
        {"cell_type": "code", "input": value, "language": "python", "outputs": [], "metadata": {}}
        for value in (5, None, ["a", "b"], "\ud800", {"x": 1})
    ]
    data = {
        "metadata": {"name": "x"},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": cells, "metadata": {}}],
    }
    hand.write(json.dumps(data))


@GROUP.add(points=0, says="more than")
def many_cells(hand: Hand) -> None:
    """Hands in a notebook of a hundred thousand cells."""
    hand.solve_all()
    data = json.loads(nbformat.writes(hand.notebook))
    data["cells"] += [{"cell_type": "code", "source": "", "metadata": {}, "outputs": []}] * 100_000
    hand.write(json.dumps(data))


@GROUP.add(points=3, says="not code of a fair size")
def huge_cell(hand: Hand) -> None:
    """Answers with a cell of two hundred thousand lines."""
    hand.solve_half("x = 1\n" * 200_000)


@GROUP.add(points=6)
def twin_cells(hand: Hand) -> None:
    """Gives all cells the same id."""
    hand.solve_all()
    for cell in hand.notebook.cells:
        cell["id"] = "same"


@GROUP.add(points=0)
def cells_as_texts(hand: Hand) -> None:
    """Hands in texts, numbers and lists where cells should be."""
    data = json.loads(nbformat.writes(hand.notebook))
    data["cells"] = ["import os", 5, None, [], {}, {"cell_type": 5}, {"cell_type": "code"}]
    hand.write(json.dumps(data))


@GROUP.add(points=6)
def metadata_as_list(hand: Hand) -> None:
    """Hands in right answers with lists and texts where metadata should be."""
    hand.solve_all()
    data = json.loads(nbformat.writes(hand.notebook))
    data["metadata"] = [1, 2, 3]
    data["cells"].append({"cell_type": "code", "source": ["1"], "metadata": "x", "outputs": 7})
    data["cells"].append({"cell_type": "code", "source": {"a": 1}, "metadata": {"nbgrader": []}})
    hand.write(json.dumps(data))


@GROUP.add(points=6)
def no_metadata(hand: Hand) -> None:
    """Hands in right answers in a notebook without metadata, or with a number for its language."""
    hand.solve_all()
    data = json.loads(nbformat.writes(hand.notebook))
    del data["metadata"]
    data["nbformat_minor"] = "five"
    hand.write(json.dumps(data))


@GROUP.add(points=6)
def language_of_numbers(hand: Hand) -> None:
    """Says that the notebook's language is a number, and its kernel a list."""
    hand.solve_all()
    data = json.loads(nbformat.writes(hand.notebook))
    data["metadata"] |= {"language": 5, "kernelspec": ["fortran"], "language_info": 7}
    hand.write(json.dumps(data))


@GROUP.add(points=0, says="regular file")
def folder_as_notebook(hand: Hand) -> None:
    """Hands in a folder by the notebook's name."""
    hand.path.mkdir()
    (hand.path / "inside.txt").write_text("inside")


@GROUP.add(points=0, says="regular file")
def pipe_as_notebook(hand: Hand) -> None:
    """Hands in a named pipe instead of a notebook, on which a reader waits for ever."""
    os.mkfifo(hand.path)


@GROUP.add(points=6, says="Not taken along")
def pipe_as_file(hand: Hand) -> None:
    """Brings a named pipe and a link to an endless device beside the notebook."""
    hand.solve_all()
    os.mkfifo(hand.folder / "data.csv")
    os.mkfifo(hand.folder / "timestamp.txt")
    os.symlink("/dev/zero", hand.folder / "zeros.bin")


@GROUP.add(points=6)
def unreadable_notebook(hand: Hand) -> None:
    """Hands in a notebook, a file and a folder that nobody may read."""
    hand.solve_all()
    hand.write_notebook()
    (hand.folder / "locked").mkdir()
    for path in (hand.folder / "locked", hand.path):
        path.chmod(0)


@GROUP.add(points=6, says="`timestamp.txt`")
def unreadable_time(hand: Hand) -> None:
    """Brings a time stamp that is no text."""
    hand.solve_all()
    (hand.folder / "timestamp.txt").write_bytes(b"\xff\xfe\x00 never")


@GROUP.add(points=6, says="`timestamp.txt`")
def nonsense_time(hand: Hand) -> None:
    """Brings a time stamp that is no time."""
    hand.solve_all()
    (hand.folder / "timestamp.txt").write_text("the day before yesterday")


@GROUP.add(points=6)
def folder_as_time(hand: Hand) -> None:
    """Brings a folder by the name of the time stamp."""
    hand.solve_all()
    (hand.folder / "timestamp.txt").mkdir()
    (hand.folder / "timestamp.txt" / "inside.txt").write_text("inside")


@GROUP.add(points=6, says="Not taken along")
def deep_folders(hand: Hand) -> None:
    """Brings folders within one another, a hundred deep."""
    hand.solve_all()
    folder = hand.folder
    for _ in range(100):
        folder = folder / "deeper"
    folder.mkdir(parents=True)
    (folder / "inside.txt").write_text("inside")


@GROUP.add(points=6)
def second_notebook(hand: Hand) -> None:
    """Hands in a second notebook that is not of the course, and is broken."""
    hand.solve_all()
    (hand.folder / f"{STEM}-Copy1.ipynb").write_text("{")
    (hand.folder / "other (2).ipynb").write_text(nbformat.writes(hand.notebook))


@GROUP.add(points=6)
def other_kernel(hand: Hand) -> None:
    """Asks for a kernel that is not there."""
    hand.solve_all()
    hand.notebook.metadata["kernelspec"] = {"name": "fortran", "display_name": "Fortran"}


@GROUP.add(points=3, says="`double` ran for more than 3 s")
def endless_function(hand: Hand) -> None:
    """Never returns, and catches whatever would interrupt it."""
    hand.solve_half("""\
def double(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""")


@GROUP.add(points=3, says="`double` ran for more than 3 s")
def asleep_in_c(hand: Hand) -> None:
    """Waits in compiled code, where no interrupt is heard."""
    hand.solve_half("import ctypes\n\ndef double(x):\n    ctypes.CDLL(None).sleep(1000)")


@GROUP.add(points=6, says="A cell ran for more than 3 s")
def endless_cell(hand: Hand) -> None:
    """Has a cell above the answers that never ends."""
    hand.solve_all()
    hand.add_first("while True:\n    pass")


@GROUP.add(points=3, says="`double` ended the Python process")
def kill_itself(hand: Hand) -> None:
    """Kills its own process when a check calls it."""
    hand.solve_half("import os, signal\n\ndef double(x):\n    os._exit(0)")


@GROUP.add(points=3, says="`double` ended the Python process")
def crash_in_c(hand: Hand) -> None:
    """Reads from address zero when a check calls it."""
    hand.solve_half("import ctypes\n\ndef double(x):\n    ctypes.string_at(0)")


@GROUP.add(points=3)
def endless_recursion(hand: Hand) -> None:
    """Calls itself without end, with the limit on depth taken away."""
    hand.solve_half(
        "import sys\nsys.setrecursionlimit(10**9)\n\ndef double(x):\n    return [double(x)]"
    )


@GROUP.add(points=3)
def stop_itself(hand: Hand) -> None:
    """Sends itself the signal that suspends a process."""
    hand.solve_half("""\
import os, signal, time

def double(x):
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(1000)
""")


@GROUP.add(points=3)
def close_everything(hand: Hand) -> None:
    """Closes all of its open files, the line to the grader among them."""
    hand.solve_half("import os\n\ndef double(x):\n    os.closerange(0, 1000)\n    return 4")


@GROUP.add(points=6)
def close_everything_in_a_cell(hand: Hand) -> None:
    """Closes all open files in a cell above the answers."""
    hand.solve_all()
    hand.add_first("import os\nos.closerange(0, 1000)")


@GROUP.add(points=6)
def no_streams(hand: Hand) -> None:
    """Replaces the standard streams by nothing, and the display by an exception."""
    hand.solve_all()
    hand.add_first(
        "import sys\nsys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None\n"
        "sys.displayhook = None\nprint('gone')"
    )


@GROUP.add(points=6)
def magics(hand: Hand) -> None:
    """Uses the shell and IPython's own commands: %%bash, !, %config, %cd, %autoreload."""
    hand.solve_all()
    for text in (
        "%%bash\nkill -9 $PPID; sleep 1 &\necho done",
        "!kill -9 $PPID",
        "%config InteractiveShell.ast_node_interactivity = 'none'",
        "%cd /",
        "%load_ext autoreload\n%autoreload 2",
        "%xmode Minimal",
        "%%javascript\nalert(1)",
    ):
        hand.add_first(text)


@GROUP.add(points=0)
def forget_everything(hand: Hand) -> None:
    """Deletes all names, its own answers and the lab's with them."""
    hand.solve_half("%reset -f\nglobals().clear()")


@GROUP.add(points=6)
def many_shell_lines(hand: Hand) -> None:
    """Has a cell with a thousand shell commands, each of which is to be translated by itself."""
    hand.solve_all()
    hand.add_last("if False:\n" + "    !true\n" * 1_000)


@GROUP.add(points=6)
def deep_expression(hand: Hand) -> None:
    """Has cells whose expressions are too deep or too long for Python's parser."""
    hand.solve_all()
    hand.add_last("x = " + "(" * 5_000 + "1" + ")" * 5_000)
    hand.add_last("x = " + "-" * 90_000 + "1")
    hand.add_last("x = y" + ".a" * 90_000)
    hand.add_last("x = " + "+".join(["1"] * 60_000))
    hand.add_last("lambda: " * 20_000 + "1")


@GROUP.add(points=6)
def shut_down_the_kernel(hand: Hand) -> None:
    """Asks its kernel to exit, in all the ways that IPython has."""
    hand.solve_all()
    hand.add_first("get_ipython().kernel.do_shutdown(False)")
    hand.add_first("get_ipython().ask_exit()\nget_ipython().exiter()")
    hand.add_first("raise SystemExit")


@GROUP.add(points=6)
def tangled_loops(hand: Hand) -> None:
    """Stops, replaces and nests event loops, and leaves tasks behind."""
    hand.solve_all()
    hand.add_first("""\
import asyncio

async def forever():
    while True:
        await asyncio.sleep(0)

try:
    loop = asyncio.get_event_loop()
    loop.create_task(forever())
    loop.stop()
except RuntimeError as error:
    print(error)
asyncio.set_event_loop(None)
asyncio.set_event_loop_policy(None)
""")
    hand.add_first("await asyncio.sleep(0)")


@GROUP.add(points=6)
def move_and_delete(hand: Hand) -> None:
    """Changes to another folder and deletes all files of its own."""
    hand.solve_all()
    (hand.folder / "data.csv").write_text("1,2")
    hand.add_first(
        "import os, shutil\nhere = os.getcwd()\nos.chdir('/')\n"
        "for name in os.listdir(here):\n"
        "    path = os.path.join(here, name)\n"
        "    shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.remove(path)\n"
        "shutil.rmtree(here, ignore_errors=True)"
    )


@GROUP.add(points=6)
def answer_with_nonsense(hand: Hand) -> None:
    """Forges the answer to a cell: errors that are none, outputs of the wrong types."""
    hand.solve_all()
    for value in (5, ["list", [1, 2, 3]], ["list", []], ["dict", [["a", "b"]]]):
        hand.add_last(
            f'{FORGE}send(["dict", [["outputs", ["list", []]], ["error", {_py(value)}]]])'
        )


@GROUP.add(points=6)
def answer_with_arrays(hand: Hand) -> None:
    """Forges outputs whose kinds and names are arrays, which compare like no text."""
    hand.solve_all()
    array = ["objects", [2], ["a", "b"]]
    for pairs in (
        [["output_type", array]],
        [["output_type", "stream"], ["name", array], ["text", "x"]],
        [["output_type", "error"], ["ename", array], ["traceback", array]],
        [["output_type", "display_data"], ["data", ["dict", [["image/png", array]]]]],
    ):
        tree = ["dict", [["outputs", ["list", [["dict", pairs]]]], ["error", None]]]
        hand.add_last(f"{FORGE}send({tree!r})")


@GROUP.add(points=6)
def answer_too_deep(hand: Hand) -> None:
    """Forges outputs that are just not too deep to be read, but too deep to be passed on."""
    hand.solve_all()
    for depth in (34, 33, 35, 32, 36, 37):
        hand.add_last(f"""{FORGE}
index = ["index", ["named", "str", ["a"]], None]
tree = ["series", ["plain", ["array", "<f8", [1], 0]], index, None]
for _ in range({depth}):
    tree = ["list", [tree]]
channel = _channel()
if channel is not None:
    whole = ["dict", [["outputs", ["list", [tree]]], ["error", None]]]
    header = json.dumps({{"tree": whole, "sizes": [8]}}).encode()
    channel.connection.sendall(struct.pack("!I", len(header)) + header + bytes(8))
""")


@GROUP.add(points=0)
def answer_without_value(hand: Hand) -> None:
    """Forges the answer to the question what an exercise's name stands for, for every exercise."""
    hand.solve_half(
        FORGE
        + """
import autograde.arms_length.learner as learner
learner._Learner._perform = lambda self, request: {"outcome": "value"}

def double(x):
    return None
"""
    )


@GROUP.add(points=3)
def name_that_does_not_cross(hand: Hand) -> None:
    """Binds an exercise's name to a value that can be sent, but not be received."""
    hand.solve_half("""\
import pandas as pd
double = pd.Series([1.0], index=pd.Index(["a"]))
for _ in range(38):
    double = [double]
""")


@GROUP.add(points=3)
def costly_name(hand: Hand) -> None:
    """Binds an exercise's name to a fraction that takes hours to reduce."""
    hand.solve_half("""\
from fractions import Fraction
double = object.__new__(Fraction)
double._numerator, double._denominator = (1 << 90_000_000) + 1, (1 << 89_999_999) + 3
""")


@GROUP.add(points=0, says="`double` gave an answer that could not be looked at")
def endless_callbacks(hand: Hand) -> None:
    """Answers every question with a question, without end."""
    hand.solve_half("""\
try:
    import autograde.arms_length.learner as learner
    def flood(self, request):
        import json, struct
        ask = ["dict", [["outcome", "callback"], ["number", 0], ["arguments", ["list", []]],
                        ["named", ["dict", []]]]]
        header = json.dumps({"tree": ask, "sizes": []}).encode()
        frame = (struct.pack("!I", len(header)) + header) * 200
        import threading
        def drain():
            while self.channel.connection.recv(1 << 20):
                pass
        threading.Thread(target=drain, daemon=True).start()
        while True:
            self.channel.connection.sendall(frame)
    learner._Learner._perform = flood
except ImportError:
    pass

def double(x):
    return None
""")


@GROUP.add(points=3)
def header_bomb(hand: Hand) -> None:
    """Answers with 60 MB of brackets, which take gigabytes once they have been read."""
    hand.solve_half(
        FORGE
        + """
def double(x):
    channel = _channel()
    if channel is not None:
        one = b"[" * 500 + b"]" * 500 + b","
        body = b'{"sizes": [], "tree": [' + one * 60_000 + b"0]}"
        channel.connection.sendall(struct.pack("!I", len(body)) + body)
    return None
"""
    )


@GROUP.add(points=3)
def deaf(hand: Hand) -> None:
    """Announces an answer of gigabytes and sends a byte of it now and then."""
    hand.solve_half(
        FORGE
        + """
def double(x):
    import time
    channel = _channel()
    if channel is not None:
        channel.connection.sendall(struct.pack("!I", 60_000_000))
        while True:
            channel.connection.sendall(b" ")
            time.sleep(0.1)
    return None
"""
    )


@GROUP.add(points=6)
def large_answers(hand: Hand) -> None:
    """Fills its cells with as much text as a file may hold, in letters that take six bytes."""
    hand.solve_all()
    for _ in range(49):
        hand.notebook.cells.append(
            new_code_cell("# " + "\N{LATIN SMALL LETTER E WITH ACUTE}" * 195_000)
        )
    assert FULL


def _py(tree: object) -> str:
    return repr(tree)
