"""The sizes and troubles of the world that can be turned."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

TOPICS = (
    "comedy",
    "music",
    "sport",
    "cooking",
    "travel",
    "science",
    "gaming",
    "beauty",
    "pets",
    "news",
    "crafts",
    "cars",
)
"""Topic of a video, by number."""
FEATURES = (
    "topic_match",
    "thumbnail_score",
    "quality_score",
    "popularity_score",
    "same_country",
    "length_s",
    "age_days",
)
"""What a policy knows of a candidate, as numbers; see `candidates` in the package's docstring."""
FAULTS = ("stuck", "scaled", "missing")
MAX_DAYS = 2000
MAX_USERS = 10_000_000


@dataclass(frozen=True)
class Fault:
    """A broken feature: what the policy gets (and the log keeps) is not what it should be.

    Attributes
    ----------
    feature
        One of `FEATURES`.
    kind
        `"stuck"`: every candidate has `value`; `"scaled"`: multiplied by `value`, as after a change
        of units; `"missing"`: the share `value` of the candidates has 0 in place of their own.
    first_day, last_day
        The days on which it is broken, both included.
    value
        See `kind`.
    """

    feature: str
    kind: str = "stuck"
    first_day: int = 0
    last_day: int = MAX_DAYS
    value: float = 0.0

    def __post_init__(self) -> None:
        """Refuse faults that no feature can have."""
        if self.feature not in FEATURES:
            raise ValueError(f"A fault needs one of the features {FEATURES}, got {self.feature!r}.")
        if self.kind not in FAULTS:
            raise ValueError(f"The kind of a fault is one of {FAULTS}, got {self.kind!r}.")
        if self.kind == "missing" and not 0 <= self.value <= 1:
            raise ValueError(f"The share of missing values lies in [0, 1], got {self.value}.")


@dataclass(frozen=True)
class Knobs:
    """What can be turned in this world; every public function takes these by name.

    Attributes
    ----------
    n_videos, new_videos
        Videos on offer on any day, and how many of them are new each day (the oldest leave).
    n_creators
        Number of creators; a tenth of them makes about a third of the videos.
    duplicate_share
        Share of the videos that are near-duplicates of an earlier one.
    new_users
        Users who sign up each day after day 0.
    n_candidates, list_length
        Videos that retrieval hands to the policy for a request, and videos that are shown.
    examination_exponent
        A user looks at position k with probability `k ** -examination_exponent`.
    appeal_quality_correlation
        Correlation of a thumbnail's appeal with the quality of its video, in [-1, 1].
    base_click_logit
        Log-odds of a click on an examined video when all else is zero.
    interference
        Log-odds of a click that a video loses when it was viewed far more often than others the day
        before, by users of whatever arm: all arms draw on one inventory. 0 keeps users independent
        of one another.
    label_delay
        Factor on the time that likes, reports and survey answers take to arrive.
    survey_share
        Share of the clicks after which the user is asked for 1 to 5 stars.
    taste_shift, taste_shift_day, taste_shift_days
        Share of every user's tastes that moves to other topics, the first day of it, and over how
        many days it spreads. The features do not follow.
    launch_day, launch_users
        From this day on so many users a day sign up in a new country whose tastes differ.
    schema_change_day
        From this day on the app reports watch time in milliseconds in place of seconds (and
        `client_version` 2 in place of 1).
    faults
        Broken features, see `Fault`.
    """

    n_videos: int = 2400
    new_videos: int = 120
    n_creators: int = 400
    duplicate_share: float = 0.1
    new_users: int = 20
    n_candidates: int = 20
    list_length: int = 10
    examination_exponent: float = 0.9
    appeal_quality_correlation: float = -0.3
    base_click_logit: float = -1.7
    interference: float = 0.0
    label_delay: float = 1.0
    survey_share: float = 0.02
    taste_shift: float = 0.0
    taste_shift_day: int = 0
    taste_shift_days: int = 1
    launch_day: int | None = None
    launch_users: int = 50
    schema_change_day: int | None = None
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        """Refuse sizes and shares that no world can have."""
        for name in ("new_videos", "new_users", "launch_users", "taste_shift_day"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}.")
        for name in ("n_creators", "list_length", "taste_shift_days"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}.")
        for name in ("duplicate_share", "survey_share", "taste_shift"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")
        for name in ("examination_exponent", "interference", "label_delay"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}.")
        if not -1 <= self.appeal_quality_correlation <= 1:
            raise ValueError(
                "appeal_quality_correlation must lie in [-1, 1], "
                f"got {self.appeal_quality_correlation}."
            )
        if not self.list_length <= self.n_candidates <= 64:
            raise ValueError(
                "Expected list_length <= n_candidates <= 64, "
                f"got {self.list_length} and {self.n_candidates}."
            )
        if self.list_length > 31:
            raise ValueError(f"list_length must be at most 31, got {self.list_length}.")
        if self.n_videos < len(TOPICS) * self.n_candidates:
            raise ValueError(
                f"n_videos must be at least {len(TOPICS)} topics x n_candidates = "
                f"{len(TOPICS) * self.n_candidates}, got {self.n_videos}."
            )


@dataclass(frozen=True)
class Troubles:
    """What can go wrong in an experiment; arms other than the first are treated.

    Attributes
    ----------
    crash_rate
        Probability that a session of a treated user crashes. The app uploads its log at the end,
        so a user with a crash is missing from the tables of the experiment, and stays away.
    novelty, novelty_half_life
        Log-odds of a click that treated users gain on the day they first meet the treatment, and
        in how many days half of it is gone.
    bot_share, bot_arm
        Share of the users who are bots (thirty sessions a day, clicks on nearly everything, no
        watching), and the arm in which they work; None for all arms.
    incident_day, incident_days, incident_arm
        Days of the test (its first day is 0) on which the ranker times out and candidates are
        shown in the order of retrieval, and the arm it hits; None for all arms.
    """

    crash_rate: float = 0.0
    novelty: float = 0.0
    novelty_half_life: float = 3.0
    bot_share: float = 0.0
    bot_arm: str | None = None
    incident_day: int | None = None
    incident_days: int = 1
    incident_arm: str | None = None

    def __post_init__(self) -> None:
        """Refuse shares and days that no experiment can have."""
        for name in ("crash_rate", "bot_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")
        if not self.novelty_half_life > 0:
            raise ValueError(f"novelty_half_life must be positive, got {self.novelty_half_life}.")
        if self.incident_days < 1:
            raise ValueError(f"incident_days must be at least 1, got {self.incident_days}.")


def read_knobs(knobs: dict[str, Any]) -> Knobs:
    """Make `Knobs`, naming the valid ones if one is unknown."""
    known = [field.name for field in fields(Knobs)]
    unknown = sorted(set(knobs) - set(known))
    if unknown:
        raise ValueError(f"Unknown knobs {unknown}; this world has {known}.")
    return Knobs(**knobs)
