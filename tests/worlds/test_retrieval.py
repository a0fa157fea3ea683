"""The shelf 'Up next': determinism, refusals, and what its lab relies on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course.worlds import retrieval

SEEDS = (11, 12, 13)
SMALL = {"n_contexts": 5, "n_videos": 40}


def orders(seed: int) -> dict[str, np.ndarray]:
    """Return every context's videos by popularity, by P / p (what no correction learns), by P."""
    truth = retrieval.true_probability(seed)
    share = truth.mean(axis=0)
    scores = {"popular": np.tile(share, (len(truth), 1)), "peculiar": truth / share, "true": truth}
    return {name: np.argsort(-values, axis=1) for name, values in scores.items()}


def test_the_same_seed_gives_the_same_world_and_another_one_another() -> None:
    """Logs and shelves are functions of their arguments."""
    first, again = (retrieval.watches(1, 500) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(retrieval.watches(2, 500))
    lists = orders(1)["true"][:, :20]
    plays = [retrieval.serve(lists, "light", 1, n_requests=200, days=2) for _ in range(2)]
    pd.testing.assert_frame_equal(*plays)
    assert not plays[0][plays[0]["day"] == 0]["watched"].equals(
        retrieval.serve(lists, "light", 1, n_requests=200, first_day=1)["watched"]
    )


def test_tables_have_their_types_also_when_empty() -> None:
    """No rows, no requests and no days give the same columns."""
    log = retrieval.watches(1, 0)
    assert list(log.columns) == ["context", "video_id"]
    assert (log.dtypes == np.int64).all()
    lists = np.tile(np.arange(12), (5, 1))
    full = retrieval.serve(lists, "heavy", 1, n_requests=30, **SMALL)
    for empty in (
        retrieval.serve(lists, "heavy", 1, n_requests=0, **SMALL),
        retrieval.serve(lists, "heavy", 1, days=0, **SMALL),
    ):
        assert len(empty) == 0
        assert (empty.dtypes == full.dtypes).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_log_is_drawn_from_the_planted_distribution(seed: int) -> None:
    """Shares of videos within a context differ from the truth by sampling noise only."""
    truth = retrieval.true_probability(seed, **SMALL)
    assert np.allclose(truth.sum(axis=1), 1)
    log = retrieval.watches(seed, 50_000, **SMALL)
    count = np.zeros(truth.shape)
    np.add.at(count, (log["context"], log["video_id"]), 1)
    n = count.sum(axis=1, keepdims=True)
    error = (count - n * truth) / np.sqrt(n * truth * (1 - truth) + 1)
    assert np.abs(error).max() <= 5


@pytest.mark.parametrize("seed", SEEDS)
def test_popularity_falls_as_a_power_of_the_rank(seed: int) -> None:
    """Without tastes, the most popular video is watched k times as often as the k-th."""
    share = np.sort(retrieval.true_probability(seed, taste=0.0)[0])[::-1]
    assert np.allclose(share[0] / share, np.arange(1, 401))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_expected_happens(seed: int) -> None:
    """The share of watches meets the expectation of the same requests."""
    lists = orders(seed)["true"][:, :40]
    expected = retrieval.true_watch_rate(lists, "heavy", seed, n_requests=4000)
    shown = retrieval.serve(lists, "heavy", seed, n_requests=4000)
    assert abs(shown["watched"].mean() - expected) <= 5 * np.sqrt(0.25 / 4000)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_uncorrected_retriever_loses_to_popularity(seed: int) -> None:
    """With 40 candidates: about .34 by P / p, .52 by popularity, .58 by P."""
    rate = {
        name: retrieval.true_watch_rate(order[:, :40], "heavy", seed)
        for name, order in orders(seed).items()
    }
    assert rate["peculiar"] + 0.1 < rate["popular"]
    assert rate["popular"] + 0.03 < rate["true"]


@pytest.mark.parametrize("seed", SEEDS)
def test_more_candidates_help_a_good_ranker_and_hurt_a_noisy_one(seed: int) -> None:
    """The noisy ranker is best at 20 to 40 candidates, the good one gains up to 80."""
    order = orders(seed)["true"]

    def rate(n: int, ranker: str) -> float:
        return retrieval.true_watch_rate(order[:, :n], ranker, seed)

    assert rate(20, "heavy") + 0.02 < rate(40, "heavy") < rate(80, "heavy")
    assert rate(160, "light") + 0.02 < rate(40, "light")
    assert rate(10, "none") + 0.02 < rate(40, "light") < rate(40, "heavy") - 0.03
    assert rate(10, "none") == rate(160, "none")


def test_costs_rise_with_candidates() -> None:
    """A dear ranker pays per candidate, none pays nothing."""
    assert retrieval.latency_ms(40, "heavy") == 28.0
    assert retrieval.latency_ms(40, "none") == retrieval.latency_ms(400, "none")
    assert retrieval.euros_per_month(40, "light") < retrieval.euros_per_month(40, "heavy")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: retrieval.watches(1, -1), "n_watches must be 0 or more"),
        (lambda: retrieval.watches(1, 5, colour=1), "Unknown knobs"),
        (lambda: retrieval.watches(1, 5, n_videos=0), "n_videos must be at least 1"),
        (lambda: retrieval.watches(1, 5, taste=-1), "taste must not be negative"),
        (lambda: retrieval.watches(1, 5, n_videos=5), "list_length <= n_videos"),
        (lambda: retrieval.latency_ms(5, "huge"), "Unknown ranker 'huge'"),
        (lambda: play(np.zeros((5, 12))), "Expected video ids, whole numbers"),
        (lambda: play(np.tile(np.arange(12), (4, 1))), "for each of 5 contexts"),
        (lambda: play(np.tile(np.arange(6), (5, 1))), "at least 10 videos"),
        (lambda: play(np.tile(np.arange(30, 42), (5, 1))), "ids from 0 to 39"),
        (lambda: play(np.zeros((5, 12), dtype=int)), "Context 0: expected different videos"),
    ],
)
def test_bad_input_gets_a_sentence(call, sentence: str) -> None:
    """Sizes, knobs, rankers and lists that cannot be are refused."""
    with pytest.raises(ValueError, match=sentence):
        call()


def play(lists: np.ndarray) -> pd.DataFrame:
    """Serve lists in the small world."""
    return retrieval.serve(lists, "heavy", 1, n_requests=10, **SMALL)
