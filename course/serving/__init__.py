"""A model server on the learner's own machine, and a client that loads it.

`measure` exports a trained scikit-learn model to ONNX, starts `course.serving.server` as a process
of its own on a free loopback port, sends bursts of requests, and stops the server. The server
speaks the REST form of the Open Inference Protocol (the version 2 protocol of KServe and Triton),
so the same client code works there. Where no server can be started within five seconds, timings
that were recorded once take the place of fresh ones, and say so. `compare_indexes` does the same
for approximate nearest neighbours with faiss.

Nothing here listens on anything but 127.0.0.1, and nothing is graded by timings.
"""

from course.serving.client import Burst, infer_request
from course.serving.hosted import Hosted
from course.serving.live import NotServedError, Timings, measure, start
from course.serving.neighbours import compare_indexes

__all__ = [
    "Burst",
    "Hosted",
    "NotServedError",
    "Timings",
    "compare_indexes",
    "infer_request",
    "measure",
    "start",
]
