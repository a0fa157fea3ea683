"""What the chapters say in numbers, to be held against what the worlds give.

Each chapter has a module: how many words it may have (`WORDS`), and its `CLAIMS`, each a text of
the chapter with one number in braces, which number it is, and what the text multiplies it by. Runs
of spaces in the chapter count as one; a minus is −.
"""

from claims import (
    m1_requirements,
    m2_framing,
    m3_data,
    m4_models,
    m5_evaluation,
    m6_serving,
    m7_monitoring,
)

CHAPTERS = {
    "m1_requirements": m1_requirements,
    "m2_framing": m2_framing,
    "m3_data": m3_data,
    "m4_models": m4_models,
    "m5_evaluation": m5_evaluation,
    "m6_serving": m6_serving,
    "m7_monitoring": m7_monitoring,
}
