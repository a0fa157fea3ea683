"""A notebook's cells in this process: run them one by one, and keep what they showed as data.

This is what a kernel does, without the protocol: IPython runs the cells, magics and figures
included, and what they print, display and raise becomes outputs of the notebook format.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type

MOST_BYTES = 2_000_000
"""Characters of output that are kept of one cell, its figures included."""
MOST_TEXT = 200_000
"""Characters of printed text that are kept of one cell."""

Output = dict[str, object]
"""One output, as the notebook format has it."""


@dataclass
class CellRun:
    """What came of one cell.

    Attributes
    ----------
    outputs
        What it showed.
    error
        The kind and the message of what it raised, or None.
    """

    outputs: list[Output] = field(default_factory=list)
    error: tuple[str, str] | None = None


class _Record:
    """The outputs of the cell that is running, within bounds."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.bytes = self.text = 0
        self.full = False

    def print(self, name: str, text: str) -> None:
        """Add printed text to the stream that it was printed on."""
        if self.full or not text:
            return
        if self.text + len(text) > MOST_TEXT:
            text = text[: MOST_TEXT - self.text] + "\n… the rest of this output was dropped.\n"
            self.full = True
        self.text += len(text)
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") == "stream" and last.get("name") == name:
            last["text"] = f"{last['text']}{text}"
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": text})

    def show(self, kind: str, data: dict[str, object], metadata: object) -> None:
        """Add something displayed, or the cell's value."""
        self.bytes += sum(len(str(value)) for value in data.values())
        if self.bytes > MOST_BYTES:
            return
        output: Output = {"output_type": kind, "data": dict(data), "metadata": dict(metadata or {})}
        if kind == "execute_result":
            output["execution_count"] = None
        self.outputs.append(output)

    def fail(self, name: str, text: str, traceback: list[str]) -> None:
        """Add an error."""
        error = {"output_type": "error", "ename": name, "evalue": text, "traceback": traceback}
        self.outputs.append(error)


class _Stream(io.TextIOBase):
    """Standard output or error, going to the running cell's record."""

    encoding = "utf-8"

    def __init__(self, shell: RecordingShell, name: str) -> None:
        self._shell, self._name = shell, name

    def write(self, text: str) -> int:
        self._shell.record.print(self._name, str(text))
        return len(text)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False


class _Publisher(DisplayPublisher):
    def publish(
        self, data: dict[str, object], metadata: object = None, **others: object
    ) -> None:  # an update of an earlier display is one more display
        self.shell.record.show("display_data", data, metadata)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.record.outputs.clear()


class _ValueHook(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, object], md_dict: object = None) -> None:
        self.shell.record.show("execute_result", format_dict, md_dict)

    def log_output(self, format_dict: dict[str, object]) -> None:
        pass


class RecordingShell(InteractiveShell):
    """IPython without a terminal: cells go in as text, outputs come out as data."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_ValueHook)

    def __init__(self, **options: object) -> None:
        self.record = _Record()
        super().__init__(**options)
        # Its writer is a thread with a database file; nothing of this is to be kept.
        self.history_manager.enabled = False

    def run(self, source: str) -> CellRun:
        """Run a cell; nothing that it raises gets out."""
        self.record = _Record()
        with self._streams():
            result = self.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        described = (type(error).__name__, _text_of(error)) if error is not None else None
        return CellRun(self.record.outputs, described)

    def enable_gui(self, gui: str | None = None) -> None:
        """Accept figures inside the notebook; there is no window to open one in."""

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.record.fail(etype.__name__, _text_of(evalue), list(stb))

    @contextlib.contextmanager
    def _streams(self) -> Iterator[None]:
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream(self, "stdout"), _Stream(self, "stderr")
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def start_shell() -> RecordingShell:
    """Return this process's shell, ready to be forked.

    The first traceback in a process costs a tenth of a second: it is rendered here, once.
    """
    RecordingShell.clear_instance()
    shell = RecordingShell.instance()
    shell.run("raise LookupError('warm')")
    shell.user_ns.pop("_", None)
    return shell


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a learner's own exception may have a broken __str__
        return "an exception that can't be shown"
