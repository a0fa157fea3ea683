"""A class of the practice lab, for tests of the command that grades one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
from conftest import PRACTICE, ROOT, Course, hear_interrupts
from nbgrader.api import Gradebook

from authoring.environment import put_tools_on_path
from authoring.lab import parse_lab
from authoring.notebook import to_notebook
from authoring.release import make_release
from authoring.tree import Tree
from autograde.nbgrader_settings import COURSE_ID, DATABASE_VARIABLE
from autograde.report import GradeRow, grade_rows

MODULE = "m0_practice"
SOURCE = (ROOT / "tests" / "labs" / f"{PRACTICE}.py").read_text(encoding="utf-8")
DOUBLE = "def double(x):\n    return 2 * np.asarray(x)"
HALVE = "def halve(x):\n    return x / 2"
HALVE_ROUNDED = "def halve(x):\n    return x // 2"
SLEEPS = f"import time\n\ntime.sleep(600)\n\n\n{DOUBLE}"
CRASHES = "import os\n\n\ndef double(x):\n    os._exit(1)"
GONE_SECONDS = 30
DEADLINE_SECONDS = 240

_PAUSE = '''
import time
from pathlib import Path

from nbgrader.preprocessors import NbGraderPreprocessor


class Pause(NbGraderPreprocessor):
    """Waits, for one student, between the grades in the database and the graded notebook."""

    def preprocess(self, nb, resources):
        if resources["nbgrader"]["student"] == {student!r}:
            Path({root!r}, "paused").touch()
            while not Path({root!r}, "go_on").exists():
                time.sleep(0.05)
        return nb, resources
'''


def grade_class(
    root: Path, *words: str, module: str = MODULE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the class command in a course folder and return what came of it."""
    return subprocess.run(
        [sys.executable, "-m", "autograde.grade", module, *words],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )


class SchoolClass(Course):
    """A course folder with the practice lab, and a class that hands in."""

    def __init__(self, root: Path, source: str = SOURCE) -> None:
        root.mkdir(parents=True, exist_ok=True)
        super().__init__(root)
        self._configuration = (root / "nbgrader_config.py").read_text()
        self.put_lab(source)

    def put_lab(self, source: str, name: str = PRACTICE) -> None:
        """Put a lab's instructor notebook and release in place, as `make build` does."""
        lab = parse_lab(name, source)
        instructor = to_notebook(lab)
        release = make_release(lab, instructor)
        for notebook, path in zip((instructor, release), self.lab_files(name), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, path)

    def lab_files(self, name: str) -> tuple[Path, Path]:
        """Return where a lab's instructor notebook and its release are."""
        return Tree(self.root).instructor(name), Tree(self.root).release(name)

    def hand_in(self, student: str, **answers: str) -> Path:
        """Write a student's notebook with answers to exercises, and return where it is."""
        notebook = nbformat.read(Tree(self.root).release(PRACTICE), as_version=4)
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = answers.get(grade_id, cell.source)
        path = self.submitted(student) / "doubling.ipynb"
        nbformat.write(notebook, path)
        return path

    def pause_at(self, student: str) -> None:
        """Have gradings wait at a student, with the grades written and the notebook not."""
        for name in ("paused", "go_on"):
            (self.root / name).unlink(missing_ok=True)
        (self.root / "pause.py").write_text(_PAUSE.format(student=student, root=str(self.root)))
        added = "get_config().Autograde.autograde_preprocessors.append('pause.Pause')\n"
        (self.root / "nbgrader_config.py").write_text(self._configuration + added)

    def wait_for_pause(self) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (self.root / "paused").exists():
            assert time.monotonic() < deadline, "the grading did not come to the pause"
            time.sleep(0.02)

    def go_on(self) -> None:
        (self.root / "go_on").touch()

    def no_pause(self) -> None:
        (self.root / "nbgrader_config.py").write_text(self._configuration)

    def grade(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return grade_class(self.root, *words, **environment)

    def begin(self, *words: str) -> Grading:
        """Start the class command."""
        return Grading(self.root, words)

    def rows(self) -> dict[str, GradeRow]:
        return {row.student: row for row in grade_rows(self.root / "gradebook", MODULE)}

    def points(self) -> dict[str, float]:
        return {name: row.points for name, row in self.rows().items() if not row.missing}

    def graded_file(self, student: str) -> Path:
        return self.root / "gradebook" / "autograded" / student / f"{PRACTICE}.ipynb"

    def stamps(self) -> dict[str, int]:
        """Return when each graded notebook was written."""
        paths = (self.root / "gradebook" / "autograded").glob(f"*/{PRACTICE}.ipynb")
        return {path.parts[-3]: path.stat().st_mtime_ns for path in paths}

    def book(self) -> Gradebook:
        put_tools_on_path()
        file = f"sqlite:///{self.root / 'gradebook' / 'gradebook.db'}"
        return Gradebook(os.environ.get(DATABASE_VARIABLE, file), COURSE_ID)

    def dump(self) -> list[tuple[object, ...]]:
        """Return all that the gradebook holds of grades and comments, in order."""
        found = []
        with self.book() as book:
            for submission in book.assignment_submissions(MODULE):
                student = submission.student.id
                for lab in submission.notebooks:
                    found += [
                        (student, lab.name, g.name, g.auto_score, g.manual_score, g.score)
                        for g in lab.grades
                    ]
                    found += [(student, lab.name, c.name, c.comment) for c in lab.comments]
        return sorted(found, key=repr)


class Grading:
    """The class command while it runs, as a terminal would start it: in a process group."""

    def __init__(self, root: Path, words: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "autograde.grade", MODULE, *words],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            process_group=0,
            preexec_fn=hear_interrupts,
        )
        self._watchdog = threading.Timer(DEADLINE_SECONDS, self._process.kill)
        self._watchdog.start()
        self._seen: list[str] = []

    def wait_for_line(self, *beginnings: str) -> str:
        """Read what is printed up to a line that begins in one of these ways."""
        for line in self._process.stdout:
            self._seen.append(line)
            if line.startswith(beginnings):
                return line
        raise AssertionError(f"no line began with {beginnings}: {self._seen}")

    def kill(self) -> None:
        """``kill -9``; its helpers must end by themselves."""
        family = self._family()
        self._process.kill()
        self._end()
        assert_gone(family)

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C, which a terminal sends to the whole group; return code and stderr."""
        family = self._family()
        os.killpg(self._process.pid, signal.SIGINT)
        ended = self._end()
        assert_gone(family)
        return ended

    def finish(self) -> tuple[int, str]:
        """Wait for its end, and return its code and all that it printed."""
        printed, _ = self._process.communicate()
        self._watchdog.cancel()
        return self._process.returncode, "".join(self._seen) + printed

    def _end(self) -> tuple[int, str]:
        _, errors = self._process.communicate()
        self._watchdog.cancel()
        return self._process.returncode, errors

    def _family(self) -> list[psutil.Process]:
        family = psutil.Process(self._process.pid).children(recursive=True)
        assert family, "no submission was being graded"
        return family


def assert_gone(family: list[psutil.Process]) -> None:
    """Fail if one of these processes is still there after a while."""
    deadline = time.monotonic() + GONE_SECONDS
    left = family
    while left and time.monotonic() < deadline:
        left = [process for process in left if _is_there(process)]
        time.sleep(0.05)
    assert not left, f"processes were left over: {left}"


def _is_there(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
