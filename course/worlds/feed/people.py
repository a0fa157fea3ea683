"""Users: who they are, when they come, and what they like. Each is a function of seed and id."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course.worlds.feed import randomness as rnd
from course.worlds.feed.knobs import TOPICS, Knobs

COUNTRIES = ("US", "IN", "BR", "DE", "JP", "NG")
"""Country of a user or video, by number; the last is the one of the new-country launch."""
_COUNTRY_SHARE = np.array([0.34, 0.28, 0.16, 0.12, 0.10])
_UTC_OFFSET = np.array([-6, 5, -3, 1, 9, 1]) * 3600
_LAUNCH_COUNTRY = len(COUNTRIES) - 1

NEWCOMER = 10_000_000
"""A user who signs up on day d has the id `d * NEWCOMER + number`; in a launch, d + 2000."""
_LAUNCH_GENERATION = 2000

# Retrieval picks a topic from sixteen places: favourites have several, every topic has one.
_MENU = np.array([0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
_STYLES = 2


@dataclass(frozen=True)
class People:
    """Users by dense index. All but `ids`, `joined`, `country`, `interest` and `menu` is latent.

    Attributes
    ----------
    ids, joined, country
        int64 id, int32 day of sign-up (negative: before day 0), int8 number in `COUNTRIES`.
    activity
        Mean number of further sessions on an active day: Pareto, exponent 2, at most 12.
    habit
        Log-odds of coming on a day at the start.
    clickiness
        Log-odds that the user adds to every click.
    taste, style
        float64 (n, topics) and (n, 2), mean 0 and variance 1.
    interest
        float32 (n, topics): what the app believes of `taste`, correlation .8.
    menu
        int8 (n, 16): topics from which retrieval draws.
    clock
        int64: seconds by which the user's day is shifted, time zone included.
    """

    ids: np.ndarray
    joined: np.ndarray
    country: np.ndarray
    activity: np.ndarray
    habit: np.ndarray
    clickiness: np.ndarray
    taste: np.ndarray
    style: np.ndarray
    interest: np.ndarray
    menu: np.ndarray
    clock: np.ndarray

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.ids)


def user_ids(n_users: int, last_day: int, knobs: Knobs) -> np.ndarray:
    """Return the ids of all who have signed up by `last_day`, in the order of sign-up."""
    groups = [np.arange(n_users, dtype=np.int64)]
    for day in range(1, last_day + 1) if n_users else ():
        groups.append(day * NEWCOMER + np.arange(knobs.new_users, dtype=np.int64))
        if knobs.launch_day is not None and day >= knobs.launch_day:
            number = np.arange(knobs.launch_users, dtype=np.int64)
            groups.append((_LAUNCH_GENERATION + day) * NEWCOMER + number)
    return np.concatenate(groups)


def people(seed: int, ids: np.ndarray) -> People:
    """Return the users with these ids."""
    ids = np.asarray(ids, dtype=np.int64)
    n_topics = len(TOPICS)
    own = rnd.hashes(rnd.key(seed, "people"), ids)

    def bits(number: int) -> np.ndarray:
        return rnd.hashes(own, number)

    generation = ids // NEWCOMER
    launched = generation > _LAUNCH_GENERATION
    signed_up = np.where(launched, generation - _LAUNCH_GENERATION, generation)
    age = 1 + np.floor(600 * rnd.uniform(bits(0)) ** 2).astype(np.int32)
    joined = np.where(generation == 0, -age, signed_up).astype(np.int32)

    country = np.searchsorted(np.cumsum(_COUNTRY_SHARE)[:-1], rnd.uniform(bits(1)), side="right")
    country = np.where(launched, _LAUNCH_COUNTRY, country).astype(np.int8)

    activity = np.minimum(0.6 / np.sqrt(rnd.uniform(bits(2)) + 2.0**-54), 12.0)
    heavy = activity / (1 + activity) - 0.5
    habit = -0.5 + 0.8 * rnd.normal(bits(3)) + 2.5 * heavy - 0.5 * (generation > 0)
    clickiness = 0.7 * rnd.normal(bits(4))
    chronotype = np.rint(3600 * 1.5 * rnd.normal(bits(5))).astype(np.int64)

    topics = np.arange(n_topics)
    taste = rnd.normal(rnd.hashes(bits(6)[:, None], topics))
    # The new country loves the first third of the topics and is cool to the rest.
    taste = taste + launched[:, None] * np.where(topics < n_topics // 3, 1.2, -0.6)
    style = rnd.normal(rnd.hashes(bits(7)[:, None], np.arange(_STYLES)))
    believed = 0.8 * taste + 0.6 * rnd.normal(rnd.hashes(bits(8)[:, None], topics))
    favourites = np.argsort(-believed, axis=1, kind="stable")
    return People(
        ids=ids,
        joined=joined,
        country=country,
        activity=activity,
        habit=habit,
        clickiness=clickiness,
        taste=taste,
        style=style,
        interest=believed.astype(np.float32),
        menu=favourites[:, _MENU].astype(np.int8),
        clock=chronotype - _UTC_OFFSET[country],
    )


def taste_on(base: np.ndarray, day: int, knobs: Knobs) -> np.ndarray:
    """Return the tastes (n, topics) of a day: with a taste shift, part of them has moved on."""
    passed = day - knobs.taste_shift_day + 1
    share = knobs.taste_shift * min(1.0, max(0.0, passed / knobs.taste_shift_days))
    if share == 0:
        return base
    moved = np.roll(base, 5, axis=1)
    # The mixture is scaled back to the spread that tastes had before.
    return ((1 - share) * base + share * moved) / np.sqrt((1 - share) * (1 - share) + share * share)
