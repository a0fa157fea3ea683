"""What users do with a list: look, click, watch, like, report, and come back or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course.worlds.feed import randomness as rnd
from course.worlds.feed.catalogue import Catalogue
from course.worlds.feed.knobs import TOPICS, Knobs
from course.worlds.feed.people import People

KINDS = ("click", "watch", "like", "report", "survey")
"""Kinds of events, by number."""

_TOPIC_TASTE, _STYLE_TASTE = 0.8, 0.42
_AFFINITY_CLICK, _APPEAL_CLICK, _QUALITY_CLICK = 0.8, 0.9, 0.15
_COUNTRY_CLICK, _AGE_CLICK = 0.5, 0.02
_NEUTRAL_SATISFACTION = 0.25
"""Satisfaction per session at which a habit stays as it is."""
_HABIT_MEMORY, _HABIT_GAIN = 0.9, 0.3
WATCH_NOISE, SATISFACTION_NOISE = 0.8, 0.5
"""Standard deviations of the disturbances of watching and satisfaction, in log-odds."""
WATCH_UNIT, SATISFACTION_UNIT = 10, 64
# Mean time in seconds until the report of an event arrives, by kind: clicks and watch time come
# with the next batch of the app, a like waits for the app's next start, a report for moderation.
_MEAN_DELAY = np.array([20.0, 60.0, 6 * 3600.0, 2 * 86_400.0, 86_400.0])


def examination(knobs: Knobs) -> np.ndarray:
    """Return the probability that a user looks at each position, from the first on."""
    position = range(1, knobs.list_length + 1)
    # Rounded to 2^-30: the last place of a power differs between platforms.
    return np.array([round(k**-knobs.examination_exponent * 2**30) / 2**30 for k in position])


@dataclass(frozen=True)
class Setting:
    """What decides about behaviour on one day, beyond the people and videos themselves.

    Attributes
    ----------
    taste
        float64 (users, topics): tastes of this day.
    video_click
        float64 by video id: log-odds of a click that come from the video and the day.
    """

    users: People
    catalogue: Catalogue
    taste: np.ndarray
    video_click: np.ndarray


def setting(
    users: People,
    catalogue: Catalogue,
    taste: np.ndarray,
    day: int,
    knobs: Knobs,
    tired: np.ndarray,
) -> Setting:
    """Return the setting of a day; `tired` are the log-odds that each video has lost."""
    video_click = (
        knobs.base_click_logit
        + _APPEAL_CLICK * catalogue.appeal
        + _QUALITY_CLICK * catalogue.quality
        - _AGE_CLICK * (day - catalogue.created)
        - tired
    )
    return Setting(users, catalogue, taste, video_click)


def affinity(now: Setting, user: np.ndarray, video: np.ndarray) -> np.ndarray:
    """Return how well videos fit users: mean 0, variance about 1."""
    n_topics = len(TOPICS)
    result = _TOPIC_TASTE * now.taste.take(user * n_topics + video % n_topics)
    for style in range(now.users.style.shape[1]):
        user_style, video_style = now.users.style[:, style], now.catalogue.style[:, style]
        result += _STYLE_TASTE * user_style.take(user) * video_style.take(video)
    return result


def click_probability(
    now: Setting,
    user: np.ndarray,
    video: np.ndarray,
    fit: np.ndarray,
    extra: np.ndarray | float = 0,
) -> np.ndarray:
    """Return the probability that users click on videos that they look at."""
    logit = _AFFINITY_CLICK * fit
    logit += now.video_click.take(video)
    logit += now.users.clickiness.take(user)
    logit += extra
    logit += _COUNTRY_CLICK * (now.users.country.take(user) == now.catalogue.country.take(video))
    return rnd.sigmoid(logit)


def disappointment(catalogue: Catalogue, video: np.ndarray) -> np.ndarray:
    """Return by how much a thumbnail promises more than its video keeps, 0 or more."""
    return np.maximum(catalogue.appeal.take(video) - catalogue.quality.take(video), 0)


def satisfaction_logit(now: Setting, video: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """Return the log-odds behind the satisfaction with a watched video, before its noise."""
    quality = now.catalogue.quality.take(video)
    return 0.9 + 0.9 * quality + 0.5 * fit - 0.8 * disappointment(now.catalogue, video)


def watch_logit(now: Setting, video: np.ndarray, fit: np.ndarray) -> np.ndarray:
    """Return the log-odds behind the fraction that is watched, before its noise."""
    quality, length = now.catalogue.quality.take(video), now.catalogue.length.take(video)
    long = length / (length + 30.0) - 0.5
    return 0.4 + 0.6 * quality + 0.5 * fit - 0.5 * disappointment(now.catalogue, video) - 2 * long


@dataclass(frozen=True)
class Clicks:
    """What followed the impressions that were clicked.

    Attributes
    ----------
    request, place
        int64: row of the request in its batch; place in the list, from 0.
    watch
        int64: watch time in tenths of a second.
    satisfaction
        int64: in 64ths, from -64 (regrets it) to 64.
    kind, row, value, after, delay
        The events: number in `KINDS`, row in these clicks, value, and seconds from the request to
        the event and from the event to its arrival.
    """

    request: np.ndarray
    place: np.ndarray
    watch: np.ndarray
    satisfaction: np.ndarray
    kind: np.ndarray
    row: np.ndarray
    value: np.ndarray
    after: np.ndarray
    delay: np.ndarray


def respond(
    own: np.ndarray,
    user: np.ndarray,
    shown: np.ndarray,
    now: Setting,
    knobs: Knobs,
    extra: np.ndarray | float = 0.0,
    bot: np.ndarray | None = None,
) -> Clicks:
    """Play the users' part for a batch of lists.

    Parameters
    ----------
    own
        uint64 hash of each request.
    user
        Dense index of its user.
    shown
        Video ids, shape (requests, list_length).
    extra
        Log-odds added to clicks, one number or one per request.
    bot
        Boolean per request, or None if nobody is a bot; bots look at everything.
    """
    # One number says how far the user scrolls: position k is seen with probability examination[k].
    seen_share = rnd.uniform(rnd.hashes(own, 1))
    depth = np.searchsorted(-examination(knobs), -seen_share, side="left")
    bot = np.zeros(len(own), dtype=bool) if bot is None else bot
    depth[bot] = shown.shape[1]
    request = np.repeat(np.arange(len(own)), depth)
    place = np.arange(len(request)) - np.repeat(np.cumsum(depth) - depth, depth)
    video = shown.take(request * shown.shape[1] + place)

    viewer = user.take(request)
    fit = affinity(now, viewer, video)
    more = extra if np.ndim(extra) == 0 else extra.take(request)
    probability = click_probability(now, viewer, video, fit, more)
    probability[bot.take(request)] = 0.9
    # Keyed by video, not by place: in two arms a user would click on the same videos.
    bits = rnd.hashes(rnd.hashes(own, 2).take(request), video)
    clicked = np.flatnonzero(rnd.below(bits, probability))

    request, place, video, fit = (x[clicked] for x in (request, place, video, fit))
    own_click = rnd.hashes(bits[clicked], 0)
    human = ~bot[request]

    fraction = rnd.sigmoid(
        watch_logit(now, video, fit) + WATCH_NOISE * rnd.normal(rnd.hashes(own_click, 1))
    )
    length = now.catalogue.length.take(video)
    watch = np.floor(fraction * length * WATCH_UNIT).astype(np.int64) * human
    feeling = satisfaction_logit(now, video, fit) + SATISFACTION_NOISE * rnd.normal(
        rnd.hashes(own_click, 2)
    )
    satisfaction = 2 * rnd.sigmoid(feeling) - 1
    satisfaction = np.rint(satisfaction * SATISFACTION_UNIT).astype(np.int64) * human
    return Clicks(
        request,
        place,
        watch,
        satisfaction,
        *_events(own_click, watch, satisfaction, human, knobs),
    )


def _events(
    own: np.ndarray, watch: np.ndarray, satisfaction: np.ndarray, human: np.ndarray, knobs: Knobs
) -> tuple[np.ndarray, ...]:
    """Return kind, row, value, and seconds to the event and to its arrival."""
    content = satisfaction / SATISFACTION_UNIT
    seconds = watch / WATCH_UNIT
    thought = 1 + np.floor(20 * rnd.uniform(rnd.hashes(own, 3)))
    everyone = np.arange(len(own))
    likes = human & rnd.below(rnd.hashes(own, 4), 0.25 * np.maximum(content, 0) ** 2)
    reports = human & rnd.below(rnd.hashes(own, 5), 0.08 * np.maximum(-content, 0) ** 2)
    asked = human & rnd.below(rnd.hashes(own, 6), knobs.survey_share)
    stars = np.clip(np.rint(3 + 2 * content + 0.5 * rnd.normal(rnd.hashes(own, 7))), 1, 5)
    one = np.ones(len(own))

    kind, row, value, after, delay = [], [], [], [], []
    wait = np.array([1.0, 1.0, *[knobs.label_delay] * 3]) * _MEAN_DELAY
    for number, rows, values, later in (
        (0, everyone, one, thought),
        (1, np.flatnonzero(human), seconds, thought + seconds),
        (2, np.flatnonzero(likes), one, thought + seconds),
        (3, np.flatnonzero(reports), one, thought + seconds),
        (4, np.flatnonzero(asked), stars, thought + seconds + 5),
    ):
        kind.append(np.full(len(rows), number, dtype=np.int8))
        row.append(rows)
        value.append(values[rows])
        after.append(np.ceil(later[rows]).astype(np.int64))
        slow = wait[number] * rnd.exponential(rnd.hashes(own[rows], 8 + number))
        delay.append(np.ceil(slow).astype(np.int64))
    return tuple(np.concatenate(parts) for parts in (kind, row, value, after, delay))


def new_habit(
    start: np.ndarray, habit: np.ndarray, satisfaction: np.ndarray, sessions: np.ndarray
) -> np.ndarray:
    """Return the log-odds of coming tomorrow after a day in the app.

    Habits drift back to where they started, and rise or fall with the satisfaction per session:
    tomorrow's visit depends on today's experience.

    Parameters
    ----------
    start, habit
        Log-odds at the start and on this day.
    satisfaction
        Sum over the day's clicks, in 64ths.
    sessions
        Number of sessions on the day, 1 or more.
    """
    mood = satisfaction / (SATISFACTION_UNIT * sessions) - _NEUTRAL_SATISFACTION
    return start + _HABIT_MEMORY * (habit - start) + _HABIT_GAIN * np.clip(mood, -1, 1)
