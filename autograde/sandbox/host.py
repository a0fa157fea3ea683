"""How the process is started from which sandboxes are forked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from autograde.sandbox import linux
from autograde.sandbox.namespaces import FOLDER, PLACES
from autograde.sandbox.tier import Tier

BUBBLEWRAP = "bwrap"

_READABLE_VARIABLE = "COURSE_SANDBOX_READABLE"
_HOST_FILES_BYTES = 256 << 20
_OURS = (Path(__file__).parents[1] / "__init__.py", Path(__file__).parent)
"""What of this package a host needs in order to spawn."""

# Where a system merges /bin and the like into /usr, they are links.
_TOP_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SYSTEM_FILES = (
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/fonts",
    "/etc/mime.types",
)
# Not /dev/zero: mapped as shared, it is memory that no process is charged for.
_DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
# To make namespaces and their mounts, to become the sandbox's user, to measure and end a sandbox.
_CAPABILITIES = (
    "CAP_SYS_ADMIN",
    "CAP_NET_ADMIN",
    "CAP_SETUID",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_CHOWN",
    "CAP_KILL",
    "CAP_SYS_PTRACE",
)
_USER_CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SETPCAP", "CAP_SYS_PTRACE")


def host_command(
    tier: Tier, command: Sequence[str], *, readable: Sequence[Path]
) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment that start a host of sandboxes.

    Start it from a thread that lives as long as the host: under `Tier.NAMESPACES` it is killed when
    the thread that started it ends. Inherited file descriptors (``pass_fds``) reach the host.

    Parameters
    ----------
    tier
        How the sandboxes will be confined. Under `Tier.NAMESPACES` the host itself sees only the
        system, Python's environment and the readable paths, and has no network.
    command
        What to run as the host.
    readable
        Files and folders, besides the system and Python's environment, that host and sandboxes may
        read. A sandbox can read all that is below them.

    Returns
    -------
    command, environment
        As `subprocess.Popen` takes them. The environment is whole and holds no secrets.
    """
    paths = [Path(os.path.abspath(path)) for path in (*_OURS, *readable)]
    environment = _environment(tier)
    environment[_READABLE_VARIABLE] = os.pathsep.join(str(path) for path in paths)
    if tier is not Tier.NAMESPACES:
        return list(command), environment
    return [*_bubblewrap(paths), "--", *command], environment


def give_up_rights(tier: Tier) -> None:
    """Give up what takes a capability, sandboxes included; for a process forked from a host."""
    if tier is Tier.NAMESPACES:
        linux.clear_bounding_set()
        linux.drop_capabilities()
        linux.forbid_new_privileges()


def readable_paths() -> list[Path]:
    """Return, in a host, all that its sandboxes may read besides the system."""
    given = os.environ.get(_READABLE_VARIABLE, "")
    return [*_python(), *(Path(text) for text in given.split(os.pathsep) if text)]


def system_paths() -> list[Path]:
    """Return what of the system a program needs in order to run."""
    return [Path(text) for text in ("/usr", *_TOP_FOLDERS, *_SYSTEM_FILES)]


def forget_readable() -> None:
    """Take the list of readable paths out of the environment, for a sandbox."""
    os.environ.pop(_READABLE_VARIABLE, None)


def _environment(tier: Tier) -> dict[str, str]:
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin:/usr/bin:/bin"]),
        "HOME": os.environ.get("HOME", "/"),
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if tier is Tier.NAMESPACES:
        environment |= {"HOME": str(PLACES.home), "TMPDIR": str(PLACES.temporary)}
    elif "TMPDIR" in os.environ:
        environment["TMPDIR"] = os.environ["TMPDIR"]
    return environment


def _python() -> list[Path]:
    folders = dict.fromkeys(Path(text) for text in (sys.prefix, sys.base_prefix))
    return [folder for folder in folders if not folder.is_relative_to("/usr")]


def _bubblewrap(readable: Iterable[Path]) -> list[str]:
    words = [BUBBLEWRAP, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--hostname", "sandbox", "--die-with-parent", "--new-session"]
    words += ["--cap-drop", "ALL"]
    as_root = os.geteuid() == 0
    if not as_root:
        words += ["--unshare-user"]
    for capability in _CAPABILITIES if as_root else _USER_CAPABILITIES:
        words += ["--cap-add", capability]
    words += ["--ro-bind", "/usr", "/usr"]
    for folder in _TOP_FOLDERS:
        if os.path.islink(folder):
            words += ["--symlink", os.readlink(folder), folder]
        else:
            words += ["--ro-bind-try", folder, folder]
    for path in _SYSTEM_FILES:
        words += ["--ro-bind-try", path, path]
    words += ["--proc", "/proc", "--dir", "/dev", "--symlink", "/proc/self/fd", "/dev/fd"]
    for path in _DEVICES:
        words += ["--dev-bind", path, path]
    for folder in (str(FOLDER), "/tmp", "/dev/shm"):
        words += ["--size", str(_HOST_FILES_BYTES), "--tmpfs", folder]
    words += ["--dir", str(PLACES.work), "--dir", str(PLACES.home)]
    shown = [path for path in [*_python(), *readable] if not path.is_relative_to("/usr")]
    # Left to itself, bubblewrap makes folders above private ones private, even to other users.
    for folder in dict.fromkeys(above for path in shown for above in reversed(path.parents[:-1])):
        words += ["--perms", "0755", "--dir", str(folder)]
    for path in dict.fromkeys(shown):
        words += ["--ro-bind", str(path), str(path)]
    return [*words, "--remount-ro", "/", "--chdir", str(PLACES.work)]
