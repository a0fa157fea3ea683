"""Checks at arm's length: a learner's code in one process, the checks on it in another.

The learner's process never holds a check; the checks' process never runs a learner's code. Between
them go values as data, and calls.

From the outside in: `service` (or `cluster`) is asked for grades and starts a lab's warm process,
`lab_host`, which becomes two. `checks_host` forks a grading for each submission (`grading`), which
runs the checks one by one (`check_runner`) against stand-ins for what the learner defined
(`checks`), and remembers what was said (`transcripts`). `learner_host` forks a sandbox for each
submission (`session`), as the grading sees it `learner_process` and `learner_at_work`, in which the
learner's functions answer (`learner`). Both run notebooks' cells with `shell` and have the given
ones from `given`; what there is to grade is in `plan`; values cross by `codec` and `channel`.
"""
