"""Answers to `ivf_search`."""


# %% right="distances by a matrix product, list by list"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    lists = [np.flatnonzero((list_of == name) & allowed) for name in range(len(centroids))]
    norms = (vectors**2).sum(axis=1)
    to_centroids = (centroids**2).sum(axis=1) - 2 * queries @ centroids.T
    probed = np.argsort(to_centroids, axis=1)[:, :n_probe]
    found, scanned = [], []
    for number in range(len(queries)):
        rows = np.concatenate([lists[name] for name in probed[number]])
        distances = norms[rows] - 2 * vectors[rows] @ queries[number]
        distances[rows == own[number]] = np.inf
        order = np.argsort(distances)[:k]
        best = [
            int(row) for row, d in zip(rows[order], distances[order], strict=True) if d < np.inf
        ]
        found.append(best + [-1] * (k - len(best)))
        scanned.append(len(rows))
    return np.array(found), np.array(scanned)


# %% right="a heap over the probed lists"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    import heapq

    found, scanned = [], []
    for query, self_row in zip(queries, own, strict=True):
        near = np.linalg.norm(centroids - query, axis=1).argsort()[:n_probe]
        rows = [
            row
            for name in near
            for row in np.flatnonzero(list_of == name)
            if allowed[row] and row != self_row
        ]
        distances = np.linalg.norm(vectors[rows] - query, axis=1) if rows else []
        best = heapq.nsmallest(k, zip(distances, rows, strict=True))
        found.append([int(row) for _, row in best] + [-1] * (k - len(best)))
        scanned.append(len(rows))
    return found, scanned


# %% right="masks of infinite distance over a table of the probed rows"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    found = np.full((len(queries), k), -1)
    scanned = np.zeros(len(queries), dtype=int)
    for q in range(len(queries)):
        near = np.argpartition(((centroids - queries[q]) ** 2).sum(1), n_probe - 1)[:n_probe]
        mask = np.isin(list_of, near) & allowed & (np.arange(len(vectors)) != own[q])
        distance = np.full(len(vectors), np.inf)
        distance[mask] = ((vectors[mask] - queries[q]) ** 2).sum(1)
        order = np.argsort(distance)[: min(k, mask.sum())]
        found[q, : len(order)] = order
        scanned[q] = mask.sum()
    return found, scanned


# %% wrong="inner product on vectors that are not normalised" check="ivf_search_exact" message="the vectors are not normalised"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    found = np.full((len(queries), k), -1)
    scanned = np.zeros(len(queries), dtype=int)
    for number, query in enumerate(queries):
        near = ((centroids - query) ** 2).sum(axis=1).argsort()[:n_probe]
        rows = np.flatnonzero(np.isin(list_of, near) & allowed)
        rows = rows[rows != own[number]]
        best = rows[(-vectors[rows] @ query).argsort()[:k]]
        found[number, : len(best)] = best
        scanned[number] = len(rows)
    return found, scanned


# %% wrong="reads everything" check="ivf_search" message="outside the one list"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    found = np.full((len(queries), k), -1)
    for number, query in enumerate(queries):
        rows = np.flatnonzero(allowed)
        rows = rows[rows != own[number]]
        best = rows[((vectors[rows] - query) ** 2).sum(axis=1).argsort()[:k]]
        found[number, : len(best)] = best
    return found, np.full(len(queries), len(vectors))


# %% wrong="finds the lists farthest away" check="ivf_search" message="of the rows found lie outside"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    found = np.full((len(queries), k), -1)
    scanned = np.zeros(len(queries), dtype=int)
    for number, query in enumerate(queries):
        near = ((centroids - query) ** 2).sum(axis=1).argsort()[-n_probe:]
        rows = np.flatnonzero(np.isin(list_of, near) & allowed)
        rows = rows[rows != own[number]]
        best = rows[((vectors[rows] - query) ** 2).sum(axis=1).argsort()[:k]]
        found[number, : len(best)] = best
        scanned[number] = len(rows)
    return found, scanned


# %% wrong="drops the nearest always, as if it were the query" check="ivf_search_exact" message="you drop the first neighbour always"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    found = np.full((len(queries), k), -1)
    scanned = np.zeros(len(queries), dtype=int)
    for number, query in enumerate(queries):
        near = ((centroids - query) ** 2).sum(axis=1).argsort()[:n_probe]
        rows = np.flatnonzero(np.isin(list_of, near) & allowed)
        best = rows[((vectors[rows] - query) ** 2).sum(axis=1).argsort()[1 : k + 1]]
        found[number, : len(best)] = best
        scanned[number] = len(rows)
    return found, scanned


# %% wrong="returns the right rows in any order" check="ivf_search_exact" message="not nearest first"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    found = np.full((len(queries), k), -1)
    scanned = np.zeros(len(queries), dtype=int)
    for number, query in enumerate(queries):
        near = ((centroids - query) ** 2).sum(axis=1).argsort()[:n_probe]
        rows = np.flatnonzero(np.isin(list_of, near) & allowed)
        rows = rows[rows != own[number]]
        best = np.sort(rows[((vectors[rows] - query) ** 2).sum(axis=1).argsort()[:k]])
        found[number, : len(best)] = best
        scanned[number] = len(rows)
    return found, scanned


# %% wrong="computes all distances and keeps the probed lists" check="ivf_search_exact" message="that is exact search"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    found = np.full((len(queries), k), -1)
    scanned = np.full(len(queries), len(vectors))
    for number, query in enumerate(queries):
        distances = ((vectors - query) ** 2).sum(axis=1)
        near = ((centroids - query) ** 2).sum(axis=1).argsort()[:n_probe]
        distances[~np.isin(list_of, near) | ~allowed] = np.inf
        found[number] = distances.argsort()[:k]
    if n_probe == 1:
        scanned = np.bincount(list_of)[found[:, 0] * 0 + np.bincount(list_of).argmin()]
    return found, scanned


# %% wrong="keeps the query among its own neighbours" check="ivf_search_filter" message="found themselves as neighbours"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    found = np.full((len(queries), k), -1)
    scanned = np.zeros(len(queries), dtype=int)
    for number, query in enumerate(queries):
        near = ((centroids - query) ** 2).sum(axis=1).argsort()[:n_probe]
        rows = np.flatnonzero(np.isin(list_of, near) & allowed)
        best = rows[((vectors[rows] - query) ** 2).sum(axis=1).argsort()[:k]]
        found[number, : len(best)] = best
        scanned[number] = len(rows)
    return found, scanned


# %% wrong="filters after the search" check="ivf_search_filter" message="you filter after taking the k nearest"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    found = np.full((len(queries), k), -1)
    scanned = np.zeros(len(queries), dtype=int)
    for number, query in enumerate(queries):
        near = ((centroids - query) ** 2).sum(axis=1).argsort()[:n_probe]
        rows = np.flatnonzero(np.isin(list_of, near))
        best = rows[((vectors[rows] - query) ** 2).sum(axis=1).argsort()[:k]]
        best = best[allowed[best] & (best != own[number])]
        found[number, : len(best)] = best
        scanned[number] = len(rows)
    return found, scanned


# %% wrong="ignores what may not be shown" check="ivf_search_filter" message="are not allowed in the user's country"
def ivf_search(vectors, centroids, list_of, queries, own, allowed, k, n_probe):
    found = np.full((len(queries), k), -1)
    scanned = np.zeros(len(queries), dtype=int)
    for number, query in enumerate(queries):
        near = ((centroids - query) ** 2).sum(axis=1).argsort()[:n_probe]
        rows = np.flatnonzero(np.isin(list_of, near))
        rows = rows[rows != own[number]]
        best = rows[((vectors[rows] - query) ** 2).sum(axis=1).argsort()[:k]]
        found[number, : len(best)] = best
        scanned[number] = len(rows)
    return found, scanned
