"""Run a submission's notebook within bounds, and keep what it reached.

nbgrader's own ``Execute`` loses all of a submission when its kernel dies, and waits a cell's time
limit again for every check of a function that never ends. Here a death or a time-out costs the
exercise that caused it: the kernel is started again, the cells that had run are run again, and the
rest is graded.
"""

from __future__ import annotations

import copy
import re
import time

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute
from traitlets import Integer

from autograde.ingest import add_notes
from course.checks.magics import VERDICT_MIME, CheckResult
from course.checks.naming import check_name, exercise_of
from course.checks.verdict import Status, Verdict

# A syntax error names the number that IPython gave its cell.
_CELL_FILE = re.compile(r"\(\d+\.py, ")


class BoundedExecute(Execute):
    """nbgrader's ``Execute`` with budgets, for one notebook at a time."""

    notebook_seconds = Integer(
        300, help="Wall-clock seconds for a whole notebook, restarts included."
    ).tag(config=True)
    cell_output_bytes = Integer(
        200_000, help="Output kept of one cell; what comes after is dropped."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict | None = None, km: object = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Run all cells of a notebook; the notes on what went wrong are kept in its metadata."""
        self.interrupt_on_timeout = False  # a restart ends loops that swallow an interrupt, too
        self.timeout_func = self._cell_seconds
        self._deadline = time.monotonic() + self.notebook_seconds
        self._exercises = [cell.metadata.nbgrader.grade_id for cell in nb.cells if _is_answer(cell)]
        self._stopped: dict[str, str] = {}
        self._raised: dict[str, str] = {}
        self._ran: list[int] = []
        self._output_bytes = 0
        return super().preprocess(nb, resources, km)

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Run one cell; a time-out or a death is written into it, and the kernel replaced."""
        if cell.cell_type != "code":
            return cell, resources
        cell.outputs = []
        reason = self._reason_not_to_run(cell)
        if reason:
            _put_error(cell, "NotRun", reason)
            return cell, resources
        self._output_bytes = 0
        seconds = self._cell_seconds(cell)
        try:
            result = super().preprocess_cell(cell, resources, index)
            self._remember(cell, index)
            return result
        except CellTimeoutError:
            self._recover(cell, f"ran for more than {seconds} s and was stopped")
        except DeadKernelError:
            self._recover(cell, "ended the Python process")
        except (RuntimeError, OSError, ValueError, KeyError) as error:
            # A kernel that answers nonsense: its submission's fault, not the batch's.
            self._recover(cell, f"left its kernel without a proper answer ({type(error).__name__})")
        return cell, resources

    def process_message(
        self, msg: dict[str, object], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        """Take a message of the kernel into a cell, unless the cell has had its share."""
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "error"):
            before, self._output_bytes = self._output_bytes, self._output_bytes + _size(msg)
            if before > self.cell_output_bytes:
                return None
            if self._output_bytes > self.cell_output_bytes and msg["msg_type"] == "stream":
                text = str(msg["content"]["text"])[: self.cell_output_bytes]
                msg["content"]["text"] = f"{text}\n… the rest of this output was dropped.\n"
        return super().process_message(msg, cell, cell_index)

    def _cell_seconds(self, cell: NotebookNode) -> int:
        left = self._deadline - time.monotonic()
        return max(1, int(min(self.timeout or 30, left)))

    def _reason_not_to_run(self, cell: NotebookNode) -> str | None:
        if time.monotonic() > self._deadline:
            return f"Not run: the notebook used up its {self.notebook_seconds} s."
        for exercise in self._exercises_in(cell):
            if exercise in self._stopped and not _is_answer(cell):
                return f"Not run: `{exercise}` {self._stopped[exercise]}."
        return None

    def _exercises_in(self, cell: NotebookNode) -> list[str]:
        """Return the exercises whose code a cell holds, checks or plays."""
        if _is_answer(cell):
            return [cell.metadata.nbgrader.grade_id]
        if _is_check(cell):
            exercise = exercise_of(check_name(cell.metadata.nbgrader.grade_id), self._exercises)
            return [exercise] if exercise else []
        first = cell.source.partition("\n")[0]
        return first.split()[1:] if first.startswith("%%play ") else []

    def _remember(self, cell: NotebookNode, index: int) -> None:
        """Keep what the cells below will need to know of a cell that has come to its end."""
        error = next((out for out in cell.outputs if out.output_type == "error"), None)
        if _is_check(cell):
            self._explain_unstarted(cell)
        elif error is None:
            self._ran.append(index)
        elif _is_answer(cell):
            text = _CELL_FILE.sub("(", error.evalue)
            self._raised[cell.metadata.nbgrader.grade_id] = f"{error.ename}: {text}"

    def _explain_unstarted(self, cell: NotebookNode) -> None:
        """Say in a check's verdict when its exercise is undefined because its cell raised."""
        for exercise in self._exercises_in(cell):
            for number, output in enumerate(cell.outputs):
                data = dict(output.get("data", {}).get(VERDICT_MIME, {}))
                if exercise not in self._raised or data.get("status") != Status.NOT_STARTED:
                    continue
                message = f"The cell of `{exercise}` does not run: {self._raised[exercise]}"
                note = data.pop("note", "")
                verdict = Verdict(**data | {"status": Status.FAILED, "message": message})
                bundle = CheckResult(verdict, note)._repr_mimebundle_()
                cell.outputs[number] = new_output("execute_result", bundle)

    def _recover(self, cell: NotebookNode, reason: str) -> None:
        """Write into a cell why it was stopped, and bring a new kernel to where the old one was."""
        exercises = self._exercises_in(cell)
        # A cell that plays several exercises does not say which of them it was.
        if len(exercises) == 1:
            self._stopped[exercises[0]] = reason
        names = ", ".join(f"`{name}`" for name in exercises)
        what = names if not _is_given(cell) else f"a cell that plays {names}" if names else "a cell"
        _put_error(cell, "Stopped", f"Stopped: {what} {reason}.")
        add_notes(self.nb, [f"{what[0].upper()}{what[1:]} {reason}."])
        self._restart()

    def _restart(self) -> None:
        self._cleanup_kernel()
        self.km = self.create_kernel_manager()
        self.start_new_kernel()
        self.start_new_kernel_client()
        for index in list(self._ran):
            if time.monotonic() > self._deadline:
                return
            try:
                self.execute_cell(copy.deepcopy(self.nb.cells[index]), index)
            except (CellTimeoutError, DeadKernelError, RuntimeError):
                # It ran once and now it doesn't: leave it out, so that the restarts end.
                self._ran.remove(index)
                self._restart()
                return


def _is_answer(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _is_check(cell: NotebookNode) -> bool:
    nbgrader = cell.metadata.get("nbgrader", {})
    return bool(nbgrader.get("grade") and not nbgrader.get("solution"))


def _is_given(cell: NotebookNode) -> bool:
    return not _is_answer(cell) and not _is_check(cell)


def _put_error(cell: NotebookNode, name: str, text: str) -> None:
    cell.outputs.append(new_output("error", ename=name, evalue=text, traceback=[text]))


def _size(message: dict[str, object]) -> int:
    content = message["content"]
    if message["msg_type"] == "stream":
        return len(content.get("text", ""))
    return len(str(content.get("data", content)))
