"""Submissions that try to harm the machine, the other students or whoever looks at them."""

from __future__ import annotations

import os
from textwrap import indent

from .attack import FIND_CHANNEL, FULL, Group, Hand

GROUP = Group("harm_others")

_MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def _in_double(body: str) -> str:
    """Return an answer that does something first whenever it is called, and then answers right."""
    return f"def double(x):\n{indent(body, '    ')}\n    return 2 * np.asarray(x)"


@GROUP.add(points=6)
def write_outside(hand: Hand) -> None:
    """Writes into a folder that everybody may write to, and over a file in it."""
    hand.solve_all()
    outside = hand.targets.outside
    hand.add_first(f"""\
import os, pathlib
for path in ({str(outside / "witness.txt")!r}, {str(outside / "write_outside.txt")!r}):
    try:
        pathlib.Path(path).write_text("written by a submission")
    except OSError as error:
        print(type(error).__name__)
try:
    os.chmod({str(outside)!r}, 0)
    os.rename({str(outside)!r}, {str(outside) + "-gone"!r})
except OSError as error:
    print(type(error).__name__)
""")


@GROUP.add(points=6)
def write_the_gradebook(hand: Hand) -> None:
    """Deletes all grades in the database, and the others' submissions."""
    hand.solve_all()
    secrets = hand.targets.secrets
    hand.add_first(f"""\
import os, sqlite3
try:
    with sqlite3.connect({str(secrets["gradebook"])!r}) as database:
        database.execute("UPDATE student SET first_name = 'nobody'")
        database.execute("DELETE FROM grade")
        print("the gradebook was changed")
except sqlite3.Error as error:
    print(type(error).__name__)
for path in ({str(secrets["neighbour"])!r}, {str(secrets["solution"])!r}):
    try:
        os.remove(path)
    except OSError as error:
        print(type(error).__name__)
""")


@GROUP.add(points=6)
def change_start_files(hand: Hand) -> None:
    """Writes start files for later processes: IPython's profile, a .pth file, a sitecustomize."""
    hand.solve_all()
    home = hand.targets.secrets["home"].parent
    hand.add_first(f"""\
import os, pathlib, site, sys
places = [
    pathlib.Path({str(home)!r}, ".ipython/profile_default/startup/00.py"),
    pathlib.Path({str(home)!r}, ".canary"),
    pathlib.Path({str(hand.targets.outside)!r}, "sitecustomize.py"),
]
for path in places:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("print('written by a submission')")
    except OSError as error:
        print(type(error).__name__)
""")


@GROUP.add(points=6)
def use_shared_folders(hand: Hand) -> None:
    """Puts a file by a well-known name into /tmp and /dev/shm for the next submission to find."""
    hand.solve_all()
    name = f"course-attack-{hand.targets.token}"
    hand.add_first(f"""\
import os
for folder in ("/tmp", "/dev/shm", "/var/tmp"):
    path = os.path.join(folder, {name!r})
    print(folder, "found" if os.path.exists(path) else "empty")
    try:
        open(path, "w").write("for the next one")
    except OSError as error:
        print(type(error).__name__)
""")


@GROUP.add(points=6)
def find_shared_folders(hand: Hand) -> None:
    """Looks for what another submission has put into /tmp and /dev/shm."""
    hand.solve_all()
    outside, name = hand.targets.outside, f"course-attack-{hand.targets.token}"
    hand.add_first(f"""\
import os
for folder in ("/tmp", "/dev/shm", "/var/tmp"):
    path = os.path.join(folder, {name!r})
    if os.path.exists(path):
        try:
            open(os.path.join({str(outside)!r}, "found.txt"), "w").write(path)
        except OSError as error:
            raise RuntimeError(f"found {{path}} of another submission")
""")


@GROUP.add(points=6)
def leave_a_process(hand: Hand) -> None:
    """Leaves processes behind: forked twice, in a session of their own, deaf to signals."""
    hand.solve(
        halve=FULL["halve"],
        double=f"""\
import os, signal

def double(x):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            os.execvp("sleep", ["sleep", {hand.targets.token!r}])
        os._exit(0)
    return 2 * np.asarray(x)
""",
    )
    hand.add_last(
        f"import subprocess\n_ = subprocess.Popen(['sleep', {hand.targets.token!r}], "
        "start_new_session=True)"
    )


@GROUP.add(points=6)
def signal_others(hand: Hand) -> None:
    """Ends, or stops, all processes that it may send a signal to, its own parent among them."""
    hand.solve_all()
    hand.add_first(f"""\
import os, signal
for process in ({hand.targets.victim}, os.getppid()):
    for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
        if process > 1:
            try:
                os.kill(process, number)
            except OSError as error:
                print(type(error).__name__)
""")


@GROUP.add(points=6)
def connect_to_loopback(hand: Hand) -> None:
    """Connects to a server on this machine, and hands it what it has found."""
    hand.solve_all()
    hand.add_first(f"""\
import socket
for address in ("127.0.0.1", "localhost", "0.0.0.0"):
    try:
        with socket.create_connection((address, {hand.targets.port}), timeout=1) as line:
            line.sendall(b"found")
            print("connected")
    except OSError as error:
        print(type(error).__name__)
""")


@GROUP.add(points=6)
def fork_storm(hand: Hand) -> None:
    """Starts processes in doubling numbers, up to four dozen, each of which computes."""
    hand.solve_all()
    hand.add_last("""\
import os, time
started = 0
try:
    for _ in range(48):
        if os.fork() == 0:
            end = time.monotonic() + 20
            while time.monotonic() < end:
                pass
            os._exit(0)
        started += 1
except OSError as error:
    print(type(error).__name__)
print(started, "processes")
""")


@GROUP.add(points=6)
def memory_bomb(hand: Hand) -> None:
    """Takes 1.2 GB of memory and holds it while the rest of the notebook runs."""
    hand.solve_all()
    hand.add_first("""\
held = []
try:
    for _ in range(12):
        held.append(np.ones(100_000_000 // 8))
except MemoryError:
    held.clear()
    raise
print(sum(part.nbytes for part in held) // 1_000_000, "MB")
""")


@GROUP.add(points=6)
def disk_bomb(hand: Hand) -> None:
    """Fills the disk: 300 MB in files of 10 MB, in every folder that it can write to."""
    hand.solve_all()
    hand.add_first(f"""\
import os
written = 0
for folder in (".", "/tmp", os.path.expanduser("~"), {str(hand.targets.outside)!r}):
    for number in range(30):
        path = os.path.join(folder, f"bomb-{{number}}")
        try:
            with open(path, "wb") as file:
                file.write(bytes(10_000_000))
            written += 10
        except OSError as error:
            print(type(error).__name__)
            break
print(written, "MB")
for folder in (".", "/tmp", os.path.expanduser("~")):
    for number in range(30):
        try:
            os.remove(os.path.join(folder, f"bomb-{{number}}"))
        except OSError:
            break
""")


@GROUP.add(points=6)
def flood_of_prints(hand: Hand) -> None:
    """Prints without end, on both streams."""
    hand.solve_all()
    hand.add_last("import sys\nwhile True:\n    print('x' * 1000)\n    print('y', file=sys.stderr)")


@GROUP.add(points=3)
def flood_of_text(hand: Hand) -> None:
    """Returns an object whose text is 100 MB, shows it, and raises it as a message."""
    hand.solve_half("""\
class Loud:
    def __repr__(self):
        return "x" * 100_000_000

def double(x):
    if np.ndim(x):
        raise ValueError(repr(Loud()))
    return Loud()

Loud()
""")


@GROUP.add(points=6)
def flood_of_displays(hand: Hand) -> None:
    """Displays thousands of pictures and tables, from every one of sixty cells."""
    hand.solve_all()
    for _ in range(60):
        hand.add_last(
            "from IPython.display import display\n"
            "for _ in range(300):\n"
            "    display({'text/plain': '\\N{SNOWMAN}' * 6_000}, raw=True)\n"
            "print('\\N{GRINNING FACE}' * 190_000)"
        )


@GROUP.add(points=3)
def huge_string(hand: Hand) -> None:
    """Returns a text of 100 MB where a number is asked for."""
    hand.solve_half("def double(x):\n    return '4' * 100_000_000")


@GROUP.add(points=3)
def huge_integers(hand: Hand) -> None:
    """Returns integers of millions of digits, which take for ever to print or multiply."""
    hand.solve_half(
        "def double(x):\n    return 7 ** 1_000_000 if np.ndim(x) else -(1 << 40_000_000)"
    )


@GROUP.add(points=3)
def huge_ranges(hand: Hand) -> None:
    """Returns ranges and views that are small to send and endless to list."""
    hand.solve_half("""\
def double(x):
    if np.ndim(x):
        return range(10**15)
    return np.broadcast_to(np.float64(4), (10**5, 10**5))
""")


@GROUP.add(points=3)
def costly_fraction(hand: Hand) -> None:
    """Returns a fraction whose reduction to lowest terms takes hours."""
    hand.solve_half("""\
from fractions import Fraction

def double(x):
    value = object.__new__(Fraction)
    value._numerator, value._denominator = (1 << 90_000_000) + 1, (1 << 89_999_999) + 3
    return value
""")


@GROUP.add(points=3)
def costly_set(hand: Hand) -> None:
    """Returns a set of numbers that all have the same hash, so that building it takes hours."""
    hand.solve_half("""\
def double(x):
    class Pretended(set):
        pass
    values = [k * (2**61 - 1) for k in range(1, 300_000)]
    channel = _channel()
    if channel is not None:
        import json, struct
        tree = ["dict", [["outcome", "value"], ["value", ["set", [
            ["list", [["int", hex(value)] for value in values]]]]]]]
        tree[1][1][1] = ["set", [["int", hex(value)] for value in values]]
        header = json.dumps({"tree": tree, "sizes": []}).encode()
        channel.connection.sendall(struct.pack("!I", len(header)) + header)
    return None
""")
    hand.add_first(FIND_CHANNEL)


@GROUP.add(points=3)
def lying_lengths(hand: Hand) -> None:
    """Returns recursive structures, and objects that lie about their length and never end."""
    hand.solve_half("""\
class Endless:
    def __len__(self):
        return 10**18
    def __iter__(self):
        while True:
            yield self
    def __getitem__(self, key):
        return self

def double(x):
    if np.ndim(x):
        return Endless()
    value = []
    value.append(value)
    return value
""")


@GROUP.add(points=3)
def deep_answer(hand: Hand) -> None:
    """Returns values nested to every depth around the one at which nothing more may cross."""
    hand.solve_half("""\
import pandas as pd
calls = []

def double(x):
    value = pd.Series([1.0], index=pd.Index([("a", 1)], tupleize_cols=False))
    for _ in range(36 if np.ndim(x) else 35):
        value = [value]
    return value
""")


@GROUP.add(points=6)
def shadow_modules(hand: Hand) -> None:
    """Brings files by the names of modules that the grader imports, and start files of Python's."""
    hand.solve_all()
    text = f"open({str(hand.targets.outside / 'shadow.txt')!r}, 'w').write('ran')\nraise SystemExit"
    for name in (
        "numpy",
        "json",
        "random",
        "course",
        "autograde",
        "sitecustomize",
        "usercustomize",
    ):
        (hand.folder / f"{name}.py").write_text(text)
        (hand.folder / name).mkdir()
        (hand.folder / name / "__init__.py").write_text(text)
    (hand.folder / "evil.pth").write_text(f"import os; {text.splitlines()[0]}")
    (hand.folder / "nbgrader_config.py").write_text(text)
    (hand.folder / "jupyter_config.json").write_text('{"Application": {"log_level": 0}}')


@GROUP.add(points=6, says="Not taken along")
def odd_names(hand: Hand) -> None:
    """Brings files with names that climb out of the folder, hide, or are no text."""
    hand.solve_all()
    names = (
        b"..\\..\\evil.txt",
        b"-rf",
        b"$(touch x)",
        b"a\nb",
        b"\xff\xfe.csv",
        b" ",
        b"~",
        b"\x1b[2J",
    )
    for name in names:
        with open(os.path.join(os.fsencode(hand.folder), name), "wb") as file:
            file.write(b"1")
        os.symlink("/etc/passwd", os.path.join(os.fsencode(hand.folder), b"l" + name))


@GROUP.add(points=6, says="Not taken along")
def markup_in_file_names(hand: Hand) -> None:
    """Brings a link whose name is markup, which the note on it carries to the instructor."""
    hand.solve_all()
    os.symlink("/etc/passwd", hand.folder / "a` <img src=x onerror=alert(2)> `b")


@GROUP.add(points=3)
def markup_in_outputs(hand: Hand) -> None:
    """Puts scripts into outputs, messages, answers and names for whoever opens the notebook."""
    hand.solve_half(f"""\
from IPython.display import HTML, SVG, Image, Javascript, Markdown, display
MARKUP = {_MARKUP!r}
print(MARKUP)
display(HTML(MARKUP), Markdown(MARKUP), Javascript("alert(3)"))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(4)"></svg>'))
display({{"image/png": '">' + MARKUP, "text/latex": MARKUP, "text/html": MARKUP}}, raw=True)
display({{"application/vnd.jupyter.widget-view+json": {{"model_id": MARKUP}}}}, raw=True)

def double(x):
    raise type(MARKUP, (ValueError,), {{}})(f"`{{MARKUP}}` {{MARKUP}}")
""")
    hand.add_last(f"# {_MARKUP}\nraise ValueError({_MARKUP!r})")


@GROUP.add(points=6)
def markup_in_text(hand: Hand) -> None:
    """Writes scripts into text cells: its own, and over those of the lab."""
    hand.solve_all()
    hand.cell("top-text-1").source += _MARKUP
    hand.cell("top-text-3").source = _MARKUP
    hand.notebook.cells[0].metadata["collapsed"] = _MARKUP
    hand.notebook.metadata["title"] = _MARKUP
    hand.notebook.metadata["authors"] = [{"name": _MARKUP}]


@GROUP.add(points=3)
def terminal_tricks(hand: Hand) -> None:
    """Sends codes that clear a terminal or change its title, wherever the grader prints."""
    hand.solve_half("""\
CODES = "\\x1b[2J\\x1b]0;owned\\x07\\x1b[31m[bold]6 of 6 points[/bold]\\r"
print(CODES)

def double(x):
    raise ValueError(CODES)
""")


@GROUP.add(points=6)
def bring_much(hand: Hand) -> None:
    """Brings 12 files of 19 MB beside the notebook, which take no room where they come from."""
    hand.solve_all()
    for number in range(12):
        with open(hand.folder / f"data-{number}.bin", "wb") as file:
            file.truncate(19_000_000)
