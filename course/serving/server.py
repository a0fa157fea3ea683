"""A small model server: ONNX Runtime behind FastAPI, with the Open Inference Protocol's REST shape.

``python -m course.serving.server MODEL.onnx '{"ranker": {…settings…}}'`` binds a free port of
127.0.0.1, prints it, and serves until its standard input is closed or its lifetime ends, so that
no server outlives the notebook that started it.

Each hosted model has one worker, as a replica with one accelerator would: requests wait in a queue.
The worker takes up to `max_batch` of them, waiting at most `max_wait_ms` for the batch to fill
after the first, and runs the model once. `launch_ms` is added to each run: it stands for the launch
and the transfer that an accelerator costs and that a small model on a laptop's processor does not.
`stall_share` of the requests are delayed by `stall_ms` on their way back, as by a garbage
collection or a noisy neighbour. With `cache_seconds`, equal requests get the stored answer.

The protocol's response has the number of rows in `shape` and all values in `data`, flat.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

from course.serving.hosted import Hosted

LIFETIME = 60.0
"""Seconds after which a server ends by itself."""
_INPUT = "features"


class Replica:
    """One hosted model: a queue, and a worker that runs the model on batches from it."""

    def __init__(self, session: onnxruntime.InferenceSession, hosted: Hosted) -> None:
        self.session, self.hosted = session, hosted
        self.rng = np.random.default_rng(0)
        self.answers: dict[bytes, tuple[float, np.ndarray]] = {}
        self.waiting: asyncio.Queue[tuple[np.ndarray, asyncio.Future[np.ndarray]]] = asyncio.Queue()

    async def infer(self, key: bytes, rows: np.ndarray) -> np.ndarray:
        """Return one score per row, from the cache or from the worker."""
        stored = self.answers.get(key)
        if stored and time.monotonic() - stored[0] < self.hosted.cache_seconds:
            return stored[1]
        future = asyncio.get_running_loop().create_future()
        self.waiting.put_nowait((rows, future))
        scores = await future
        if self.rng.random() < self.hosted.stall_share:
            await asyncio.sleep(self.hosted.stall_ms / 1e3)
        if self.hosted.cache_seconds:
            self.answers[key] = (time.monotonic(), scores)
        return scores

    async def work(self) -> None:
        """Run the model on one batch after another, until cancelled."""
        while True:
            batch = await self._next_batch()
            await asyncio.sleep(self.hosted.launch_ms / 1e3)
            try:
                scores = score(self.session, np.concatenate([rows for rows, _ in batch]))
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            ends = np.cumsum([len(rows) for rows, _ in batch])[:-1]
            for (_, future), part in zip(batch, np.split(scores, ends), strict=True):
                if not future.done():  # the client may have gone
                    future.set_result(part)

    async def _next_batch(self) -> list[tuple[np.ndarray, asyncio.Future[np.ndarray]]]:
        batch = [await self.waiting.get()]
        deadline = time.monotonic() + self.hosted.max_wait_ms / 1e3
        while len(batch) < self.hosted.max_batch:
            if not self.waiting.empty():
                batch.append(self.waiting.get_nowait())
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                batch.append(await asyncio.wait_for(self.waiting.get(), left))
            except TimeoutError:
                break
        return batch


def score(session: onnxruntime.InferenceSession, rows: np.ndarray) -> np.ndarray:
    """Return the probability of a click per row, float32; of an exported binary classifier."""
    output = session.run(["probabilities"], {_INPUT: rows})[0]
    return np.asarray(output, dtype=np.float32)[:, 1]


def open_session(model: str | bytes) -> onnxruntime.InferenceSession:
    """Open an exported model, given as a path or as bytes, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def make_app(session: onnxruntime.InferenceSession, hosted: dict[str, Hosted]) -> FastAPI:
    """Return the application that serves one exported model under each hosted name."""
    replicas = {name: Replica(session, how) for name, how in hosted.items()}
    width = session.get_inputs()[0].shape[1]

    @asynccontextmanager
    async def workers(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(replica.work()) for replica in replicas.values()]
        yield
        for task in tasks:
            task.cancel()

    app = FastAPI(lifespan=workers)

    def find(name: str) -> Replica:
        if name not in replicas:
            known = ", ".join(sorted(replicas))
            raise HTTPException(404, f"There is no model {name!r} here; there is {known}.")
        return replicas[name]

    @app.get("/v2/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @app.get("/v2/health/ready")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    @app.get("/v2/models/{name}")
    async def metadata(name: str) -> dict[str, object]:
        find(name)
        return {
            "name": name,
            "platform": "onnxruntime_onnx",
            "inputs": [{"name": _INPUT, "datatype": "FP32", "shape": [-1, width]}],
            "outputs": [{"name": "p_click", "datatype": "FP32", "shape": [-1]}],
        }

    @app.get("/v2/models/{name}/ready")
    async def model_ready(name: str) -> dict[str, object]:
        find(name)
        return {"name": name, "ready": True}

    @app.post("/v2/models/{name}/infer")
    async def infer(name: str, request: Request) -> JSONResponse:
        replica = find(name)
        body = await request.body()
        try:
            rows = parse(body, width)
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        scores = await replica.infer(body, rows)
        output = {
            "name": "p_click",
            "datatype": "FP32",
            "shape": [len(scores)],
            "data": scores.tolist(),
        }
        return JSONResponse({"model_name": name, "outputs": [output]})

    return app


def parse(body: bytes, width: int) -> np.ndarray:
    """Return the rows of an infer request, float32, shape (rows, width).

    Raises
    ------
    ValueError
        With a sentence on what the request lacks.
    """
    expected = f"one input {_INPUT!r}, FP32, of shape [rows, {width}], with its data"
    try:
        (given,) = json.loads(body)["inputs"]
        rows = np.asarray(given["data"], dtype=np.float32).reshape(given["shape"])
        kind = (given["name"], given["datatype"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"The request could not be read; expected {expected}.") from error
    if kind != (_INPUT, "FP32") or rows.ndim != 2 or rows.shape[1] != width or not len(rows):
        raise ValueError(f"Expected {expected}; got {kind[0]!r}, {kind[1]}, {list(rows.shape)}.")
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Serve until standard input is closed, or the lifetime is over."""
    parser = argparse.ArgumentParser(description="Serve an ONNX model on 127.0.0.1.")
    parser.add_argument("model")
    parser.add_argument("hosted", help="JSON: how the model is hosted, by name")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options = parser.parse_args(arguments)
    hosted = {name: Hosted(**how) for name, how in json.loads(options.hosted).items()}
    app = make_app(open_session(options.model), hosted)
    # The protocol is named, since asyncio sends small packets at once only if it is TCP by name.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        try:
            listener.bind(("127.0.0.1", options.port))
        except OSError as error:
            raise SystemExit(f"port {options.port} of 127.0.0.1 is not free: {error}") from error
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on")
        threading.Thread(target=_end_with_parent, daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(config).run(sockets=[listener])


def _end_with_parent() -> None:
    timer = threading.Timer(LIFETIME, lambda: os._exit(0))
    timer.daemon = True
    timer.start()
    sys.stdin.read()  # returns when the parent closes it, or is gone
    os._exit(0)


if __name__ == "__main__":
    main()
