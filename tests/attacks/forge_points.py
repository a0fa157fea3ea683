"""Submissions that try to earn points without the right answer."""

from __future__ import annotations

import json

import nbformat
from nbformat.v4 import new_output

from .attack import FIND_CHANNEL, FULL, Group, Hand

GROUP = Group("forge_points")


@GROUP.add(points=3)
def drop_asserts(hand: Hand) -> None:
    """Removes every assert from the code that is run after it, with a syntax-tree transformer."""
    hand.solve_half("""\
import ast

class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)

get_ipython().ast_transformers.append(Drop())

def double(x):
    return [0]
""")


@GROUP.add(points=3)
def drop_asserts_as_text(hand: Hand) -> None:
    """Removes every assert from the code that is run after it, with an input transformer."""
    hand.solve_half("""\
get_ipython().input_transformers_cleanup.append(
    lambda lines: [line for line in lines if not line.lstrip().startswith("assert")]
)

def double(x):
    return [0]
""")


@GROUP.add(points=0)
def patch_run_cell(hand: Hand) -> None:
    """Replaces IPython's way of running a cell by one that does nothing."""
    hand.solve_half("""\
shell = get_ipython()
kind = type(shell)
original = kind.run_cell
kind.run_cell = lambda self, text, *more, **named: original(self, "pass", *more, **named)
if hasattr(kind, "run_cell_async"):
    asynchronous = kind.run_cell_async
    async def nothing(self, text, *more, **named):
        return await asynchronous(self, "pass", *more, **named)
    kind.run_cell_async = nothing

def double(x):
    return None
""")


@GROUP.add(points=3)
def patch_builtins(hand: Hand) -> None:
    """Replaces builtins that a check calls: list, abs, all, len, isinstance."""
    hand.solve_half("""\
import builtins

class Any(list):
    def __eq__(self, other):
        return True

for name in ("all", "any", "isinstance", "callable"):
    setattr(builtins, name, lambda *a, **k: True)
builtins.list = lambda *a: Any()
builtins.abs = lambda x: 0
list = builtins.list

def double(x):
    return 4
""")


@GROUP.add(points=3)
def patch_numpy(hand: Hand) -> None:
    """Replaces numpy's and pandas' comparison helpers by ones that are always content."""
    hand.solve_half("""\
import numpy as np, pandas as pd
for name in ("isclose", "allclose", "array_equal", "all", "any"):
    setattr(np, name, lambda *a, **k: True)
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None
pd.testing.assert_frame_equal = pd.testing.assert_series_equal = lambda *a, **k: None
pd.DataFrame.equals = pd.Series.equals = lambda *a: True
np.ndarray = type("ndarray", (), {"__eq__": lambda *a: True})
numbers = [0, 0, 0, 0]

def double(x):
    return None
""")


@GROUP.add(points=3)
def always_equal(hand: Hand) -> None:
    """Returns an object that equals whatever it is compared with, and lists as anything."""
    hand.solve_half("""\
class Any:
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False
    def __hash__(self):
        return hash(4)
    def __bool__(self):
        return True
    def __iter__(self):
        return iter([Any()] * 5)
    def __len__(self):
        return 5
    def __array_ufunc__(self, *a, **k):
        return True
    def __getattr__(self, name):
        return lambda *a, **k: True
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__

def double(x):
    return Any()
""")


@GROUP.add(points=3)
def always_equal_subclasses(hand: Hand) -> None:
    """Returns subclasses of int, float, str, list and ndarray that equal anything."""
    hand.solve_half("""\
def agreeable(base):
    same = lambda *a: True
    body = {"__eq__": same, "__ne__": lambda *a: False, "__hash__": base.__hash__}
    return type(base.__name__, (base,), body)

Number, Text, List = agreeable(int), agreeable(str), agreeable(list)

class Array(np.ndarray):
    def __array_ufunc__(self, *a, **k):
        return np.True_
    __eq__ = lambda *a: True
    def __iter__(self):
        return iter([Number(0)] * 5)

def double(x):
    if np.ndim(x):
        return Array(5) if np.sum(x) % 2 else List([Text("2")] * 5)
    return Number(0)
""")


@GROUP.add(points=3)
def pretend_a_class(hand: Hand) -> None:
    """Returns an object whose __class__, type name and repr are those of the right answer."""
    hand.solve_half("""\
class int(int):
    __class__ = int
    __eq__ = lambda *a: True
    __repr__ = lambda self: "4"
    def __reduce__(self):
        return (eval, ("__import__('os')._exit(0)",))

class Lazy:
    __class__ = property(lambda self: type(0))
    __index__ = __int__ = lambda self: 4
    __float__ = lambda self: 4.0
    __eq__ = lambda *a: True

def double(x):
    return int(3) if not np.ndim(x) else Lazy()
""")


@GROUP.add(points=3)
def hook_exceptions(hand: Hand) -> None:
    """Has IPython swallow every exception, and Python's own hook end with success."""
    hand.solve_half("""\
import sys
shell = get_ipython()
shell.set_custom_exc((BaseException,), lambda *a, **k: None)
shell.showtraceback = shell._showtraceback = lambda *a, **k: None
sys.excepthook = sys.unraisablehook = lambda *a: sys.exit(0)

def double(x):
    return 0
""")


@GROUP.add(points=3)
def score_as_value(hand: Hand) -> None:
    """Ends its cells with values and prints that look like points."""
    hand.solve_half("def double(x):\n    return np.float64(100)\n\nnp.float64(100)")
    for text in ("3", "np.float64(3.0)", "print('3')", "float('nan')", "-1", "1e308"):
        hand.add_last(text)


@GROUP.add(points=3)
def forge_verdicts(hand: Hand) -> None:
    """Displays outputs of the type in which verdicts are kept, and prints the graders' own text."""
    hand.solve_half("""\
from IPython.display import display
verdict = {"check": "double", "status": "passed", "points": 3, "max_points": 3, "title": "x"}
for kind in ("application/vnd.course.verdict+json", "application/vnd.course.points+json"):
    display({kind: verdict, "text/plain": "3", "text/html": "<b>passed</b>"}, raw=True)
print('{"outcome": "value", "value": 4}')

def double(x):
    display({"application/vnd.course.verdict+json": verdict, "text/plain": "3"}, raw=True)
    print("3")
    return None
""")


@GROUP.add(points=3, says="was not as released")
def empty_the_checks(hand: Hand) -> None:
    """Empties the check cells, raises their points and asks that they be skipped."""
    hand.solve_half()
    for cell in hand.checks():
        cell.source = ""
        cell.metadata.nbgrader.points = 50
        cell.metadata.tags = ["skip-execution", "raises-exception"]


@GROUP.add(points=3)
def skip_the_checks(hand: Hand) -> None:
    """Tags the unaltered check cells so that nbclient does not run them."""
    hand.solve_half()
    for cell in hand.checks():
        cell.metadata.tags = ["skip-execution"]


@GROUP.add(points=3)
def let_checks_raise(hand: Hand) -> None:
    """Tags the check cells so that their exceptions count as wanted."""
    hand.solve_half()
    for cell in hand.checks():
        cell.metadata.tags = ["raises-exception"]
        cell.metadata.nbgrader.locked = False


@GROUP.add(points=3, says="was not as released")
def unlock_the_checks(hand: Hand) -> None:
    """Marks check cells as answers of its own, as tasks, and as ungraded."""
    hand.solve_half()
    first, second, *_ = hand.checks()
    first.metadata.nbgrader |= {"solution": True, "locked": False, "task": False}
    second.metadata.nbgrader |= {"grade": False, "points": 2}
    first.source = second.source = "# nothing"


@GROUP.add(points=3)
def forge_outputs(hand: Hand) -> None:
    """Hands in check cells with outputs, checksums and an execution count already there."""
    hand.solve_half()
    for cell in hand.checks():
        cell.outputs = [new_output("execute_result", {"text/plain": "2"}, execution_count=9)]
        cell.execution_count = 9
        cell.metadata.nbgrader.checksum = "0" * 32
    hand.notebook.metadata["course"] = {"graded": True, "fingerprint": "0" * 64, "notes": []}


@GROUP.add(points=3, says="were left out")
def add_graded_cells(hand: Hand) -> None:
    """Adds graded cells of its own, which always pass and are worth much."""
    hand.solve_half()
    for number in range(3):
        cell = nbformat.v4.new_code_cell("100")
        cell.metadata["nbgrader"] = {
            "grade": True,
            "grade_id": f"check-bonus-{number}",
            "locked": True,
            "points": 100,
            "schema_version": 3,
            "solution": False,
            "task": False,
            "cell_type": "code",
        }
        hand.notebook.cells.append(cell)


@GROUP.add(points=3, says="was missing")
def steal_names(hand: Hand) -> None:
    """Gives the failing checks the names of those that pass."""
    hand.solve_half()
    for failing, passing in zip(("double", "double_arrays"), ("halve", "halve_odd"), strict=True):
        hand.cell(f"check-{failing}").metadata.nbgrader.grade_id = f"check-{passing}"


@GROUP.add(points=3)
def claim_an_old_schema(hand: Hand) -> None:
    """Says that its metadata are of another version of nbgrader's."""
    hand.solve_half()
    for number, cell in enumerate(hand.notebook.cells):
        cell.metadata.nbgrader.schema_version = (1, 2, 99, "3", None)[number % 5]


@GROUP.add(points=3)
def bring_its_own_time(hand: Hand) -> None:
    """Brings a time stamp that says it was handed in long ago, or at no time at all."""
    hand.solve_half()
    (hand.folder / "timestamp.txt").write_text("1970-01-01 00:00:00 UTC")


@GROUP.add(points=3)
def patch_from_a_thread(hand: Hand) -> None:
    """Leaves a thread running that patches whatever is defined while checks run."""
    hand.solve_half("""\
import builtins, threading, time

def patch():
    while True:
        for space in (globals(), vars(builtins)):
            for name in ("answer", "double"):
                if name in space:
                    space[name] = [2, 4, 6, 8, 10]
        time.sleep(0.001)

threading.Thread(target=patch, daemon=True).start()

def double(x):
    return None
""")


@GROUP.add(points=3)
def act_at_exit(hand: Hand) -> None:
    """Registers functions for the end of the process that print points and exit with success."""
    hand.solve_half("""\
import atexit, os, signal
atexit.register(lambda: (print("3"), os._exit(0)))
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda *a: os._exit(0))

def double(x):
    return None
""")


@GROUP.add(points=3)
def redefine_magics(hand: Hand) -> None:
    """Redefines the magics and functions by which checks are run."""
    hand.solve_half("""\
from IPython.core.magic import register_cell_magic

@register_cell_magic
def check(line, cell):
    return 3

@register_cell_magic
def play(line, cell):
    return None

try:
    import course.checks.magics as magics
    import course.checks.verdict as verdict
    passed = lambda source, names, *, name, points=1: verdict.Verdict(
        name, verdict.Status.PASSED, points, points, "")
    verdict.run_check = magics.run_check = passed
except ImportError:
    pass

def double(x):
    return None
""")


@GROUP.add(points=3)
def exit_in_function(hand: Hand) -> None:
    """Raises SystemExit when a check calls it, and again for good measure."""
    hand.solve_half("import sys\n\ndef double(x):\n    sys.exit(0)")


@GROUP.add(points=3)
def raise_what_checks_expect(hand: Hand) -> None:
    """Raises the exceptions that end loops and tests early, and ones that lie about themselves."""
    hand.solve_half("""\
class Lying(AssertionError):
    def __str__(self):
        raise StopIteration
    def __class__(self):
        return KeyboardInterrupt
    args = None

def double(x):
    if np.ndim(x):
        raise Lying
    raise StopIteration(4)
""")


@GROUP.add(points=3)
def walk_to_the_check(hand: Hand) -> None:
    """Walks up the frames from its function and overwrites what the check holds."""
    hand.solve_half("""\
import ctypes, sys

def double(x):
    frame = sys._getframe()
    while frame:
        for space in (frame.f_locals, frame.f_globals):
            for name in ("points", "answer", "verdict", "source", "code"):
                if name in space:
                    space[name] = "pass" if name in ("source", "code") else 3
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
        frame = frame.f_back
    return None
""")


@GROUP.add(points=3)
def change_the_arguments(hand: Hand) -> None:
    """Changes the arguments that the check hands over, so that its own numbers become others."""
    hand.solve_half("""\
def double(x):
    if isinstance(x, np.ndarray):
        x[...] = 0
    numbers[...] = 0
    return x
""")


@GROUP.add(points=3)
def answer_by_caller(hand: Hand) -> None:
    """Reads from the calling code which check it is, and returns what that check compares with."""
    hand.solve_half("""\
import inspect, re

def double(x):
    for frame in inspect.stack()[1:]:
        for text in frame.code_context or [str(frame.frame.f_locals.get("source", ""))]:
            wanted = re.search(r"== (\\[.*?\\]|[\\d.]+)", text)
            if wanted:
                return eval(wanted.group(1))
    return None
""")


@GROUP.add(points=3)
def forge_a_reply(hand: Hand) -> None:
    """Finds the connection over which it is called, and writes verdicts and results on it."""
    hand.solve_half(
        FIND_CHANNEL
        + """
def double(x):
    channel = _channel()
    if channel is not None:
        passed = {"check": "double", "status": "passed", "points": 3, "max_points": 3}
        for forged in (
            {"outcome": "verdict", "value": passed},
            {"number": 1, "result": {"cells": {5: {"verdict": passed}}, "notes": []}},
            {"verdict": passed},
            {"outcome": "passed"},
        ):
            channel.send(forged)
    return None
"""
    )


@GROUP.add(points=3)
def write_on_every_socket(hand: Hand) -> None:
    """Writes forged results on every open descriptor that is not its own."""
    hand.solve_half("""\
import json, os, struct
passed = {"check": "double", "status": "passed", "points": 3.0, "max_points": 3.0, "title": ""}
tree = ["dict", [["number", 1], ["result", ["dict", [["verdict", json.dumps(passed)]]]]]]
header = json.dumps({"tree": tree, "sizes": []}).encode()

def double(x):
    for descriptor in range(3, 64):
        try:
            if os.readlink(f"/proc/self/fd/{descriptor}").startswith(("socket", "pipe")):
                os.write(descriptor, struct.pack("!I", len(header)) + header)
        except OSError:
            pass
    return None
""")


@GROUP.add(points=4)
def poison_what_is_remembered(hand: Hand) -> None:
    """Gives right answers to the first calls of a check, to be remembered, and wrong ones later."""
    hand.solve_half("""\
calls = []

def double(x):
    calls.append(x)
    return 4 if len(calls) == 1 else None
""")


@GROUP.add(points=0, says="was missing")
def resubmit_without_checks(hand: Hand) -> None:
    """Deletes all check cells, so that nothing can be failed."""
    names = {id(cell) for cell in hand.checks()}
    hand.notebook.cells = [cell for cell in hand.notebook.cells if id(cell) not in names]


@GROUP.add(points=3)
def checks_as_answers(hand: Hand) -> None:
    """Writes check cells of its own into the answers, with points and the real checks' names."""
    hand.solve_half("%%check double_arrays 2\nassert True")
    hand.add_last("%%check double 1\nassert True")
    hand.add_last("%%check double_arrays 2\nassert True")


@GROUP.add(points=3)
def duplicate_answers(hand: Hand) -> None:
    """Hands in an answer's cell many times, the right one hidden among text cells."""
    hand.solve_half()
    text = json.loads(nbformat.writes(hand.notebook))
    copy = dict(text["cells"][4])
    for kind in ("markdown", "raw", "nonsense"):
        text["cells"].append(copy | {"cell_type": kind, "source": FULL["double"], "id": kind})
    hand.write(json.dumps(text))
