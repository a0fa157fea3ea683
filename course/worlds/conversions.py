"""Ads whose effect comes late: clicks on campaigns, and the orders that follow days afterwards.

What it simulates
-----------------
A short-video app shows ads of several campaigns. A user who visits a campaign clicks, and in

    P(orders some day) = sigmoid(base_logit + campaign effect + user effect)

of the visits orders something, a time after the click that is exponential with mean `mean_delay`
days, whatever the campaign. Some visits begin with a further click, up to a day earlier, that leads
to nothing: the user comes back and clicks again. The shop reports every order to the app, some of
them twice. Most campaigns run from day 0 on; the last `n_new` were launched in the last two weeks,
and are better ones (`new_effect`).

Days are counted from day 0 as floating-point numbers. A table that is read at the moment `now`
holds the orders that were placed by then: of the recent clicks, many will only order later.

Assumptions and limits
----------------------
The delay is independent of everything else and does not drift, orders are reported at once, and a
user visits a campaign once (with one or two clicks), so that it is certain which visit an order
belongs to: the last click before it. Nobody orders without a click. Clicks are not chosen by a
model, and rates stay the same when a campaign gets more traffic.

What its shape is taken from
----------------------------
A rate that is a logistic function and an exponential delay: Chapelle 2014 ("Modeling delayed
feedback in display advertising"). Orders that wait for weeks, and labels that are taken for
negative while they are only late: Ktena et al. 2019 ("Addressing delayed feedback for continuous
training with neural networks in CTR prediction"). The size of every effect is invented.

Growing it
----------
Every table of a seed and size agrees with every other: reading the same clicks at a later `now`
adds orders and changes none. Each purpose has a random stream of its own (`_rng`), so that a
further column changes no table that a lab already uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Knobs:
    """What can be turned in this world; every public function takes these by name.

    Attributes
    ----------
    days
        Days of traffic, from day 0 on.
    n_campaigns, n_new
        Number of campaigns, and how many of them (those with the highest numbers) are new.
    mean_delay
        Mean time from the click to the order, in days.
    base_logit
        Log-odds of an order when all else is zero.
    campaign_sd, user_sd
        Standard deviations of the two effects, in log-odds.
    new_effect
        Log-odds that new campaigns have on top.
    second_click_share
        Share of the visits that begin with a further click.
    twice_share
        Share of the orders that are reported twice.
    """

    days: float = 60.0
    n_campaigns: int = 12
    n_new: int = 4
    mean_delay: float = 8.0
    base_logit: float = -2.0
    campaign_sd: float = 0.35
    user_sd: float = 0.8
    new_effect: float = 0.8
    second_click_share: float = 0.15
    twice_share: float = 0.05

    def __post_init__(self) -> None:
        """Refuse sizes and shares that no world can have."""
        for name in ("days", "mean_delay"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}.")
        for name in ("campaign_sd", "user_sd"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}.")
        for name in ("second_click_share", "twice_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")
        if not 0 <= self.n_new <= self.n_campaigns or self.n_campaigns < 1:
            raise ValueError(
                "Expected 0 <= n_new <= n_campaigns and a campaign at least, "
                f"got {self.n_new} and {self.n_campaigns}."
            )


def make(
    seed: int, n: int = 30_000, *, now: float | None = None, **knobs: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Log `n` visits as they are known at a moment.

    Parameters
    ----------
    seed
        The world.
    n
        Number of visits over all days; 0 gives empty tables with the same columns and types.
    now
        Moment at which the tables are read, in days; by default the end of the traffic.
    **knobs
        Fields of `Knobs`.

    Returns
    -------
    clicks
        One row per click, in the order of time: `click_id` (int64), `user_id` (int64), `campaign`
        (int64) and `clicked_at` (float64, days).
    orders
        One row per report of an order, in the order of time: `order_id` (int64, the same for two
        reports of one order), `user_id`, `campaign` and `ordered_at` (float64, days).
    """
    world = _knobs(knobs)
    now = world.days if now is None else now
    if not now >= 0:
        raise ValueError(f"now is a moment in days from 0 on, got {now}.")
    clicks = _clicks(seed, n, world)
    orders = _orders(seed, n, clicks, world)
    clicks = clicks.loc[
        clicks["clicked_at"] <= now, ["click_id", "user_id", "campaign", "clicked_at"]
    ]
    return clicks.reset_index(drop=True), orders[orders["ordered_at"] <= now].reset_index(drop=True)


def true_delays(seed: int, n: int = 30_000, **knobs: float) -> pd.DataFrame:
    """Look up what became of each click (planted truth, never part of a table).

    Parameters
    ----------
    seed, n, **knobs
        Those with which the tables were made.

    Returns
    -------
    pandas.DataFrame
        One row per click, in the order of `make`: `click_id`, `rate` (probability that the click
        is the last one before an order) and `delay` (days from the click to the order that it is
        the last one before; NaN if there will be none).
    """
    return _clicks(seed, n, _knobs(knobs))[["click_id", "rate", "delay"]]


def true_rates(seed: int, **knobs: float) -> np.ndarray:
    """Return the expected orders per click of each campaign, float64 (n_campaigns,).

    The user effect is averaged over its distribution (Gauss-Hermite quadrature, 21 points).
    """
    world = _knobs(knobs)
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    logit = world.base_logit + _campaigns(seed, world)["effect"].to_numpy()[:, None]
    per_visit = _sigmoid(logit + world.user_sd * nodes) @ (weights / weights.sum())
    return per_visit / (1 + world.second_click_share)


def next_week(
    seed: int, campaigns: Sequence[int], n: int = 20_000, *, value: float = 5.0, **knobs: float
) -> pd.DataFrame:
    """Spend next week's ad space on some campaigns and return what came of it in the end.

    Parameters
    ----------
    seed, **knobs
        Those with which the tables were made.
    campaigns
        Numbers of the campaigns that share the clicks equally.
    n
        Number of clicks in the week.
    value
        What the advertiser pays for an order, in euros.

    Returns
    -------
    pandas.DataFrame
        Per campaign, in the given order: `campaign`, `clicks`, `orders` (all that ever came) and
        `euros`.

    Raises
    ------
    ValueError
        If there is no campaign, or one is named twice or unknown.
    """
    world = _knobs(knobs)
    chosen = np.asarray(campaigns)
    if chosen.ndim != 1 or not len(chosen) or chosen.dtype.kind not in "iu":
        raise ValueError(f"Expected a list of campaign numbers, got {campaigns!r}.")
    unknown = [c for c in chosen.tolist() if not 0 <= c < world.n_campaigns]
    if unknown or len(set(chosen.tolist())) < len(chosen):
        raise ValueError(
            f"Expected different campaigns from 0 to {world.n_campaigns - 1}, "
            f"got {chosen.tolist()}."
        )
    clicks = np.full(len(chosen), n // len(chosen)) + (np.arange(len(chosen)) < n % len(chosen))
    rates = true_rates(seed, **knobs)
    # One stream per campaign: it sells the same whoever it shares the week with.
    orders = [
        _rng(seed, f"next week {c}").binomial(size, rates[c])
        for c, size in zip(chosen.tolist(), clicks.tolist(), strict=True)
    ]
    table = pd.DataFrame({"campaign": chosen, "clicks": clicks, "orders": orders})
    return table.assign(euros=table["orders"] * value)


def _knobs(knobs: dict[str, float]) -> Knobs:
    """Make `Knobs`, naming the valid ones if one is unknown."""
    known = [field.name for field in fields(Knobs)]
    unknown = sorted(set(knobs) - set(known))
    if unknown:
        raise ValueError(f"Unknown knobs {unknown}; this world has {known}.")
    return Knobs(**knobs)


def _rng(seed: int, stream: str) -> np.random.Generator:
    """Return the random stream of one purpose, independent of every other."""
    return np.random.default_rng([seed, *stream.encode()])


def _campaigns(seed: int, world: Knobs) -> pd.DataFrame:
    """Draw launch day and effect of each campaign."""
    new = np.arange(world.n_campaigns) >= world.n_campaigns - world.n_new
    age = _rng(seed, "launches").uniform(7, 14, world.n_campaigns)
    effect = _rng(seed, "campaigns").normal(0, world.campaign_sd, world.n_campaigns)
    return pd.DataFrame(
        {
            "launch": np.where(new, np.maximum(world.days - age, 0), 0.0),
            "effect": effect + world.new_effect * new,
        }
    )


def _clicks(seed: int, n: int, world: Knobs) -> pd.DataFrame:
    """Draw all clicks in the order of time, with the truth about each."""
    if n < 0:
        raise ValueError(f"n is a number of visits, 0 or more, got {n}.")
    campaigns = _campaigns(seed, world)
    launch, effect = campaigns["launch"].to_numpy(), campaigns["effect"].to_numpy()
    rng = _rng(seed, "visits")
    # Traffic in proportion to the days that a campaign runs, three times as dense if it is new.
    share = (world.days - launch) * np.where(launch > 0, 3.0, 1.0)
    campaign = rng.choice(world.n_campaigns, n, p=share / share.sum())
    visited_at = launch[campaign] + rng.random(n) * (world.days - launch[campaign])
    rate = _sigmoid(world.base_logit + effect[campaign] + rng.normal(0, world.user_sd, n))
    orders = rng.random(n) < rate
    delay = np.where(orders, rng.exponential(world.mean_delay, n), np.nan)
    # Numbers dealt without repetition per campaign: a user visits a campaign once.
    rank = pd.Series(campaign).groupby(campaign).cumcount().to_numpy()
    pool = rng.permuted(np.tile(np.arange(n + 1), (world.n_campaigns, 1)), axis=1)
    user = pool[campaign, rank]

    earlier = visited_at - rng.random(n)
    second = (rng.random(n) < world.second_click_share) & (earlier >= launch[campaign])
    every = np.concatenate([np.arange(n), np.flatnonzero(second)])
    leads = np.arange(len(every)) < n
    at = np.where(leads, visited_at[every], earlier[every])
    order = np.argsort(at, kind="stable")
    return pd.DataFrame(
        {
            "click_id": np.arange(len(every), dtype=np.int64),
            "user_id": user[every][order].astype(np.int64),
            "campaign": campaign[every][order].astype(np.int64),
            "clicked_at": at[order],
            "rate": np.where(leads, rate[every], 0.0)[order],
            "delay": np.where(leads, delay[every], np.nan)[order],
        }
    )


def _orders(seed: int, n: int, clicks: pd.DataFrame, world: Knobs) -> pd.DataFrame:
    """Report the orders, some of them twice."""
    sold = clicks[clicks["delay"].notna()]
    orders = pd.DataFrame(
        {
            "order_id": np.arange(len(sold), dtype=np.int64),
            "user_id": sold["user_id"].to_numpy(),
            "campaign": sold["campaign"].to_numpy(),
            "ordered_at": (sold["clicked_at"] + sold["delay"]).to_numpy(),
        }
    )
    again = orders[_rng(seed, "reports").random(len(orders)) < world.twice_share]
    return pd.concat([orders, again]).sort_values("ordered_at", kind="stable", ignore_index=True)


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))
