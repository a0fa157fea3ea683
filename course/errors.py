"""What went wrong, in a sentence for the person at the keyboard."""

from __future__ import annotations


class CourseError(Exception):
    """A fault that the command line shows as its sentence, without a traceback."""
