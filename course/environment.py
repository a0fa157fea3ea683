"""Make the environment ready: what ``make`` runs first, with whatever Python it finds.

It uses the standard library alone and nothing that a Python of 2018 (3.7) couldn't read, so that a
Python too old for the course says so in a sentence. A stamp in the environment tells what was
installed into it, so that a second run has nothing to do.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OWN = ROOT / ".venv"
"""The environment that is made where none is active."""
OLDEST = (3, 11)
STAMP = "ml-system-design-course.stamp"

_NAMES = ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python")
_KEPT_LINES = 30
_VERSION = "import sys; print(sys.version_info[0], sys.version_info[1])"


class SetUpError(Exception):
    """Why the environment could not be made ready, and what to do."""


def main(arguments):
    """Make the environment named on the command line ready, with the extras named after it."""
    environment = Path(arguments[0] if arguments else OWN).absolute()
    try:
        make_ready(environment, arguments[1:])
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def make_ready(environment, extras=()):
    """Create an environment if it is the course's own, and install the course into it, once.

    Parameters
    ----------
    environment : Path
        ``.venv`` at the root, which is created, or an active environment, which is used.
    extras : sequence of str
        Extras of pyproject.toml that are needed; those of earlier times stay.

    Raises
    ------
    SetUpError
        With a sentence on what is missing.
    """
    stamp = environment / STAMP
    wanted = what_is_wanted(ROOT)
    python = environment / "bin" / "python"
    stamped, _, before = _text(stamp).rpartition("\n")
    present = set(before.split()) if stamped == wanted else set()
    if python.exists() and stamped == wanted and present.issuperset(extras):
        return
    extras = sorted(present.union(extras))
    if environment == OWN:
        # The commands in an environment hold its path, so that one which was moved is made anew.
        moved = _text(stamp).partition("\n")[0] not in ("", str(ROOT))
        if moved or not _works(python):
            _create_own()
    elif not python.exists():
        raise SetUpError(
            f"The active environment {environment} has no Python in it; deactivate it, or make it "
            "anew, and run the command again."
        )
    check_version(python)
    _install(environment, python, extras)
    stamp.write_text(wanted + "\n" + " ".join(extras), encoding="utf-8")


def what_is_wanted(root):
    """Return all that decides what is installed: the place, and a digest of what is asked for."""
    # The tools' settings, below the dependencies, change nothing that is installed.
    project = (root / "pyproject.toml").read_text(encoding="utf-8").split("\n[tool")[0]
    pins = (root / "constraints.txt").read_text(encoding="utf-8")
    return str(root) + "\n" + hashlib.sha256((project + pins).encode("utf-8")).hexdigest()


def check_version(python):
    """Refuse a Python that is too old for the course.

    Raises
    ------
    SetUpError
        If it is, or cannot be started.
    """
    version = python_version(python)
    if version is None:
        raise SetUpError(f"{python} cannot be started; delete that environment and try again.")
    if version < OLDEST:
        raise SetUpError(
            f"{python} is Python {_dotted(version)}; the course needs {_dotted(OLDEST)} or later. "
            + (
                f"Delete {OWN} and run the command again."
                if python.parents[1] == OWN
                else "Activate an environment with a newer one, or none at all."
            )
        )


def python_version(python):
    """Return the (major, minor) version of a Python, or None if it cannot be started."""
    try:
        run = subprocess.run(
            [str(python), "-I", "-c", _VERSION], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        major, minor = run.stdout.split()
    except (OSError, ValueError):
        return None
    return int(major), int(minor)


def newest_python():
    """Return a Python that is new enough: the running one, or the newest on the path.

    Raises
    ------
    SetUpError
        If there is none.
    """
    if sys.version_info >= OLDEST:
        return sys.executable
    found = [path for path in map(shutil.which, _NAMES) if path]
    for path in found:
        if (python_version(path) or (0, 0)) >= OLDEST:
            return path
    raise SetUpError(
        f"The course needs Python {_dotted(OLDEST)} or later; what is found here is "
        f"{_dotted(sys.version_info[:2])} ({sys.executable}). Install a newer one, or name it: "
        "make lab PYTHON=/path/to/python3"
    )


def _create_own():
    """Create ``.venv``, in the place of one that doesn't work."""
    uv = shutil.which("uv")
    try:
        source = newest_python()
    except SetUpError:
        if not uv:
            raise
        source = ">=" + _dotted(OLDEST)  # uv finds or fetches one
    print("Creating the environment .venv …", flush=True)
    if uv:
        command = [uv, "venv", "--quiet", "--clear", "--python", source, str(OWN)]
    else:
        command = [source, "-m", "venv", "--clear", str(OWN)]
    if subprocess.run(command).returncode:
        raise SetUpError(
            "The environment .venv could not be created; the lines above say why. On Debian and "
            "Ubuntu the package python3-venv is needed: sudo apt install python3-venv"
        )


def _install(environment, python, extras):
    conda = (environment / "conda-meta").is_dir()
    wanted = ["-e", f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)]
    # conda's own builds satisfy the lower bounds; pins would replace them all.
    pins = [] if conda else ["-c", str(ROOT / "constraints.txt")]
    place = ".venv" if environment == OWN else environment
    print(f"Installing the course's packages into {place}, once; about a minute …", flush=True)
    uv = shutil.which("uv")
    if uv and not conda:
        # Without byte code every command would start a second later.
        command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
        failed = subprocess.run([*command, *wanted, *pins]).returncode
    else:
        command = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
        failed = _run_with_status([*command, *wanted, *pins])
    if failed:
        raise SetUpError(
            "The packages could not be installed; the lines above say why. Look at the network "
            "connection, then run the same command again: it goes on where it stopped."
        )


def _run_with_status(command):
    """Run pip with its progress on one line of the terminal, and show the end of it if it fails."""
    lines = []
    columns = shutil.get_terminal_size().columns - 1
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            lines = [*lines[1 - _KEPT_LINES :], line]
            if sys.stdout.isatty():
                print("\r" + line.strip()[:columns].ljust(columns), end="", flush=True)
    if sys.stdout.isatty():
        print("\r" + " " * columns, end="\r", flush=True)
    if process.returncode:
        sys.stderr.write("".join(lines))
    return process.returncode


def _works(python):
    """Say whether an environment's Python starts and something can be installed into it."""
    if python_version(python) is None:
        return False
    command = [str(python), "-m", "pip", "--version"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return bool(shutil.which("uv")) or subprocess.run(command, **quiet).returncode == 0


def _text(path):
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _dotted(version):
    return ".".join(map(str, version))


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit("Interrupted; the same command goes on from here.") from None
