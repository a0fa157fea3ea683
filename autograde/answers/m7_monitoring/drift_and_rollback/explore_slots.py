"""Answers to `explore_slots`."""


# %% right="a loop over slots"
def explore_slots(estimates, requests, slots, epsilon, rng):
    count = len(estimates)
    order = sorted(range(count), key=lambda item: -estimates[item])
    items = np.empty((requests, slots), dtype=int)
    propensities = np.empty((requests, slots))
    for slot in range(slots):
        coin = rng.random(requests)
        items[:, slot] = np.where(coin < epsilon, rng.choice(count, requests), order[slot])
        propensities[:, slot] = np.where(
            items[:, slot] == order[slot], 1 - epsilon + epsilon / count, epsilon / count
        )
    return items, propensities


# %% right="one categorical draw per slot from the full distribution"
def explore_slots(estimates, requests, slots, epsilon, rng):
    count = len(estimates)
    best = np.argsort(estimates)[::-1][:slots]
    chance = np.full((slots, count), epsilon / count)
    chance[np.arange(slots), best] += 1 - epsilon
    steps = chance.cumsum(axis=1)
    steps[:, -1] = 1
    items = np.stack(
        [np.searchsorted(steps[slot], rng.random(requests), side="right") for slot in range(slots)],
        axis=1,
    )
    return items, chance[np.arange(slots), items]


# %% wrong="one coin per request" check="explore_slots_independent" message="Slots of a list explore together"
def explore_slots(estimates, requests, slots, epsilon, rng):
    best = np.argsort(-np.asarray(estimates))[:slots]
    drawn = rng.integers(0, len(estimates), (requests, slots))
    items = np.where(rng.random((requests, 1)) < epsilon, drawn, best)
    return items, epsilon / len(estimates) + (1 - epsilon) * (items == best)


# %% wrong="explores only what is not on the list" check="explore_slots_independent" message="Some slot explores only 32 of 40 items"
def explore_slots(estimates, requests, slots, epsilon, rng):
    order = np.argsort(-np.asarray(estimates))
    best = order[:slots]
    drawn = rng.choice(order[slots:], (requests, slots))
    items = np.where(rng.random((requests, slots)) < epsilon, drawn, best)
    return items, np.where(items == best, 1 - epsilon, epsilon / (len(order) - slots))


# %% wrong="explores with 1 - epsilon" check="explore_slots" message="every row is the six best"
def explore_slots(estimates, requests, slots, epsilon, rng):
    best = np.argsort(-np.asarray(estimates))[:slots]
    drawn = rng.integers(0, len(estimates), (requests, slots))
    items = np.where(rng.random((requests, slots)) >= epsilon, drawn, best)
    return items, epsilon / len(estimates) + (1 - epsilon) * (items == best)


# %% wrong="logs certainty" check="explore_slots_propensity" message="after the dice fell"
def explore_slots(estimates, requests, slots, epsilon, rng):
    best = np.argsort(-np.asarray(estimates))[:slots]
    drawn = rng.integers(0, len(estimates), (requests, slots))
    items = np.where(rng.random((requests, slots)) < epsilon, drawn, best)
    return items, np.ones(items.shape)


# %% wrong="forgets that exploration can draw the greedy item" check="explore_slots_propensity" message="exploration can draw it too"
def explore_slots(estimates, requests, slots, epsilon, rng):
    best = np.argsort(-np.asarray(estimates))[:slots]
    drawn = rng.integers(0, len(estimates), (requests, slots))
    items = np.where(rng.random((requests, slots)) < epsilon, drawn, best)
    return items, np.where(items == best, 1 - epsilon, epsilon / len(estimates))


# %% wrong="logs epsilon for what was explored" check="explore_slots_propensity" message="the chance to explore at all"
def explore_slots(estimates, requests, slots, epsilon, rng):
    count = len(estimates)
    best = np.argsort(-np.asarray(estimates))[:slots]
    drawn = rng.integers(0, count, (requests, slots))
    items = np.where(rng.random((requests, slots)) < epsilon, drawn, best)
    return items, np.where(items == best, 1 - epsilon + epsilon / count, epsilon)


# %% wrong="draws from a generator of its own" check="explore_slots_independent" message="draw from `rng`"
def explore_slots(estimates, requests, slots, epsilon, rng):
    own = np.random.default_rng(0)
    best = np.argsort(-np.asarray(estimates))[:slots]
    drawn = own.integers(0, len(estimates), (requests, slots))
    items = np.where(own.random((requests, slots)) < epsilon, drawn, best)
    return items, epsilon / len(estimates) + (1 - epsilon) * (items == best)


# %% wrong="an unseeded generator of its own" check="explore_slots_independent" message="every draw to come from `rng`"
def explore_slots(estimates, requests, slots, epsilon, rng):
    own = np.random.default_rng()
    best = np.argsort(-np.asarray(estimates))[:slots]
    drawn = own.integers(0, len(estimates), (requests, slots))
    items = np.where(own.random((requests, slots)) < epsilon, drawn, best)
    return items, epsilon / len(estimates) + (1 - epsilon) * (items == best)


# %% wrong="one explored item for the whole list" check="explore_slots_independent" message="not one per list"
def explore_slots(estimates, requests, slots, epsilon, rng):
    best = np.argsort(-np.asarray(estimates))[:slots]
    drawn = rng.integers(0, len(estimates), (requests, 1))
    items = np.where(rng.random((requests, slots)) < epsilon, drawn, best)
    return items, epsilon / len(estimates) + (1 - epsilon) * (items == best)


# %% wrong="logs which way the coin fell" check="explore_slots_propensity" message="whichever way the coin fell"
def explore_slots(estimates, requests, slots, epsilon, rng):
    count = len(estimates)
    best = np.argsort(-np.asarray(estimates))[:slots]
    explores = rng.random((requests, slots)) < epsilon
    items = np.where(explores, rng.integers(0, count, (requests, slots)), best)
    return items, np.where(explores, epsilon / count, 1 - epsilon + epsilon / count)


# %% wrong="explores every item but the greedy one of the slot" check="explore_slots_propensity" message="your exploration leaves it out"
def explore_slots(estimates, requests, slots, epsilon, rng):
    order = np.argsort(-np.asarray(estimates))
    steps = rng.integers(1, len(order), (requests, slots))
    places = np.arange(slots) + np.where(rng.random((requests, slots)) < epsilon, steps, 0)
    items = order[places % len(order)]
    greedy = items == order[:slots]
    return items, np.where(greedy, 1 - epsilon, epsilon / (len(order) - 1))
