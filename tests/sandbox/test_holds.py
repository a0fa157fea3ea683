"""What sandboxes hold, each shown by an attempt that succeeds outside."""

from __future__ import annotations

import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from autograde.sandbox import Tier
from sandbox.grounds import SECRET_VARIABLE, Ground, Line, source

MB = 1 << 20
SECRET = "the answer is 42"


@pytest.fixture(scope="module")
def given(public_folder: Path) -> Path:
    """A file that sandboxes are given to read."""
    path = public_folder / "given.txt"
    path.write_text("given")
    path.chmod(0o666)
    return path


@pytest.fixture(scope="module")
def host(ground: Ground, given: Path) -> Line:
    """A host of sandboxes."""
    return ground.open(given)


@pytest.fixture(scope="module")
def outside(ground: Ground) -> Line:
    """A process of the same user that nothing confines."""
    return ground.open_plain()


@pytest.fixture
def secret(ground: Ground, public_folder: Path) -> Iterator[Path]:
    """A file of the grading user's that everybody may read and write."""
    path = public_folder / "secret.txt"
    path.write_text(SECRET)
    path.chmod(0o666)
    os.chown(path, ground.user, -1)
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def open_folder(public_folder: Path) -> Iterator[Path]:
    """A folder that everybody may write to."""
    path = public_folder / "open"
    path.mkdir()
    path.chmod(0o777)
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=True)


@pytest.fixture
def victim(ground: Ground) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the grading user's."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if ground.user != os.geteuid():
        process.kill()
        process.wait()
        change = [f"--reuid={ground.user}", f"--regid={ground.user}", "--clear-groups"]
        process = subprocess.Popen(["setpriv", *change, "sleep", "600"])
        # A process that is just becoming another program has no command line for a moment.
        while not Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(b"sleep"):
            time.sleep(0.01)
    yield process
    process.kill()
    process.wait()


class Both:
    """The same attempts, in a sandbox and outside."""

    def __init__(self, host: Line, outside: Line) -> None:
        self._host = host
        self._outside = outside

    def outside(self, function: Callable, *arguments: object) -> object:
        """Return what an attempt yields outside, where it must succeed."""
        answer = self._outside.ask(**source(function), arguments=arguments)
        assert "value" in answer, answer
        return answer["value"]

    def inside(self, function: Callable, *arguments: object, **limits: float) -> dict:
        """Return what came of an attempt in a sandbox."""
        answer = self._host.ask(
            do="run", **source(function), arguments=arguments, limits=limits, slot=3
        )
        assert answer["failure"] is None, answer
        return answer

    def error_inside(self, function: Callable, *arguments: object) -> str:
        """Return the error with which an attempt failed in a sandbox, where it must fail."""
        answer = self.inside(function, *arguments)
        assert "error" in answer, answer
        return str(answer["error"])


@pytest.fixture
def both(host: Line, outside: Line) -> Both:
    """The same attempts, in a sandbox and outside."""
    return Both(host, outside)


def test_honest_code_works(both: Both, ground: Ground, given: Path) -> None:
    def work(path):
        import os
        import pathlib
        import subprocess
        import sys
        import tempfile
        import threading

        pathlib.Path("mine.txt").write_text("mine")
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x")
        (pathlib.Path.home() / "note").write_text("note")
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        inner = subprocess.run(
            [sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True, check=True
        )
        return [pathlib.Path(path).read_text(), inner.stdout, os.listdir(".")]

    answer = both.inside(work, str(given))
    assert answer.get("value") == ["given", "42\n", ["mine.txt"]], answer
    assert answer["exit_code"] == 0


def test_what_is_given_below_a_private_folder_is_there_even_if_it_is_named_twice(
    ground: Ground, outside: Line
) -> None:
    """A clone of the course may stand below the folders that each sandbox gets anew."""

    def read(path):
        with open(path) as stream:
            return stream.read()

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "given.txt"
        path.write_text("given")
        os.chmod(folder, 0o755)
        host = ground.open(path, path)
        assert Both(host, outside).inside(read, str(path))["value"] == "given"


def test_loopback_works_inside_a_network_of_its_own(both: Both, ground: Ground) -> None:
    if ground.tier is not Tier.NAMESPACES:
        pytest.skip("without namespaces there are no sockets at all")

    def talk():
        import socket

        server = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(server.getsockname())
        server.accept()[0].sendall(b"hello")
        return client.recv(10).decode()

    assert both.inside(talk)["value"] == "hello"


def test_files_cannot_be_read(both: Both, secret: Path) -> None:
    def read(path):
        return open(path).read()

    def read_through_a_link(path):
        import os

        os.symlink(path, "link")
        return open("link").read()

    def read_through_proc(path):
        return open("/proc/self/root" + path).read()

    assert both.outside(read, str(secret)) == SECRET
    both.error_inside(read, str(secret))
    both.error_inside(read_through_a_link, str(secret))
    both.error_inside(read_through_proc, str(secret))


def test_folders_cannot_be_listed(both: Both, ground: Ground, secret: Path) -> None:
    def names(path):
        import os

        return os.listdir(path)

    assert secret.name in both.outside(names, str(secret.parent))
    answer = both.inside(names, str(secret.parent))
    assert secret.name not in answer.get("value", [])
    assert "value" in both.inside(names, ".")


def test_nothing_can_be_written_outside(both: Both, secret: Path, open_folder: Path) -> None:
    def write(path):
        import pathlib

        return pathlib.Path(path).write_text("x")

    def make(path):
        import os

        os.mkdir(path)
        return True

    def link(path, name):
        import os

        os.link(path, name)
        return True

    def cut(path):
        import os

        os.truncate(path, 0)
        return True

    assert both.outside(write, str(open_folder / "from-outside"))
    both.error_inside(write, str(open_folder / "from-inside"))
    both.error_inside(make, str(open_folder / "from-inside"))
    both.error_inside(link, str(secret), "hard-link")
    both.error_inside(cut, str(secret))
    assert [path.name for path in open_folder.iterdir()] == ["from-outside"]
    assert secret.read_text() == SECRET


def test_given_files_cannot_be_changed(both: Both, given: Path) -> None:
    def append(path):
        with open(path, "a") as file:
            file.write("!")
        return True

    both.error_inside(append, str(given))
    assert given.read_text() == "given"
    assert both.outside(append, str(given))
    given.write_text("given")


def test_modes_and_times_of_files_cannot_be_changed(both: Both, secret: Path) -> None:
    def change_mode(path):
        import os

        os.chmod(path, 0o644)
        return True

    def change_time(path):
        import os

        os.utime(path, (0, 0))
        return True

    both.error_inside(change_mode, str(secret))
    both.error_inside(change_time, str(secret))
    before = secret.stat()
    assert both.outside(change_mode, str(secret))
    assert both.outside(change_time, str(secret))
    after = secret.stat()
    assert (before.st_mode, before.st_mtime) != (after.st_mode, after.st_mtime)
    assert before.st_mtime > 0


@pytest.mark.parametrize("family", ["tcp", "udp", "path", "path-datagram", "abstract"])
def test_no_socket_is_reached(both: Both, open_folder: Path, family: str) -> None:
    def knock(family, address):
        import socket

        if family in ("tcp", "udp"):
            address = tuple(address)
        elif family == "abstract":
            address = "\0" + address
        kind = socket.AF_INET if family in ("tcp", "udp") else socket.AF_UNIX
        if family in ("udp", "path-datagram"):
            socket.socket(kind, socket.SOCK_DGRAM).sendto(b"knock", address)
        else:
            line = socket.socket(kind)
            line.settimeout(5)
            line.connect(address)
            line.sendall(b"knock")
        return True

    def knock_from_a_pair(family, address):
        import socket

        one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        return one.sendto(b"knock", address)

    datagrams = family in ("udp", "path-datagram")
    kind = socket.AF_INET if family in ("tcp", "udp") else socket.AF_UNIX
    listener = socket.socket(kind, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM)
    with listener:
        listener.settimeout(10)
        name = f"course-test-{os.getpid()}"
        if kind is socket.AF_INET:
            listener.bind(("127.0.0.1", 0))
            address = listener.getsockname()
        elif family == "abstract":
            listener.bind("\0" + name)
            address = name
        else:
            address = str(open_folder / "socket")
            listener.bind(address)
            os.chmod(address, 0o777)
        if not datagrams:
            listener.listen()

        answer = both.inside(knock, family, address)
        # A datagram may be sent into a network of one's own, where nobody gets it.
        assert "error" in answer or family == "udp"
        if family == "path-datagram":
            both.error_inside(knock_from_a_pair, family, address)
        assert both.outside(knock, family, address)
        if datagrams:
            assert listener.recv(10) == b"knock"
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.recv(10)
        else:
            assert listener.accept()[0].recv(10) == b"knock"
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.accept()


def test_other_processes_get_no_signals(both: Both, victim: subprocess.Popen[bytes]) -> None:
    def send(process):
        import os

        os.kill(process, 0)
        return True

    def stop(process):
        import os
        import signal

        os.kill(process, signal.SIGKILL)
        return True

    def stop_by_handle(process):
        import os
        import signal

        signal.pidfd_send_signal(os.pidfd_open(process), signal.SIGKILL)
        return True

    def stop_by_input(process):
        import fcntl
        import os
        import signal
        import socket
        import time

        one, other = socket.socketpair()
        fcntl.fcntl(one, fcntl.F_SETOWN, process)
        fcntl.fcntl(one, 10, signal.SIGKILL)
        fcntl.fcntl(one, fcntl.F_SETFL, fcntl.fcntl(one, fcntl.F_GETFL) | os.O_ASYNC)
        other.send(b"x")
        time.sleep(0.2)

    both.error_inside(stop, victim.pid)
    both.error_inside(stop_by_handle, victim.pid)
    # Newer kernels let it ask for the signal, and do not send it.
    both.inside(stop_by_input, victim.pid)
    assert both.outside(send, victim.pid)
    assert victim.poll() is None


def test_host_and_siblings_get_no_signals(host: Line, ground: Ground) -> None:
    def nothing():
        import os

        return os.getpid()

    def stop(processes):
        import contextlib
        import os
        import signal

        for process in processes:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGSTOP)
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGTERM)
        with contextlib.suppress(OSError):
            os.kill(os.getppid(), signal.SIGKILL)
        return True

    sibling = host.ask(do="start", **source(nothing), arguments=[], slot=1)["value"]
    before = host.ask(do="count")
    processes = [before["process"], *range(sibling - 1, sibling + 2)]
    if ground.tier is Tier.NAMESPACES:
        # There they have other numbers; within reach are these.
        processes = range(2, 100)
    answer = host.ask(do="run", **source(stop), arguments=[list(processes)], slot=2)
    assert answer.get("value") or answer["exit_code"] != 0, answer
    assert host.ask(do="count") == before
    assert host.ask(do="stop")["exit_code"] == -signal.SIGKILL


def test_other_processes_cannot_be_seen(both: Both, victim: subprocess.Popen[bytes]) -> None:
    def command_line(process):
        return open(f"/proc/{process}/cmdline").read()

    def environment(process):
        return open(f"/proc/{process}/environ").read()

    def others():
        import contextlib
        import os
        import pathlib

        found = []
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) != os.getpid():
                # Any of them may end meanwhile.
                with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                    path = pathlib.Path(f"/proc/{name}/cmdline")
                    found.append(path.read_text(errors="replace"))
        return found

    assert "sleep" in both.outside(command_line, victim.pid)
    both.error_inside(command_line, victim.pid)
    assert both.outside(environment, victim.pid)
    both.error_inside(environment, victim.pid)
    assert both.outside(others)
    assert not both.inside(others).get("value")


def test_memory_of_others_cannot_be_opened(both: Both, host: Line) -> None:
    def open_memory(process):
        import os

        os.close(os.open(f"/proc/{process}/mem", os.O_RDONLY))
        return True

    def own():
        import os

        return os.getpid()

    both.error_inside(open_memory, host.ask(do="count")["process"])
    assert both.outside(open_memory, both.outside(own))

    def open_memory_of_parent():
        import os

        os.close(os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY))
        return True

    both.error_inside(open_memory_of_parent)


KERNEL = {
    "unshare(user)": (272, [0x10000000]),
    "clone(user)": (56, [0x10000000 | 17, 0, 0, 0, 0]),
    "ptrace(traceme)": (101, [0, 0, 0, 0]),
    "memfd_create": (319, [b"x", 0]),
    "shmget": (29, [0, 4096, 0o1600]),
    "keyctl(get session)": (250, [0, -3, 0]),
    "personality(get)": (135, [0xFFFFFFFF]),
    "socket(vsock)": (41, [40, 1, 0]),
    "socket(alg)": (41, [38, 5, 0]),
    "socket(inet), upper half set": (41, [(1 << 32) | 40, 1, 0]),
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="calls are written as x86-64 numbers")
@pytest.mark.parametrize("call", KERNEL)
def test_dangerous_calls_are_denied(both: Both, outside: Line, call: str) -> None:
    def make(number, arguments):
        import ctypes
        import os

        libc = ctypes.CDLL(None, use_errno=True)
        words = [
            argument.encode() if isinstance(argument, str) else ctypes.c_ulong(argument)
            for argument in arguments
        ]
        process = os.fork()
        if process == 0:
            outcome = libc.syscall(number, *words)
            os._exit(0 if outcome >= 0 else ctypes.get_errno())
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    number, arguments = KERNEL[call]
    arguments = [
        argument.decode() if isinstance(argument, bytes) else argument for argument in arguments
    ]
    denied = (1, 97)
    if both.outside(make, number, arguments) in denied:
        pytest.skip("the machine denies this to everybody")
    assert both.inside(make, number, arguments)["value"] in denied


def test_nothing_of_the_host_is_open(both: Both) -> None:
    def opened():
        import contextlib
        import os

        found = []
        for descriptor in range(1024):
            with contextlib.suppress(OSError):
                found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        return found

    *streams, line = both.inside(opened)["value"]
    assert streams == ["/dev/null"] * 3
    # The one that the host told it to keep.
    assert line.startswith("socket:")


def test_environment_has_no_secrets(both: Both) -> None:
    def variables():
        import os

        return [dict(os.environ), open("/proc/self/environ").read()]

    assert SECRET_VARIABLE in both.outside(variables)[0]
    now, at_start = both.inside(variables)["value"]
    assert SECRET_VARIABLE not in now
    assert SECRET_VARIABLE not in at_start


def test_no_rights_are_left(both: Both) -> None:
    def status():
        import pathlib

        fields = {}
        for line in pathlib.Path("/proc/self/status").read_text().splitlines():
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        return fields

    def become_root():
        import os

        os.setuid(0)
        return True

    fields = both.inside(status)["value"]
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(fields[name], 16) == 0, name
    assert "0" not in fields["Uid"].split()
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    both.error_inside(become_root)


def test_kernel_settings_are_out_of_reach(both: Both) -> None:
    def open_setting(path):
        import os

        os.close(os.open(path, os.O_WRONLY))
        return True

    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/self/uid_map"):
        both.error_inside(open_setting, path)

    def rename_machine():
        import socket

        socket.sethostname("mine")

    both.error_inside(rename_machine)


def test_siblings_share_no_files(host: Line) -> None:
    def leave():
        import os
        import pathlib
        import tempfile

        places = [os.getcwd(), tempfile.gettempdir(), str(pathlib.Path.home())]
        for place in places:
            path = pathlib.Path(place, "left-by-a-sibling")
            path.write_text("x")
            path.chmod(0o666) if os.getpid() == 1 else None
        return places

    def look(places):
        import os

        found = []
        for place in [*places, "/tmp", "/dev/shm", "/var/tmp"]:
            try:
                found += [name for name in os.listdir(place) if name == "left-by-a-sibling"]
            except OSError:
                continue
        return found

    left = host.ask(do="start", **source(leave), arguments=[], slot=1)
    answer = host.ask(do="run", **source(look), arguments=[left["value"]], slot=2)
    assert answer["value"] == []
    host.ask(do="stop")


def test_folders_are_fresh_and_private(both: Both) -> None:
    def look():
        import os
        import pathlib
        import tempfile

        return [os.listdir(place) for place in (".", tempfile.gettempdir(), pathlib.Path.home())]

    assert both.inside(look)["value"][0] == []
    assert all("mine.txt" not in names for names in both.inside(look)["value"])


def test_memory_of_one_process_is_bounded(both: Both) -> None:
    def take(megabytes):
        return len(b"x" * (megabytes << 20)) >> 20

    assert both.outside(take, 512) == 512
    assert both.inside(take, 128, memory_bytes=256 * MB)["value"] == 128
    answer = both.inside(take, 512, memory_bytes=256 * MB)
    assert "MemoryError" in answer["error"]


def test_memory_of_all_processes_is_bounded(both: Both) -> None:
    def take_in_children(seconds):
        import os
        import time

        for _ in range(4):
            if os.fork() == 0:
                content = bytearray(b"x") * (100 << 20)
                time.sleep(seconds)
                os._exit(len(content) % 2)
        time.sleep(seconds)
        return True

    answer = both.inside(take_in_children, 60, memory_bytes=256 * MB)
    assert answer.get("excess") == "used more than 256 MB of memory", answer
    assert answer["exit_code"] == -signal.SIGKILL
    assert both.outside(take_in_children, 0)


def test_memory_that_no_process_is_charged_for_is_denied(both: Both) -> None:
    def map_shared(flags):
        import mmap

        mmap.mmap(-1, 1 << 20, flags=flags).close()
        return True

    def map_zeros(path, write):
        import mmap
        import os

        zeros = os.open(path, os.O_RDWR if write else os.O_RDONLY)
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if write else 0)
        mmap.mmap(zeros, 1 << 20, mmap.MAP_SHARED, protection).close()
        return True

    def widen(option):
        import socket

        one, _ = socket.socketpair()
        one.setsockopt(socket.SOL_SOCKET, option, 1 << 20)
        return True

    shared = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS
    without_reserve = 0x4000
    for flags in (shared, shared | without_reserve):
        assert both.outside(map_shared, flags)
        assert "PermissionError" in both.error_inside(map_shared, flags)
    for write in (False, True):
        assert both.outside(map_zeros, "/dev/zero", write)
        both.error_inside(map_zeros, "/dev/zero", write)
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        assert both.outside(widen, option)
        assert "PermissionError" in both.error_inside(widen, option)


def test_processes_can_share_memory_in_files(both: Both, ground: Ground) -> None:
    def share():
        import mmap
        import os

        private = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with open("numbers", "w+b") as file:
            file.truncate(4096)
            numbers = mmap.mmap(file.fileno(), 4096)
        process = os.fork()
        if process == 0:
            numbers[1] = private[1] = 7
            os._exit(0)
        os.waitpid(process, 0)
        return [numbers[1], private[1]]

    def share_by_multiprocessing():
        import multiprocessing

        context = multiprocessing.get_context("fork")
        numbers = context.Array("d", 3)

        def fill():
            numbers[1] = 7

        process = context.Process(target=fill)
        process.start()
        process.join()
        return list(numbers)

    assert both.inside(share).get("value") == [7, 0]
    # It puts its files into /dev/shm, of which Landlock cannot give everybody one.
    if ground.tier is Tier.NAMESPACES:
        assert both.inside(share_by_multiprocessing).get("value") == [0, 7, 0]


def test_open_files_are_bounded(both: Both) -> None:
    def open_many():
        import os

        opened = []
        try:
            for _ in range(300):
                opened.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            pass
        for descriptor in opened:
            os.close(descriptor)
        return len(opened)

    assert both.outside(open_many) == 300
    assert both.inside(open_many)["value"] < 128


def test_it_has_one_share_of_the_processor(both: Both) -> None:
    """Linux shares the processor among sessions first; a new one must not bring another share."""

    def sessions():
        import os
        import subprocess
        import sys

        code = "import os; print(os.getsid(0))"
        command = [sys.executable, "-c", code]
        outcome = subprocess.run(
            command, start_new_session=True, capture_output=True, text=True, check=True
        )
        return [os.getsid(0), int(outcome.stdout)]

    mine, other = both.outside(sessions)
    assert mine != other
    mine, other = both.inside(sessions)["value"]
    assert mine == other


def test_it_is_the_first_to_go_where_memory_runs_out(both: Both) -> None:
    def score():
        return int(open("/proc/self/oom_score_adj").read())

    def lower():
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("0")

    assert both.outside(score) < 1000
    assert both.inside(score)["value"] == 1000
    both.error_inside(lower)


def test_processes_are_bounded(both: Both, host: Line) -> None:
    def start(count):
        import os
        import signal
        import time

        started = []
        try:
            for _ in range(count):
                process = os.fork()
                if process == 0:
                    time.sleep(600)
                    os._exit(0)
                started.append(process)
        except BlockingIOError:
            pass
        for process in started:
            os.kill(process, signal.SIGKILL)
        return len(started)

    assert both.outside(start, 40) == 40
    answer = both.inside(start, 40, processes=16)
    assert answer.get("value", 0) <= 16
    assert "value" in answer or "processes" in answer["excess"]


def test_files_are_bounded(both: Both) -> None:
    def fill(count, megabytes):
        import os
        import time

        for number in range(count):
            with open(f"file{number}", "wb") as file:
                file.write(os.urandom(1 << 20) * megabytes)
        time.sleep(5)
        return True

    def fill_removed():
        import os
        import time

        kept = []
        for number in range(12):
            kept.append(os.open(f"file{number}", os.O_CREAT | os.O_WRONLY))
            os.write(kept[-1], os.urandom(1 << 20) * 4)
            os.unlink(f"file{number}")
        time.sleep(5)
        return True

    def fill_shared_memory():
        with open("/dev/shm/file", "wb") as file:
            for _ in range(40):
                file.write(b"x" * (1 << 20))
        return True

    def make_many():
        import time

        for number in range(20000):
            open(f"file{number}", "wb").close()
        time.sleep(5)
        return True

    assert "File too large" in both.inside(fill, 1, 6, file_bytes=5 * MB)["error"]
    for attempt in (fill_removed, fill_shared_memory, make_many):
        answer = both.inside(attempt, disk_bytes=32 * MB)
        refused = answer.get("error", "")
        assert (
            answer.get("excess") == "wrote more than 32 MB of files"
            or "No space left" in refused
            or (attempt is fill_shared_memory and "Permission denied" in refused)
        ), (attempt.__name__, answer)
    answer = both.inside(fill, 12, 4, disk_bytes=32 * MB)
    assert "No space left" in answer.get("error", "") or "files" in answer["excess"]


def test_time_is_bounded(both: Both) -> None:
    def spin():
        while True:
            pass

    def sleep():
        import time

        time.sleep(600)

    def spin_in_children():
        import os
        import time

        for _ in range(4):
            if os.fork() == 0:
                while True:
                    pass
        time.sleep(600)

    answer = both.inside(spin, cpu_seconds=1)
    assert answer["exit_code"] < 0
    answer = both.inside(spin_in_children, cpu_seconds=1)
    assert answer["exit_code"] < 0
    answer = both.inside(sleep, wall_seconds=1)
    assert answer["excess"] == "ran for more than 1 s"


def _leave_daemons():
    """Leave processes behind that have nothing to do with their parent any more."""
    import contextlib
    import os
    import signal
    import time

    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                with contextlib.suppress(OSError):
                    os.setsid()
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)
                time.sleep(600)
            os._exit(0)
    time.sleep(0.2)
    return os.getpid()


def test_nothing_is_left(both: Both, host: Line) -> None:
    before = host.ask(do="count")
    answer = both.inside(_leave_daemons)
    assert "value" in answer, answer
    assert host.ask(do="count") == before

    answer = host.ask(do="start", **source(_leave_daemons), arguments=[], slot=1)
    assert host.ask(do="count")["count"] > before["count"] + 3
    host.ask(do="stop")
    assert host.ask(do="count") == before


def test_no_folder_is_left(both: Both, host: Line, ground: Ground) -> None:
    if ground.tier is Tier.NAMESPACES:
        pytest.skip("its folders are in memory")

    def lock():
        import os

        os.mkdir("locked", 0)
        return True

    def dig():
        import os
        import time

        for _ in range(2000):
            os.mkdir("d")
            os.chdir("d")
        time.sleep(600)

    assert list(ground.temporary.iterdir()) == []
    host.ask(do="start", **source(lock), arguments=[])
    assert len(list(ground.temporary.iterdir())) == 1
    host.ask(do="stop")
    assert list(ground.temporary.iterdir()) == []
    assert both.inside(lock)["value"]
    assert "files" in both.inside(dig)["excess"]
    assert list(ground.temporary.iterdir()) == []


def test_nothing_outlives_the_host(ground: Ground) -> None:
    host = ground.open()
    host.ask(do="start", **source(_leave_daemons), arguments=[])
    started = psutil.Process(host.process.pid).children(recursive=True)
    assert len(started) > 3
    host.process.kill()
    _, alive = psutil.wait_procs(started, timeout=20)
    assert not alive, "processes outlived their host"


def test_crash_is_reported(both: Both) -> None:
    def leave():
        import os

        os._exit(7)

    def abort():
        import ctypes

        ctypes.string_at(0)

    assert both.inside(leave)["exit_code"] == 7
    assert both.inside(abort)["exit_code"] == -signal.SIGSEGV


def test_hosts_see_no_more_than_their_sandboxes(ground: Ground, host: Line, secret: Path) -> None:
    if ground.tier is not Tier.NAMESPACES:
        pytest.skip("only under namespaces the host is confined as well")

    def read(path):
        return open(path).read()

    answer = host.ask(do="plain", **source(read), arguments=[str(secret)])
    assert "FileNotFoundError" in answer["error"]
    assert json.dumps(answer)
