"""Impressions simulated per second: the feed world beside RecoGym.

Both play users against a recommender that has learned nothing and return the log as a data frame:
who saw what, with which propensity, and clicked or not. An impression is one recommended item: a
row of the world's impressions, a `bandit` row of RecoGym's log. The world does more for each (lists
chosen from twenty candidates, position bias, watch time, satisfaction that decides who returns);
RecoGym writes the visits to products between recommendations (`organic` rows), which are counted
apart.

    python bench/feed_speed.py [--reco-python PATH]

RecoGym 0.1.3 needs older libraries than this course, so it lives in an environment of its own,
outside of the repository and of about 8 GB::

    python3.11 -m venv ~/recogym
    ~/recogym/bin/pip install recogym "numpy==1.23.5" "scipy==1.10.1" "pandas<2.1" \
        "matplotlib<3.8" "numba<0.58"
    python bench/feed_speed.py --reco-python ~/recogym/bin/python

Without it only the world is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

ROUNDS = 5
RECO_USERS = 200
LIST_LENGTH = 10
"""Impressions per decision in the feed world; RecoGym decides on one item at a time."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def best_rate(play: Callable[[], tuple[int, int]]) -> dict[str, float]:
    """Return impressions and rows of the log per second, in the fastest of some rounds."""
    best = {"impressions": 0.0, "rows": 0.0, "count": 0}
    for _ in range(ROUNDS):
        start = time.perf_counter()
        impressions, rows = play()
        seconds = time.perf_counter() - start
        if impressions / seconds > best["impressions"]:
            best = {
                "impressions": impressions / seconds,
                "rows": rows / seconds,
                "count": impressions,
            }
    return best


def measure_world() -> dict[str, float]:
    """Play two weeks of twenty thousand users, log included."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from course.worlds import feed

    def play() -> tuple[int, int]:
        outcome = feed.serve(feed.PRODUCTION, 1, days=14, users=20_000)
        return len(outcome.impressions), len(outcome.impressions) + len(outcome.events)

    return best_rate(play)


def measure_reco() -> dict[str, float] | None:
    """Play RecoGym with its random agent, in its own default world; None if it is not here."""
    warnings.filterwarnings("ignore")
    try:
        import gym
        from recogym import env_1_args
    except ImportError:
        return None

    def play() -> tuple[int, int]:
        environment = gym.make("reco-gym-v1", disable_env_checker=True).unwrapped
        environment.init_gym({**env_1_args, "random_seed": 1})
        log = environment.generate_logs(RECO_USERS)
        return int((log["z"] == "bandit").sum()), len(log)

    play()  # compiles what it compiles
    return best_rate(play)


def ask_reco(python: str) -> dict[str, float] | None:
    """Measure RecoGym with another interpreter."""
    run = subprocess.run(
        [python, __file__, "--only-reco"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **ONE_THREAD},
    )
    if run.returncode:
        sys.exit(f"{python} could not measure RecoGym:\n{run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])


def report(name: str, rate: dict[str, float]) -> None:
    """Print one line."""
    print(
        f"{name:12} {rate['impressions']:>12,.0f} impressions/s {rate['rows']:>12,.0f} rows/s "
        f"   ({rate['count']:,} impressions a round, fastest of {ROUNDS})"
    )


def main() -> None:
    """Measure what is installed and print the ratio."""
    parser = argparse.ArgumentParser(description="Impressions per second, on one core.")
    parser.add_argument("--reco-python", help="interpreter that has RecoGym")
    parser.add_argument("--only-reco", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_reco:
        print(json.dumps(measure_reco()))
        return
    if os.environ.get("OMP_NUM_THREADS") != "1":
        # Threads are counted when NumPy is loaded.
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})
    world = measure_world()
    report("feed world", world)
    reco = ask_reco(options.reco_python) if options.reco_python else measure_reco()
    if reco is None:
        print(
            "RecoGym is not installed in that Python, so there is nothing to compare with. "
            "How to install it stands at the top of bench/feed_speed.py."
        )
        return
    report("RecoGym", reco)
    ratio = world["impressions"] / reco["impressions"]
    print(f"The feed world simulates {ratio:,.0f} times as many impressions per second,")
    print(f"and decides on {ratio / LIST_LENGTH:,.0f} times as many lists as RecoGym on items.")


if __name__ == "__main__":
    main()
