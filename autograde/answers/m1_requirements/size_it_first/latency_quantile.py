"""Answers to `latency_quantile`."""


# %% right="row indices and a loop over copies"
def latency_quantile(plan, samples, quantile, rng):
    total = 0.0
    for step in plan:
        slowest = np.zeros(150_000)
        for stage, copies in step:
            for _ in range(copies):
                rows = rng.integers(len(samples[stage]), size=150_000)
                slowest = np.maximum(slowest, np.asarray(samples[stage])[rows])
        total = total + slowest
    return float(np.percentile(total, 100 * quantile))


# %% right="distributions on a grid: products for parallel calls, convolutions for steps"
def latency_quantile(plan, samples, quantile, rng):
    width = 0.0005
    top = sum(max(np.max(samples[stage]) for stage, _ in step) for step in plan)
    edges = np.arange(0, top + 3 * width, width)
    size = 2 * len(edges)
    spectrum = np.ones(size // 2 + 1, dtype=complex)
    for step in plan:
        below = np.ones(len(edges))
        for stage, copies in step:
            ordered = np.sort(samples[stage])
            below *= (np.searchsorted(ordered, edges, side="right") / len(ordered)) ** copies
        spectrum *= np.fft.rfft(np.diff(below, prepend=0.0), size)
    cumulated = np.cumsum(np.fft.irfft(spectrum, size))
    return edges[np.searchsorted(cumulated, quantile)]


# %% right="inverse of the quantile of a maximum for the copies"
def latency_quantile(plan, samples, quantile, rng):
    n = 200_000
    total = np.zeros(n)
    for step in plan:
        calls = [
            np.quantile(samples[stage], rng.random(n) ** (1 / copies), method="inverted_cdf")
            for stage, copies in step
        ]
        total += np.maximum.reduce(calls)
    return np.quantile(total, quantile)


# %% wrong="adds parallel calls" check="latency_quantile" message="you add calls that run in parallel"
def latency_quantile(plan, samples, quantile, rng):
    calls = [rng.choice(samples[stage], 100_000) for step in plan for stage, _ in step]
    return np.quantile(np.sum(calls, axis=0), quantile)


# %% wrong="adds the p99s of the steps" check="latency_quantile_p99" message="is the sum of the steps' p99s"
def latency_quantile(plan, samples, quantile, rng):
    return sum(max(np.quantile(samples[stage], quantile) for stage, _ in step) for step in plan)


# %% wrong="averages" check="latency_quantile_p99" message="is about the mean"
def latency_quantile(plan, samples, quantile, rng):
    return sum(max(np.mean(samples[stage]) for stage, _ in step) for step in plan)


# %% wrong="adds parallel calls where they differ" check="latency_quantile_p99" message="you add the calls of a step"
def latency_quantile(plan, samples, quantile, rng):
    total = np.zeros(200_000)
    for step in plan:
        calls = [rng.choice(samples[stage], 200_000) for stage, _ in step]
        constant = np.ptp(np.concatenate(calls)) < 0.11
        total += np.max(calls, axis=0) if constant else np.sum(calls, axis=0)
    return np.quantile(total, quantile)


# %% wrong="takes the slowest stage for the whole" check="latency_quantile_p99" message="p99 is"
def latency_quantile(plan, samples, quantile, rng):
    tails = [max(np.quantile(samples[stage], quantile) for stage, _ in step) for step in plan]
    means = [max(np.mean(samples[stage]) for stage, _ in step) for step in plan]
    slowest = int(np.argmax(tails))
    return tails[slowest] + sum(means) - means[slowest]


# %% wrong="asks one server of many" check="latency_quantile_fanout" message="is what one index server takes"
def latency_quantile(plan, samples, quantile, rng):
    total = np.zeros(200_000)
    for step in plan:
        total += np.max([rng.choice(samples[stage], 200_000) for stage, _ in step], axis=0)
    return np.quantile(total, quantile)


# %% wrong="asks the servers one after the other" check="latency_quantile_fanout" message="You add the copies"
def latency_quantile(plan, samples, quantile, rng):
    n = 100_000
    total = np.zeros(n)
    for step in plan:
        calls = [rng.choice(samples[stage], (copies, n)).sum(axis=0) for stage, copies in step]
        total += np.max(calls, axis=0)
    return np.quantile(total, quantile)
