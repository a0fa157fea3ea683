"""The feed world's random numbers and elementary functions: exact, independent, and right."""

from __future__ import annotations

import math

import numpy as np

from course.worlds.feed import randomness as rnd

COUNT = 200_000


def test_the_finaliser_is_that_of_splitmix64():
    # First outputs of the reference implementation started at 1234567 (Vigna, splitmix64.c).
    state, outputs = 1234567, []
    for _ in range(3):
        outputs.append(rnd.mix_number(state))
        state = (state + 0x9E3779B97F4A7C15) % 2**64
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert rnd.mix(np.array([1234567], dtype=np.uint64))[0] == outputs[0]


def test_hashes_do_not_depend_on_their_company():
    together = rnd.hashes(rnd.key(3, "x"), np.arange(1000))
    alone = rnd.hashes(rnd.key(3, "x"), 777)
    assert together[777] == alone[0]
    assert len(np.unique(together)) == 1000
    assert rnd.key(3, "x") != rnd.key(3, "y")
    assert rnd.key(3, "x") != rnd.key(4, "x")


def test_uniform_numbers_fill_the_unit_interval_evenly():
    for parent in (1, 2, 2**63):
        u = rnd.uniform(rnd.hashes(parent, np.arange(COUNT)))
        assert u.min() >= 0
        assert u.max() < 1
        counts = np.bincount((u * 100).astype(int), minlength=100)
        chi_square = ((counts - COUNT / 100) ** 2 / (COUNT / 100)).sum()
        assert abs(chi_square - 99) < 5 * math.sqrt(2 * 99)
        assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 5 / math.sqrt(COUNT)


def test_streams_of_one_counter_are_uncorrelated():
    own = rnd.hashes(rnd.key(1, "a"), np.arange(COUNT))
    first, second = rnd.uniform(rnd.hashes(own, 0)), rnd.uniform(rnd.hashes(own, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / math.sqrt(COUNT)


def test_normal_and_exponential_numbers_have_their_moments():
    bits = rnd.hashes(9, np.arange(COUNT))
    z, wait = rnd.normal(bits), rnd.exponential(bits)
    assert abs(z.mean()) < 5 / math.sqrt(COUNT)
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / COUNT)
    assert abs(z).max() < 3.47
    assert abs(wait.mean() - 1) < 5 / math.sqrt(COUNT)
    assert abs((wait > 2).mean() - math.exp(-2)) < 5 * math.sqrt(0.12 / COUNT)
    assert wait.min() > 0


def test_exp_log_and_sigmoid_are_accurate():
    x = np.linspace(-60, 60, 10_001)
    np.testing.assert_allclose(rnd.exp(x), np.exp(x), rtol=1e-9)
    np.testing.assert_allclose(rnd.sigmoid(x), 1 / (1 + np.exp(-x)), rtol=1e-9)
    positive = np.exp(np.linspace(-37, 3, 10_001))
    np.testing.assert_allclose(rnd.log(positive), np.log(positive), atol=1e-10)
    assert rnd.exp(np.array([-np.inf, -1e9]))[0] < 1e-300
