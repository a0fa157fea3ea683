"""Start the server, send bursts, stop it; or go on with what was recorded once."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from course.serving.client import LONGEST_BURST, PATIENCE, Burst, send
from course.serving.hosted import Hosted

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

START_LIMIT = 5.0
"""Seconds that a server may take until it is ready."""
GIVEN_UP_MS = 1e3 * (LONGEST_BURST + PATIENCE)
"""What a request without an answer counts as."""
RECORDED = Path(__file__).with_name("recorded.json")


class NotServedError(Exception):
    """Why no server could be started, in a few words."""


@dataclass(frozen=True)
class Timings:
    """What came back from bursts.

    Attributes
    ----------
    requests
        One row per request: `burst`, `sent_s`, `latency_ms` (NaN: no answer), `copies`.
    source
        'measured on this machine', or why these are recorded timings.
    """

    requests: pd.DataFrame
    source: str

    def quantile(self, burst: str, q: float) -> float:
        """Return a quantile of a burst's latency in ms.

        A request without an answer counts as `GIVEN_UP_MS`, longer than any that was waited for.
        """
        latencies = self.requests.loc[self.requests["burst"] == burst, "latency_ms"]
        return float(latencies.fillna(GIVEN_UP_MS).quantile(q, interpolation="higher"))


def measure(
    model: BaseEstimator,
    rows: np.ndarray,
    bursts: dict[str, Burst],
    hosted: dict[str, Hosted] | None = None,
    *,
    recorded: str = "load",
    port: int = 0,
) -> Timings:
    """Serve a model, send bursts one after another, stop the server.

    Parameters
    ----------
    model
        A fitted binary scikit-learn classifier that skl2onnx can convert.
    rows
        Features of the requests, shape (requests, candidates, features).
    bursts
        What to send, by name, in this order.
    hosted
        How the model is hosted, by name; by default once, as `ranker`.
    recorded
        The recording to fall back on if no server can be started within `START_LIMIT`.
    port
        Of 127.0.0.1; 0 takes a free one.

    Returns
    -------
    Timings
        Fresh ones, or the recording; its `source` says which.
    """
    try:
        with start(model, rows.shape[-1], hosted or {"ranker": Hosted()}, port=port) as url:
            parts = [_played(url, name, burst, rows) for name, burst in bursts.items()]
    except NotServedError as error:
        return recording(recorded, str(error))
    return Timings(pd.concat(parts, ignore_index=True), "measured on this machine")


def _played(url: str, name: str, burst: Burst, rows: np.ndarray) -> pd.DataFrame:
    import httpx

    try:
        return send(url, burst, rows).assign(burst=name)
    except httpx.HTTPError as error:
        said = type(error).__name__
        raise NotServedError(f"the server did not answer the burst {name!r} ({said})") from error


def recording(name: str, reason: str) -> Timings:
    """Return recorded timings, marked with the reason why they are used."""
    kept = json.loads(RECORDED.read_text(encoding="utf-8"))[name]
    parts = [pd.DataFrame(columns).assign(burst=burst) for burst, columns in kept.items()]
    requests = pd.concat(parts, ignore_index=True)
    requests["latency_ms"] = requests["latency_ms"].astype(float)
    return Timings(requests, f"recorded on another machine, since {reason}")


@contextmanager
def start(
    model: BaseEstimator,
    n_features: int,
    hosted: dict[str, Hosted],
    *,
    port: int = 0,
    limit: float = START_LIMIT,
) -> Iterator[str]:
    """Serve a model from a process of its own, for the length of a ``with`` block.

    Yields
    ------
    str
        The server's address.

    Raises
    ------
    NotServedError
        If a package is missing, the port is taken, or the server is not ready in time.
    """
    exported = export(model, n_features)
    settings = json.dumps({name: asdict(how) for name, how in hosted.items()})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(exported)
        command = [sys.executable, "-m", "course.serving.server", str(path), settings]
        try:
            process = subprocess.Popen(
                [*command, "--port", str(port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        except OSError as error:
            raise NotServedError(f"no process could be started ({error.strerror})") from error
        try:
            yield _address(process, time.monotonic() + limit, limit)
        finally:
            _stop(process)


def export(model: BaseEstimator, n_features: int) -> bytes:
    """Return a fitted classifier as an ONNX graph: input `features`, output `probabilities`.

    Raises
    ------
    NotServedError
        If the packages of the extra `serving` are not installed, or do not know the model.
    """
    try:
        import fastapi  # noqa: F401
        import httpx  # noqa: F401
        import onnxruntime  # noqa: F401
        import uvicorn  # noqa: F401
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType
    except ImportError as error:
        raise NotServedError(f"the package {error.name} is not installed") from error
    try:
        graph = to_onnx(
            model,
            initial_types=[("features", FloatTensorType([None, n_features]))],
            options={id(model): {"zipmap": False}},
        )
    except Exception as error:  # whatever skl2onnx makes of a model that it does not know
        raise NotServedError(f"the model could not be exported ({type(error).__name__})") from error
    return graph.SerializeToString()


def _address(process: subprocess.Popen[str], deadline: float, limit: float) -> str:
    """Return the address of a server that has said its port and answers that it is ready."""
    import httpx

    late = NotServedError(f"the server was not ready within {limit:g} s")
    said: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: said.put(process.stdout.readline()), daemon=True).start()
    try:
        line = said.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise late from None
    if not line.strip().isdigit():
        reason = (process.stderr.read().strip().splitlines() or ["no reason given"])[-1]
        raise NotServedError(f"the server ended at once ({reason})")
    url = f"http://127.0.0.1:{line.strip()}"
    with httpx.Client(trust_env=False, timeout=1.0) as client:
        while time.monotonic() < deadline:
            try:
                if client.get(f"{url}/v2/health/ready").status_code == httpx.codes.OK:
                    return url
            except httpx.TransportError:
                time.sleep(0.02)
    raise late


def _stop(process: subprocess.Popen[str]) -> None:
    process.stdin.close()  # the server ends when its input does
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
    process.stderr.close()


@cache
def how_recorded() -> str:
    """Return the sentence on where and when the recorded timings come from."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))["how"]
