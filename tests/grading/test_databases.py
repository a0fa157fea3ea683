"""The class command with PostgreSQL, started here from the machine's own packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from batches import DOUBLE, HALVE, HALVE_ROUNDED, MODULE, SOURCE, SchoolClass
from conftest import ROOT

from autograde.nbgrader_settings import DATABASE_VARIABLE

USER = "course"
UNPRIVILEGED = 65534
"""``nobody`` and its group: a PostgreSQL server refuses to run as root."""
GOOD = {"double": DOUBLE, "halve": HALVE}


def program(name: str) -> str:
    """Return the newest of PostgreSQL's programs of a name, or skip."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=version)
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        pytest.skip(f"there is no PostgreSQL on this machine: no `{name}` was found")
    return path


def version(path: Path) -> float:
    try:
        return float(path.parts[-3])
    except ValueError:
        return 0


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a database of PostgreSQL that listens on a socket in a folder of its own only."""
    pytest.importorskip("psycopg", reason="psycopg, of the extra `postgres`, is not installed")
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    # The path of a socket may have about 100 characters, pytest's own folders are longer.
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)

        def run(*command: str) -> None:
            ids = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []}
            log = folder / "log"
            outcome = subprocess.run(
                command,
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                **(ids if os.geteuid() == 0 else {}),
            )
            said = log.read_text() if log.exists() else ""
            assert outcome.returncode == 0, f"{command}: {outcome.stderr}{said}"

        data = str(folder / "data")
        run(initdb, "-D", data, "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        run(pg_ctl, "-D", data, "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"
        finally:
            run(pg_ctl, "-D", data, "-m", "immediate", "-w", "stop")


@pytest.fixture
def course(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SchoolClass:
    """A course whose gradebook is in PostgreSQL, with a class of four."""
    monkeypatch.setenv(DATABASE_VARIABLE, server)
    course = SchoolClass(tmp_path / "course")
    course.hand_in("ana", **GOOD)
    course.hand_in("ben", double=DOUBLE, halve=HALVE_ROUNDED)
    course.hand_in("cem")
    course.hand_in("dan", **GOOD).write_text("this is no notebook")
    return course


def test_a_class_is_graded_and_graded_again_in_postgresql(course: SchoolClass) -> None:
    outcome = course.grade("--workers", "2")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert not (course.root / "gradebook" / "gradebook.db").exists()
    assert course.points() == {"ana": 6, "ben": 4, "cem": 0, "dan": 0}
    assert "not JSON" in course.rows()["dan"].notes[0]
    [odd] = [line for line in outcome.stdout.splitlines() if "halve_odd" in line]
    # Of the two who began it, ana passed and ben did not; cem and dan have no answers.
    cells = [cell.strip() for cell in odd.strip("│").split("│")]
    assert cells[:4] == ["halve_odd", "50%", "1", "2"]
    assert cells[-1].startswith("1 × half of 7 came out")

    with course.book() as book:
        book.find_grade("check-halve_odd", "doubling", MODULE, "ben").manual_score = 1
        book.find_comment("halve", "doubling", MODULE, "ben").manual_comment = "Nearly."
        book.db.commit()
    course.hand_in("cem", **GOOD)
    again = course.grade()
    assert "1 graded in" in again.stdout
    assert "3 unchanged since" in again.stdout
    assert course.points() == {"ana": 6, "ben": 5, "cem": 6, "dan": 0}

    # The database enforces what refers to what: a check and its grades go together.
    start, end = SOURCE.index('# %% check="double_arrays"'), SOURCE.index("# ### Exercise 2")
    changed = SOURCE[:start] + "# %% [markdown]\n" + SOURCE[end:]
    new_check = '# %% check="halve_negative" points=1\n# Halves -2\nassert halve(-2) == -1, "no"\n'
    changed = changed.replace("# %% play=", f"{new_check}\n# %% play=")
    course.put_lab(changed)
    adapted = course.grade()
    assert adapted.returncode == 0, adapted.stderr
    assert "got `check-halve_negative` and lost `check-double_arrays`" in adapted.stdout
    assert "No copy was made of the database" in adapted.stdout
    assert course.points() == {"ana": 5, "ben": 4, "cem": 5, "dan": 0}
    with course.book() as book:
        kept = book.find_comment("halve", "doubling", MODULE, "ben").comment
    assert kept == "Nearly."

    report = subprocess.run(
        [sys.executable, "-m", "autograde.report", MODULE],
        cwd=course.root,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert "5 of 5" in report.stdout


def test_a_database_that_is_not_there_is_said(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg, of the extra `postgres`, is not installed")
    course = SchoolClass(tmp_path / "course")
    course.hand_in("ana", **GOOD)
    address = f"postgresql+psycopg://{USER}@/postgres?host={tmp_path}"
    outcome = course.grade(**{DATABASE_VARIABLE: address})
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("The gradebook's database could not be used: ")
    assert "Traceback" not in outcome.stderr
