"""Answers to `combine_heads`."""


# %% right="logarithms, one head after the other"
def combine_heads(heads, weights):
    total = None
    for name in weights:
        part = weights[name] * np.log(np.asarray(heads[name], dtype=float))
        total = part if total is None else total + part
    return total


# %% right="a matrix product of logarithms to base 10"
def combine_heads(heads, weights):
    names = list(weights)
    logs = np.log10(np.column_stack([heads[name] for name in names]))
    return logs @ np.array([weights[name] for name in names])


# %% right="ranks of the logarithm of the product"
def combine_heads(heads, weights):
    logs = sum(weight * np.log(heads[name]) for name, weight in weights.items())
    return np.argsort(np.argsort(logs))


# %% wrong="a weighted sum of raw values" check="combine_heads_order" message="a sum lets the largest unit win"
def combine_heads(heads, weights):
    return sum(weight * heads[name] for name, weight in weights.items())


# %% wrong="weights as factors" check="combine_heads_order" message="the weight is its power"
def combine_heads(heads, weights):
    return np.sum([np.log(weight * heads[name]) for name, weight in weights.items()], axis=0)


# %% wrong="the product itself" check="combine_heads_order" message="too small for a floating-point number"
def combine_heads(heads, weights):
    return np.prod([heads[name] ** weight for name, weight in weights.items()], axis=0)


# %% wrong="adds logits and raw seconds" check="combine_heads_order" message="keep their place"
def combine_heads(heads, weights):
    def logit(values):
        return np.log(values / (1 - values)) if np.max(values) < 1 else values

    return sum(weight * logit(heads[name]) for name, weight in weights.items())


# %% wrong="standardises every head first" check="combine_heads_order" message="are in another order than by the product"
def combine_heads(heads, weights):
    def standard(values):
        return (values - values.mean()) / values.std()

    return sum(weight * standard(heads[name]) for name, weight in weights.items())
