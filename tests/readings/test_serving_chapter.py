"""The chapter on serving: the formula behind its numbers on queues."""

from __future__ import annotations

from course.readings import figures


def test_erlang_c_agrees_with_its_definition() -> None:
    from math import factorial

    for load, servers in ((0.5, 1), (8, 10), (3, 4)):
        waiting = load**servers / factorial(servers) * servers / (servers - load)
        total = sum(load**k / factorial(k) for k in range(servers)) + waiting
        assert abs(figures.m6_serving.erlang_c(load, servers) - waiting / total) < 1e-9
