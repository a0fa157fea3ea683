"""A short-video app's advertising: impressions, clicks, and an exchange for impressions.

What it simulates
-----------------
Users of the app see ads of advertisers. Every impression is described by a few standardised
features and is clicked or not. The log-odds of a click are

    base_logit + match_effect · interest_match
    + novelty_effect · ad_novelty · [session_freshness > 0] + user effect + ad effect,

so one feature matters alone, two matter only together, and two (`scroll_speed`, `battery_level`)
not at all. User and ad effects are latent: the log shows ids, never effects. `interest_match` is
the product of a user's interests with an ad's topic, so it repeats for a pair; the other features
are drawn anew for each impression.

In the exchange (`run_auction`) the app buys impressions for its advertisers. It bids its value of a
click times its own click probability; the highest bid wins and pays the second highest, per
impression; an advertiser pays the app per click; every answered request costs a small fee.

Assumptions and limits
----------------------
Impressions are independent given the latent effects: no fatigue, no budgets, no position. Logged
impressions were not chosen by a model, so the log has no selection bias. Rivals do not react to
the app's bids, and the price they set depends on what the features show, not on the latent
effects: the winner's curse comes from the model's own error only. Rates do not drift, and a click
is known at once.

What its shape is taken from
----------------------------
A rare click, ids with long-tailed traffic and bids of value times click probability: McMahan et al.
2013 ("Ad click prediction: a view from the trenches") and He et al. 2014 ("Practical lessons from
predicting clicks on ads at Facebook"). Log-normal prices in a second-price exchange: Zhang et al.
2014 ("Real-time bidding benchmarking with iPinYou"). The size of every effect is invented.

Growing it
----------
Latent values depend on `seed` and the sizes alone, rows on `seed` and `first_day` too; a further
latent effect, or a further column with a random stream of its own (`_rng`), changes no table that
a lab already uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

FEATURES = (
    "interest_match",
    "ad_novelty",
    "session_freshness",
    "scroll_speed",
    "battery_level",
)
"""Columns that a model may use, each a standard score (mean 0, standard deviation 1)."""

REQUEST_COLUMNS = ("day", "hour", "user_id", "ad_id", "advertiser_id", *FEATURES, "value_per_click")
"""Columns that are known when the exchange asks for a bid."""

_INTERESTS = 8  # dimensions of a user's interests and an ad's topic


@dataclass(frozen=True)
class Knobs:
    """What can be turned in this world; every public function takes these by name.

    Attributes
    ----------
    n_users, n_ads, n_advertisers
        Sizes of the app; ads are dealt to advertisers in turn.
    base_logit
        Log-odds of a click when all else is zero; -4.6 gives a click rate of about 1.8 %.
    match_effect, novelty_effect
        Log-odds per standard deviation; novelty counts only in fresh sessions.
    user_sd, ad_sd
        Standard deviations of the latent effects, in log-odds.
    price_level
        Median of the second-highest bid over the market's estimate of the impression's value.
    price_sd
        Standard deviation of the logarithm of that ratio.
    fee
        Cost of one answered request, in euros.
    """

    n_users: int = 20_000
    n_ads: int = 500
    n_advertisers: int = 40
    base_logit: float = -4.6
    match_effect: float = 1.0
    novelty_effect: float = 0.6
    user_sd: float = 0.25
    ad_sd: float = 0.25
    price_level: float = 1.0
    price_sd: float = 1.0
    fee: float = 0.002

    def __post_init__(self) -> None:
        """Refuse sizes and scales that no world can have."""
        for name in ("n_users", "n_ads", "n_advertisers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        for name in ("user_sd", "ad_sd", "price_sd", "fee"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}.")
        if not self.price_level > 0:
            raise ValueError(f"price_level must be positive, got {self.price_level}.")


def impressions(
    seed: int, n: int, *, first_day: int = 0, days: int = 14, **knobs: float
) -> pd.DataFrame:
    """Log `n` impressions of the app, in the order of time.

    Parameters
    ----------
    seed
        The world: the same users, ads and effects for every table made with it.
    n
        Number of rows; 0 gives an empty table with the same columns and types.
    first_day, days
        The days covered; tables that start on different days are independent draws.
    **knobs
        Fields of `Knobs`.

    Returns
    -------
    pandas.DataFrame
        `REQUEST_COLUMNS` (`value_per_click` in euros) and `clicked` (int8, 0 or 1).
    """
    world = _knobs(knobs)
    rows = _requests(seed, n, first_day, days, world)
    rate = _click_rate(seed, rows, world)
    clicked = _rng(seed, "clicks", first_day).random(n) < rate
    return rows.assign(clicked=clicked.astype(np.int8))


def true_ctr(seed: int, rows: pd.DataFrame, **knobs: float) -> np.ndarray:
    """Look up the true click probability of each row (planted truth, never part of a table).

    Parameters
    ----------
    seed, **knobs
        Those with which `rows` were made.
    rows
        A table from `impressions` or `run_auction`, or any part of one.

    Returns
    -------
    numpy.ndarray
        Probabilities, float64, one per row, in the order of `rows`.
    """
    missing = [name for name in ("user_id", "ad_id", *FEATURES) if name not in rows.columns]
    if missing:
        raise ValueError(f"true_ctr needs the columns of `impressions`; missing: {missing}.")
    return _click_rate(seed, rows, _knobs(knobs))


def thinned_view(
    seed: int, n: int, keep_rate: float, *, first_day: int = 0, **knobs: float
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Show fresh impressions as a perfect model sees them that was trained on thinned rows.

    Thinning keeps every click and each other row with probability `keep_rate`, whatever its
    features. It multiplies the odds of a click by 1 / `keep_rate` (Elkan 2001; He et al. 2014,
    section 6.3): a model that fits the thinned rows reads `rate / (rate + (1 - rate) * keep_rate)`.

    Parameters
    ----------
    seed, n, first_day, **knobs
        As for `impressions`.
    keep_rate
        Share of the rows without a click that stays, in (0, 1].

    Returns
    -------
    rate, score
        The true click probability of each impression, and the perfect thinned model's reading.
    held_out
        `score`, `clicked` (0 or 1) and `kept` (Boolean: would thinning have kept the row).
    """
    if not 0 < keep_rate <= 1:
        raise ValueError(f"keep_rate must be in (0, 1], got {keep_rate}.")
    rows = impressions(seed, n, first_day=first_day, **knobs)
    rate = true_ctr(seed, rows, **knobs)
    score = rate / (rate + (1 - rate) * keep_rate)
    kept = (rows["clicked"] == 1) | (_rng(seed, "thinning", first_day).random(n) < keep_rate)
    return rate, score, pd.DataFrame({"score": score, "clicked": rows["clicked"], "kept": kept})


def run_auction(
    predict: Callable[[pd.DataFrame], np.ndarray],
    seed: int,
    n: int,
    *,
    first_day: int = 14,
    days: int = 1,
    **knobs: float,
) -> pd.DataFrame:
    """Serve a click model in a second-price exchange and return what happened.

    For each request the app bids `value_per_click * p_click`. Where the bid is above the highest
    rival bid, it wins, pays that rival bid for the impression, and earns `value_per_click` if the
    user clicks. Prices and clicks are drawn before the model is asked, so two models that are
    served with the same arguments meet the same day.

    Parameters
    ----------
    predict
        Called once with all requests (`REQUEST_COLUMNS`); returns one click probability per row,
        `NaN` for a request that is to be left unanswered (it then costs no fee).
    seed, n, first_day, days, **knobs
        As for `impressions`; `n` is the number of requests.

    Returns
    -------
    pandas.DataFrame
        The requests, and per request `p_click`, `answered`, `bid`, `won`, `clicked` (0 if lost),
        and in euros `paid`, `fee`, `earned`, `profit`, `promised` (the profit that the app's own
        probability led it to expect: `bid - paid` where won, less the fee).

    Raises
    ------
    ValueError
        If `predict` returns another number of values, or a value outside of [0, 1].
    """
    world = _knobs(knobs)
    requests = _requests(seed, n, first_day, days, world)
    rival_bid = _rival_bids(seed, requests, first_day, world)
    would_click = _rng(seed, "clicks", first_day).random(n) < _click_rate(seed, requests, world)

    p_click = _probabilities(predict(requests.copy()), n)
    answered = ~np.isnan(p_click)
    value = requests["value_per_click"].to_numpy()
    bid = np.where(answered, value * np.nan_to_num(p_click), 0.0)
    won = bid > rival_bid
    clicked = won & would_click
    paid, earned = np.where(won, rival_bid, 0.0), np.where(clicked, value, 0.0)
    fee = np.where(answered, world.fee, 0.0)
    return requests.assign(
        p_click=p_click,
        answered=answered,
        bid=bid,
        won=won,
        clicked=clicked.astype(np.int8),
        paid=paid,
        fee=fee,
        earned=earned,
        profit=earned - paid - fee,
        promised=np.where(won, bid, 0.0) - paid - fee,
    )


def expected_profit(seed: int, served: pd.DataFrame, **knobs: float) -> float:
    """Return the profit of a served day in euros with clicks replaced by their true probabilities.

    It is what `served["profit"].sum()` estimates, without the noise of the clicks.
    """
    value_won = served["value_per_click"] * served["won"]
    costs = served["paid"].sum() + served["fee"].sum()
    return float((value_won * true_ctr(seed, served, **knobs)).sum() - costs)


def _knobs(knobs: dict[str, float]) -> Knobs:
    """Make `Knobs`, naming the valid ones if one is unknown."""
    known = [field.name for field in fields(Knobs)]
    unknown = sorted(set(knobs) - set(known))
    if unknown:
        raise ValueError(f"Unknown knobs {unknown}; this world has {known}.")
    return Knobs(**knobs)


def _rng(seed: int, stream: str, first_day: int = 0) -> np.random.Generator:
    """Return the random stream of one purpose, independent of every other."""
    return np.random.default_rng([seed, first_day, *stream.encode()])


def _requests(seed: int, n: int, first_day: int, days: int, world: Knobs) -> pd.DataFrame:
    """Draw who sees which ad when, and the features of it."""
    if n < 0 or days < 1 or first_day < 0:
        raise ValueError(
            f"Expected n >= 0, days >= 1 and first_day >= 0, got {n}, {days} and {first_day}."
        )
    rng = _rng(seed, "rows", first_day)
    hours = np.sort(rng.random(n) * days * 24 + first_day * 24)
    # Squared uniforms: a long tail, the busiest tenth of users and ads makes a third of the rows.
    user_id = (world.n_users * rng.random(n) ** 2).astype(np.int64)
    ad_id = (world.n_ads * rng.random(n) ** 2).astype(np.int64)
    interests = _rng(seed, "interests").standard_normal((world.n_users, _INTERESTS))
    topics = _rng(seed, "topics").standard_normal((world.n_ads, _INTERESTS))
    topics /= np.linalg.norm(topics, axis=1, keepdims=True)
    others = rng.standard_normal((n, len(FEATURES) - 1))
    columns = {
        "day": (hours // 24).astype(np.int64),
        "hour": (hours % 24).astype(np.int64),
        "user_id": user_id,
        "ad_id": ad_id,
        "advertiser_id": ad_id % world.n_advertisers,
        "interest_match": np.einsum("ij,ij->i", interests[user_id], topics[ad_id]),
        **{name: others[:, i] for i, name in enumerate(FEATURES[1:])},
        "value_per_click": _values(seed, world)[ad_id],
    }
    return pd.DataFrame(columns)


def _values(seed: int, world: Knobs) -> np.ndarray:
    """Return what each ad's advertiser pays per click, in whole cents, median near 0.80 euros."""
    advertiser = _rng(seed, "advertisers").normal(0, 0.4, world.n_advertisers)
    ad = _rng(seed, "values").normal(0, 0.2, world.n_ads)
    return np.round(0.8 * np.exp(advertiser[np.arange(world.n_ads) % world.n_advertisers] + ad), 2)


def _visible_logit(rows: pd.DataFrame, world: Knobs) -> np.ndarray:
    """Return the part of a row's log-odds that its features show."""
    fresh = rows["session_freshness"].to_numpy() > 0
    match, novelty = rows["interest_match"].to_numpy(), rows["ad_novelty"].to_numpy()
    return world.base_logit + world.match_effect * match + world.novelty_effect * novelty * fresh


def _click_rate(seed: int, rows: pd.DataFrame, world: Knobs) -> np.ndarray:
    user_effect = _rng(seed, "users").normal(0, world.user_sd, world.n_users)
    ad_effect = _rng(seed, "ads").normal(0, world.ad_sd, world.n_ads)
    latent = user_effect[rows["user_id"].to_numpy()] + ad_effect[rows["ad_id"].to_numpy()]
    return _sigmoid(_visible_logit(rows, world) + latent)


def _rival_bids(seed: int, requests: pd.DataFrame, first_day: int, world: Knobs) -> np.ndarray:
    """Draw the highest rival bid of each request, in euros per impression."""
    noise = _rng(seed, "prices", first_day).standard_normal(len(requests))
    market_value = requests["value_per_click"].to_numpy() * _sigmoid(
        _visible_logit(requests, world)
    )
    return market_value * world.price_level * np.exp(world.price_sd * noise)


def _probabilities(predicted: object, n: int) -> np.ndarray:
    p_click = np.asarray(predicted, dtype=float)
    if p_click.shape != (n,):
        raise ValueError(
            f"Expected one click probability per request, shape ({n},), got {p_click.shape}. "
            "For a scikit-learn classifier take column 1 of predict_proba."
        )
    outside = (p_click < 0) | (p_click > 1)
    if outside.any():
        raise ValueError(
            f"Expected click probabilities in [0, 1], got {p_click[outside][0]:.4g} for one of "
            f"{outside.sum()} requests. Use NaN to leave a request unanswered."
        )
    return p_click


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))
