"""Exact, inverted-file and graph search of faiss on the same vectors, in a process of its own.

In a process of its own, since on some systems two libraries that each bring an OpenMP do not share
one; and so that whatever happens there, the notebook goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

LIMIT = 10.0
"""Seconds that the comparison may take."""
_PROBES = (1, 2, 4, 8, 16, 32)
_BREADTHS = (10, 16, 32, 64, 128, 256)


def compare_indexes(
    vectors: np.ndarray, queries: np.ndarray, k: int, n_lists: int, *, limit: float = LIMIT
) -> tuple[pd.DataFrame, str]:
    """Measure recall and cost of three indexes of faiss.

    Parameters
    ----------
    vectors, queries
        Float arrays of shape (n, d) and (queries, d); no query is among the vectors.
    k
        Neighbours per query.
    n_lists
        Lists of the inverted file.
    limit
        Seconds; beyond them, recorded values are returned.

    Returns
    -------
    curves
        One row per setting: `index` (exact, IVF, HNSW), `setting` (n_probe or ef), `recall`,
        `distances` (computed per query), `microseconds` (per query, on one thread).
    source
        'measured on this machine', or why the values are recorded ones.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.npz"
        np.savez(path, vectors=vectors.astype(np.float32), queries=queries.astype(np.float32))
        command = [sys.executable, "-m", "course.serving.neighbours", str(path)]
        try:
            run = subprocess.run(
                [*command, str(k), str(n_lists)],
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _recorded(f"faiss took longer than {limit:g} s")
        except OSError as error:
            return _recorded(f"no process could be started ({error.strerror})")
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
        return _recorded(f"faiss could not be used ({reason})")
    return pd.DataFrame(json.loads(run.stdout)), "measured on this machine"


def _recorded(reason: str) -> tuple[pd.DataFrame, str]:
    kept = json.loads(Path(__file__).with_name("recorded.json").read_text(encoding="utf-8"))
    return pd.DataFrame(kept["neighbours"]), f"recorded on another machine, since {reason}"


def _measure(vectors: np.ndarray, queries: np.ndarray, k: int, n_lists: int) -> pd.DataFrame:
    import faiss

    faiss.omp_set_num_threads(1)
    count, width = vectors.shape
    exact = faiss.IndexFlatL2(width)
    exact.add(vectors)
    truth, seconds = _search(exact, queries, k)
    rows = [("exact", count, truth, float(count), seconds)]

    lists = faiss.IndexIVFFlat(faiss.IndexFlatL2(width), width, n_lists)
    lists.train(vectors)
    lists.add(vectors)
    for probes in _PROBES:
        lists.nprobe = probes
        faiss.cvar.indexIVF_stats.reset()
        found, seconds = _search(lists, queries, k, repeats=1)
        distances = n_lists + faiss.cvar.indexIVF_stats.ndis / len(queries)
        found, seconds = _search(lists, queries, k)
        rows.append(("IVF", probes, found, distances, seconds))

    graph = faiss.IndexHNSWFlat(width, 16)
    graph.hnsw.efConstruction = 80
    graph.add(vectors)
    for breadth in _BREADTHS:
        graph.hnsw.efSearch = breadth
        faiss.cvar.hnsw_stats.reset()
        found, seconds = _search(graph, queries, k, repeats=1)
        distances = faiss.cvar.hnsw_stats.ndis / len(queries)
        found, seconds = _search(graph, queries, k)
        rows.append(("HNSW", breadth, found, distances, seconds))

    return pd.DataFrame(
        {
            "index": name,
            "setting": setting,
            "recall": float(
                np.mean([np.isin(a, b).mean() for a, b in zip(truth, found, strict=True)])
            ),
            "distances": round(distances, 1),
            "microseconds": round(1e6 * seconds / len(queries), 2),
        }
        for name, setting, found, distances, seconds in rows
    )


def _search(
    index: object, queries: np.ndarray, k: int, repeats: int = 3
) -> tuple[np.ndarray, float]:
    """Return the neighbours of all queries, and the shortest time of some repeats in seconds."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        found = index.search(queries, k)[1]
        times.append(time.perf_counter() - began)
    return found, min(times)


if __name__ == "__main__":
    with np.load(sys.argv[1]) as saved:
        table = _measure(saved["vectors"], saved["queries"], int(sys.argv[2]), int(sys.argv[3]))
    print(table.to_json(orient="records"))
