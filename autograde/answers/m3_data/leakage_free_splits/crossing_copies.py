"""Answers to `crossing_copies`."""


# %% right="cosine similarity, and a distance to be sure"
def crossing_copies(left, right):
    from sklearn.metrics.pairwise import cosine_similarity

    a, b = left[NUMERIC].to_numpy(dtype=float), right[NUMERIC].to_numpy(dtype=float)
    i, j = np.nonzero(cosine_similarity(a, b) > 0.99)
    near = np.abs(a[i] - b[j]).max(axis=1) < 0.12
    return np.column_stack([i[near], j[near]])


# %% right="MinHash over numbers that are cut into cells on shifted grids"
def crossing_copies(left, right):
    rng = np.random.default_rng(0)
    width, shifts, n_hashes = 0.2, np.arange(6) / 6, 200
    a, b = rng.integers(1, 2**31, (2, n_hashes)).astype(np.uint64)

    def signature(table):
        x = table[NUMERIC].to_numpy(dtype=float)
        cell = np.floor(x[:, :, None] / width + shifts).astype(np.int64) + 1000
        place = np.arange(x.shape[1])[:, None] * len(shifts) + np.arange(len(shifts))
        token = (cell * 1009 + place).reshape(len(x), -1).astype(np.uint64)
        token = (token * np.uint64(2654435761)) % np.uint64(2**32)
        lowest = [
            ((token * p + q) % np.uint64(4294967291)).min(axis=1) for p, q in zip(a, b, strict=True)
        ]
        return np.stack(lowest, axis=1)

    one, two = signature(left), signature(right)
    pairs = []
    for i, row in enumerate(one):
        alike = (two == row).mean(axis=1)
        pairs += [(i, int(j)) for j in np.flatnonzero(alike > 0.68)]
    return pairs


# %% right="a k-d tree from scipy"
def crossing_copies(left, right):
    from scipy.spatial import cKDTree

    tree = cKDTree(right[NUMERIC].to_numpy(dtype=float))
    found = tree.query_ball_point(left[NUMERIC].to_numpy(dtype=float), r=0.2)
    return [[i, j] for i, neighbours in enumerate(found) for j in neighbours]


# %% right="same creator and label first, then the largest difference"
def crossing_copies(left, right):
    keys = ["last_creator", "lapsed"]
    one = left[keys].assign(i=np.arange(len(left)))
    two = right[keys].assign(j=np.arange(len(right)))
    both = one.merge(two, on=keys)
    i, j = both["i"].to_numpy(), both["j"].to_numpy()
    gap = np.abs(left[NUMERIC].to_numpy(dtype=float)[i] - right[NUMERIC].to_numpy(dtype=float)[j])
    near = gap.max(axis=1) < 0.1
    return np.column_stack([i[near], j[near]])


# %% wrong="compares exact hashes of the rows" check="crossing_copies_found" message="no copy equals its original exactly"
def crossing_copies(left, right):
    one = pd.util.hash_pandas_object(left[NUMERIC].astype(float), index=False)
    two = pd.util.hash_pandas_object(right[NUMERIC].astype(float), index=False)
    place = {}
    for j, value in enumerate(two):
        place.setdefault(value, []).append(j)
    return [(i, j) for i, value in enumerate(one) for j in place.get(value, [])]


# %% wrong="rounds to one decimal and compares" check="crossing_copies_found" message="over the edges of your grid"
def crossing_copies(left, right):
    one = left[NUMERIC].astype(float).round(1).assign(i=np.arange(len(left)))
    two = right[NUMERIC].astype(float).round(1).assign(j=np.arange(len(right)))
    both = one.merge(two, on=NUMERIC)
    return both[["i", "j"]].to_numpy()


# %% wrong="removes duplicates inside each side, after the split" check="crossing_copies_found" message="inside one side"
def crossing_copies(left, right):
    from scipy.spatial import cKDTree

    tree = cKDTree(left[NUMERIC].to_numpy(dtype=float))
    return [pair for i, j in tree.query_pairs(0.15) for pair in ((i, j), (j, i))]


# %% wrong="compares the device columns only" check="crossing_copies_false" message="the device columns say who it is"
def crossing_copies(left, right):
    near = NearestNeighbors(radius=0.35).fit(right[DEVICE])
    found = near.radius_neighbors(left[DEVICE], return_distance=False)
    return [(i, int(j)) for i, neighbours in enumerate(found) for j in neighbours]


# %% wrong="compares the behaviour columns only" check="crossing_copies_false" message="your threshold is too wide"
def crossing_copies(left, right):
    i, j = np.meshgrid(np.arange(len(left)), np.arange(len(right)), indexing="ij")
    gap = np.abs(left[BEHAVIOUR].to_numpy()[i.ravel()] - right[BEHAVIOUR].to_numpy()[j.ravel()])
    near = gap.max(axis=1) < 0.1
    return np.column_stack([i.ravel()[near], j.ravel()[near]])


# %% wrong="one flag per row instead of pairs" check="crossing_copies" message="got an answer of shape (3,)"
def crossing_copies(left, right):
    near = NearestNeighbors(n_neighbors=1).fit(right[NUMERIC])
    return near.kneighbors(left[NUMERIC])[0][:, 0] < 0.15


# %% right="each pair within one table once, and no row with itself"
def crossing_copies(left, right):
    from scipy.spatial import cKDTree

    if left is right:
        return cKDTree(left[NUMERIC].to_numpy(dtype=float)).query_pairs(0.15, output_type="ndarray")
    near = NearestNeighbors(radius=0.12).fit(right[NUMERIC])
    found = near.radius_neighbors(left[NUMERIC], return_distance=False)
    return [(i, int(j)) for i, neighbours in enumerate(found) for j in neighbours]


# %% wrong="the nearest row only: within one table, the row itself" check="crossing_copies_found" message="the nearest row of a row is the row itself"
def crossing_copies(left, right):
    nearest = NearestNeighbors(n_neighbors=1).fit(right[NUMERIC])
    distance, j = nearest.kneighbors(left[NUMERIC])
    near = np.flatnonzero(distance[:, 0] < 0.15)
    return np.column_stack([near, j[near, 0]])


# %% wrong="a radius that most copies exceed" check="crossing_copies_found" message="your radius is too small"
def crossing_copies(left, right):
    near = NearestNeighbors(radius=0.05).fit(right[NUMERIC])
    found = near.radius_neighbors(left[NUMERIC], return_distance=False)
    return [(i, int(j)) for i, neighbours in enumerate(found) for j in neighbours]


# %% wrong="a radius that reaches other weeks" check="crossing_copies_false" message="past the copies into the second hill"
def crossing_copies(left, right):
    near = NearestNeighbors(radius=0.3).fit(right[NUMERIC])
    found = near.radius_neighbors(left[NUMERIC], return_distance=False)
    return [(i, int(j)) for i, neighbours in enumerate(found) for j in neighbours]
