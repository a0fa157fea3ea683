"""Videos: what is on offer each day. Each is a function of seed, knobs and id.

Ids rise with the time of upload and the topic is the id modulo the number of topics, so the videos
on offer on a day are a window of ids, and retrieval needs arithmetic in place of an index.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course.worlds.feed import randomness as rnd
from course.worlds.feed.knobs import TOPICS, Knobs


@dataclass(frozen=True)
class Catalogue:
    """Videos by id, from 0 on.

    Attributes
    ----------
    created
        int32 day of upload (negative: before day 0).
    creator, country
        int32 number of the creator; int8 number in `people.COUNTRIES`.
    length
        float32 seconds, 6 to 180.
    original
        int32: the video that this one nearly duplicates, else itself.
    quality, appeal, style
        Latent, mean 0 and variance 1; `style` is (n, 2). `appeal` is the thumbnail's.
    thumbnail_score, quality_score, popularity_score
        float32: what the app measures. Correlation with the latent value .95 and .8; popularity is
        what earlier rankings made of the video: about .25 with appeal, .2 with quality, else luck.
    """

    created: np.ndarray
    creator: np.ndarray
    country: np.ndarray
    length: np.ndarray
    original: np.ndarray
    quality: np.ndarray
    appeal: np.ndarray
    style: np.ndarray
    thumbnail_score: np.ndarray
    quality_score: np.ndarray
    popularity_score: np.ndarray

    def __len__(self) -> int:
        """Return the number of videos."""
        return len(self.created)


def window(day: int, knobs: Knobs) -> tuple[int, int]:
    """Return the first id on offer on a day and the first that is not yet uploaded."""
    return day * knobs.new_videos, knobs.n_videos + day * knobs.new_videos


def catalogue(seed: int, last_day: int, knobs: Knobs) -> Catalogue:
    """Return all videos uploaded by `last_day`."""
    ids = np.arange(window(last_day, knobs)[1])
    n_topics = len(TOPICS)
    root_key = rnd.key(seed, "videos")
    own = rnd.hashes(root_key, ids)

    # A near-duplicate copies an earlier video of its topic; copies of copies lead to the first.
    back = n_topics * (1 + np.floor(20 * rnd.uniform(rnd.hashes(own, 1))).astype(np.int64))
    copies = rnd.below(rnd.hashes(own, 0), knobs.duplicate_share) & (ids >= back)
    original = np.where(copies, ids - back, ids)
    while (original != original[original]).any():
        original = original[original]
    copied = original != ids
    shared = own[original]

    creator_u = rnd.uniform(rnd.hashes(own, 2))
    creator = np.floor(knobs.n_creators * creator_u * creator_u).astype(np.int32)
    skill = rnd.normal(rnd.hashes(rnd.key(seed, "creators"), creator[original]))
    quality = 0.5 * skill + np.sqrt(0.75) * rnd.normal(rnd.hashes(shared, 3)) - 0.1 * copied
    correlation = knobs.appeal_quality_correlation
    thumbnail = np.where(
        copied,
        # A copy has a thumbnail of its own that looks much like the first.
        0.9 * rnd.normal(rnd.hashes(shared, 4)) + np.sqrt(0.19) * rnd.normal(rnd.hashes(own, 5)),
        rnd.normal(rnd.hashes(shared, 4)),
    )
    appeal = correlation * quality + np.sqrt(1 - correlation * correlation) * thumbnail
    length_u = rnd.uniform(rnd.hashes(shared, 6))
    # Odds of a uniform number: log-logistic, median 30 seconds.
    odds = length_u / (1 - length_u)
    length = np.clip(np.rint(30 * np.sqrt(odds)), 6, 180).astype(np.float32)
    country_u = rnd.uniform(rnd.hashes(rnd.key(seed, "creator countries"), creator))
    country = np.searchsorted([0.4, 0.65, 0.8, 0.9, 0.99], country_u, side="right")

    def score(latent: np.ndarray, correlation: float, number: int) -> np.ndarray:
        noise = np.sqrt(1 - correlation * correlation) * rnd.normal(rnd.hashes(own, number))
        return (correlation * latent + noise).astype(np.float32)

    popular = (0.35 * appeal + 0.3 * quality) / 0.4
    per_day = knobs.new_videos or max(knobs.n_videos // 20, 1)
    return Catalogue(
        created=((ids - knobs.n_videos) // per_day + 1).astype(np.int32),
        creator=creator,
        country=country.astype(np.int8),
        length=length,
        original=original.astype(np.int32),
        quality=quality,
        appeal=appeal,
        style=rnd.normal(rnd.hashes(shared[:, None], np.arange(7, 9))),
        thumbnail_score=score(appeal, 0.95, 9),
        quality_score=score(quality, 0.8, 10),
        popularity_score=score(popular, 0.4, 11),
    )
