"""Answers to `reweighted_clicks`."""


# %% right="a loop over lists"
def reweighted_clicks(clicked, logged_place, new_place, examination):
    total = 0.0
    for seen, old, new in zip(clicked, logged_place, new_place, strict=True):
        for click, place, to in zip(seen, old, new, strict=True):
            if click:
                total += examination[to - 1] / examination[place - 1]
    return total / len(clicked)


# %% right="propensities clipped at .05, which never binds here"
def reweighted_clicks(clicked, logged_place, new_place, examination):
    propensity = np.maximum(np.take(examination, logged_place - 1), 0.05)
    value = np.where(clicked == 1, np.take(examination, new_place - 1) / propensity, 0)
    return value.sum(axis=1).mean()


# %% right="SNIPS: divided by the looks that the weights make"
def reweighted_clicks(clicked, logged_place, new_place, examination):
    old, new = examination[logged_place - 1], examination[new_place - 1]
    weight = new / old
    looks_per_list = new.sum() / len(clicked)
    return looks_per_list * (weight * clicked).sum() / (weight * old).sum()


# %% wrong="weights by the new rank" check="reweighted_clicks_weights" message="You weigh by the new place"
def reweighted_clicks(clicked, logged_place, new_place, examination):
    discount = examination[new_place - 1]
    return (clicked * discount / examination[new_place - 1]).sum() / len(clicked)


# %% wrong="one over the new rank's examination" check="reweighted_clicks" message="The logged order earned"
def reweighted_clicks(clicked, logged_place, new_place, examination):
    return (clicked / examination[new_place - 1]).sum() / len(clicked)


# %% wrong="averages over lists with a click" check="reweighted_clicks" message="you say 1.50"
def reweighted_clicks(clicked, logged_place, new_place, examination):
    weight = examination[new_place - 1] / examination[logged_place - 1]
    return (clicked * weight).sum() / (clicked.sum(axis=1) > 0).sum()


# %% wrong="discounts without a weight, scaled to keep the logged order" check="reweighted_clicks_weights" message="in place of"
def reweighted_clicks(clicked, logged_place, new_place, examination):
    gained = (clicked * examination[new_place - 1]).sum()
    had = (clicked * examination[logged_place - 1]).sum()
    return clicked.sum() / len(clicked) * gained / had


# %% wrong="the ratio upside down" check="reweighted_clicks" message="clicked videos moved down"
def reweighted_clicks(clicked, logged_place, new_place, examination):
    weight = examination[logged_place - 1] / examination[new_place - 1]
    return (clicked * weight).sum() / len(clicked)


# %% wrong="places counted from 0" check="reweighted_clicks" message="you say 0.56"
def reweighted_clicks(clicked, logged_place, new_place, examination):
    padded = np.append(examination, examination[-1])
    return (clicked * padded[new_place] / padded[logged_place - 1]).sum() / len(clicked)
