"""The ground for attacks: a course with secrets, neighbours, and things that can be harmed."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import psutil
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from authoring.lab import parse_lab
from authoring.notebook import to_notebook

from .attack import FULL, STEM, Attack, Hand, Targets

ROOT = Path(__file__).resolve().parents[2]
MODULE = "m0_practice"
COURSE_ID = "ml_system_design"
BEFORE, AFTER = "aaa_honest", "zzz_honest"
"""Students who answer honestly: the first and the last of a batch."""
ENVIRONMENT_VARIABLE = "COURSE_CANARY"
_MOST_WRITTEN = 100_000_000
HEARD = "heard: "
"""What an attacker writes before what it heard a hidden test ask."""

OUR_CONFIGURATION = """\
from pathlib import Path
from autograde.nbgrader_settings import configure, make_folders
make_folders(Path(__file__).parent)
config = get_config()
configure(config, Path(__file__).parent)
config.ExecuteApart.timeout = 3
config.ExecuteApart.notebook_seconds = 20
config.ExecuteApart.memory_megabytes = 512
"""
STOCK_CONFIGURATION = f"""\
from pathlib import Path
config = get_config()
config.CourseDirectory.root = str(Path(__file__).parent)
config.CourseDirectory.course_id = "{COURSE_ID}"
config.Execute.timeout = 10
"""


def canaries() -> dict[str, str]:
    """Return unmistakable texts to be planted, by where they are planted."""
    places = ("solution", "hidden test", "gradebook", "neighbour", "environment", "home")
    return {place: f"canary-{secrets.token_hex(8)}" for place in places}


@dataclass
class Evidence:
    """What came of one attacker's submission.

    Attributes
    ----------
    points
        Points earned; None if there is no grade.
    said
        What the report says of it.
    read
        Kinds of secrets that its graded notebook, its feedback or its files show.
    runs
        Whether the graded notebook, as the formgrader shows it, would run the attacker's script.
    """

    points: float | None
    said: str
    read: list[str] = field(default_factory=list)
    runs: bool = False


class Scene:
    """A course folder with planted secrets, a victim, a listener, and honest students.

    Parameters
    ----------
    root
        An empty folder that everybody may read.
    ours
        Whether the course is graded with this project's configuration, rather than nbgrader's own.
    """

    def __init__(self, root: Path, *, ours: bool) -> None:
        self.root, self.ours = root, ours
        self.course, self.home, self.outside = root / "course", root / "home", root / "outside"
        self.canaries = canaries()
        self.token = f"600.{secrets.randbelow(10**9):09d}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._victim = subprocess.Popen(["sleep", "3600"])
        self.release: NotebookNode
        self._build()
        self.untouched = self._fingerprint()

    @property
    def _data(self) -> Path:
        return self.course / "gradebook" if self.ours else self.course

    @property
    def environment(self) -> dict[str, str]:
        """The grading user's environment variables, a secret among them."""
        return os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(
                os.pathsep
            ),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(self.home),
            ENVIRONMENT_VARIABLE: self.canaries["environment"],
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }

    @property
    def targets(self) -> Targets:
        """What an attacker aims at."""
        files = {
            "solution": self.course / "source" / MODULE / f"{STEM}.ipynb",
            "gradebook": self._data / "gradebook.db",
            "neighbour": self.submission(BEFORE) / f"{STEM}.ipynb",
            "home": self.home / ".canary",
        }
        port = self._listener.getsockname()[1]
        return Targets(files, self.outside, self._victim.pid, port, self.token)

    def submission(self, student: str) -> Path:
        """Return the folder of a student's submission."""
        return self._data / "submitted" / student / MODULE

    def hand_in(self, attacks: Iterable[Attack]) -> None:
        """Make the attackers' submissions."""
        for attack in attacks:
            attack.hand_in(self.hand(attack.name))

    def hand(self, student: str) -> Hand:
        """Give a student the release, and a folder to hand it in."""
        copy = nbformat.reads(nbformat.writes(self.release), as_version=4)
        folder = self.submission(student)
        folder.mkdir(parents=True)
        return Hand(copy, folder, self.targets)

    def command(self, *words: str, seconds: float) -> subprocess.CompletedProcess[str]:
        """Run a command in the course's folder, as the grading user."""
        # Output goes to a file: a process left behind would hold a pipe open.
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            process = subprocess.Popen(
                words,
                cwd=self.course,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                code = -1
            said.seek(0)
            return subprocess.CompletedProcess(words, code, said.read(), "")

    def nbgrader(self, *words: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        """Run one of nbgrader's commands."""
        return self.command(sys.executable, "-m", "nbgrader", *words, seconds=seconds)

    def evidence(self, student: str) -> Evidence:
        """Gather what came of one submission."""
        notebook = self._graded(student)
        said = self._notes(student, notebook)
        found = Evidence(self._points(student), said)
        shown = self._shown(student, notebook)
        found.read = [place for place, text in self.canaries.items() if text in shown]
        if f"{HEARD}array([1, 2, 3, 4, 5])" in shown:
            found.read.append("input of a hidden test")
        found.runs = notebook is not None and runs_script(notebook)
        return found

    def harm(self) -> list[str]:
        """Return what was harmed outside of the attackers' own submissions, in words."""
        harmed = []
        with self._gradebook() as book:
            if book.find_student("canary").first_name != self.canaries["gradebook"]:
                harmed.append("the gradebook was changed")
        if self._fingerprint() != self.untouched:
            harmed.append("files were changed")
        if self._victim.poll() is not None:
            harmed.append("a process was ended")
        elif psutil.Process(self._victim.pid).status() == psutil.STATUS_STOPPED:
            harmed.append("a process was stopped")
        with contextlib.suppress(BlockingIOError):
            self._listener.accept()[0].close()
            harmed.append("a connection was made")
        if list(self._left_behind()):
            harmed.append("a process was left behind")
        if self._written() > _MOST_WRITTEN:
            harmed.append("the disk was filled")
        return harmed

    def close(self) -> None:
        """End what was started here, and what attackers left behind."""
        for process in self._left_behind():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._victim.kill()
        self._victim.wait()
        self._listener.close()

    def _written(self) -> int:
        """Return the bytes that grading has written for the largest submission."""
        folders = (self._data / "autograded").glob("*")
        return max(
            (sum(p.stat().st_size for p in f.rglob("*") if p.is_file()) for f in folders), default=0
        )

    def _left_behind(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if self.token in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                    yield process

    def _build(self) -> None:
        text = (ROOT / "tests" / "labs" / MODULE / f"{STEM}.py").read_text(encoding="utf-8")
        lab = parse_lab(f"{MODULE}/{STEM}", text)
        instructor = to_notebook(lab)
        for cell in instructor.cells:
            cell.source = self._planted(cell.source)
        if not self.ours:
            _make_plain(instructor)
        source = self.course / "source" / MODULE / f"{STEM}.ipynb"
        source.parent.mkdir(parents=True)
        nbformat.write(instructor, source)
        configuration = OUR_CONFIGURATION if self.ours else STOCK_CONFIGURATION
        (self.course / "nbgrader_config.py").write_text(configuration)
        self.home.mkdir()
        (self.home / ".canary").write_text(self.canaries["home"])
        self.outside.mkdir()
        self.outside.chmod(0o777)
        (self.outside / "witness.txt").write_text("untouched")
        (self.outside / "witness.txt").chmod(0o666)
        outcome = self.nbgrader("generate_assignment", MODULE)
        assert outcome.returncode == 0, outcome.stdout[-3000:]
        released = self.course / "release" / MODULE / f"{STEM}.ipynb"
        self.release = nbformat.read(released, as_version=4)
        with self._gradebook() as book:
            book.add_student("canary", first_name=self.canaries["gradebook"])
        for student in (BEFORE, AFTER):
            hand = self.hand(student)
            hand.solve(**FULL | {"halve": f"{FULL['halve']}  # {self.canaries['neighbour']}"})
            hand.write_notebook()
        subprocess.run(["chmod", "-R", "a+rX", str(self.root)], check=True)

    def _planted(self, text: str) -> str:
        for mark, place in (("### BEGIN SOLUTION", "solution"), ("### BEGIN HID", "hidden test")):
            lines = text.splitlines()
            for number, line in enumerate(lines):
                if mark in line:
                    indent = line[: len(line) - len(line.lstrip())]
                    lines.insert(number + 1, f"{indent}# {self.canaries[place]}")
                    break
            text = "\n".join(lines)
        return text

    def _gradebook(self) -> Gradebook:
        return Gradebook(f"sqlite:///{self._data / 'gradebook.db'}", COURSE_ID)

    def _points(self, student: str) -> float | None:
        with self._gradebook() as book:
            try:
                return float(book.find_submission_notebook(STEM, MODULE, student).score)
            except MissingEntry:
                return None

    def _graded(self, student: str) -> NotebookNode | None:
        path = self._data / "autograded" / student / MODULE / f"{STEM}.ipynb"
        with contextlib.suppress(OSError, ValueError, nbformat.reader.NotJSONError):
            return nbformat.read(path, as_version=4)
        return None

    def _notes(self, student: str, notebook: NotebookNode | None) -> str:
        if notebook is None:
            return "no grade"
        return " ".join(notebook.metadata.get("course", {}).get("notes", []))

    def _shown(self, student: str, notebook: NotebookNode | None) -> str:
        """Return all that the attacker could look at after grading, but the cells' sources."""
        parts = []
        if notebook is not None:
            cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
            parts += [json.dumps(cell.outputs) for cell in cells]
            parts.append(json.dumps(notebook.metadata))
        for folder in ("autograded", "feedback"):
            for path in sorted((self._data / folder / student).rglob("*")):
                if path.is_file() and path.suffix != ".ipynb" and path.stat().st_size < 50_000_000:
                    parts.append(path.read_text(encoding="utf-8", errors="replace"))
        return "\n".join(parts)

    def _fingerprint(self) -> dict[str, bytes]:
        """Return the contents of what no submission may change."""
        files = [*self.outside.rglob("*"), *self.home.glob(".canary")]
        files += [self.targets.secrets["solution"], self.targets.secrets["neighbour"]]
        return {str(path): path.read_bytes() for path in files if path.is_file()}


def _make_plain(notebook: NotebookNode) -> None:
    """Make of a lab what an instructor with nbgrader alone has: asserts in cells."""
    notebook.cells = [cell for cell in notebook.cells if "%load_ext" not in cell.source]
    for cell in notebook.cells:
        if cell.source.startswith("%%"):
            cell.source = cell.source.partition("\n")[2]


def runs_script(notebook: NotebookNode) -> bool:
    """Say whether the page that an instructor opens of a notebook would run what it brought."""
    page, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    tree = BeautifulSoup(page, "html.parser")
    scripts = [script for script in tree.find_all("script") if "alert(" in script.get_text()]
    handlers = [tag for tag in tree.find_all(True) if {"onerror", "onload"} & set(tag.attrs)]
    return bool(scripts or handlers)


@contextlib.contextmanager
def scene(*, ours: bool) -> Iterator[Scene]:
    """Have a scene, in a folder that other users can read, and clear it away afterwards."""
    root = Path(tempfile.mkdtemp(prefix="course-attacks-", dir="/var/tmp"))
    root.chmod(0o755)
    made: Scene | None = None
    try:
        made = Scene(root, ours=ours)
        yield made
    finally:
        if made is not None:
            made.close()
        _remove(root)


def _remove(root: Path) -> None:
    for _ in range(3):
        subprocess.run(["chmod", "-R", "u+rwX", str(root)], check=False)
        shutil.rmtree(root, ignore_errors=True)
        if not root.exists():
            return
        time.sleep(0.5)
