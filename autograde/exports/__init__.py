"""Grades in the forms that others read: a safe CSV, Canvas, Moodle; plug-ins of nbgrader's export.

``nbgrader export`` writes `SafeCSV`; ``--exporter=autograde.exports.CanvasCSV`` and
``--exporter=autograde.exports.MoodleCSV`` the other two. ``--to``, ``--assignment`` and
``--student`` work as nbgrader says.
"""

from autograde.exports.plugins import CanvasCSV, MoodleCSV, SafeCSV

__all__ = ["CanvasCSV", "MoodleCSV", "SafeCSV"]
