"""The short-video app: who comes, what they are shown, what they do, and whether they come back.

What it simulates
-----------------
Users open the app in sessions; a session is one request for a list of videos. Retrieval finds
`n_candidates` videos on the user's topics, a ranking policy picks and orders `list_length` of them.
The user scrolls down some way, clicks, watches, is content or disappointed, may like or report the
video or answer a survey; and comes back tomorrow, or not, depending on how the day was. For user u,
video v at position k::

    P(looks at k) = k ** -examination_exponent, the same for all
    log-odds(click | looked) = base + clickiness_u + .8 affinity_uv + .9 appeal_v
                               + .15 quality_v + .5 [same country] - .02 age in days
    log-odds(satisfied) = .9 + .9 quality_v + .5 affinity_uv - .8 max(0, appeal_v - quality_v)
    log-odds(comes) = own level_u + habit_u
    habit_u after a day in the app = .9 habit_u + .3 (satisfaction per session - .25)

So a thumbnail (`appeal`) earns clicks that a weak video (`quality`) pays for with retention. Watch
time goes the way of satisfaction. Activity is heavy-tailed (Pareto, exponent 2). Traffic follows
the user's own clock and rises at weekends. Every day users sign up, `new_videos` are uploaded and
as many leave. A tenth of the videos nearly duplicate an earlier one.

Use
---
>>> from course.worlds import feed
>>> impressions, events = feed.log(seed=1, days=2, users=300, randomised_share=0.2)
>>> rows = feed.labelled(impressions, events)
>>> by_rank = rows[rows["bucket"] == "random"].groupby("position")["clicked"].mean()
>>> def newest_first(requests, candidates):
...     return -candidates["age_days"]
>>> arms = {"control": feed.PRODUCTION, "newest": newest_first}
>>> outcome = feed.experiment(arms, seed=1, days=2, users=300, pre_days=1)
>>> outcome.users.groupby("arm", observed=True)["clicks"].sum().index.tolist()
['control', 'newest']

`log` returns an event log of the app; `serve` plays one policy, `experiment` several on hashed
users (both return an `Outcome`); `request_batch` hands out logged requests again, so that a policy
can be asked offline; `features`, `labelled`, `users`, `videos` are tables beside the log; `assign`
and `repeat_assignment` deal users to arms. A policy gets two arguments for a whole batch:

* `requests`: a frame with `request_id`, `user_id`, `day`, `session`, `hour` (UTC), `country`,
  `tenure_days`, and
* `candidates`: read-only arrays of shape (requests, candidates), the newest video first:
  `video_id`, `topic` (number in `TOPICS`), `creator_id`, and as float32 `topic_match` (the app's
  estimate of the user's taste), `thumbnail_score`, `quality_score`, `popularity_score` (what
  earlier rankings made of the video: weakly related to anything), `same_country`, `length_s` and
  `age_days`,

and returns scores, video ids, or probabilities: see `course.worlds.feed.policies`, and
`LinearPolicy` for one that is ready made. `true_examination`, `true_response`, `true_value`,
`true_users` and `true_videos` look up what is planted; they are for tests, hidden checks and
reveals.

What is guaranteed
------------------
Every random number is a hash of what it is for. The same arguments give the same tables to the last
bit on every platform with IEEE 754 arithmetic, as long as the policy's own scores do. A further
user changes no row of another (unless `interference` is on, or a policy learns in `observe`). Arms,
and runs with other policies, share all numbers: the same users come on the first day, scroll
equally far and have the same mood for the same video, so policies can be compared user by user.
Memory grows with the log and with the users and videos, not with the number of days played without
a log.

Assumptions and limits
----------------------
Position acts through examination alone: no trust in high ranks, no distraction by neighbours, no
fatigue within a list; how far people scroll has nothing to do with who they are. Satisfaction is
one number. Retrieval is blind to quality and cannot be changed. Tastes stay unless `taste_shift`
moves them, creators do not react, users do not talk to one another. The app's scores come as if
from good models: they have noise but no bias, except `popularity_score`. Habits start at the user's
own level on `first_day`, whatever was served before. Effects of a few per cent in real apps are
made large here, so that a lab can see them with some thousand users.

What its shape is taken from
----------------------------
Position-based examination: Craswell et al. 2008 ("An experimental comparison of click position-bias
models"), with weights by inverse propensity as in Joachims, Swaminathan and Schnabel 2017. Two
stages, candidates then ranking, and watch time beside clicks: Covington, Adams and Sargin 2016.
Heavy tails of activity: Barabási 2005, Clauset, Shalizi and Newman 2009. Lists drawn one place
after another: Plackett 1975. Clicks that mislead where satisfaction counts: Yi et al. 2014 ("Beyond
clicks"); retention as the long-term metric of an experiment: Hohnhold, O'Brien and Tang 2015.
Hashes as random numbers: Salmon et al. 2011. Simulators of this kind: RecoGym (Rohde et al. 2018),
RecSim (Ie et al. 2019). The size of every effect is this course's own.
"""

from course.worlds.feed.experiment import ArmTotals, assign, experiment, repeat_assignment
from course.worlds.feed.knobs import FEATURES, TOPICS, Fault, Knobs, Troubles
from course.worlds.feed.outcome import Outcome
from course.worlds.feed.people import COUNTRIES
from course.worlds.feed.policies import (
    BALANCED_POLICY,
    CLICK_POLICY,
    PRODUCTION,
    SATISFACTION_POLICY,
    LinearPolicy,
    Policy,
)
from course.worlds.feed.requests import FIRST_DAY
from course.worlds.feed.serving import log, serve
from course.worlds.feed.tables import features, labelled, request_batch, users, videos
from course.worlds.feed.truth import (
    true_examination,
    true_response,
    true_users,
    true_value,
    true_videos,
)

__all__ = [
    "BALANCED_POLICY",
    "CLICK_POLICY",
    "COUNTRIES",
    "FEATURES",
    "FIRST_DAY",
    "PRODUCTION",
    "SATISFACTION_POLICY",
    "TOPICS",
    "ArmTotals",
    "Fault",
    "Knobs",
    "LinearPolicy",
    "Outcome",
    "Policy",
    "Troubles",
    "assign",
    "experiment",
    "features",
    "labelled",
    "log",
    "repeat_assignment",
    "request_batch",
    "serve",
    "true_examination",
    "true_response",
    "true_users",
    "true_value",
    "true_videos",
    "users",
    "videos",
]
