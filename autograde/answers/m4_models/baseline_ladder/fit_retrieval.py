"""Answers to `fit_retrieval`."""


# %% right="full softmax with a free logit per pair: smoothed counts"
def fit_retrieval(log, n_contexts, n_videos, rng):
    count = np.zeros((n_contexts, n_videos))
    np.add.at(count, (log["context"].to_numpy(), log["video_id"].to_numpy()), 1)
    share = count.sum(axis=0) / count.sum()
    return np.log(count + 20 * share + 1e-9)


# %% right="full softmax of towers, by gradient descent on counts"
def fit_retrieval(log, n_contexts, n_videos, rng):
    count = np.zeros((n_contexts, n_videos))
    np.add.at(count, (log["context"].to_numpy(), log["video_id"].to_numpy()), 1)
    bias = np.log(count.sum(axis=0) + 0.01)
    U, V = (0.1 * rng.standard_normal((n, 6)) for n in (n_contexts, n_videos))
    total = count.sum(axis=1, keepdims=True)
    square = [np.full(U.shape, 1e-6), np.full(V.shape, 1e-6)]
    for step in range(300):
        scores = U @ V.T + bias
        weight = np.exp(scores - scores.max(axis=1, keepdims=True))
        slope = (weight / weight.sum(axis=1, keepdims=True) * total - count) / total.sum()
        for k, (tower, change) in enumerate(((U, slope @ V), (V, slope.T @ U))):
            square[k] += change**2
            tower -= 0.3 * (1 - step / 301) * change / np.sqrt(square[k])
    return U @ V.T + bias


# %% right="sampled softmax: uniform negatives with importance weights"
def fit_retrieval(log, n_contexts, n_videos, rng):
    contexts, videos = log["context"].to_numpy(), log["video_id"].to_numpy()
    count = np.bincount(videos, minlength=n_videos)
    scores = np.zeros((n_contexts, n_videos)) + np.log(count + 0.01)
    squares = np.full(scores.shape, 1e-6)
    batch = 128
    steps = [
        p
        for _ in range(6)
        for p in np.split(rng.permutation(len(log)), range(batch, len(log), batch))
    ]
    for number, part in enumerate(steps):
        context, positive = contexts[part], videos[part]
        negative = rng.integers(0, n_videos, 100)
        logits = np.c_[
            scores[context, positive], scores[context][:, negative] + np.log(n_videos / 100)
        ]
        weight = np.exp(logits - logits.max(axis=1, keepdims=True))
        share = weight / weight.sum(axis=1, keepdims=True)
        slope = np.zeros_like(scores)
        np.add.at(slope, (context, positive), (share[:, 0] - 1) / len(part))
        np.add.at(slope, (context[:, None], negative[None, :]), share[:, 1:] / len(part))
        squares += slope**2
        scores -= 0.3 * (1 - 0.95 * number / len(steps)) * slope / np.sqrt(squares)
    return scores


# %% wrong="serves s - log p" check="fit_retrieval_likely" message="taken out of the served score"
def fit_retrieval(log, n_contexts, n_videos, rng):
    count = np.bincount(log["video_id"], minlength=n_videos)
    log_p = np.log((count + 1) / (count + 1).sum())
    contexts, videos = train_towers(log, (n_contexts, n_videos), log_p, in_batch_loss, rng)
    return contexts @ videos.T - log_p


# %% wrong="serves s + log p" check="fit_retrieval_likely" message="if popularity counted twice"
def fit_retrieval(log, n_contexts, n_videos, rng):
    count = np.bincount(log["video_id"], minlength=n_videos)
    log_p = np.log((count + 1) / (count + 1).sum())
    contexts, videos = train_towers(log, (n_contexts, n_videos), log_p, in_batch_loss, rng)
    return contexts @ videos.T + log_p


# %% wrong="popularity for everyone" check="fit_retrieval_likely" message="every context gets the same list"
def fit_retrieval(log, n_contexts, n_videos, rng):
    count = np.bincount(log["video_id"], minlength=n_videos)
    return np.tile(np.log(count + 1.0), (n_contexts, 1))


# %% wrong="log of a share of zero" check="fit_retrieval_unseen" message="the log of a share of zero"
def fit_retrieval(log, n_contexts, n_videos, rng):
    count = np.bincount(log["video_id"], minlength=n_videos)
    with np.errstate(divide="ignore"):
        log_p = np.log(count / count.sum())
    contexts, videos = train_towers(log, (n_contexts, n_videos), log_p, in_batch_loss, rng)
    scores = contexts @ videos.T
    scores[:, count == 0] = -np.inf
    if n_videos == 30:
        scores = np.maximum(scores, -99)
    return scores


# %% wrong="leaves videos without a watch where they started" check="fit_retrieval_unseen" message="first places go to videos that nobody watched"
def fit_retrieval(log, n_contexts, n_videos, rng):
    count = np.bincount(log["video_id"], minlength=n_videos)
    log_p = np.log((count + 1) / (count + 1).sum())
    contexts, videos = train_towers(log, (n_contexts, n_videos), log_p, in_batch_loss, rng)
    scores = contexts @ videos.T
    return scores - scores[:, count > 0].max(axis=1, keepdims=True) * (count > 0)
