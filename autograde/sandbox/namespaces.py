"""Confinement by namespaces: a process that has nothing in common with the rest of the machine."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from autograde.sandbox import linux, seccomp
from autograde.sandbox.limits import Limits
from autograde.sandbox.places import Places
from autograde.sandbox.rlimits import limit_resources

FOLDER = Path("/sandbox")
"""Where the host and the sandboxes, each for itself, have their writable files."""
PLACES = Places(work=FOLDER / "work", home=FOLDER / "home", temporary=Path("/tmp"))

_FIRST_USER = 61000
_USER_INSIDE = 1000
_MOST_FILES = 16384
_PRIVATE = {"tmp": Path("/tmp"), "shm": Path("/dev/shm")}
"""Folders that everybody writes to, by the name of their stand-in."""


def fork() -> int:
    """Fork a child that is process 1 of a process namespace of its own.

    Returns
    -------
    int
        As `os.fork` does: 0 in the child, its process id in the parent.
    """
    ours = os.open("/proc/self/ns/pid", os.O_RDONLY)
    child = -1
    try:
        linux.unshare(linux.CLONE_NEWPID)
        child = os.fork()
    finally:
        # The host goes on in its own namespace, as a second child could not be process 1.
        if child != 0:
            linux.enter(ours, linux.CLONE_NEWPID)
        os.close(ours)
    return child


def confine(limits: Limits, *, slot: int, readable: Sequence[Path]) -> None:
    """Give this process, which `fork` made, a machine of its own; `seal` must follow.

    Parameters
    ----------
    limits
        What it may use.
    slot
        Among the sandboxes that run at the same time, which one this is.
    readable
        What it may read besides the system; only what lies in a folder that it gets anew matters.
    """
    linux.unshare(
        linux.CLONE_NEWNS
        | linux.CLONE_NEWIPC
        | linux.CLONE_NEWNET
        | linux.CLONE_NEWUTS
        | linux.CLONE_NEWCGROUP
    )
    as_root = os.geteuid() == 0
    user = slot_user(slot) if as_root else os.geteuid()
    group = slot_user(slot) if as_root else os.getegid()
    # The host's view of /proc holds the files that map users; the sandbox's own is read-only.
    own = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    _mount_folders(limits, user, group, readable)
    _mount_proc()
    linux.bring_loopback_up()
    socket.sethostname("sandbox")
    _write(own, "oom_score_adj", "1000")
    if as_root:
        become(user, group)
    _map_user(user, group, own, must=not as_root)
    os.close(own)
    limit_resources(limits, processes=limits.processes)


def seal() -> None:
    """Give up, for good, every right that `confine` needed."""
    linux.clear_bounding_set()
    linux.drop_capabilities()
    linux.set_dumpable()
    linux.forbid_new_privileges()
    seccomp.load(seccomp.namespaces_filter())


def slot_user(slot: int) -> int:
    """Return the user, and the group, as which a root host's sandbox runs."""
    return _FIRST_USER + slot


def become(user: int, group: int) -> None:
    """Make this process, which is root's, another user's and powerless.

    Raises
    ------
    PermissionError
        If that user cannot read Python's own files, with a sentence that says what to do.
    """
    linux.clear_bounding_set()
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    linux.set_dumpable()
    if not os.access(os.__file__, os.R_OK):
        raise PermissionError(
            f"Python in {sys.base_prefix} cannot be read by other users, and sandboxes do not run "
            "as root; use an environment outside private folders, or grade as an ordinary user"
        )


def _mount_folders(limits: Limits, user: int, group: int, readable: Sequence[Path]) -> None:
    covered = [path for path in dict.fromkeys(readable) if _is_below_private(path)]
    opened = [(path, os.open(path, os.O_PATH)) for path in covered if path.exists()]
    options = f"size={limits.disk_bytes},nr_inodes={_MOST_FILES},mode=0755"
    linux.mount("tmpfs", str(FOLDER), "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)
    for name in ("work", "home", *_PRIVATE):
        (FOLDER / name).mkdir()
    for name, place in _PRIVATE.items():
        linux.mount(str(FOLDER / name), str(place), None, linux.MS_BIND)
    for path, descriptor in opened:
        _show_again(path, descriptor)
        os.close(descriptor)
    for name in ("work", "home", *_PRIVATE):
        os.chown(FOLDER / name, user, group)


def _is_below_private(path: Path) -> bool:
    return any(path.is_relative_to(place) for place in _PRIVATE.values())


def _show_again(path: Path, descriptor: int) -> None:
    """Bind what a new mount covers to its old place; it stays as read-only as it was."""
    source = f"/proc/self/fd/{descriptor}"
    if os.path.isdir(source):
        path.mkdir(parents=True, exist_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    linux.mount(source, str(path), None, linux.MS_BIND | linux.MS_REC)


def _mount_proc() -> None:
    flags = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    try:
        linux.mount("proc", "/proc", "proc", flags)
    except PermissionError:
        # The kernel refuses a new view of /proc where parts of the present one are covered.
        linux.mount("tmpfs", "/proc", "tmpfs", flags, "size=4k")


def _map_user(user: int, group: int, own: int, *, must: bool) -> None:
    """Enter a user namespace, in which processes are counted for this sandbox alone."""
    try:
        linux.unshare(linux.CLONE_NEWUSER)
    except OSError:
        # A user of the slot's own has a count of its own as well.
        if must:
            raise
        return
    _write(own, "setgroups", "deny")
    _write(own, "uid_map", f"{_USER_INSIDE} {user} 1")
    _write(own, "gid_map", f"{_USER_INSIDE} {group} 1")


def _write(folder: int, name: str, text: str) -> None:
    descriptor = os.open(name, os.O_WRONLY, dir_fd=folder)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
