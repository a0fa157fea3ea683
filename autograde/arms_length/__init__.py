"""Checks at arm's length: a learner's code in one process, the checks on it in another.

The learner's process never holds a check; the checks' process never runs a learner's code. Between
them go values as data, and calls.
"""
