"""The world of late orders: what it draws, what it refuses, and the traps that labs build on it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course.worlds import conversions

SEEDS = (1, 2, 3, 4, 5, 6)
NOW, MEAN_DELAY = 60.0, 8.0


def shown_by(age: np.ndarray) -> np.ndarray:
    return 1 - np.exp(-age / MEAN_DELAY)


@pytest.fixture(scope="module", params=SEEDS)
def world(request):
    """Clicks with their truth, and whether an order is known today."""
    clicks, orders = conversions.make(request.param)
    truth = conversions.true_delays(request.param)
    age = NOW - clicks["clicked_at"].to_numpy()
    return request.param, clicks.merge(truth, on="click_id").assign(age=age), orders


def test_a_seed_decides_everything():
    for first, again in zip(conversions.make(3, 500), conversions.make(3, 500), strict=True):
        pd.testing.assert_frame_equal(first, again)
    assert not conversions.make(3, 500)[0].equals(conversions.make(4, 500)[0])


def test_columns_types_and_order():
    for n in (0, 800):
        clicks, orders = conversions.make(1, n)
        assert clicks.dtypes.astype(str).to_dict() == {
            "click_id": "int64",
            "user_id": "int64",
            "campaign": "int64",
            "clicked_at": "float64",
        }
        assert orders.dtypes.astype(str).to_dict() == {
            "order_id": "int64",
            "user_id": "int64",
            "campaign": "int64",
            "ordered_at": "float64",
        }
        assert clicks["clicked_at"].is_monotonic_increasing
        assert orders["ordered_at"].is_monotonic_increasing
        assert (len(clicks) == 0) == (n == 0)


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"mean_delay": 0}, "mean_delay must be positive"),
        ({"days": -1}, "days must be positive"),
        ({"user_sd": -1}, "user_sd must not be negative"),
        ({"twice_share": 1.5}, r"twice_share must lie in \[0, 1\]"),
        ({"n_new": 13}, "0 <= n_new <= n_campaigns"),
        ({"delay": 3}, "Unknown knobs"),
    ],
)
def test_knobs_that_no_world_can_have(knobs, says):
    with pytest.raises(ValueError, match=says):
        conversions.make(1, 10, **knobs)


def test_bad_sizes_moments_and_campaigns():
    with pytest.raises(ValueError, match="number of visits"):
        conversions.make(1, -1)
    with pytest.raises(ValueError, match="now is a moment"):
        conversions.make(1, 10, now=-1)
    for campaigns in ([], [0, 0], [12], [-1], "best", [0.5]):
        with pytest.raises(ValueError, match="campaign"):
            conversions.next_week(1, campaigns)


def test_a_later_look_adds_orders_and_changes_none():
    early, late = conversions.make(5, 3000, now=30), conversions.make(5, 3000, now=90)
    assert len(early[0]) < len(late[0])
    assert early[0].equals(late[0].head(len(early[0])))
    assert early[1].equals(late[1].head(len(early[1])))
    assert late[1]["ordered_at"].max() > 60 > 30 >= early[1]["ordered_at"].max()


def test_the_last_click_before_an_order_is_the_one_that_led_to_it(world):
    _, clicks, orders = world
    once = orders.drop_duplicates("order_id")
    credited = pd.merge_asof(
        once, clicks, left_on="ordered_at", right_on="clicked_at", by=["user_id", "campaign"]
    )
    known = clicks[clicks["delay"] <= clicks["age"]]
    assert sorted(credited["click_id"]) == known["click_id"].tolist()
    wait = (credited["ordered_at"] - credited["clicked_at"]).to_numpy()
    np.testing.assert_allclose(wait, credited["delay"], atol=1e-9)
    assert len(orders) > len(once)


def test_delays_are_exponential_and_rates_as_planted(world):
    seed, clicks, _ = world
    delay = clicks["delay"].dropna()
    assert abs(delay.mean() - MEAN_DELAY) < 4 * MEAN_DELAY / np.sqrt(len(delay))
    ever = clicks["delay"].notna()
    noise = np.sqrt((clicks["rate"] * (1 - clicks["rate"])).sum())
    assert abs(ever.sum() - clicks["rate"].sum()) < 4 * noise
    by_campaign = ever.groupby(clicks["campaign"]).agg(["mean", "size"])
    planted = conversions.true_rates(seed)
    # The share of second clicks is a little smaller just after a launch: half a point in the rate.
    noise = np.sqrt(planted * (1 - planted) / by_campaign["size"])
    assert (np.abs(by_campaign["mean"] - planted) < 4 * noise + 0.005).all()


def test_labels_so_far_and_short_windows_are_too_low_and_the_correction_is_not(world):
    _, clicks, _ = world
    known = (clicks["delay"] <= clicks["age"]).to_numpy()
    young = (clicks["campaign"] >= 8).to_numpy()
    # Age and rate are unrelated within a group of campaigns that started alike.
    for group in (~young, young):
        truth = clicks["rate"][group].mean()
        seen = shown_by(clicks["age"].to_numpy())[group].sum()
        corrected = known[group].sum() / seen
        noise = np.sqrt(known[group].sum()) / seen
        assert abs(corrected - truth) < 4 * noise + 0.01 * truth
        assert known[group].mean() < 0.93 * truth
    mature = (clicks["age"] >= 3).to_numpy()
    within_three_days = (clicks["delay"] <= 3)[mature].mean()
    assert within_three_days < 0.45 * clicks["rate"].mean()


def test_choosing_by_orders_so_far_costs_money(world):
    seed, clicks, _ = world
    known = (clicks["delay"] <= clicks["age"]).groupby(clicks["campaign"])
    seen = pd.Series(shown_by(clicks["age"])).groupby(clicks["campaign"]).sum()

    def euros(rates):
        return conversions.next_week(seed, np.argsort(rates)[-3:])["euros"].sum()

    naive, corrected = euros(known.mean().to_numpy()), euros((known.sum() / seen).to_numpy())
    best = euros(conversions.true_rates(seed))
    assert corrected > 0.93 * best
    assert corrected > 1.05 * naive


def test_a_campaign_sells_the_same_whoever_shares_the_week():
    together = conversions.next_week(1, [3, 8], 2000).set_index("campaign")
    apart = conversions.next_week(1, [8, 5], 2000).set_index("campaign")
    assert together.loc[8].equals(apart.loc[8])
    assert conversions.next_week(1, [0, 1, 2], 100)["clicks"].tolist() == [34, 33, 33]
