"""Answers to `examination_by_rank`."""


# %% right="counts of clicks, since all positions are served equally often"
def examination_by_rank(rows):
    drawn = rows[(rows["bucket"] == "random") & (rows["clicked"] == 1)]
    counts = np.bincount(drawn["position"].to_numpy(), minlength=rows["position"].max() + 1)[1:]
    return (counts / counts[0]).tolist()


# %% right="a loop over positions, as a Series"
def examination_by_rank(rows):
    drawn = rows.query("bucket == 'random'")
    rates = {}
    for position in sorted(drawn["position"].unique()):
        rates[position] = drawn.loc[drawn["position"] == position, "clicked"].mean()
    return pd.Series(rates) / rates[1]


# %% right="a power law fitted to the randomised bucket"
def examination_by_rank(rows):
    from scipy.optimize import minimize_scalar

    drawn = rows[rows["bucket"] == "random"]
    clicks = drawn.groupby("position")["clicked"].sum().to_numpy()
    position = np.arange(1, len(clicks) + 1)

    def misfit(exponent):
        share = position**-exponent / (position**-exponent).sum()
        return -(clicks * np.log(share)).sum()

    return position ** -minimize_scalar(misfit, bounds=(0, 3), method="bounded").x


# %% right="swaps with the first position within random lists that have the same click total"
def examination_by_rank(rows):
    drawn = rows[rows["bucket"] == "random"].sort_values(["request_id", "position"])
    lists = drawn["clicked"].to_numpy().reshape(-1, drawn["position"].max())
    only_first = [(lists[:, 0] > lists[:, place]).sum() for place in range(lists.shape[1])]
    only_here = [(lists[:, 0] < lists[:, place]).sum() for place in range(lists.shape[1])]
    both = (lists[:, :1] * lists).sum(axis=0)
    return (np.array(only_here) + both) / (np.array(only_first) + both)


# %% wrong="click rate by rank over all traffic" check="examination_by_rank_truth" message="click rate by rank over all traffic"
def examination_by_rank(rows):
    click_rate = rows.groupby("position")["clicked"].mean().to_numpy()
    return click_rate / click_rate[0]


# %% wrong="ranked lists only" check="examination_by_rank_truth" message="You took the ranked lists"
def examination_by_rank(rows):
    click_rate = rows[rows["bucket"] == "ranked"].groupby("position")["clicked"].mean().to_numpy()
    return click_rate / click_rate[0]


# %% wrong="click rates that are not scaled" check="examination_by_rank" message="scale so that it has 1"
def examination_by_rank(rows):
    return rows[rows["bucket"] == "random"].groupby("position")["clicked"].mean().to_numpy()


# %% wrong="one over the position, without looking at the data" check="examination_by_rank_truth" message="beyond sampling error"
def examination_by_rank(rows):
    return 1 / np.arange(1, rows["position"].max() + 1) ** 0.6


# %% wrong="weights in place of probabilities" check="examination_by_rank" message="people look less far down"
def examination_by_rank(rows):
    click_rate = rows[rows["bucket"] == "random"].groupby("position")["clicked"].mean().to_numpy()
    return click_rate[0] / click_rate
