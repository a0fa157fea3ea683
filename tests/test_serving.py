"""The model server on loopback, its client, and what happens where it cannot start."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from course import plots, serving
from course.serving import live, neighbours, record
from course.serving.figures import draw_loads, draw_servers
from course.serving.server import open_session, parse, score
from course.worlds import traffic


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Ten lists of five candidates with three features."""
    return np.random.default_rng(0).standard_normal((10, 5, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model(rows: np.ndarray) -> LogisticRegression:
    """A ranker."""
    flat = rows.reshape(-1, 3)
    return LogisticRegression().fit(flat, (flat[:, 0] > 0).astype(int))


@pytest.fixture(scope="module")
def app(model: LogisticRegression) -> Iterator[httpx.Client]:
    """A client of a live server that hosts the model in three ways."""
    hosted = {
        "ranker": serving.Hosted(launch_ms=0),
        "batched": serving.Hosted(launch_ms=1, max_batch=4, max_wait_ms=5),
        "cached": serving.Hosted(launch_ms=0, cache_seconds=60),
    }
    with (
        serving.start(model, 3, hosted, limit=30) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        yield client


def test_the_exported_model_scores_as_the_trained_one(
    model: LogisticRegression, rows: np.ndarray
) -> None:
    session = open_session(live.export(model, 3))
    expected = model.predict_proba(rows[0])[:, 1]
    np.testing.assert_allclose(score(session, rows[0]), expected, atol=1e-6)


def test_it_speaks_the_open_inference_protocol(app: httpx.Client) -> None:
    assert app.get("/v2/health/live").json() == {"live": True}
    assert app.get("/v2/health/ready").json() == {"ready": True}
    assert app.get("/v2/models/ranker/ready").json()["ready"] is True
    said = app.get("/v2/models/ranker").json()
    assert said["inputs"] == [{"name": "features", "datatype": "FP32", "shape": [-1, 3]}]


@pytest.mark.parametrize("name", ["ranker", "batched", "cached"])
def test_every_way_to_host_gives_the_same_scores(
    app: httpx.Client, model: LogisticRegression, rows: np.ndarray, name: str
) -> None:
    for _ in range(2):  # the second one from the cache, where there is one
        answer = app.post(f"/v2/models/{name}/infer", json=serving.infer_request(rows[1])).json()
        (output,) = answer["outputs"]
        assert answer["model_name"] == name
        assert (output["datatype"], output["shape"]) == ("FP32", [5])
        expected = model.predict_proba(rows[1])[:, 1]
        np.testing.assert_allclose(output["data"], expected, atol=1e-5)


def test_bad_requests_get_a_sentence(app: httpx.Client, rows: np.ndarray) -> None:
    assert app.post("/v2/models/other/infer", json={}).status_code == httpx.codes.NOT_FOUND
    narrow = serving.infer_request(rows[0][:, :2])
    answer = app.post("/v2/models/ranker/infer", json=narrow)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "got 'features', FP32, [5, 2]" in answer.json()["detail"]
    for body in (b"", b"[]", b'{"inputs": []}', b'{"inputs": [{"data": "x"}]}'):
        with pytest.raises(ValueError, match="could not be read"):
            parse(body, 3)
    with pytest.raises(ValueError, match="shape"):
        serving.infer_request(np.zeros(3))


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"rate": 50, "seconds": 9}, {"rate": 5, "users": 0}]
)
def test_bursts_are_bounded(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="A burst"):
        serving.Burst(**wrong)


def test_a_burst_reaches_a_live_server_that_ends_with_it(
    model: LogisticRegression, rows: np.ndarray
) -> None:
    from course.serving.client import send

    hosted = {"ranker": serving.Hosted(stall_share=0.5, stall_ms=60)}
    with serving.start(model, 3, hosted, limit=30) as url:
        assert url.startswith("http://127.0.0.1:")
        plain = send(url, serving.Burst(60, seconds=0.3), rows)
        hedged = send(url, serving.Burst(60, seconds=0.3, hedge_after_ms=20), rows)
    assert len(plain) == 18
    assert (plain["copies"] == 1).all()
    assert (hedged["copies"] == 2).any()
    assert plain["latency_ms"].notna().all()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url}/v2/health/live", trust_env=False, timeout=1)


def test_a_server_ends_when_its_notebook_does(
    model: LogisticRegression, tmp_path: pytest.TempPathFactory
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(live.export(model, 3))
    command = [sys.executable, "-m", "course.serving.server", str(path), '{"ranker": {}}']
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().strip().isdigit()
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_a_taken_port_is_said_and_recorded_timings_go_on(
    model: LogisticRegression, rows: np.ndarray
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        timings = serving.measure(model, rows, {}, port=port, recorded="load")
    assert timings.source.startswith("recorded on another machine, since the server ended at once")
    assert f"port {port}" in timings.source
    assert timings.quantile("240 / s", 0.99) > timings.quantile("40 / s", 0.5)


def test_a_slow_start_is_said(model: LogisticRegression) -> None:
    with (
        pytest.raises(serving.NotServedError, match=r"not ready within 0\.01 s"),
        serving.start(model, 3, {"ranker": serving.Hosted()}, limit=0.01),
    ):
        pass


def test_a_missing_package_is_said(
    model: LogisticRegression, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    timings = serving.measure(model, rows, {}, recorded="hedged")
    assert timings.source.endswith("the package skl2onnx is not installed")
    assert set(timings.requests) == {"sent_s", "latency_ms", "copies", "burst"}


def test_a_model_that_cannot_be_exported_is_said(rows: np.ndarray) -> None:
    timings = serving.measure(KMeans(2), rows, {}, recorded="load")
    assert "could not be exported" in timings.source


def test_requests_without_an_answer_are_the_slowest() -> None:
    timings = live.recording("load", "a test asks for it")
    timings.requests.loc[timings.requests["burst"] == "40 / s", "latency_ms"] = np.nan
    assert timings.quantile("40 / s", 0.5) == live.GIVEN_UP_MS


def test_every_experiment_is_recorded_with_how() -> None:
    kept = json.loads(live.RECORDED.read_text(encoding="utf-8"))
    for name, (bursts, _) in record.EXPERIMENTS.items():
        assert list(kept[name]) == list(bursts)
        for burst, columns in kept[name].items():
            assert len(columns["latency_ms"]) == round(bursts[burst].rate * bursts[burst].seconds)
    assert "python -m course.serving.record" in live.how_recorded()


def test_indexes_of_faiss_trade_recall_for_work() -> None:
    rng = np.random.default_rng(0)
    curves, source = serving.compare_indexes(
        rng.standard_normal((600, 8)), rng.standard_normal((40, 8)), 5, 12, limit=60
    )
    assert source == "measured on this machine"
    assert set(curves["index"]) == {"exact", "IVF", "HNSW"}
    for _, part in curves.groupby("index"):
        assert part["distances"].is_monotonic_increasing
        assert part["recall"].iloc[-1] > 0.95


def test_without_faiss_the_recorded_curves_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.zeros((4, 2))
    monkeypatch.setattr(neighbours.sys, "executable", "/nowhere/python")
    curves, source = serving.compare_indexes(vectors, vectors, 1, 1)
    assert source.startswith("recorded on another machine, since no process could be started")
    assert set(curves["index"]) == {"exact", "IVF", "HNSW"}


def test_the_figures_mark_what_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {}

    def keep(fig: Figure, *, alt: str) -> None:
        shown["labels"] = " ".join(ax.get_xlabel() for ax in fig.axes)
        shown["alt"] = alt
        plt.close(fig)

    monkeypatch.setattr(plots, "show", keep)
    runs = [live.recording(name, "no port was free") for name in ("servers", "hedged")]
    draw_servers([live.Timings(runs[0].requests, "measured on this machine"), runs[1]])
    assert "(recorded on another machine, since no port was free)" in shown["labels"]
    load = live.recording("load", "no port was free")
    long_run = traffic.load_test(1, (40, 190), requests=300)
    draw_loads(load, (40, 120, 180, 240), long_run, 60.0)
    assert "no port was free" in shown["labels"]
    assert "the limit is 60 ms" in shown["alt"]
