"""Start JupyterLab at the root of the clone, on the course home or a lab.

All of its configuration is on the command line and in one folder that an environment variable
names, so that nothing is written to the user's own Jupyter settings.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from course.checks.hidden import REPOSITORY
from course.errors import CourseError
from course.home import LABEXTENSIONS

FIRST_PORT, TRIED_PORTS = 8888, 50
SETTINGS = Path(__file__).parent / "jupyter_config"
"""What JupyterLab finds on its configuration path: the course home's part of the server; no news
pop-up; Markdown opens as it reads; nbgrader's panels, which are for instructors, are left out."""


def start_jupyterlab(
    notebook: Path | None,
    *,
    port: int,
    browser: bool = True,
    repository: Path = REPOSITORY,
) -> NoReturn:
    """Become a JupyterLab server that opens a notebook.

    Parameters
    ----------
    notebook
        The notebook to open, below the root; None for the course home.
    port
        The port to listen on, as `choose_port` returns it.
    browser
        Whether to open the user's browser.
    repository
        Root of the clone, and of the server, so that a notebook's relative links work.

    Raises
    ------
    CourseError
        If JupyterLab isn't installed.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise CourseError(
            f"JupyterLab is not installed for {sys.executable}; `make lab` sets up an environment "
            "that has it."
        )
    command = jupyterlab_command(notebook, port=port, browser=browser, repository=repository)
    sys.stdout.flush()
    os.execve(command[0], command, _surroundings())


def jupyterlab_command(
    notebook: Path | None, *, port: int, browser: bool, repository: Path = REPOSITORY
) -> list[str]:
    """Return the command line that starts JupyterLab."""
    page = "/lab"
    if notebook is not None:
        page += "/tree/" + quote(notebook.relative_to(repository).as_posix())
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={repository}",
        f"--LabApp.default_url={page}",
        f"--LabApp.extra_labextensions_path={LABEXTENSIONS}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--Application.log_level=WARN",
    ]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Containers are often entered as root; the server listens on this machine only.
        command.append("--allow-root")
    return command


def choose_port(wanted: int | None = None) -> int:
    """Return a free port: the one that is wanted, or else the first free one.

    Raises
    ------
    CourseError
        If the wanted port is taken, or none of those tried is free.
    """
    if wanted is not None:
        if not 0 < wanted < 65536:
            raise CourseError(f"{wanted} is no port; use a number from 1024 to 65535.")
        if problem := _cannot_listen(wanted):
            raise CourseError(
                f"Port {wanted} cannot be used ({problem}). Choose another, or leave PORT out and "
                "the first free one is taken."
            )
        return wanted
    ports = range(FIRST_PORT, FIRST_PORT + TRIED_PORTS)
    for port in ports:
        if not _cannot_listen(port):
            return port
    raise CourseError(
        f"None of the ports {ports[0]} to {ports[-1]} is free. Stop a server that you no longer "
        "need (`jupyter server list` shows them), or name a free port: make lab PORT=9000"
    )


def _cannot_listen(port: int) -> str | None:
    """Say why a server cannot listen on a port of this machine, or None if it can."""
    addresses = socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in addresses:
        try:
            with socket.socket(family, kind, protocol) as probe:
                # As the server does: a port is free again as soon as its last server has ended.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen()
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return "another program uses it" if error.errno == errno.EADDRINUSE else "refused"
    return None


def _surroundings() -> dict[str, str]:
    """Return the environment variables of the server."""
    variables = dict(os.environ)
    variables["JUPYTER_CONFIG_PATH"] = _joined(SETTINGS, variables.get("JUPYTER_CONFIG_PATH"))
    # So that the terminals in JupyterLab have `course` and `nbgrader`.
    variables["PATH"] = _joined(Path(sys.executable).parent, variables.get("PATH"))
    return variables


def _joined(first: Path, rest: str | None) -> str:
    return os.pathsep.join([str(first), *([rest] if rest else [])])
