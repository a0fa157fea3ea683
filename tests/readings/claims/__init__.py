"""What the chapters say in numbers, to be held against what the worlds give.

Each chapter has a module: how many words it may have (`WORDS`), and its `CLAIMS`, each a text of
the chapter with one number in braces, which number it is, and what the text multiplies it by. Runs
of spaces in the chapter count as one; a minus is −.
"""

from importlib import import_module

from course.readings import figures

CHAPTERS = {name: import_module(f"claims.{name}") for name in figures.CHAPTERS}
