"""The feed world: what it draws, what it guarantees, and what its knobs do."""

from __future__ import annotations

import doctest
import hashlib
import itertools
import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from course.worlds import feed

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def log():
    """Four days of the app."""
    return feed.log(1, days=4, users=2000)


def same(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    return left.reset_index(drop=True).equals(right.reset_index(drop=True))


def of_users(table: pd.DataFrame, user_ids) -> pd.DataFrame:
    return table[table["user_id"].isin(user_ids)]


# What is guaranteed


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(feed).attempted > 5
    assert doctest.testmod(feed).failed == 0


def test_a_seed_decides_everything():
    first, again, other = (feed.log(seed, days=2, users=200) for seed in (1, 1, 2))
    for table in range(2):
        pd.testing.assert_frame_equal(first[table], again[table])
    assert not same(first[0], other[0])


def test_the_same_log_on_every_platform():
    policy = feed.LinearPolicy({"topic_match": 1.0, "age_days": -0.1}, noise=0.3, temperature=0.7)
    impressions, events = feed.log(5, days=3, users=150, policy=policy, randomised_share=0.2)
    digest = hashlib.sha256()
    for table in (impressions, events):
        for name in table:
            column = table[name]
            values = column.cat.codes if column.dtype == "category" else column
            digest.update(np.ascontiguousarray(values.to_numpy()).tobytes())
    assert digest.hexdigest()[:16] == "f4f2bf648ff521e9"


def test_a_further_user_changes_nobody_else():
    few, more = (feed.log(1, days=5, users=n) for n in (300, 301))
    for small, large in zip(few, more, strict=True):
        assert same(small, large[large["user_id"] != 300])


def test_users_live_their_own_lives_in_an_experiment():
    arms = {"control": feed.PRODUCTION, "clicks": feed.CLICK_POLICY}
    split = feed.experiment(arms, 1, days=4, users=400, keep_log=True)
    served = {name: feed.serve(arms[name], 1, days=4, users=400) for name in arms}
    for name in arms:
        mine = split.users.loc[split.users["arm"] == name, "user_id"]
        ids = of_users(split.impressions, mine)["impression_id"]
        assert sorted(ids) == sorted(of_users(served[name].impressions, mine)["impression_id"])
        totals = split.users.set_index("user_id").loc[mine, "satisfaction"]
        alone = served[name].users.set_index("user_id").loc[mine, "satisfaction"]
        pd.testing.assert_series_equal(totals, alone)


def test_longer_runs_begin_like_shorter_ones():
    short, long = (feed.log(1, days=n, users=200)[0] for n in (2, 4))
    assert same(short, long.iloc[: len(short)])


def test_policies_share_their_users_moods():
    # On the first day the same users come, scroll equally far, and click on the same videos.
    a = feed.serve(feed.PRODUCTION, 1, days=1, users=2000)
    b = feed.serve(feed.LinearPolicy(feed.PRODUCTION.weights, noise=0.5), 1, days=1, users=2000)
    assert a.days["sessions"].tolist() == b.days["sessions"].tolist()
    merged = feed.labelled(a.impressions, a.events).merge(
        feed.labelled(b.impressions, b.events), on=["request_id", "video_id", "position"]
    )
    assert len(merged) > 1000
    assert (merged["clicked_x"] == merged["clicked_y"]).all()


def test_memory_grows_with_the_tables_alone():
    peaks = []
    for days in (4, 24):
        tracemalloc.start()
        outcome = feed.serve(feed.PRODUCTION, 1, days=days, users=3000, keep_log=False)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        tables = (outcome.days, outcome.users, outcome.user_days)
        size = sum(table.memory_usage(deep=True).sum() for table in tables)
        peaks.append((peak, size))
    # Twenty more days of lists would take some 40 MB; the tables are summed up and copied once.
    assert peaks[1][0] - peaks[0][0] < 3 * (peaks[1][1] - peaks[0][1]) + 2e6


def test_a_policy_may_live_in_another_process():
    policy = pickle.loads(pickle.dumps(feed.LinearPolicy({"topic_match": 1.0}, noise=0.2)))

    def far_away(requests, candidates):
        sent = pickle.loads(pickle.dumps((requests, candidates)))
        return pickle.loads(pickle.dumps(policy(*sent)))

    near, far = (feed.serve(p, 1, days=2, users=100).impressions for p in (policy, far_away))
    assert near.equals(far)


def test_no_function_touches_the_global_stream():
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    feed.log(1, days=1, users=50)
    assert np.random.random() == expected  # noqa: NPY002


# Tables


IMPRESSION_TYPES = {
    "impression_id": "int64",
    "request_id": "int64",
    "user_id": "int64",
    "video_id": "int32",
    "timestamp": "datetime64[s]",
    "policy": "category",
    "bucket": "category",
    "position": "int8",
    "propensity": "float64",
    "client_version": "int8",
}
EVENT_TYPES = {
    "impression_id": "int64",
    "user_id": "int64",
    "video_id": "int32",
    "kind": "category",
    "value": "float64",
    "event_time": "datetime64[s]",
    "arrival_time": "datetime64[s]",
}


def test_columns_and_types(log):
    impressions, events = log
    assert impressions.dtypes.astype(str).to_dict() == IMPRESSION_TYPES
    assert events.dtypes.astype(str).to_dict() == EVENT_TYPES
    assert impressions["timestamp"].is_monotonic_increasing
    assert events["arrival_time"].is_monotonic_increasing
    assert (events["arrival_time"] >= events["event_time"]).all()
    assert impressions["impression_id"].is_unique
    assert events["impression_id"].isin(impressions["impression_id"]).all()
    assert (impressions["position"].to_numpy().reshape(-1, 10) == np.arange(1, 11)).all()
    assert impressions.groupby("request_id")["video_id"].nunique().eq(10).all()
    assert impressions["propensity"].between(0, 1, inclusive="right").all()


@pytest.mark.parametrize(("users", "days"), [(0, 3), (50, 0), (0, 0)])
def test_nothing_gives_empty_typed_tables(users, days):
    full = feed.serve(feed.PRODUCTION, 1, users=50, days=3, log_features=True)
    empty = feed.serve(feed.PRODUCTION, 1, users=users, days=days, log_features=True)
    for name in ("days", "users", "user_days", "impressions", "events"):
        table, expected = getattr(empty, name), getattr(full, name)
        assert table.dtypes.astype(str).to_dict() == expected.dtypes.astype(str).to_dict()
        if name != "days":
            assert table.empty
    assert len(empty.days) == days
    assert empty.days["impressions"].sum() == 0
    rows = feed.labelled(empty.impressions, empty.events)
    assert rows.empty
    assert rows["clicked"].dtype == np.int8
    assert feed.features(1, rows).shape == (0, 7)
    assert feed.true_response(1, rows).shape == (0, 3)
    requests, candidates = feed.request_batch(1, rows["request_id"])
    assert requests.empty
    assert candidates["topic_match"].shape == (0, 20)


def test_the_totals_are_those_of_the_log(log):
    impressions, events = log
    outcome = feed.serve(feed.PRODUCTION, 1, days=4, users=2000, randomised_share=0.05)
    assert outcome.impressions.drop(columns="policy").equals(impressions.drop(columns="policy"))
    kinds = events["kind"].value_counts()
    watched = events.loc[events["kind"] == "watch", "value"].sum()
    for table in (outcome.days, outcome.users, outcome.user_days):
        assert table["impressions"].sum() == len(impressions)
        assert table["clicks"].sum() == kinds["click"]
        assert table["watch_seconds"].sum() == pytest.approx(watched)
    assert outcome.user_days["sessions"].sum() == impressions["request_id"].nunique()
    day = (impressions["timestamp"] - feed.FIRST_DAY).dt.days
    active = impressions.groupby(day)["user_id"].nunique()
    assert active.tolist() == outcome.days["active_users"].tolist()
    seen = [set(impressions.loc[day == d, "user_id"]) for d in range(4)]
    kept = [len(a & b) / len(a) for a, b in itertools.pairwise(seen)]
    assert outcome.days["retention"].tolist()[1:] == pytest.approx(kept)
    assert np.isnan(outcome.days["retention"][0])
    first = impressions.groupby("user_id")["timestamp"].min().dt.normalize() - feed.FIRST_DAY
    assert outcome.users["first_day"].tolist() == first.dt.days.tolist()


def test_labels_arrive_late(log):
    impressions, events = log
    everything = feed.labelled(impressions, events)
    assert everything["clicked"].sum() == (events["kind"] == "click").sum()
    assert everything["stars"].dropna().isin(range(1, 6)).all()
    assert (everything.loc[everything["clicked"] == 0, "watch_value"] == 0).all()
    end_of_day = feed.FIRST_DAY + pd.Timedelta(days=1)
    known = feed.labelled(impressions, events, as_of=end_of_day)
    first_day = impressions["timestamp"] < end_of_day
    share = known.loc[first_day].sum(numeric_only=True) / everything[first_day].sum(
        numeric_only=True
    )
    assert share["clicked"] > 0.98
    assert 0.6 < share["liked"] < 0.95
    assert share["reported"] < 0.6


def test_requests_can_be_handed_out_again(log):
    impressions, _ = log
    ids = impressions["request_id"].drop_duplicates().sample(500, random_state=0)
    requests, candidates = feed.request_batch(1, ids)
    assert requests["request_id"].tolist() == ids.tolist()
    rows = impressions.set_index("request_id").loc[ids].reset_index()
    shown = rows["video_id"].to_numpy().reshape(-1, 10)
    assert (shown[:, :, None] == candidates["video_id"][:, None, :]).any(axis=2).all()
    assert (requests["user_id"].to_numpy() == rows["user_id"].to_numpy()[::10]).all()
    seconds = (rows["timestamp"].iloc[::10] - feed.FIRST_DAY).dt.total_seconds().to_numpy()
    np.testing.assert_allclose(requests["day"] * 86_400 + requests["hour"] * 3600, seconds)
    ranked = rows["bucket"].to_numpy()[::10] == "ranked"
    best = np.argsort(-feed.PRODUCTION(requests, candidates), axis=1, kind="stable")[:, :10]
    replayed = np.take_along_axis(candidates["video_id"], best, axis=1)
    assert (replayed[ranked] == shown[ranked]).all()
    assert len({len(np.unique(row)) for row in candidates["video_id"]}) == 1


def test_features_agree_wherever_they_come_from():
    outcome = feed.serve(feed.PRODUCTION, 1, days=2, users=200, log_features=True)
    rows = outcome.impressions
    pd.testing.assert_frame_equal(feed.features(1, rows), rows[list(feed.FEATURES)])
    table = feed.videos(1, day=1).loc[rows["video_id"]]
    assert (table["length_s"].to_numpy() == rows["length_s"].to_numpy()).all()
    people = feed.users(1, 200, day=1).set_index("user_id")
    interest = people.filter(like="interest_").to_numpy()
    at = people.index.get_indexer(rows["user_id"])
    match = interest[at, rows["video_id"] % len(feed.TOPICS)]
    assert (match == rows["topic_match"].to_numpy()).all()


# The shape of the world


@pytest.mark.parametrize("seed", SEEDS)
def test_people_and_videos_have_the_promised_shape(seed):
    outcome = feed.serve(feed.PRODUCTION, seed, days=14, users=4000, keep_log=False)
    sessions = np.sort(outcome.users["sessions"].to_numpy())[::-1]
    assert sessions[: len(sessions) // 10].sum() / sessions.sum() > 0.3  # heavy tail
    daily = outcome.days.set_index("day")["sessions"]
    assert daily[[5, 6, 12, 13]].mean() > 1.15 * daily[[0, 1, 2, 3, 4, 7, 8, 9, 10, 11]].mean()
    videos, truth = feed.videos(seed), feed.true_videos(seed)
    n = len(videos)
    assert n == 2400
    assert videos["length_s"].between(6, 180).all()
    for name in ("quality", "appeal"):
        assert abs(truth[name].mean()) < 0.15
        assert abs(truth[name].std() - 1) < 0.1
    correlation = np.corrcoef(truth["quality"], truth["appeal"])[0, 1]
    assert abs(correlation + 0.3) < 0.08
    assert abs((truth["original"] != truth["video_id"]).mean() - 0.1) < 4 * (0.09 / n) ** 0.5
    for name, latent, expected in (
        ("thumbnail_score", "appeal", 0.95),
        ("quality_score", "quality", 0.8),
        ("popularity_score", "appeal", 0.25),
        ("popularity_score", "quality", 0.2),
    ):
        assert abs(np.corrcoef(videos[name], truth[latent])[0, 1] - expected) < 0.08
    copies = truth[truth["original"] != truth["video_id"]]
    first = truth.loc[copies["original"]]
    assert np.corrcoef(copies["quality"], first["quality"])[0, 1] > 0.85
    assert (videos["audio_id"] == truth["original"]).all()
    creators = np.sort(videos["creator_id"].value_counts())[::-1]
    assert creators[:40].sum() / n > 0.25


def test_new_users_and_videos_come_every_day():
    outcome = feed.serve(feed.PRODUCTION, 1, days=3, users=500, new_users=30, new_videos=60)
    joined = outcome.users["user_id"] >= 10_000_000
    assert joined.sum() == 60  # all come on the day of their sign-up, days 1 and 2
    day = (outcome.impressions["timestamp"] - feed.FIRST_DAY).dt.days
    shown = outcome.impressions.groupby(day)["video_id"]
    assert (shown.max() < [2400, 2460, 2520]).all()
    assert (shown.max() >= [2340, 2400, 2460]).all()
    assert (shown.min() >= [0, 60, 120]).all()
    assert feed.videos(1, day=2, new_videos=60)["created_day"].max() == 2
    later = feed.serve(feed.PRODUCTION, 1, days=1, first_day=5, users=500, new_users=30)
    assert later.users["user_id"].max() // 10_000_000 == 5


def test_traffic_follows_the_clock_of_the_country():
    impressions, _ = feed.log(1, days=2, users=4000)
    country = feed.users(1, 4000, day=1).set_index("user_id")["country"]
    hour = impressions["timestamp"].dt.hour
    evening = (hour >= 17) & (hour < 23)  # UTC
    where = country.loc[impressions["user_id"]].to_numpy()
    assert evening[where == "DE"].mean() > 1.5 * evening[where == "JP"].mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_clicks_follow_the_planted_probabilities(seed):
    impressions, events = feed.log(seed, days=3, users=3000, randomised_share=0.3)
    rows = feed.labelled(impressions, events)
    response = feed.true_response(seed, rows)
    p = response["click"].to_numpy() * feed.true_examination()[rows["position"] - 1]
    clicked = rows["clicked"].to_numpy()
    # Clicks of a request share how far the user scrolled: sum per request.
    gap = (clicked - p).reshape(-1, 10).sum(axis=1)
    assert abs(gap.mean()) < 4 * gap.std() / len(gap) ** 0.5
    for part in (p < 0.05, p > 0.3, rows["position"] == 1, rows["position"] > 5):
        gap = (
            ((clicked - p) * part).to_numpy() if hasattr(part, "to_numpy") else (clicked - p) * part
        )
        per_request = gap.reshape(-1, 10).sum(axis=1)
        assert abs(per_request.mean()) < 4 * per_request.std() / len(per_request) ** 0.5
    length = feed.features(seed, rows)["length_s"]
    fraction = (rows["watch_value"] / length)[clicked == 1]
    error = fraction - response["watch_fraction"][clicked == 1]
    assert abs(error.mean()) < 4 * error.std() / len(error) ** 0.5 + 0.005


@pytest.mark.parametrize("seed", SEEDS)
def test_the_value_of_a_policy_is_what_serving_it_brings(seed):
    for policy in (feed.PRODUCTION, feed.CLICK_POLICY):
        outcome = feed.serve(policy, seed, days=1, users=5000)
        value = feed.true_value(seed, policy, outcome.impressions["request_id"].unique())
        served = outcome.days.loc[0, ["clicks", "satisfaction"]].to_numpy(float) / len(value)
        # Poisson-like noise per request; satisfaction has at most a square of 1 per click.
        error = 4 * (2 * served[0] / len(value)) ** 0.5
        assert abs(served[0] - value["clicks"].mean()) < error
        assert abs(served[1] - value["satisfaction"].mean()) < error


# Knobs


def test_the_taste_shift_changes_clicks_and_no_feature():
    knobs = {"taste_shift": 0.9, "taste_shift_day": 3, "taste_shift_days": 2}
    policy = feed.LinearPolicy({"topic_match": 1.0})
    steady, shifted = (
        feed.serve(policy, 1, days=8, users=3000, log_features=True, **k) for k in ({}, knobs)
    )
    rate = [o.days["clicks"] / o.days["sessions"] for o in (steady, shifted)]
    assert (rate[0][:3] == rate[1][:3]).all()
    assert rate[1][5:].mean() < 0.93 * rate[0][5:].mean()
    # The first lists of the shift are the same, only the users like them less.
    first = feed.FIRST_DAY + pd.Timedelta(days=4)
    early = [o.impressions[o.impressions["timestamp"] < first] for o in (steady, shifted)]
    assert same(*early)


def test_the_launch_brings_a_new_country():
    outcome = feed.serve(feed.PRODUCTION, 1, days=6, users=500, launch_day=3, launch_users=40)
    country = outcome.users["country"]
    assert (country == "NG").sum() == 3 * 40
    assert outcome.users.loc[country == "NG", "first_day"].min() == 3
    taste = feed.true_users(1, outcome.users.loc[country == "NG", "user_id"]).filter(like="taste_")
    assert taste.iloc[:, :4].to_numpy().mean() > taste.iloc[:, 4:].to_numpy().mean() + 1
    before = feed.serve(feed.PRODUCTION, 1, days=6, users=500)
    old = of_users(outcome.impressions, before.users["user_id"])
    assert same(old, before.impressions)


def test_the_schema_change_turns_seconds_into_milliseconds():
    old, new = (feed.log(1, days=4, users=500, schema_change_day=day) for day in (None, 2))
    changed = new[0]["client_version"] == 2
    assert (changed == (new[0]["timestamp"] >= feed.FIRST_DAY + pd.Timedelta(days=2))).all()
    was, now = (feed.labelled(*tables)["watch_value"] for tables in (old, new))
    assert (now[changed] == 1000 * was[changed]).all()
    assert (now[~changed] == was[~changed]).all()


def test_faults_reach_the_policy_and_the_log():
    stuck = feed.Fault("quality_score", "stuck", first_day=1, last_day=1, value=0.5)
    scaled = feed.Fault("length_s", "scaled", first_day=2, value=100)
    missing = feed.Fault("topic_match", "missing", value=0.3)
    seen = []

    def policy(requests, candidates):
        seen.append({name: candidates[name].copy() for name in feed.FEATURES})
        return candidates["quality_score"]

    faults = (stuck, scaled, missing)
    outcome = feed.serve(policy, 1, days=3, users=300, faults=faults, log_features=True)
    day = (outcome.impressions["timestamp"] - feed.FIRST_DAY).dt.days
    assert (outcome.impressions.loc[day == 1, "quality_score"] == 0.5).all()
    assert (seen[1]["quality_score"] == 0.5).all()
    assert seen[0]["quality_score"].std() > 0.5
    assert seen[2]["quality_score"].std() > 0.5
    true = feed.features(1, outcome.impressions)
    assert (outcome.impressions["length_s"] == true["length_s"] * np.where(day == 2, 100, 1)).all()
    shares = [(batch["topic_match"] == 0).mean() for batch in seen]
    assert all(
        abs(share - 0.3) < 5 * (0.21 / seen[0]["topic_match"].size) ** 0.5 for share in shares
    )


def test_a_stuck_feature_costs_what_it_was_worth():
    policy = feed.LinearPolicy({"thumbnail_score": 1.0})
    fault = (feed.Fault("thumbnail_score", first_day=2),)
    sound, broken = (feed.serve(policy, 1, days=4, users=3000, faults=f).days for f in ((), fault))
    rate = [table["clicks"] / table["sessions"] for table in (sound, broken)]
    assert (rate[0][:2] == rate[1][:2]).all()
    assert rate[1][2] < 0.8 * rate[0][2]


def test_labels_can_be_slowed_down():
    for factor in (1, 5):
        _, events = feed.log(1, days=3, users=3000, label_delay=factor)
        delay = (events["arrival_time"] - events["event_time"]).dt.total_seconds()
        likes = delay[events["kind"] == "like"]
        expected = 6 * 3600 * factor
        assert abs(likes.mean() - expected) < 4 * likes.std() / len(likes) ** 0.5
        assert delay[events["kind"] == "click"].mean() < 30


def test_interference_ties_users_together():
    few, more = (feed.log(1, days=3, users=n, interference=2.0)[1] for n in (300, 600))
    rows = more[more["user_id"].isin(range(300)) | (more["user_id"] >= 10_000_000)]
    assert not same(few, rows)
    total = [
        feed.serve(feed.CLICK_POLICY, 1, days=5, users=2000, interference=x).days for x in (0, 2)
    ]
    rate = [(table["clicks"] / table["sessions"])[1:].mean() for table in total]
    assert rate[1] < 0.7 * rate[0]


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"n_video": 3}, "Unknown knobs"),
        ({"n_videos": 100}, "n_videos must be at least"),
        ({"list_length": 30}, "list_length <= n_candidates"),
        ({"duplicate_share": 1.5}, "duplicate_share"),
        ({"new_users": -1}, "new_users"),
        ({"label_delay": float("nan")}, "label_delay"),
        ({"appeal_quality_correlation": 2}, "appeal_quality_correlation"),
        ({"users": -1}, "users is a number"),
        ({"days": -1}, "days and first_day"),
        ({"days": 5000}, "days and first_day"),
        ({"randomised_share": 2}, "randomised_share"),
    ],
)
def test_bad_sizes_get_a_sentence(knobs, message):
    with pytest.raises(ValueError, match=message):
        feed.log(1, **{"users": 10, "days": 1, **knobs})


def test_bad_tables_get_a_sentence():
    rows = pd.DataFrame({"user_id": [1], "video_id": [99_999], "day": [0]})
    with pytest.raises(ValueError, match="Row 0: expected a video id from 0 to 2399, got 99999"):
        feed.features(1, rows)
    with pytest.raises(ValueError, match=r"missing: \['video_id'\]"):
        feed.true_response(1, rows.drop(columns="video_id"))
    with pytest.raises(ValueError, match="got -5"):
        feed.request_batch(1, [-5])
    with pytest.raises(ValueError, match="one of the features"):
        feed.Fault("quality")
    with pytest.raises(ValueError, match="kind of a fault"):
        feed.Fault("quality_score", "slow")
    with pytest.raises(ValueError, match="got -1"):
        feed.users(1, -1)
    with pytest.raises(ValueError, match="got -1"):
        feed.videos(1, day=-1)
