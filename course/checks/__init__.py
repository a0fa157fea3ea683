"""The in-notebook checks: ``%%check`` grades an exercise, ``%%play`` plays it in the world.

A lab's first cell loads them with ``%load_ext course.checks`` and names the lab with ``%lab``. A
learner also has ``%hint``, ``%solution``, ``%progress`` and ``%trace``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from course.checks.verdict import Status, Verdict, run_check

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Status", "Verdict", "load_ipython_extension", "run_check"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics; IPython calls this for ``%load_ext course.checks``."""
    from course.checks.magics import CheckMagics

    magics = CheckMagics(shell)
    shell.register_magics(magics)
    shell.events.register("pre_run_cell", magics.keep_magics_working)
