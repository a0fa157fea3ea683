"""The warm process of one lab, which becomes two: the learners' host and the checks' host.

``python -m autograde.arms_length.lab_host SERVICE`` is started by the grading service, in the
sandbox's outer wall: no network, no files but the course's. It imports the course's libraries and
runs the lab's given cells, once. Then it forks: the parent is the host from which learners'
processes are forked, each confined further; the child grades. Hidden tests reach the child only,
and only after that.
"""

from __future__ import annotations

import gc
import os
import random
import socket
import sys
from typing import NoReturn

import numpy as np

from autograde.arms_length.channel import Channel
from autograde.arms_length.checks_host import ChecksHost
from autograde.arms_length.fork import die_with_parent
from autograde.arms_length.given import GivenCells
from autograde.arms_length.learner_host import LearnerHost
from autograde.arms_length.shell import start_shell
from autograde.sandbox import Limits, Tier, give_up_rights


def main() -> None:
    """Warm up, become two hosts, and follow orders."""
    service = Channel(socket.socket(fileno=int(sys.argv[1])))
    request = service.receive()
    tier, limits = Tier(request["tier"]), Limits(**request["limits"])
    _start_generators()
    given = GivenCells(start_shell(), request["given"])
    gc.collect()
    gc.freeze()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    checks = os.fork()
    if checks == 0:
        ours.close()
        _grade(service, given, theirs, tier)
    theirs.close()
    service.close()
    LearnerHost(given, tier, limits, ours).run()
    os.waitpid(checks, 0)
    # To take leave of all that the libraries hold takes half a second.
    os._exit(0)


def _start_generators() -> None:
    """Start the generators that a process has only one of from a fixed state.

    An answer that draws from them without a seed then earns the same whenever it is graded.
    """
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (scikit-learn takes it where no random_state is given)


def _grade(service: Channel, given: GivenCells, control: socket.socket, tier: Tier) -> NoReturn:
    """Be the checks' host, and leave past every handler of the parent's."""
    try:
        die_with_parent()
        give_up_rights(tier)
        service.send({"given": [run.outputs for run in given.runs]})
        ChecksHost(service, given, control).run()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
