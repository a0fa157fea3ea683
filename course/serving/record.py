"""Record the timings that stand in where no server can be started.

``python -m course.serving.record`` plays the bursts of the lab ``m6_serving/batch_or_online`` once,
on the machine that it runs on, and writes them beside this file.
"""

from __future__ import annotations

import json
import os
import platform

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from course.serving.client import Burst
from course.serving.hosted import Hosted
from course.serving.live import RECORDED, measure
from course.serving.neighbours import compare_indexes
from course.worlds import feed, traffic

_STALLING = Hosted(max_batch=16, stall_share=0.04, stall_ms=80)
EXPERIMENTS: dict[str, tuple[dict[str, Burst], dict[str, Hosted]]] = {
    "load": (
        {f"{load} / s": Burst(load, seed=load) for load in (40, 120, 180, 240)},
        {"ranker": Hosted()},
    ),
    "servers": (
        {
            **{name: Burst(240, model=name) for name in ("plain", "batched", "cached")},
            "stalling": Burst(80, model="stalling"),
        },
        {
            "plain": Hosted(),
            "batched": Hosted(max_batch=4, max_wait_ms=5),
            "cached": Hosted(cache_seconds=60),
            "stalling": _STALLING,
        },
    ),
    "hedged": (
        {"hedged": Burst(80, model="stalling", hedge_after_ms=20, seed=1)},
        {"stalling": _STALLING},
    ),
}
"""Bursts and hosted models, by the name of their recording."""


def main() -> None:
    """Play all experiments and write what came back."""
    impressions, events = feed.log(1, days=2, users=1_500, log_features=True)
    rows = feed.labelled(impressions, events)
    features = rows[list(feed.FEATURES)].to_numpy(np.float32)
    ranker = GradientBoostingClassifier(n_estimators=40, subsample=0.3, random_state=0)
    ranker.fit(features, rows["clicked"])
    lists = features[:2_000].reshape(200, 10, -1)
    kept: dict[str, object] = {
        "how": "One run of `python -m course.serving.record`: client and server side by side on "
        f"{os.cpu_count()} cores ({platform.system()}, {platform.machine()}, Python "
        f"{platform.python_version()}), repeated until other processes left it mostly alone.",
    }
    for name, (bursts, hosted) in EXPERIMENTS.items():
        timings = measure(ranker, lists, bursts, hosted)
        if timings.source != "measured on this machine":
            raise SystemExit(f"Nothing was recorded: {timings.source}.")
        kept[name] = {
            burst: part.drop(columns="burst").round(2).to_dict(orient="list")
            for burst, part in timings.requests.groupby("burst", sort=False)
        }
    everything, _ = traffic.video_vectors(1, 3_200)
    curves, source = compare_indexes(everything[:3_000], everything[3_000:], 10, 48)
    if source != "measured on this machine":
        raise SystemExit(f"Nothing was recorded: {source}.")
    kept["neighbours"] = curves.to_dict(orient="list")
    text = json.dumps(kept, separators=(",", ":")).replace("NaN", "null")
    RECORDED.write_text(text.replace("],", "],\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
