"""The traffic world: queues, batches, calls, caches, releases, vectors, designs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course.worlds import traffic


def test_the_same_seed_gives_the_same_tables() -> None:
    first, again = (traffic.load_test(3, (40, 120)) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(traffic.load_test(4, (40, 120)))
    np.testing.assert_array_equal(traffic.video_vectors(1, 9)[0], traffic.video_vectors(1, 9)[0])


def test_no_loads_give_an_empty_table_of_the_same_types() -> None:
    empty, full = traffic.load_test(1, ()), traffic.load_test(1, (50,), requests=5)
    assert empty.empty
    assert (empty.dtypes == full.dtypes).all()
    vectors, topics = traffic.video_vectors(1, 0)
    assert vectors.shape == (0, 24)
    assert topics.shape == (0,)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: traffic.load_test(1, (-5,)), "above 0"),
        (lambda: traffic.batcher(1, 100, 0, 5), "a batch of at least 1"),
        (lambda: traffic.calls(1, 5, slow_share=2), "between 0 and 1"),
        (lambda: traffic.cache_trace(1, 5, ttl_hours=-1), "at least 0 hours"),
        (lambda: traffic.video_vectors(1, -1), "n >= 0"),
        (lambda: traffic.canary_counts(1, 2, 2, per_hour=5, error_rate=2), "in \\[0, 1\\]"),
        (lambda: traffic.play_release(None, 1, error_rates=(0.1,)), "4 error rates"),
        (lambda: traffic.waiting_room(np.ones(2), np.ones(3)), "got 2 and 3"),
    ],
)
def test_bad_input_is_a_sentence(call, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()


def test_the_queue_agrees_with_a_loop() -> None:
    rng = np.random.default_rng(0)
    arrivals, service = np.cumsum(rng.exponential(1, 500)), rng.exponential(0.8, 500)
    free, expected = 0.0, []
    for moment, work in zip(arrivals, service, strict=True):
        free = max(free, moment) + work
        expected.append(free - moment)
    np.testing.assert_allclose(traffic.waiting_room(arrivals, service), expected)


@pytest.mark.parametrize(("utilisation", "theory"), [(0.5, 2), (0.8, 5), (0.95, 20)])
def test_the_simplest_queue_meets_its_theory(utilisation: float, theory: float) -> None:
    means = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        gaps, work = rng.exponential(1 / utilisation, 200_000), rng.exponential(1.0, 200_000)
        means.append(traffic.waiting_room(np.cumsum(gaps), work).mean())
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    assert abs(np.mean(means) - theory) <= 5 * error + 0.01


def test_a_replica_saves_launches_in_batches_and_pays_in_waiting() -> None:
    alone, together = (np.quantile(traffic.batcher(1, 600, b, 5), 0.99) for b in (1, 8))
    assert together < 60 < 1_000 < alone
    quick, patient = (np.quantile(traffic.batcher(1, 50, 16, w), 0.99) for w in (0, 60))
    assert quick < 30 < 60 < patient


def test_batches_of_one_are_the_plain_queue() -> None:
    rng = np.random.default_rng([5, 77])
    arrivals = np.cumsum(rng.exponential(1e3 / 150, 3_000))
    expected = traffic.waiting_room(arrivals, np.full(3_000, 4.3))
    np.testing.assert_allclose(traffic.batcher(5, 150, 1, 0), expected)


def test_a_hundred_calls_are_slow_together_and_hedging_mends_it() -> None:
    for seed in range(3):
        first, second = traffic.calls(seed, 2_000)
        slow = (first.max(axis=1) > 50).mean()
        assert abs(slow - (1 - 0.99**100)) <= 5 * np.sqrt(0.634 * 0.366 / 2_000)
        hedged = np.where(first > 20, np.minimum(first, 20 + second), first)
        assert np.median(hedged.max(axis=1)) < 30 < 100 < np.median(first.max(axis=1))
        assert (first > 20).mean() < 0.012


def test_a_longer_life_in_the_cache_hits_more_and_is_older() -> None:
    short, long = (traffic.cache_trace(1, 10_000, ttl_hours=h) for h in (0.25, 4))
    assert short["hit"].mean() < long["hit"].mean()
    assert short["age_hours"].max() < 0.25 < long["age_hours"].max() < 4


def test_the_vectors_punish_what_they_should() -> None:
    everything, topics = traffic.video_vectors(1, 1_600)
    vectors, queries = everything[:1_500], everything[1_500:]
    squared = ((queries[:, None] - vectors) ** 2).sum(axis=2)
    exact = squared.argsort(axis=1)[:, :10]
    products = (-queries @ vectors.T).argsort(axis=1)[:, :10]
    overlap = np.mean([np.isin(a, b).mean() for a, b in zip(exact, products, strict=True)])
    assert overlap < 0.2  # the inner product finds long vectors
    assert np.unique(topics).size == traffic.TOPICS
    assert np.unique(everything, axis=0).shape == everything.shape


def test_counts_of_releases_have_their_rate() -> None:
    requests, errors = traffic.canary_counts(1, 400, 10, per_hour=100, error_rate=0.05)
    rate = errors[:, -1].sum() / requests[:, -1].sum()
    assert abs(rate - 0.05) <= 5 * np.sqrt(0.05 * 0.95 / requests[:, -1].sum())
    assert (np.diff(errors, axis=1) >= 0).all()
    _, silent = traffic.canary_counts(1, 50, 10, per_hour=9, error_rate=0.1, missing_share=0.5)
    assert 0.3 < np.isnan(silent).mean() < 0.7


def test_a_release_walks_its_stages() -> None:
    rates = (0.02,) * 4
    promoted = traffic.play_release(lambda r, e: np.ones(1), 1, error_rates=rates)
    assert promoted["share"].tolist() == list(traffic.STAGES)
    stopped = traffic.play_release(lambda r, e: np.array([-1]), 1, error_rates=rates)
    assert len(stopped) == 1
    seen = []

    def wait(requests: np.ndarray, errors: np.ndarray) -> np.ndarray:
        seen.append(errors[0])
        return np.zeros(1)

    stuck = traffic.play_release(wait, 1, error_rates=rates, silent_stage=0)
    assert len(stuck) == 12
    assert np.isnan(seen).all()


def test_designs_turn_on_what_waste_costs() -> None:
    for seed in range(5):
        table = traffic.designs(seed, noise=0.08).set_index("design")
        fresh = table[table["stale_hours"] < 2]
        paid = (fresh["lists_computed"] * fresh["euros_per_million"]).idxmin()
        seen = (fresh["lists_shown"] * fresh["euros_per_million"]).idxmin()
        assert paid == "online_cached"
        assert seen.startswith("hourly")
        assert (table["lists_shown"] <= table["lists_computed"]).all()
