"""What a policy may answer in the feed world, what is logged of it, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from course.worlds import feed
from course.worlds.feed.policies import best_columns, place_propensities

FAST = {"days": 1, "users": 300}


def by_scores(requests, candidates):
    return candidates["thumbnail_score"].astype(float)


def by_videos(requests, candidates):
    order = np.argsort(-candidates["thumbnail_score"], axis=1, kind="stable")[:, :10]
    return np.take_along_axis(candidates["video_id"], order, axis=1)


def uniform_probabilities(requests, candidates):
    shape = candidates["video_id"].shape
    return {"probabilities": np.full(shape, 1 / shape[1])}


def changed(answer, row, column, value):
    """A policy like another but for one entry."""

    def policy(requests, candidates):
        given = answer(requests, candidates)
        given = given["probabilities"] if isinstance(given, dict) else given
        given = np.array(given)
        given[row, column] = value
        return {"probabilities": given} if answer is uniform_probabilities else given

    return policy


@pytest.mark.parametrize(
    "policy",
    [
        by_videos,
        feed.LinearPolicy({"thumbnail_score": 1.0}),
        lambda requests, candidates: by_videos(requests, candidates).tolist(),
        lambda requests, candidates: by_scores(requests, candidates).tolist(),
        lambda requests, candidates: {"scores": by_scores(requests, candidates)},
        lambda requests, candidates: {"videos": by_videos(requests, candidates).astype(float)},
        lambda requests, candidates: (
            by_videos(requests, candidates),
            np.ones((len(requests), 10)),
        ),
    ],
)
def test_all_ways_to_say_the_same_ranking_give_the_same_log(policy):
    expected = feed.serve(by_scores, 1, **FAST)
    outcome = feed.serve(policy, 1, **FAST)
    assert outcome.impressions.equals(expected.impressions)
    assert outcome.events.equals(expected.events)
    assert (outcome.impressions["propensity"] == 1).all()


def test_ranking_in_one_integer_is_a_stable_sort():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(3000, 20)).round(1).astype(np.float32)  # many ties
    scores[5, 3], scores[6, 4], scores[7, 0] = -0.0, np.inf, -np.inf
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    assert (best_columns(scores, 10) == expected).all()
    assert (best_columns(scores.astype(np.float64), 10) == expected).all()


def test_ties_go_to_the_earlier_candidate():
    outcome = feed.serve(
        lambda requests, candidates: np.zeros(candidates["topic"].shape), 1, **FAST
    )
    ids = outcome.impressions["request_id"].unique()
    _, candidates = feed.request_batch(1, ids)
    assert (
        outcome.impressions["video_id"].tolist() == candidates["video_id"][:, :10].ravel().tolist()
    )


def test_candidates_cannot_be_changed():
    def careless(requests, candidates):
        candidates["thumbnail_score"] *= 2
        return candidates["thumbnail_score"]

    with pytest.raises(ValueError, match="read-only"):
        feed.serve(careless, 1, **FAST)


# Propensities


def test_place_propensities_of_all_lists_sum_to_one():
    distribution = np.random.default_rng(2).dirichlet(np.ones(5), size=1)
    lists = np.array(list(itertools.permutations(range(5), 3)))
    each = place_propensities(np.repeat(distribution, len(lists), axis=0), lists)
    assert each.prod(axis=1).sum() == pytest.approx(1)
    assert each[:, 0] == pytest.approx(distribution[0][lists[:, 0]])


@pytest.mark.parametrize("share", [0.0, 0.3])
@pytest.mark.parametrize("temperature", [None, 0.7])
def test_logged_propensities_are_the_frequencies_of_what_was_shown(share, temperature):
    policy = feed.LinearPolicy({"thumbnail_score": 1.0}, temperature=temperature)
    outcome = feed.serve(policy, 3, days=1, users=6000, randomised_share=share)
    rows = outcome.impressions
    requests, candidates = feed.request_batch(3, rows["request_id"].unique())
    answer = policy(requests, candidates)
    if temperature is None:
        top = np.argmax(answer, axis=1)
        likely = np.eye(20)[top]
    else:
        likely = answer["probabilities"]
    expected = (1 - share) * likely + share / 20
    first = rows["video_id"].to_numpy()[::10]
    column = (candidates["video_id"] == first[:, None]).argmax(axis=1)
    np.testing.assert_allclose(
        rows["propensity"].to_numpy()[::10], expected[np.arange(len(column)), column], rtol=1e-9
    )
    # Each candidate comes first as often as its propensity says, in groups of like candidates.
    shown = np.eye(20)[column]
    for low, high in ((0.0, 0.02), (0.02, 0.1), (0.1, 0.5), (0.5, 1.01)):
        group = (expected >= low) & (expected < high)
        if group.any():
            error = (expected * (1 - expected))[group].sum() ** 0.5
            assert abs((shown - expected)[group].sum()) <= 4 * error + 1e-9
    # Importance weights average to one at the first place and over the whole list: to a uniform
    # first place, and to the ranking without the randomised bucket.
    if temperature or share:
        weight = (1 / 20) / rows["propensity"].to_numpy()[::10]
        assert abs(weight.mean() - 1) < 4 * weight.std() / len(weight) ** 0.5
    listed = rows["propensity"].to_numpy().reshape(-1, 10).prod(axis=1)
    if temperature is None and share:
        best = np.argsort(-answer, axis=1, kind="stable")[:, :10]
        match = (
            rows["video_id"].to_numpy().reshape(-1, 10)
            == np.take_along_axis(candidates["video_id"], best, axis=1)
        ).all(axis=1)
        weight = match / listed
        assert abs(weight.mean() - 1) < 4 * weight.std() / len(weight) ** 0.5


@pytest.mark.parametrize("seed", [1, 2])
def test_the_randomised_bucket_is_blind(seed):
    rows, _ = feed.log(seed, days=2, users=4000, randomised_share=0.25)
    per_request = rows.drop_duplicates("request_id")
    share = (per_request["bucket"] == "random").mean()
    assert abs(share - 0.25) < 4 * (0.19 / len(per_request)) ** 0.5
    blind = rows[rows["bucket"] == "random"]
    click = feed.true_response(seed, blind)["click"].groupby(blind["position"])
    errors = 4 * (click.std() / click.size() ** 0.5)
    assert (abs(click.mean() - click.mean().mean()) < errors).all()
    ranked = rows[rows["bucket"] == "ranked"]
    click = feed.true_response(seed, ranked)["click"].groupby(ranked["position"]).mean()
    assert click[1] > 1.3 * click[10]


def test_a_policy_that_draws_by_itself_is_logged_as_it_says():
    def policy(requests, candidates):
        return by_videos(requests, candidates), np.full((len(requests), 10), 0.25)

    assert (feed.serve(policy, 1, **FAST).impressions["propensity"] == 0.25).all()
    with pytest.raises(ValueError, match="randomised bucket needs to know"):
        feed.serve(policy, 1, randomised_share=0.1, **FAST)


# What is refused


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (changed(by_scores, 3, 5, np.nan), r"Request \d+ \(row 3\): expected a number as score"),
        (changed(by_videos, 4, 2, 2399 + 10_000), r"\(row 4\): expected ids of the request's own"),
        (changed(by_videos, 4, 2, -1), r"\(row 4\).* got -1 in column 2"),
        (
            lambda r, c: np.repeat(c["video_id"][:, :5], 2, axis=1),
            r"\(row 0\): expected 10 different videos, got 5 different",
        ),
        (lambda r, c: c["video_id"][:, :9], r"shape \(\d+, 10\), got shape \(\d+, 9\)"),
        (lambda r, c: c["video_id"], r"shape \(\d+, 10\), got shape \(\d+, 20\)"),
        (lambda r, c: c["length_s"][:, :10], r"one score per candidate, shape \(\d+, 20\)"),
        (lambda r, c: c["length_s"][:-1], "one score per candidate"),
        (
            lambda r, c: [*c["video_id"][:-1, :10].tolist(), [1, 2]],
            r"video id per place.*10; got 2",
        ),
        (lambda r, c: None, "array of numbers, got NoneType"),
        (lambda r, c: r["country"].to_numpy(), "array of numbers, got ndarray of object"),
        (lambda r, c: c["length_s"][:, 0], "one score per candidate"),
        (lambda r, c: {"videos": c["length_s"][:, :10] + 0.5}, "whole numbers as video ids"),
        (lambda r, c: {"rank": 1}, "one of 'scores', 'videos'"),
        (lambda r, c: {"scores": c["length_s"], "videos": c["video_id"]}, "one of 'scores'"),
        (lambda r, c: {"scores": c["length_s"], "propensity": c["length_s"]}, "one of 'scores'"),
        (lambda r, c: (1, 2, 3), "pair"),
        (lambda r, c: (by_videos(r, c), np.zeros((len(r), 10))), r"row 0\): expected propensities"),
        (lambda r, c: (by_videos(r, c), np.full((len(r), 10), 1.5)), "got 1.5 in column 0"),
        (lambda r, c: (by_videos(r, c), np.full((len(r), 10), np.nan)), "got nan in column 0"),
        (lambda r, c: (by_videos(r, c), np.ones((len(r), 3))), "one propensity per place"),
        (
            changed(uniform_probabilities, 6, 0, 0.5),
            r"row 6\): expected probabilities that sum to 1",
        ),
        (
            changed(uniform_probabilities, 6, 0, -0.1),
            r"row 6\): expected probabilities in \[0, 1\]",
        ),
        (changed(uniform_probabilities, 6, 0, np.nan), r"row 6\): expected probabilities in"),
        (
            lambda r, c: {"probabilities": np.eye(20)[np.zeros(len(r), dtype=int)]},
            "at least 10 candidates with a probability above 0, as many as places, got 1",
        ),
    ],
)
def test_answers_that_are_no_ranking_are_refused(policy, message):
    with pytest.raises(ValueError, match=message):
        feed.serve(policy, 1, **FAST)


def test_unknown_features_are_named():
    with pytest.raises(ValueError, match=r"Unknown features \['quality'\]"):
        feed.LinearPolicy({"quality": 1.0})
    with pytest.raises(ValueError, match="temperature must be positive"):
        feed.LinearPolicy({}, temperature=0)


# Learning


class Watcher:
    """A policy that keeps what it is told."""

    def __init__(self):
        self.impressions, self.events = [], []

    def __call__(self, requests, candidates):
        return candidates["thumbnail_score"]

    def observe(self, impressions, events):
        self.impressions.append(impressions)
        self.events.append(events)


@pytest.mark.parametrize("keep_log", [True, False])
def test_a_policy_is_told_what_has_arrived(keep_log):
    watcher = Watcher()
    outcome = feed.serve(watcher, 1, days=4, users=1000, keep_log=keep_log)
    full = feed.serve(by_scores, 1, days=4, users=1000)
    assert len(watcher.events) == 4
    for day in range(4):
        end = feed.FIRST_DAY + np.timedelta64(day + 1, "D")
        expected = full.events["arrival_time"] < end
        assert sum(len(part) for part in watcher.events[: day + 1]) == expected.sum()
        assert (watcher.events[day]["arrival_time"] < end).all()
    told = np.concatenate([part["impression_id"] for part in watcher.impressions])
    assert told.tolist() == full.impressions["impression_id"].tolist()
    if keep_log:
        assert outcome.impressions.equals(full.impressions)
        assert outcome.events.equals(full.events)


def test_exploration_beats_greed_when_clicks_teach():
    """Rank by observed click-through: without exploration the unseen stay unseen."""

    class Learner:
        def __init__(self, exploration):
            self.exploration = exploration
            self.shown, self.clicks = np.zeros(3000), np.zeros(3000)

        def __call__(self, requests, candidates):
            rate = (self.clicks + 0.1) / (self.shown + 2.0)
            if self.exploration:
                rate = rate + self.exploration / np.sqrt(self.shown + 1.0)
            return rate[candidates["video_id"]]

        def observe(self, impressions, events):
            seen = impressions["video_id"].to_numpy()
            look = feed.true_examination()[impressions["position"] - 1]
            self.shown += np.bincount(seen, look, minlength=3000)
            clicked = events.loc[events["kind"] == "click", "video_id"]
            self.clicks += np.bincount(clicked, minlength=3000)

    appeal = feed.true_videos(1, new_videos=0)["appeal"].to_numpy()
    correlation = []
    for exploration in (0.0, 1.0):
        learner = Learner(exploration)
        feed.serve(learner, 1, days=6, users=1000, keep_log=False, new_videos=0)
        rate = (learner.clicks + 0.1) / (learner.shown + 2.0)
        correlation.append(np.corrcoef(rate[:2400], appeal)[0, 1])
    assert correlation[1] > correlation[0] + 0.03
