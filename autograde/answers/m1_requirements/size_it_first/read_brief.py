"""Answers to `read_brief`."""


# %% right="loops over statements, texts with units as facts"
def read_brief(statements):
    scale = {"": 1, "k": 1000, "million": 10**6, "%": 0.01, "ms": 0.001, "weeks": 7}
    scale |= {"kB": 1e3, "MB": 1e6, "GB": 1e9, "kb": 1e3 / 8, "Mb": 1e6 / 8, "Gb": 1e9 / 8}
    heard = {}
    for row in statements.itertuples():
        value = row.number * scale.get(row.unit, 0.01 if row.unit == "cents" else 1)
        heard.setdefault(row.topic, []).append((value, row.id, f"{row.number} {row.unit}"))
    facts, clashes, ask = {}, set(), set(interview.TOPICS) - set(heard)
    for topic in interview.TOPICS:
        said = heard.get(topic, [])
        if len(said) == 2 and abs(said[0][0] - said[1][0]) > 0.01 * said[0][0]:
            clashes.add((said[1][1], said[0][1]))
            ask.add(topic)
        elif said and topic != "label_source":
            facts[topic] = said[0][2]
    limit, read = heard.get("p99_limit_s"), heard.get("store_read_s")
    if limit and read and limit[0][0] < read[0][0]:
        clashes.add((read[0][1], limit[0][1]))
        ask |= {"p99_limit_s", "store_read_s"}
    return {"facts": facts, "contradictions": clashes, "ask": ask}


# %% right="frozensets as pairs, NaN for what is open"
def read_brief(statements):
    scale = {"k": 1e3, "million": 1e6, "%": 1e-2, "ms": 1e-3, "weeks": 7, "cents": 1e-2}
    scale |= {"kB": 1e3, "MB": 1e6, "GB": 1e9, "kb": 125, "Mb": 125e3, "Gb": 125e6}
    table = statements.assign(
        value=[
            n * scale.get(u, 1)
            for n, u in zip(statements["number"], statements["unit"], strict=True)
        ]
    )
    facts = {name: np.nan for name in interview.TOPICS}
    pairs = []
    for topic, rows in table.groupby("topic"):
        if rows["value"].max() > 1.01 * rows["value"].min():
            pairs.append(frozenset(rows["id"]))
        else:
            facts[topic] = rows["value"].mean()
    if facts["p99_limit_s"] < facts["store_read_s"]:
        rows = table[table["topic"].isin(["p99_limit_s", "store_read_s"])]
        pairs.append(frozenset(rows.drop_duplicates("topic")["id"]))
    unsure = set().union(*pairs)
    ask = list(set(interview.TOPICS) - set(table["topic"]))
    ask += table["topic"][table["id"].isin(unsure)].unique().tolist()
    return {"facts": facts, "contradictions": pairs, "ask": ask[::-1]}


# %% wrong="takes Mb for megabytes" check="read_brief_facts" message="off by a factor of 8"
def read_brief(statements):
    factors = {"": 1, "k": 1e3, "million": 1e6, "%": 0.01, "ms": 1e-3, "s": 1, "days": 1}
    factors |= {"weeks": 7, "kB": 1e3, "MB": 1e6, "GB": 1e9, "EUR": 1, "cents": 0.01}
    factors |= {"kb": 1e3, "Mb": 1e6, "Gb": 1e9}
    values = (statements["number"] * statements["unit"].map(factors)).groupby(statements["topic"])
    ratio = values.max() / values.min()
    agreed = values.first()[ratio <= 1.01]
    return {
        "facts": {name: agreed.get(name) for name in interview.TOPICS},
        "contradictions": [],
        "ask": [],
    }


# %% wrong="invents the latency limit that everybody has" check="read_brief_facts" message="you invented 0.2"
def read_brief(statements):
    factors = {"k": 1e3, "million": 1e6, "%": 0.01, "ms": 1e-3, "weeks": 7, "cents": 0.01}
    factors |= {"kB": 1e3, "MB": 1e6, "GB": 1e9, "kb": 125, "Mb": 125e3, "Gb": 125e6}
    values = statements["number"] * [factors.get(unit, 1) for unit in statements["unit"]]
    values = values.groupby(statements["topic"])
    facts = {"p99_limit_s": 0.2, "harmful_euros": 10} | values.first().to_dict()
    facts |= dict.fromkeys(values.first()[values.max() > 1.01 * values.min()].index)
    return {"facts": facts, "contradictions": [], "ask": []}


# %% wrong="believes whoever spoke first" check="read_brief_facts" message="and you settled for"
def read_brief(statements):
    factors = {"k": 1e3, "million": 1e6, "%": 0.01, "ms": 1e-3, "weeks": 7, "cents": 0.01}
    factors |= {"kB": 1e3, "MB": 1e6, "GB": 1e9, "kb": 125, "Mb": 125e3, "Gb": 125e6}
    values = statements["number"] * [factors.get(unit, 1) for unit in statements["unit"]]
    facts = values.groupby(statements["topic"]).first().to_dict()
    return {"facts": facts, "contradictions": [], "ask": []}


# %% wrong="leaves the units off" check="read_brief_facts" message="times what was stated"
def read_brief(statements):
    factors = {"million": 1e6, "kb": 125, "Mb": 125e3, "Gb": 125e6, "weeks": 7, "k": 1e3}
    factors |= {"kB": 1e3, "MB": 1e6, "GB": 1e9}
    values = statements["number"] * [factors.get(unit, 1) for unit in statements["unit"]]
    values = values.groupby(statements["topic"])
    ratio = values.max() / values.min()
    facts = values.first().where((ratio < 1.01) | (ratio > 90)).to_dict()
    return {"facts": facts, "contradictions": [], "ask": []}


# %% wrong="gives one id of each contradiction" check="read_brief_contradictions" message="is not a pair"
def read_brief(statements):
    twice = statements["id"][statements["topic"].duplicated()]
    return {"facts": {}, "contradictions": twice.tolist(), "ask": []}


# %% wrong="takes every repetition for a contradiction" check="read_brief_contradictions" message="in two units"
def read_brief(statements):
    ids = statements.groupby("topic")["id"].apply(tuple)
    return {"facts": {}, "contradictions": [pair for pair in ids if len(pair) == 2], "ask": []}


# %% wrong="sees no infeasible pair" check="read_brief_contradictions" message="missed an infeasible pair"
def read_brief(statements):
    factors = {"k": 1e3, "million": 1e6, "%": 0.01, "ms": 1e-3, "weeks": 7, "cents": 0.01}
    factors |= {"kB": 1e3, "MB": 1e6, "GB": 1e9, "kb": 125, "Mb": 125e3, "Gb": 125e6}
    values = statements["number"] * [factors.get(unit, 1) for unit in statements["unit"]]
    values = values.groupby(statements["topic"])
    ids = statements.groupby("topic")["id"].apply(tuple)
    return {
        "facts": {},
        "contradictions": list(ids[values.max() > 1.01 * values.min()]),
        "ask": [],
    }


# %% wrong="asks about the load, which is stated" check="read_brief_questions" message="You ask what the brief states without doubt"
def read_brief(statements):
    ask = set(interview.TOPICS) - set(statements["topic"]) | {"daily_users", "peak_factor"}
    return {"facts": {}, "contradictions": [], "ask": sorted(ask)}


# %% wrong="never asks where labels come from" check="read_brief_questions" message="without labels there is no model"
def read_brief(statements):
    ask = set(interview.TOPICS) - set(statements["topic"]) - {"label_source"}
    return {"facts": {}, "contradictions": [], "ask": sorted(ask)}


# %% wrong="asks nothing but the source of labels" check="read_brief_questions" message="The brief is silent on"
def read_brief(statements):
    ask = {"label_source"} - set(statements["topic"])
    return {"facts": {}, "contradictions": [], "ask": sorted(ask)}


# %% wrong="asks for gaps only" check="read_brief_questions" message="contradicts itself on"
def read_brief(statements):
    ask = set(interview.TOPICS) - set(statements["topic"])
    return {"facts": {}, "contradictions": [], "ask": sorted(ask)}


# %% wrong="gives pairs of topics" check="read_brief_contradictions" message="Give pairs of ids"
def read_brief(statements):
    twice = statements["topic"][statements["topic"].duplicated()]
    return {
        "facts": {},
        "contradictions": [(topic, "reviews_per_day") for topic in twice],
        "ask": [],
    }
