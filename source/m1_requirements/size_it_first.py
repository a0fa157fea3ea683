# %% [markdown]
# # Size it first
#
# 'Design the check that every video passes before it goes live on our short-video app.' The whiteboard is empty, 45 minutes are on the clock, five of them for questions. A million videos a day arrive; a few thousand are harmful. What you ask now decides which design can work at all: the wrong one keeps creators waiting for hours, or costs ten thousand euros a day more.
#
# **You will be able to** *question* a brief until it can be designed for, *size* load, fleet, index and latency, *defend* one of six designs and say what would flip it.
#
# 33 points · about 75 minutes · builds on: percentiles, Bayes' rule

# %%
import numpy as np
import pandas as pd

from course import plots
from course.worlds import interview, upload_check

# %% [markdown]
# ## The room
#
# The people of the company told the interviewer what they know, each in their own units. That is the brief. `room.ask(topic)` asks the interviewer about one topic; each question costs a minute. Try one in a cell of your own, or wait: your code will ask below.

# %%
room = interview.Interviewer(9, minutes=5, **interview.SHORT_VIDEO_ROOM)
print(room.prose)

# %% [markdown]
# ## A design that looks fine
#
# One candidate asks nothing. A cascade it is: a small model for every video, a large one for the suspicious frames of some. They multiply: a million uploads a day, 0.3 seconds of server time each. Four servers work 88 % of the time, with a reserve of 12 %. Unloaded, 99 of 100 uploads are decided within 1.3 seconds.
#
# The simulator already runs on the app's true numbers, `app_facts`. Your questions are meant to earn them: look at them after Exercise 2.

# %%
WORLD = 1
app_facts = dict(
    interview.SHORT_VIDEO_APP
)  # the simulator's numbers; the room has not said them all
designs = upload_check.designs(app_facts, WORLD)
average_per_s = 5e6 * 0.2 / 86_400
work = average_per_s * designs.loc["cascade", "service_s"]
print(f"{average_per_s:.1f} uploads/s x {designs.loc['cascade', 'service_s']:.2f} s = {work:.1f}")
print(f"4 servers, utilisation {work / 4:.0%}")
print(f"p99 without load: {designs.loc['cascade', 'latency_p99_s']:.1f} s")

# %% [markdown]
# ### Exercise 1 · Commit to a prediction (1 point)
#
# The four servers live through an ordinary day. How long does an upload wait at the worst moment? Return one of these names.
#
# | name | the longest wait |
# |---|---|
# | `"on_time"` | under two seconds: 12 % is a reserve |
# | `"seconds"` | up to a minute, around the busiest hour |
# | `"minutes"` | up to an hour |
# | `"hours"` | more than an hour |
#
# Any of the four gets the point.


# %% exercise="my_prediction"
def my_prediction():
    """Return the name of the longest wait that I expect."""
    ### BEGIN SOLUTION
    return "minutes"
    ### END SOLUTION


# %% check="my_prediction" points=1
# One of the four names is chosen
choice = my_prediction()
names = ("on_time", "seconds", "minutes", "hours")
assert isinstance(choice, str), f"Return one of the four names as text, not {choice!r}."
assert choice in names, f"{choice!r} is none of {', '.join(names)}."

# %% [markdown]
# ## The first day
#
# `upload_check.play_day` draws uploads second by second, with a daily curve and three bursts, and lets the servers work them off. Open `course/worlds/upload_check.py` to see how.

# %%
first_day = upload_check.play_day("cascade", app_facts, seed=1, world=WORLD, servers=4)
arriving = upload_check.hourly_rates(upload_check.uploads_per_second(1, app_facts))
worst = first_day.wait_s.max() / 3600
fig, (left, right) = plots.figure(2, width=4.6, height=3.2)
left.step(range(25), [*arriving, arriving[-1]], where="post", color=plots.TRUTH)
left.axhline(4 / designs.loc["cascade", "service_s"], color=plots.NAIVE, linestyle="--")
plots.label(left, 0, 15.5, "what 4 servers can do", plots.NAIVE)
left.set(xlabel="hour of the day", ylabel="uploads per second", title="Enough on average")
right.plot(np.arange(86_400) / 3600, first_day.wait_s / 3600, color=plots.NAIVE)
right.set(xlabel="uploaded at, hour", ylabel="wait, hours", title=f"{worst:.0f} hours in the queue")
for ax in (left, right):
    ax.set_xticks(range(0, 25, 6))
plots.show(
    fig,
    alt=f"Left: uploads per second, {arriving.min():.1f} to {arriving.max():.0f}, against a capacity "
    f"of 13. Right: the wait grows from 16:00 on, to {worst:.1f} hours at midnight.",
)

# %% [markdown]
# From four in the afternoon on, more arrives than leaves, and the rest adds up until midnight. A queue does not know averages: it grows as long as arrivals exceed capacity, and the night has to work it off. The brief said 'three times' (statement 3); nobody had read it as a requirement.

# %% [markdown]
# ### Exercise 2 · Read the brief (6 points)
#
# Write `read_brief(statements)`. A row is one statement: `id`, `speaker`, `topic`, `number`, `unit`, `text`. Units are as engineers write them: none, k, million, %, ms, s, days, weeks, kB, MB, GB, kb, Mb, Gb, EUR, cents. Return a dict:
#
# | key | value |
# |---|---|
# | `facts` | for each of `interview.TOPICS` but `label_source` its value: count, share (0 to 1), s, days, **bytes** or euros; a number, or text with its unit such as `"40 ms"`. `None` if no statement gives it, or two statements on it disagree (except the infeasible pair below) |
# | `contradictions` | pairs of ids that cannot both hold |
# | `ask` | topics without a statement, or in a contradiction; any order |
#
# Two statements on one topic contradict each other if their values differ by more than 1 %. A `p99_limit_s` below `store_read_s` contradicts it as well: that pair is infeasible, though each value is clear (both facts stay as stated; they are not tested).
#
# <details><summary>Hint 1: the trap</summary>A small b is a bit. The same amount in two units is no contradiction.</details>
# <details><summary>Hint 2: the tools</summary>A dict from unit to factor and <code>.map</code> (<code>interview.UNITS</code> is such a dict); then group by topic and compare largest with smallest. <code>label_source</code> has no number (NaN), only a text: it can be missing, but not contradicted.</details>

# %%
print(interview.topics().to_string())


# %% exercise="read_brief"
def read_brief(statements):
    """Return facts in base units, contradictions, and topics to ask about."""
    ### BEGIN SOLUTION
    factors = {"": 1, "k": 1e3, "million": 1e6, "%": 0.01, "ms": 1e-3, "s": 1, "days": 1}
    factors |= {"weeks": 7, "kB": 1e3, "MB": 1e6, "GB": 1e9, "EUR": 1, "cents": 0.01}
    factors |= {"kb": 125, "Mb": 125e3, "Gb": 125e6}
    values = (statements["number"] * statements["unit"].map(factors)).groupby(statements["topic"])
    ratio = values.max() / values.min()
    agreed = values.first()[ratio <= 1.01]
    ids = statements.groupby("topic")["id"].apply(tuple)
    pairs = [ids[topic] for topic in ratio.index[ratio > 1.01]]
    if agreed.get("p99_limit_s", np.inf) < agreed.get("store_read_s", 0):
        pairs.append((ids["p99_limit_s"][0], ids["store_read_s"][0]))
    doubtful = statements["topic"][statements["id"].isin([i for pair in pairs for i in pair])]
    return {
        "facts": {name: agreed.get(name) for name in interview.TOPICS if name != "label_source"},
        "contradictions": pairs,
        "ask": sorted(set(interview.TOPICS) - set(statements["topic"]) | set(doubtful)),
    }
    ### END SOLUTION


# %% check="read_brief" points=1
# A dict with facts, contradictions and questions; the brief stays as it is
statements = interview.brief(20)
before = statements.copy()
reading = read_brief(statements)
assert isinstance(reading, dict), f"Return a dict, not {type(reading).__name__}."
missing = {"facts", "contradictions", "ask"} - set(reading)
assert not missing, f"The dict lacks {sorted(missing)}."
unknown = sorted(set(reading["ask"]) - set(interview.TOPICS))
assert not unknown, f"Ask about topics of interview.TOPICS, not {unknown}."
assert statements.equals(before), "Your function changed `statements`; work on a copy."

# %% check="read_brief_facts" points=2
# Stated facts come in base units, and nothing is invented, in fresh briefs
### BEGIN HIDDEN TESTS
clear = ("p99_limit_s", "label_source", "harmful_euros")
for seed, knobs in (
    (21, {"missing": clear, "contradicted": "daily_users"}),
    (26, {"missing": ("prevalence", "label_source", "retention_days")}),
    (9, interview.SHORT_VIDEO_ROOM),
):
    statements, truth = interview.brief(seed, **knobs), interview.brief_truth(seed, **knobs)
    facts = read_brief(statements)["facts"]
    for topic in interview.TOPICS:
        if topic == "label_source":
            continue
        told, expected = facts.get(topic), truth.facts[topic]
        value = interview.in_base_units(told)
        if topic in truth.missing:
            assert value is None, f"The brief says nothing about {topic}; you invented {told}."
            continue
        if topic == truth.contradicted:
            assert value is None, (
                f"Two people disagree on {topic} and you settled for {told}; ask instead."
            )
            continue
        assert value is not None, f"{topic} is stated, and your facts hold {told}."
        assert min(abs(value / expected / 8 - 1), abs(value / expected * 8 - 1)) > 0.01, (
            f"{topic}: {told} is off by a factor of 8. Mb and Gb are bits, MB and GB bytes."
        )
        assert abs(value / expected - 1) <= 0.01, (
            f"{topic}: you have {told}, {value / expected:.3g} times what was stated."
        )
### END HIDDEN TESTS

# %% check="read_brief_contradictions" points=1
# Contradictions are pairs of statements, also an infeasible pair; other units are none
### BEGIN HIDDEN TESTS
for seed, infeasible in ((23, False), (24, True), (25, True)):
    truth = interview.brief_truth(seed, infeasible=infeasible)
    statements = interview.brief(seed, infeasible=infeasible)
    same = frozenset(statements["id"][statements["topic"] == truth.repeated].tolist())
    found = read_brief(statements)["contradictions"]
    assert isinstance(found, list | tuple | set | frozenset), f"Return pairs of ids, not {found!r}."
    alone = [pair for pair in found if not np.iterable(pair) or len({str(i) for i in pair}) != 2]
    assert not alone, f"{alone[0]!r} is not a pair; it takes two statements to contradict."
    numbers = statements["id"].tolist()
    other = [pair for pair in found if not all(np.ndim(i) == 0 and i in numbers for i in pair)]
    assert not other, f"Give pairs of ids, the numbers in brackets, not {tuple(other[0])!r}."
    pairs = {frozenset(int(i) for i in pair) for pair in found}
    assert same not in pairs, (
        f"Statements {sorted(same)} say the same about {truth.repeated} in two units."
    )
    values = statements["id"][statements["topic"] == truth.contradicted].tolist()
    assert frozenset(values) in pairs, f"You missed the two values of {truth.contradicted}."
    assert truth.contradictions <= pairs, (
        "You missed an infeasible pair: a limit shorter than a read that every check needs."
    )
    assert pairs == truth.contradictions, (
        f"{len(pairs - truth.contradictions)} of your pairs can both hold."
    )
### END HIDDEN TESTS

# %% check="read_brief_questions" points=2
# It asks for what is open, and for nothing that the brief says
### BEGIN HIDDEN TESTS
clear = ("p99_limit_s", "label_source", "harmful_euros")
for seed, knobs in ((26, {"missing": clear}), (27, {}), (28, {"infeasible": True})):
    truth, statements = interview.brief_truth(seed, **knobs), interview.brief(seed, **knobs)
    asked = [str(topic) for topic in read_brief(statements)["ask"]]
    given = sorted(set(asked) - truth.to_ask)
    assert not given, (
        f"You ask what the brief states without doubt: {', '.join(given)}. Each question costs a minute."
    )
    assert "label_source" in asked or "label_source" not in truth.missing, (
        "Nobody said where labels come from, and you don't ask: without labels there is no model."
    )
    silent = [topic for topic in truth.missing if topic not in asked]
    assert not silent, f"The brief is silent on {', '.join(silent)}, and you don't ask."
    left = sorted(truth.to_ask - set(asked))
    assert not left, f"The brief contradicts itself on {', '.join(left)}, and you don't ask."
    assert len(asked) == len(set(asked)), f"You ask twice: {sorted(asked)}; each costs a minute."
### END HIDDEN TESTS

# %% play="read_brief"
talk = interview.Interviewer(9, minutes=5, **interview.SHORT_VIDEO_ROOM)
for topic in read_brief(talk.statements)["ask"]:
    print(f"{topic}? {talk.ask(topic)}")
print(f"Minutes left: {talk.minutes_left}")

# %% [markdown]
# Good questions are few: three gaps, one contradiction. Who asks all of them leaves with this sheet, `spec`, which the rest of the lab uses.

# %%
spec = dict(app_facts)
pd.Series(spec, name="spec").to_frame()

# %% [markdown]
# ### Exercise 3 · Load, storage, index (5 points)
#
# Write `size_load(spec, component_bytes)`. Return a dict:
#
# | key | meaning |
# |---|---|
# | `average_per_s`, `peak_per_s` | uploads per second on average, and in the busiest hour |
# | `storage_bytes_per_day`, `storage_bytes` | stored videos of a day, and over the retention time, all copies |
# | `index_bytes` | one copy of the vectors of all kept videos, `component_bytes` bytes per component (4: fp32, 2: fp16, 1: int8) |
# | `shards` | index servers that hold them, a whole number |
#
# Bytes are numbers or text with a unit (`"600 GB"`, `"559 GiB"`). A day has 86,400 seconds. This is an estimate: within a factor of 2 passes, but `shards` must fit your own `index_bytes`.
#
# <details><summary>Hint</summary>Uploads per day times retention gives the kept videos. Vectors are not replicated here, videos are.</details>


# %% exercise="size_load"
def size_load(spec, component_bytes):
    """Return load per second, bytes stored, bytes of the index and its shards."""
    ### BEGIN SOLUTION
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    per_day = uploads * spec["video_bytes"] * spec["replication"]
    index = uploads * spec["retention_days"] * spec["vector_dims"] * component_bytes
    return {
        "average_per_s": uploads / 86_400,
        "peak_per_s": uploads / 86_400 * spec["peak_factor"],
        "storage_bytes_per_day": per_day,
        "storage_bytes": per_day * spec["retention_days"],
        "index_bytes": index,
        "shards": int(np.ceil(index / spec["shard_bytes"])),
    }
    ### END SOLUTION


# %% check="size_load" points=1
# Six readable quantities; the shards hold the index, and not one too many
sizes = size_load(interview.brief_truth(30).facts, 4)
assert isinstance(sizes, dict), f"Return a dict, not {type(sizes).__name__}."
keys = ("average_per_s", "peak_per_s", "storage_bytes_per_day", "storage_bytes", "index_bytes")
for key in (*keys, "shards"):
    value = interview.in_base_units(sizes.get(key))
    assert (value or 0) > 0, f"{key} is {sizes.get(key)!r}, not a positive amount."
fill = (
    interview.in_base_units(sizes["index_bytes"]) / interview.brief_truth(30).facts["shard_bytes"]
)
shards = float(sizes["shards"])
fits = shards % 1 == 0 and fill <= shards * 1.001 and shards - 1 <= fill
assert fits, f"Your index fills {fill:.2f} servers; you order {shards:g}."

# %% check="size_load_rates" points=2
# Average and peak are those of simulated days of other apps
### BEGIN HIDDEN TESTS
for seed in (31, 32, 33):
    app = interview.brief_truth(seed).facts
    hourly = upload_check.hourly_rates(upload_check.uploads_per_second(seed, app))
    sizes = size_load(dict(app), 4)
    average = interview.in_base_units(sizes["average_per_s"])
    peak = interview.in_base_units(sizes["peak_per_s"])
    assert (average or 0) * (peak or 0) > 0, f"These are no rates: {sizes!r}."
    assert average < 1_000 * hourly.mean(), (
        f"{average:,.0f} uploads per second is a day's uploads; a day has 86,400 seconds."
    )
    assert abs(np.log2(average / hourly.mean())) <= 1, (
        f"You have {average:.3g} uploads per second on average, the day had {hourly.mean():.3g}."
    )
    assert peak > 1.05 * average, (
        f"Your peak is the average ({peak:.3g} per second); the busiest hour had {hourly.max():.3g}."
    )
    assert abs(np.log2(peak / hourly.max())) <= 1, (
        f"Your peak is {peak:.3g} per second, the busiest hour had {hourly.max():.3g}."
    )
### END HIDDEN TESTS

# %% check="size_load_bytes" points=2
# Storage counts every copy, the index counts bytes
### BEGIN HIDDEN TESTS
for seed in (34, 35, 36):
    app = interview.brief_truth(seed).facts
    uploads = app["daily_users"] * app["uploads_per_user"]
    per_day = uploads * app["video_bytes"] * app["replication"]
    index = 4 * uploads * app["retention_days"] * app["vector_dims"]
    sizes, half = size_load(dict(app), 4), size_load(dict(app), 2)
    read = {key: interview.in_base_units(value) for key, value in sizes.items()}
    assert all(read.get(k) for k in ("storage_bytes", "storage_bytes_per_day", "index_bytes")), (
        f"Some amount of bytes can't be read: {sizes!r}."
    )
    ratio = read["storage_bytes_per_day"] / per_day
    assert abs(ratio * app["replication"] - 1) > 0.05, (
        f"You store each video once; the brief says {app['replication']:.0f} times."
    )
    assert abs(np.log2(ratio)) <= 1, f"Storage per day is {ratio:.3g} times what it should be."
    ratio = read["storage_bytes"] / per_day / app["retention_days"]
    assert abs(np.log2(ratio)) <= 1, (
        f"Storage is {ratio:.3g} times what {app['retention_days']:.0f} days of videos take."
    )
    ratio = read["index_bytes"] / index
    assert abs(ratio / 8 - 1) > 0.05, "Your index is counted in bits; memory is counted in bytes."
    assert abs(ratio * 4 - 1) > 0.05, "You count components; each takes `component_bytes` bytes."
    assert abs(np.log2(ratio)) <= 1, f"Your index is {ratio:.3g} times as large as it should be."
    shrinks = interview.in_base_units(half["index_bytes"]) / read["index_bytes"]
    assert abs(shrinks - 0.5) <= 0.05, (
        f"Half the bytes per component make your index {shrinks:.2f} times as large, not 0.5 times."
    )
### END HIDDEN TESTS

# %% play="size_load"
for component_bytes in (4, 1):
    sizes = size_load(spec, component_bytes)
    index = interview.in_base_units(sizes["index_bytes"])
    print(f"{component_bytes} bytes: index {index / 1e9:5.0f} GB on {sizes['shards']:g} servers")
print(f"storage: {interview.in_base_units(sizes['storage_bytes']) / 1e12:.0f} TB")

# %% [markdown]
# ### Exercise 4 · Size the fleet (4 points)
#
# Uploads that arrive at rate $\lambda$ and need $S$ seconds of a server keep $\lambda S$ servers busy (Little's law for the servers). With $c$ servers the **utilisation** is $U = \lambda S / c$. Near 1 any burst becomes a queue, so one plans for a target, here 0.6.
#
# Write `servers_needed(hourly_rates, service_s, target_utilisation, spares=0)`: the smallest whole number of servers whose utilisation in the busiest hour is at most the target, plus `spares`. `hourly_rates`: uploads per second, mean of each of 24 hours, in any order. At least one server, even without traffic; up to 5 % off passes.
#
# <small>Little 1961; utilisation law: Denning & Buzen 1978.</small>


# %% exercise="servers_needed"
def servers_needed(hourly_rates, service_s, target_utilisation, spares=0):
    """Return the number of servers that keeps the busiest hour at the target utilisation."""
    ### BEGIN SOLUTION
    busy = np.max(hourly_rates) * service_s
    return max(1, int(np.ceil(busy / target_utilisation))) + spares
    ### END SOLUTION


# %% check="servers_needed" points=1
# A whole number that grows with spares, rates and a lower target
rates = np.r_[np.full(23, 2.0), 5.5]
count = float(servers_needed(rates, 1.0, 0.6))
assert count % 1 == 0, f"Servers come whole; you have {count}."
assert float(servers_needed(rates, 1.0, 0.6, spares=2)) == count + 2, "Spares come on top."
assert float(servers_needed(rates, 1.0, 0.3)) > count, "Half the target takes more servers."
assert float(servers_needed(np.zeros(24), 1.0, 0.6)) == 1, "Even an idle service has one server."

# %% check="servers_needed_peak" points=3
# It is sized for the busiest hour at the target utilisation, and lives through a fresh day
### BEGIN HIDDEN TESTS
for seed, service_s, target in ((41, 0.4, 0.6), (42, 1.7, 0.5), (43, 0.05, 0.7)):
    app = dict(interview.brief_truth(seed).facts)
    rates = upload_check.hourly_rates(upload_check.uploads_per_second(seed, app))
    expected = max(1, int(np.ceil(rates.max() * service_s / target)))
    full = int(np.ceil(rates.max() * service_s))
    on_average = int(np.ceil(rates.mean() * service_s / target))
    count = float(servers_needed(rates, service_s, target))
    busy = rates.max() * service_s / count if count > 0 else np.inf
    story = f"{count:g} servers are busy {busy:.0%} of the busiest hour"
    assert count != full, f"You size for a utilisation of 1, the target is {target:.0%}: {story}."
    assert count != on_average, f"You put the average rate into the formula: {story}."
    assert count >= 0.95 * expected, f"Too few: {story}, the target is {target:.0%}."
    assert count <= 1.05 * expected, f"Too many: {story}, the target is {target:.0%}."
rates = upload_check.hourly_rates(upload_check.uploads_per_second(44, spec))
service_s = float(upload_check.designs(spec, WORLD, n=10).loc["cascade", "service_s"])
count = int(servers_needed(rates, service_s, 0.6))
day = upload_check.play_day("cascade", spec, 45, world=WORLD, servers=count)
assert day.outcome["p99_s"] <= 2, (
    f"{count} servers: p99 is {day.outcome['p99_s']:,.1f} s, an upload waits up to "
    f"{day.wait_s.max():,.0f} s, {day.outcome['late_share']:.0%} are late."
)
### END HIDDEN TESTS

# %% play="servers_needed"
yours = servers_needed(arriving, designs.loc["cascade", "service_s"], 0.6)
fleets = sorted({4, 8, 10, 11, 12, 13, 14, 16, 18, 22, yours})
told_per_s = average_per_s * spec["peak_factor"]
told = servers_needed(np.full(24, told_per_s), designs.loc["cascade", "service_s"], 0.6)
print(f"busiest hour by the brief:  {told_per_s:.1f} uploads/s, your servers: {told}")
print(f"busiest hour of this day:   {arriving.max():.1f} uploads/s, your servers: {yours}")
p99 = [
    upload_check.play_day("cascade", spec, 1, world=WORLD, servers=count).outcome["p99_s"]
    for count in fleets
]
fig, ax = plots.figure(height=3.2)
ax.plot(fleets, p99, "o-", color=plots.TRUTH, markersize=4)
ax.plot(yours, p99[fleets.index(yours)], "o", color=plots.HONEST, markersize=10)
plots.label(ax, yours, p99[fleets.index(yours)], "yours", plots.HONEST, xytext=(-8, 16))
plots.label(ax, 4, p99[0], "sized for the average", plots.NAIVE)
plots.label(ax, 11, p99[fleets.index(11)], "busiest hour, no headroom", plots.NAIVE)
ax.axhline(2, color=plots.QUIET, linestyle="--", linewidth=1)
plots.label(ax, 4, 2, "limit: 2 s", plots.QUIET, xytext=(0, 8))
ax.set(yscale="log", xlabel="servers", ylabel="p99 of the day")
ax.set_xticks(range(4, 24, 2))
ax.set_yticks([1, 60, 3600], ["1 s", "1 min", "1 h"])
ax.set_title(f"With your {yours} servers, p99 is {p99[fleets.index(yours)]:.1f} s")
plots.show(
    fig,
    alt="p99 of the day by number of servers: "
    + ", ".join(f"{count}: {seconds:,.1f} s" for count, seconds in zip(fleets, p99, strict=True)),
)

# %% [markdown]
# A burst fell into the busiest hour of this day, so the measured rate asks for one server more than the brief's. Before there is a service to measure, the brief's rate is all you have: from here on, designs are sized by it.
#
# Eleven servers match the busiest hour exactly and still let uploads wait for minutes: hourly means hide the bursts inside an hour. The headroom is for them. It is cheap here; small fleets need a lower target, since one slow upload occupies a larger part of them.

# %% [markdown]
# ## Where the two seconds go
#
# Now the latency limit: 99 of 100 uploads within 2 s. The usual way is to write a p99 beside each stage and add. Take three stages, each fast but for 0.8 % of calls.

# %%
rng = np.random.default_rng(0)
stages = np.where(rng.random((3, 200_000)) < 0.008, 1.0, 0.05)
print(f"p99 of each stage, added: {np.quantile(stages, 0.99, axis=1).sum():.2f} s")
print(f"p99 of the sum:           {np.quantile(stages.sum(axis=0), 0.99):.2f} s")

# %% [markdown]
# Three rare delays make a common one: 2.4 % of uploads meet one. With smooth stages the error goes the other way, since one upload is rarely slow everywhere. Percentiles do not add; neither way is a bound. The same arithmetic rules **fan-out**: a call to $n$ servers that waits for all is slow with probability $1-(1-p)^n$.
#
# <small>Dean & Barroso 2013, *The tail at scale*.</small>

# %% [markdown]
# ### Exercise 5 · The latency of a plan (4 points)
#
# Write `latency_quantile(plan, samples, quantile, rng)`: seconds within which the share `quantile` of uploads is decided.
#
# - `plan`: a list of steps, one after the other. A step is a list of calls `(stage, copies)` that start together; the step ends with the slowest. `copies` calls of the same stage, each with a latency of its own, are all waited for.
# - `samples`: a dict from stage to an array of measured seconds. Each stage was measured by itself, so rows do not belong together, and numbers of rows differ. Take stages as independent.
#
# Within 5 % passes; if you simulate, draw 100,000 uploads or more, from `rng`.
#
# <details><summary>Hint 1: the idea</summary>Draw many uploads. Add over steps and take the maximum within a step, upload by upload; take the quantile last.</details>
# <details><summary>Hint 2: the tool</summary><code>rng.choice(samples[stage], (copies, n)).max(axis=0)</code></details>

# %%
plan = upload_check.plan_of("cascade", spec)
samples = upload_check.stage_samples(2, 20_000, world=WORLD)
plan


# %% exercise="latency_quantile"
def latency_quantile(plan, samples, quantile, rng):
    """Return the quantile of the latency of a plan of serial steps with parallel calls."""
    ### BEGIN SOLUTION
    n = 200_000
    total = np.zeros(n)
    for step in plan:
        calls = [rng.choice(samples[stage], (copies, n)).max(axis=0) for stage, copies in step]
        total += np.max(calls, axis=0)
    return np.quantile(total, quantile)
    ### END SOLUTION


# %% check="latency_quantile" points=1
# Constant stages: serial ones add, parallel ones don't
constant = {"a": np.full(50, 0.1), "b": np.full(70, 0.3), "c": np.full(60, 0.2)}
value = latency_quantile(
    [[("a", 1)], [("b", 1), ("c", 3)]], constant, 0.9, np.random.default_rng(0)
)
assert np.size(value) == 1, f"Return one number, not {value!r}."
assert abs(float(value) - 0.6) > 0.02, "0.1 + 0.3 + 0.2: you add calls that run in parallel."
assert abs(float(value) - 0.4) <= 0.02, f"0.1 s, then the slower of 0.3 s and 0.2 s: {value} s?"

# %% check="latency_quantile_p99" points=2
# The p99 of a plan, not a sum of p99s and not that of an average upload
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(50)
samples = {
    name: median * np.exp(0.7 * rng.standard_normal(size))
    for name, median, size in (
        ("a", 0.1, 6_000),
        ("b", 0.2, 5_000),
        ("c", 0.18, 7_000),
        ("d", 0.1, 4_000),
    )
}
samples["rare"] = np.where(rng.random(9_000) < 0.008, 1.0, 0.03)
plans = ([[("a", 1)], [("b", 1), ("c", 1)], [("d", 1)]], [[("rare", 1)]] * 4)
for plan in plans:
    draws = [[rng.choice(samples[name], 400_000) for name, _ in step] for step in plan]
    expected = np.quantile(np.sum([np.max(step, axis=0) for step in draws], axis=0), 0.99)
    added = np.quantile(np.sum([np.sum(step, axis=0) for step in draws], axis=0), 0.99)
    tails = [max(np.quantile(samples[name], 0.99) for name, _ in step) for step in plan]
    middle = sum(max(samples[name].mean() for name, _ in step) for step in plan)
    value = float(latency_quantile(plan, samples, 0.99, np.random.default_rng(51)))
    assert abs(value / sum(tails) - 1) > 0.02, (
        f"{value:.2f} s is the sum of the steps' p99s; 99 of 100 uploads take up to {expected:.2f} s."
    )
    if len(plan) == 3:
        assert abs(value / added - 1) > 0.03, (
            f"{value:.2f} s: you add the calls of a step; it ends with the slowest ({expected:.2f} s)."
        )
    assert abs(value / middle - 1) > 0.03, f"{value:.2f} s is about the mean, not the p99."
    assert abs(value / expected - 1) <= 0.05, f"p99 is {expected:.3f} s, you have {value:.3f} s."
### END HIDDEN TESTS

# %% check="latency_quantile_fanout" points=1
# A fan-out waits for the slowest of its copies
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(52)
samples = {"index": 0.02 * np.exp(0.3 * rng.standard_normal(8_000)) + (rng.random(8_000) < 0.01)}
samples["store"] = 0.04 * np.exp(0.3 * rng.standard_normal(6_000))
asked, store = rng.choice(samples["index"], (20, 200_000)), rng.choice(samples["store"], 200_000)
expected = np.quantile(asked.max(axis=0) + store, 0.9)
added = np.quantile(asked.sum(axis=0) + store, 0.9)
one = np.quantile(asked[0] + store, 0.9)
value = float(
    latency_quantile([[("index", 20)], [("store", 1)]], samples, 0.9, np.random.default_rng(53))
)
assert abs(value / one - 1) > 0.1, (
    f"{value:.2f} s is what one index server takes. All 20 are waited for: 18 % of uploads meet a "
    f"slow one, and nine tenths are done in {expected:.2f} s."
)
assert abs(value / added - 1) > 0.03, f"You add the copies ({value:.2f} s); they run in parallel."
assert abs(value / expected - 1) <= 0.05, f"p90 is {expected:.3f} s, you have {value:.3f} s."
### END HIDDEN TESTS

# %% play="latency_quantile"
added = sum(max(np.quantile(samples[stage], 0.99) for stage, _ in step) for step in plan)
p50, p99 = (latency_quantile(plan, samples, q, np.random.default_rng(3)) for q in (0.5, 0.99))
served = upload_check.play_day("cascade", spec, 1, world=WORLD).latency_s
print(f"mean of the day: {served.mean():.2f} s")
fig, ax = plots.figure(height=3)
ax.hist(served, np.linspace(0, 2.2, 89), color=plots.QUIET)
for seconds, name, colour, side in (
    (p50, "your p50", plots.HONEST, "left"),
    (p99, "your p99", plots.HONEST, "right"),
    (added, "p99s added", plots.NAIVE, "left"),
):
    ax.axvline(seconds, color=colour)
    beside = {"ha": side, "xytext": (6 if side == "left" else -6, 0)}
    plots.label(ax, seconds, 12_000, f"{name}\n{seconds:.2f} s", colour, **beside)
ax.set(xlabel="time until the decision, s", ylabel="uploads of 100,000")
ax.set_title(f"A day of the cascade: p99 {np.quantile(served, 0.99):.2f} s")
plots.show(
    fig,
    alt=f"Histogram: a hump at 0.25 s, a bump near 0.5 s, a low hump around 0.95 s. p50 "
    f"{p50:.2f} s, p99 {p99:.2f} s, sum of the p99s {added:.2f} s.",
)

# %% [markdown]
# The mean describes nobody: most uploads are quicker, and the 15 % that go to the large model take about a second. The first hump ends in a bump near 0.5 s. That is the index: one slow server in a hundred, twelve asked, so 11 % of uploads meet one.

# %% [markdown]
# ## What errors cost
#
# Machine learning reports 97.6 % precision on a balanced test set of 1,000 harmful and 1,000 harmless videos. In production 0.3 % of uploads are harmful, so harmless videos outnumber harmful ones by 332 to 1.

# %%
options = pd.DataFrame(
    {
        "caught": [0.0, 0.35, 0.80, 0.60],
        "false_alarms": [0.0, 0.001, 0.02, 0.002],
        "fixed_euros_per_day": [0.0, 150.0, 3_500.0, 3_500.0],
    },
    index=["nothing", "rules", "model", "model_strict"],
)
options["balanced_accuracy"] = (options["caught"] + 1 - options["false_alarms"]) / 2
options["balanced_precision"] = options["caught"] / (options["caught"] + options["false_alarms"])
options

# %% [markdown]
# ### Exercise 6 · Is it worth a model? (4 points)
#
# Write `is_ml_worth_it(options, spec)` for any such frame. Every flagged video is blocked: a harmless one costs `blocked_euros`, a harmful one that is not caught costs `harmful_euros`, right decisions cost nothing. Uploads per day, prevalence and costs are in `spec`. Return a dict:
#
# - `precision`: dict from option to the share of *flagged* uploads that are harmful, at the app's prevalence (not tested where nothing is flagged),
# - `choice`: the option with the lowest expected cost, fixed cost included. Per day or per year is up to you.
#
# <details><summary>Hint</summary>With prevalence π: flagged harmful π · caught, flagged harmless (1 − π) · false_alarms. Count both per day before you price them.</details>


# %% exercise="is_ml_worth_it"
def is_ml_worth_it(options, spec):
    """Return each option's precision at the true prevalence, and the cheapest option."""
    ### BEGIN SOLUTION
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    harmful = uploads * spec["prevalence"]
    hits = options["caught"] * harmful
    alarms = options["false_alarms"] * (uploads - harmful)
    euros = (harmful - hits) * spec["harmful_euros"] + alarms * spec["blocked_euros"]
    return {
        "precision": (hits / (hits + alarms)).to_dict(),
        "choice": (euros + options["fixed_euros_per_day"]).idxmin(),
    }
    ### END SOLUTION


# %% check="is_ml_worth_it" points=2
# A choice among the options, and a precision for each, at the true prevalence
worth = is_ml_worth_it(options, spec)
assert isinstance(worth, dict), f"Return a dict, not {type(worth).__name__}."
missing = {"precision", "choice"} - set(worth)
assert not missing, f"The dict lacks {sorted(missing)}."
assert worth["choice"] in list(options.index), f"{worth['choice']!r} is none of the options."
precision = float(worth["precision"]["rules"])
assert 0 < precision < 1, f"Precision lies between 0 and 1, you have {precision}."
### BEGIN HIDDEN TESTS
for prevalence, caught, alarms in ((0.001, 0.9, 0.01), (0.02, 0.7, 0.05)):
    table = pd.DataFrame(
        {"caught": [caught, 0.5], "false_alarms": [alarms, 0.001]}, index=["a", "b"]
    )
    table["fixed_euros_per_day"] = [100.0, 200.0]
    table["balanced_accuracy"] = (table["caught"] + 1 - table["false_alarms"]) / 2
    table["balanced_precision"] = table["caught"] / (table["caught"] + table["false_alarms"])
    expected = prevalence * caught / (prevalence * caught + (1 - prevalence) * alarms)
    balanced = caught / (caught + alarms)
    found = float(is_ml_worth_it(table, spec | {"prevalence": prevalence})["precision"]["a"])
    assert abs(found - balanced) > 0.005, (
        f"{found:.1%} is the precision on a balanced test set. At a prevalence of {prevalence:.1%}, "
        f"{1 - expected:.0%} of the flagged videos are harmless."
    )
    assert abs(found - expected) <= 0.01 * expected, (
        f"At a prevalence of {prevalence:.1%}, {expected:.1%} of the flagged are harmful, not {found:.1%}."
    )
### END HIDDEN TESTS

# %% check="is_ml_worth_it_choice" points=2
# The choice has the lowest expected cost, in apps of other sizes and stakes
### BEGIN HIDDEN TESTS
table = pd.DataFrame(
    {
        "caught": [0.62, 0.0, 0.82, 0.33],
        "false_alarms": [0.002, 0.0, 0.02, 0.001],
        "fixed_euros_per_day": [3_400.0, 0.0, 3_400.0, 160.0],
    },
    index=["d", "a", "c", "b"],
)
table["balanced_accuracy"] = (table["caught"] + 1 - table["false_alarms"]) / 2
table["balanced_precision"] = table["caught"] / (table["caught"] + table["false_alarms"])
base = {"uploads_per_user": 0.2, "prevalence": 0.003, "blocked_euros": 3.0}
for change in (
    {"daily_users": 5e6, "harmful_euros": 15.0},
    {"daily_users": 1e5, "harmful_euros": 15.0},
    {"daily_users": 2_000, "harmful_euros": 15.0},
    {"daily_users": 5e6, "harmful_euros": 200.0},
):
    app = spec | base | change
    uploads = app["daily_users"] * app["uploads_per_user"]
    harmful = uploads * app["prevalence"]
    errors = (1 - table["caught"]) * harmful * app["harmful_euros"]
    errors += table["false_alarms"] * (uploads - harmful) * app["blocked_euros"]
    euros = errors + table["fixed_euros_per_day"]
    choice = is_ml_worth_it(table, app)["choice"]
    assert choice in list(table.index), f"{choice!r} is none of the options."
    story = f"it costs {euros[choice]:,.0f} euros a day, {euros.idxmin()!r} {euros.min():,.0f}"
    if euros[choice] > 1.02 * euros.min():
        assert choice != table["balanced_accuracy"].idxmax(), (
            f"{choice!r} has the highest accuracy, which prices both errors alike: {story}."
        )
        assert choice != errors.idxmin(), (
            f"{choice!r} makes the cheapest errors, but {uploads:,.0f} uploads a day don't pay for "
            f"its fixed cost: {story}."
        )
    assert euros[choice] <= 1.02 * euros.min(), f"{choice!r} is not the cheapest: {story}."
### END HIDDEN TESTS

# %% play="is_ml_worth_it"
worth = is_ml_worth_it(options, spec)
for name in ("rules", "model", "model_strict"):
    balanced, real = options.loc[name, "balanced_precision"], worth["precision"][name]
    print(f"{name:13s} precision {balanced:.1%} on balanced rows, {real:.1%} at 0.3 %")
small = spec | {"daily_users": 1e5}
print(f"5 million users: {worth['choice']}")
print(f"100,000 users:   {is_ml_worth_it(options, small)['choice']}")

# %% [markdown]
# ### Exercise 7 · Block, review or publish (5 points)
#
# People can look at what is unclear. A decision costs, for an upload with probability $p$ of harm: publish $p\,C_{harm}$, block $(1-p)\,C_{block}$, review $C_{review}$ (reviewers are right). The reviewers get through $K$ videos a day.
#
# Write `route(uploads, spec)`: an array with `"publish"`, `"block"` or `"review"` per row, in the order of rows, such that the expected cost is lowest (1 % above passes) and no day has more than $K$ reviews. `uploads` has `day` and a calibrated `p_harmful`; costs and $K$ are `harmful_euros`, `blocked_euros`, `review_euros`, `reviews_per_day` in `spec`. Each day decides for itself: a quiet day's free reviews cannot be kept.
#
# <details><summary>Hint 1: without reviewers</summary>Block from p = C_block / (C_block + C_harm) on (Elkan 2001).</details>
# <details><summary>Hint 2: with them</summary>A review saves the cheaper automatic decision's cost minus the review's. Where that is positive (Chow 1970), review the largest savings of each day.</details>


# %% exercise="route"
def route(uploads, spec):
    """Return publish, block or review for each upload."""
    ### BEGIN SOLUTION
    publish = uploads["p_harmful"] * spec["harmful_euros"]
    block = (1 - uploads["p_harmful"]) * spec["blocked_euros"]
    saved = np.minimum(publish, block) - spec["review_euros"]
    rank = saved.groupby(uploads["day"]).rank(ascending=False, method="first")
    review = (saved > 0) & (rank <= spec["reviews_per_day"])
    return np.where(review, "review", np.where(publish <= block, "publish", "block"))
    ### END SOLUTION


# %%
def euros_of(uploads, actions, spec):
    """Return the expected cost of each upload under the actions."""
    p, actions = uploads["p_harmful"].to_numpy(), np.asarray(actions)
    prices = {
        "publish": p * spec["harmful_euros"],
        "block": (1 - p) * spec["blocked_euros"],
        "review": np.full(len(p), spec["review_euros"]),
    }
    return sum(np.where(actions == name, price, 0.0) for name, price in prices.items())


# %% check="route" points=1
# One action per upload, and no day over the reviewers' capacity
week = upload_check.scored_uploads(60, 2_000, separation=2.0)
actions = np.asarray(route(week, spec | {"reviews_per_day": 30}))
assert actions.shape == (len(week),), f"Expected {len(week):,} actions, got {actions.shape}."
strange = set(actions.tolist()) - {"publish", "block", "review"}
assert not strange, f"Unknown actions: {sorted(map(str, strange))[:3]}."
busiest = week["day"][actions == "review"].value_counts().max()
assert busiest <= 30, f"One day has {busiest} reviews, the reviewers get through 30."

# %% check="route_costs" points=2
# Without a shortage of reviewers, each upload gets its cheapest action; without reviewers too
### BEGIN HIDDEN TESTS
week = upload_check.scored_uploads(61, 6_000, separation=2.5)
p = week["p_harmful"].to_numpy()
for harmful, blocked, review, capacity in (
    (15, 3, 0.6, 10**6),
    (4, 6, 0.5, 10**6),
    (40, 4, 0.6, 0),
):
    app = spec | {"harmful_euros": harmful, "blocked_euros": blocked, "review_euros": review}
    auto = np.minimum(p * harmful, (1 - p) * blocked)
    best = np.minimum(auto, review).sum() if capacity else auto.sum()
    naive = np.where(p >= 0.5, (1 - p) * blocked, p * harmful)
    halved = (np.minimum(naive, review) if capacity else naive).sum()
    actions = np.asarray(route(week.copy(), app | {"reviews_per_day": capacity}))
    assert actions.shape == p.shape, f"Expected {len(p):,} actions, got {actions.shape}."
    shares = {name: (actions == name).mean() for name in ("publish", "block", "review")}
    cost = euros_of(week, actions, app).sum()
    story = f"the week costs {cost:,.0f} euros instead of {best:,.0f}"
    assert sum(shares.values()) >= 1 - 1e-9, f"Some actions are unknown: {set(actions.tolist())}."
    assert capacity or shares["review"] == 0, "There are no reviewers, and you send them videos."
    assert not capacity or shares["review"] > 0, (
        f"One threshold: nothing goes to the reviewers, who could take all that is unclear; {story}."
    )
    blocks = p[actions == "block"].min() if shares["block"] else 1.0
    assert capacity or abs(blocks - 0.5) > 0.02 or cost <= 1.01 * best, (
        f"You block from 0.5 on, whatever the costs: {story}. Harm costs {harmful} euros, a wrong "
        f"block {blocked}."
    )
    assert abs(blocks - 0.5) > 0.02 or abs(cost - halved) > 0.002 * halved or cost <= 1.01 * best, (
        f"You block from 0.5 on, whatever the costs: {story}."
    )
    lost = (actions == "review") & (auto < review)
    wasted = (review - auto)[lost].sum()
    assert not capacity or wasted <= (cost - best) / 2 or cost <= 1.01 * best, (
        f"{lost.sum():,} of your reviews cost more than they save ({review} euros each): {story}."
    )
    assert cost <= 1.01 * best, f"With costs of {harmful}, {blocked} and {review} euros, {story}."
### END HIDDEN TESTS

# %% check="route_capacity" points=2
# Under a shortage, each day's reviews go where they save most
### BEGIN HIDDEN TESTS
for seed, capacity in ((62, 60), (63, 150)):
    week = upload_check.scored_uploads(seed, 10_000, separation=2.2)
    p, day = week["p_harmful"].to_numpy(), week["day"].to_numpy()
    app = spec | {"reviews_per_day": capacity}
    auto = np.minimum(p * app["harmful_euros"], (1 - p) * app["blocked_euros"])
    saved, best = auto - app["review_euros"], auto.sum()
    highest, first = np.zeros(len(p), bool), np.zeros(len(p), bool)
    for today in range(7):
        rows = np.flatnonzero(day == today)
        first[rows[saved[rows] > 0][:capacity]] = True
        best -= np.clip(np.sort(saved[rows])[-capacity:], 0, None).sum()
        highest[rows[np.argsort(-p[rows])[:capacity]]] = True
    actions = np.asarray(route(week.copy(), app))
    assert actions.shape == p.shape, f"Expected {len(p):,} actions, got {actions.shape}."
    reviewed = actions == "review"
    per_day = np.bincount(day[reviewed], minlength=7)
    cost = euros_of(week, actions, app).sum()
    known = np.isin(actions, ["publish", "block", "review"]).all()
    assert known, f"Some actions are unknown: {set(actions.tolist())}."
    assert not (per_day.max() > capacity and per_day.sum() <= 7 * capacity), (
        f"You share out the week's reviews: {per_day.max()} on one day, {per_day.min()} on another; "
        f"the reviewers get through {capacity} a day."
    )
    assert per_day.max() <= capacity, (
        f"{per_day.max()} reviews on a day, the reviewers get through {capacity}."
    )
    assert (reviewed & highest).sum() < 0.95 * reviewed.sum() or cost <= 1.01 * best, (
        f"You review the highest scores, which are as good as sure: {cost:,.0f} euros instead of "
        f"{best:,.0f}. Review where the automatic decision costs most."
    )
    assert (reviewed & first).sum() < 0.95 * reviewed.sum() or cost <= 1.01 * best, (
        f"You review what comes first each day: {cost:,.0f} euros instead of {best:,.0f}. Some of "
        "what comes later costs more if it is decided automatically."
    )
    above = np.where(reviewed, 0.0, euros_of(week, actions, app) - auto)
    dearer = above > 1e-9
    assert above.sum() <= (cost - best) / 2 or cost <= 1.01 * best, (
        f"{dearer.sum():,} uploads that nobody reviews get the dearer of publish and block: "
        f"{cost:,.0f} euros instead of {best:,.0f}."
    )
    assert cost <= 1.01 * best, (
        f"The week costs {cost:,.0f} euros, {best:,.0f} are possible with the same {capacity} reviews "
        f"a day: among the uploads that you left out, a review saves up to {saved[~reviewed].max():.2f} euros."
    )
### END HIDDEN TESTS

# %% play="route"
week = upload_check.scored_uploads(7, 20_000, separation=2.5)  # one upload in 50 of the app's
app = spec | {"reviews_per_day": int(spec["reviews_per_day"] / 50)}
yours = np.asarray(route(week, app))
half = np.where(week["p_harmful"] >= 0.5, "block", "publish")
reviews = week["day"][yours == "review"].value_counts().reindex(range(7), fill_value=0)
for name, actions in (("threshold 0.5", half), ("yours", yours)):
    print(f"{name:14s} {50 / 7 * euros_of(week, actions, app).sum():8,.0f} euros a day in the app")
print("your reviews per day:", *reviews)
for name in ("publish", "review", "block"):
    p = week["p_harmful"][yours == name]
    if len(p):
        print(f"{name:8s} {len(p):8,} uploads, p from {p.min():.3f} to {p.max():.3f}")

# %% [markdown]
# On quiet days everything unclear gets a look. On the day of the attack capacity binds, and only those uploads get one where the automatic decision is expected to cost most. Reviewers are worth most around the threshold (here 0.17), least at the top, where the model is sure.
#
# ## Decide
#
# Six designs, measured in this world without load. `publish_then_check` lets videos go live and checks them after, when part of the harm has happened.

# %%
designs.round(3).T

# %% [markdown]
# ### Exercise 8 · Choose the design, and flip it (4 points)
#
# Write `choose_design(designs, spec, check_first=False)`. Return a dict:
#
# | key | value |
# |---|---|
# | `design` | the cheapest of the designs that (1) keep `latency_p99_s` within `p99_limit_s`, (2) flag to people at most `reviews_per_day`, (3) if `check_first`, have no `harm_before_check`. A design at most 5 % dearer passes |
# | `primary_metric` | `"accuracy"`, `"euros_per_day"`, `"harmful_live_per_day"` or `"flagged_per_day"` |
# | `guardrails` | dict of at least two of `"decision_p99_s"`, `"reviews_per_day"`, `"wrongly_blocked_per_day"`, `"uploads_checked_per_day"`, `"accuracy"`, each with `"below"` or `"above"`: the side on which it must stay of a limit. Latency or reviews must be among them: those are the limits that a busy day can break |
#
# The euros of a day are the sum of:
#
# | part | quantity | price |
# |---|---|---|
# | servers | peak rate × `service_s` / 0.6, rounded up | `euros_per_server_day` |
# | fixed | 1 | `fixed_euros_per_day` |
# | reviews, if `flagged_go_to` is `"people"` | all flagged uploads, harmful and harmless | `review_euros` |
# | wrong blocks, if it is `"block"` | harmless uploads flagged | `blocked_euros` |
# | harm | harmful uploads not caught, plus caught ones × `harm_before_check` | `harmful_euros` |
#
# People are right: they let the harmless uploads among the flagged ones go live.
#
# <details><summary>Hint</summary>Whole columns at once: <code>designs["caught"] * harmful</code>. Drop the infeasible rows last, then <code>idxmin()</code>.</details>


# %% exercise="choose_design"
def choose_design(designs, spec, check_first=False):
    """Return the cheapest feasible design, its primary metric and its guardrails."""
    ### BEGIN SOLUTION
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    harmful = uploads * spec["prevalence"]
    peak = uploads / 86_400 * spec["peak_factor"]
    people = designs["flagged_go_to"] == "people"
    alarms = designs["false_alarms"] * (uploads - harmful)
    reviews = people * (designs["caught"] * harmful + alarms)
    live = harmful * (1 - designs["caught"] * (1 - designs["harm_before_check"]))
    euros = np.ceil(peak * designs["service_s"] / 0.6) * designs["euros_per_server_day"]
    euros += designs["fixed_euros_per_day"] + reviews * spec["review_euros"]
    euros += ~people * alarms * spec["blocked_euros"] + live * spec["harmful_euros"]
    feasible = (designs["latency_p99_s"] <= spec["p99_limit_s"]) & (
        reviews <= spec["reviews_per_day"]
    )
    if check_first:
        feasible &= designs["harm_before_check"] == 0
    return {
        "design": euros[feasible].idxmin(),
        "primary_metric": "euros_per_day",
        "guardrails": {"decision_p99_s": "below", "reviews_per_day": "below"},
    }
    ### END SOLUTION


# %% check="choose_design" points=1
# A complete plan, with one of the six designs, for the app and for a start-up
for app in (spec, spec | {"daily_users": 1e5}):
    plan = choose_design(designs, app)
    assert isinstance(plan, dict), f"Return a dict, not {type(plan).__name__}."
    missing = {"design", "primary_metric", "guardrails"} - set(plan)
    assert not missing, f"The plan lacks {sorted(missing)}."
    assert plan["design"] in list(designs.index), f"There is no design {plan['design']!r}."
    assert isinstance(plan["guardrails"], dict), "Guardrails are a dict from metric to side."

# %% check="choose_design_played" points=2
# Played out in fresh worlds, it holds every constraint and costs least; new constraints flip it
### BEGIN HIDDEN TESTS
world = 71
measured = upload_check.designs(spec, world, n=40_000).sample(frac=1, random_state=1)
cases = (
    ("As in the interview", {}, False),
    ("With 4 s", {"p99_limit_s": 4.0}, False),
    ("With 1 s", {"p99_limit_s": 1.0}, False),
    ("With 0.3 s", {"p99_limit_s": 0.3}, False),
    ("With 0.3 s and nothing live unchecked", {"p99_limit_s": 0.3}, True),
    ("For a start-up of 100,000 users", {"daily_users": 1e5}, False),
    ("With 10,500 reviews a day", {"reviews_per_day": 10_500.0}, False),
    ("With 8 euros per harm, 6 per block", {"harmful_euros": 8.0, "blocked_euros": 6.0}, False),
    ("With 4 s and a peak of 10 times the average", {"p99_limit_s": 4.0, "peak_factor": 10}, False),
)
for story, change, check_first in cases:
    app = spec | change
    chosen = choose_design(measured.copy(), app, check_first=check_first)["design"]
    assert chosen in list(measured.index), f"There is no design {chosen!r}."
    expected = upload_check.expected_day(measured, app)
    row, limit, capacity = measured.loc[chosen], app["p99_limit_s"], app["reviews_per_day"]
    happened = upload_check.play_day(chosen, app, 72, world=world).outcome
    assert row["latency_p99_s"] <= limit or row["latency_mean_s"] > limit, (
        f"{story}: {chosen} takes {row['latency_mean_s']:.2f} s on average, but its p99 was "
        f"{happened['p99_s']:.2f} s, and {happened['late_share']:.0%} of uploads were late."
    )
    assert row["latency_p99_s"] <= limit, (
        f"{story}: {chosen} had a p99 of {happened['p99_s']:.2f} s against a limit of {limit:g} s; "
        f"{happened['late_share']:.0%} of uploads were late."
    )
    assert expected.loc[chosen, "to_people"] <= capacity, (
        f"{story}: {chosen} sent {happened['flagged_to_people']:,.0f} uploads to reviewers who get "
        f"through {capacity:,.0f} a day: the queue grows every day."
    )
    assert not check_first or row["harm_before_check"] == 0, (
        f"{story}: {chosen} lets videos go live before they are checked."
    )
    feasible = (measured["latency_p99_s"] <= limit) & (expected["to_people"] <= capacity)
    if check_first:
        feasible &= measured["harm_before_check"] == 0
    euros = expected["euros"][feasible]
    per_server, fixed = measured["euros_per_server_day"], measured["fixed_euros_per_day"]
    errors = (expected["euros"] - expected["servers"] * per_server - fixed)[feasible]
    calm = upload_check.expected_day(measured, app | {"peak_factor": 1})["euros"][feasible]
    good = euros[chosen] <= 1.05 * euros.min()
    compared = f"a day of {chosen} costs {euros[chosen]:,.0f} euros, of {euros.idxmin()} {euros.min():,.0f}"
    assert good or chosen != calm.idxmin() or calm.idxmin() == euros.idxmin(), (
        f"{story}: {chosen} would be cheapest if traffic were even. The busiest hour takes "
        f"{expected.loc[chosen, 'servers']:,.0f} servers at a utilisation of 0.6, "
        f"{expected.loc[chosen, 'servers'] * per_server[chosen]:,.0f} euros; {compared}."
    )
    assert good or chosen != errors.idxmin(), (
        f"{story}: {chosen} is cheapest without its servers and its fixed cost; with them, {compared}."
    )
    assert good or chosen != measured["caught"][feasible].idxmax(), (
        f"{story}: {chosen} catches most, but {row['harm_before_check']:.0%} of that harm has "
        f"happened by then, and servers cost too; {compared}."
    )
    assert good, f"{story}: {compared}, and it holds every constraint."
### END HIDDEN TESTS

# %% check="choose_design_metrics" points=1
# The primary metric sees the harm, the guardrails see what else can break
### BEGIN HIDDEN TESTS
plan = choose_design(designs, spec)
row, rate = designs.loc["cascade"], spec["prevalence"]
right = rate * row["caught"] + (1 - rate) * (1 - row["false_alarms"])
assert plan["primary_metric"] != "accuracy", (
    f"Accuracy prefers publishing everything ({1 - rate:.1%}) to the cascade ({right:.1%})."
)
assert plan["primary_metric"] != "flagged_per_day", (
    "Flagged uploads rise with false alarms as they do with harm: more of them is not better."
)
assert plan["primary_metric"] in ("euros_per_day", "harmful_live_per_day"), (
    f"{plan['primary_metric']!r} is none of the metrics."
)
useful = {"decision_p99_s", "reviews_per_day", "wrongly_blocked_per_day", "uploads_checked_per_day"}
chosen = plan["guardrails"]
assert "accuracy" not in chosen, (
    f"Accuracy as a guardrail would stop the cascade and let 'publish everything' pass ({1 - rate:.1%})."
)
assert set(chosen) <= useful, f"Unknown guardrails: {sorted(set(chosen) - useful)}."
assert len(chosen) >= 2, f"{len(chosen)} guardrail is not enough; name two that can break apart."
assert {"decision_p99_s", "reviews_per_day"} & set(chosen), (
    f"Neither {' nor '.join(sorted(chosen))} moves when servers or reviewers fall behind; guard the "
    "latency or the reviews, which your design holds only up to a limit."
)
for name, side in chosen.items():
    wanted = "above" if name == "uploads_checked_per_day" else "below"
    assert side == wanted, f"{name} has to stay {wanted} its limit, you say {side!r}."
### END HIDDEN TESTS

# %% [markdown]
# ## Play it again
#
# Your fleet size and your choice now live through the first day again. Then the product manager calls: creators on slow phones give up after 0.3 s.
#
# The euros here are those of a day as it happened: to the parts of Exercise 8 come 5 cents per upload decided after the limit, and flagged uploads beyond the reviewers' capacity go live. So designs that break a constraint cost more here than in your formula.

# %% play="servers_needed, choose_design"
fig, axes = plots.figure(2, width=4.9, height=3.4)
said = []
for ax, limit in zip(axes, (2.0, 0.3), strict=True):
    app = spec | {"p99_limit_s": limit}
    chosen = choose_design(designs, app)["design"]
    for name, service_s in designs["service_s"].items():
        count = int(servers_needed(arriving, service_s, 0.6))
        day = upload_check.play_day(name, app, 1, world=WORLD, servers=count).outcome
        over = day["p99_s"] > limit or day["flagged_to_people"] > app["reviews_per_day"]
        colour = plots.HONEST if name == chosen else plots.NAIVE if over else plots.TRUTH
        ax.plot(day["p99_s"], day["euros"] / 1000, "o", color=colour)
        left_of = name in ("small_model", "cascade", "large_model")
        beside = {"ha": "right", "xytext": (-6, 0)} if left_of else {}
        beside |= {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}}
        plots.label(ax, day["p99_s"], day["euros"] / 1000, name, colour, **beside)
        said.append(f"{name} at {limit:g} s: {day['p99_s']:.2f} s, {day['euros']:,.0f} euros")
        if name == chosen:
            ax.set_title(f"Limit {limit:g} s: {chosen}")
    ax.axvline(limit, color=plots.QUIET, linestyle="--", linewidth=1)
    ax.set(
        xscale="log", xlabel="p99 of the day, s", ylabel="thousand euros per day", xlim=(0.12, 5)
    )
    ax.set_xticks([0.2, 0.5, 1, 2, 4], ["0.2", "0.5", "1", "2", "4"])
    ax.minorticks_off()
plots.show(fig, alt="Six designs, p99 against euros, for two limits. " + "; ".join(said) + ".")

# %% [markdown]
# Blue: your choice. Orange: breaks the latency limit or the reviewers' capacity. The limit alone turns 'check, then publish' into 'publish, then check'. Which of your numbers would flip the choice? Divide and multiply each by 2 and 4, one at a time.

# %% play="choose_design"
chosen = choose_design(designs, spec)["design"]
factors = {"x 1/4": 0.25, "x 1/2": 0.5, "x 2": 2, "x 4": 4}
others = {
    name: {
        shown: choose_design(designs, spec | {name: spec[name] * factor})["design"]
        for shown, factor in factors.items()
    }
    for name in interview.TOPICS
    if name != "label_source"
}
others = pd.DataFrame.from_dict(others, orient="index").replace(chosen, "")
print(f"as agreed: {chosen}; never flips it: {', '.join(others.index[(others == '').all(axis=1)])}")
others[(others != "").any(axis=1)]

# %% [markdown]
# This table is what a minute of questions is worth. Load, latency limit, prevalence and reviewers decide: a factor of two flips the design. Of the prices, those of harm and of a review matter from a factor of four on. The size of a video, its copies and the price of a wrong block never do, though they take as long to ask for. Of the numbers that decide, one was missing from the brief and one stood there twice.

# %% [markdown]
# ## Take away
#
# 1. Ask for what is missing or contradictory *and* flips the design; state an assumption for the rest.
# 2. Size for the busiest hour at a target utilisation; simulate latency, since percentiles do not add; price errors at the true prevalence.
# 3. A design is a choice under constraints. Say which constraint would flip it, and to what.

# %% [markdown]
# **Where this breaks.** Stages here are independent; in reality a long video is slow everywhere, and tails get heavier than your simulation. Slow answers cause retries, which are load. The designs come with fixed thresholds; you would move them to the reviewers' capacity, as in Exercise 7. Reviewers are wrong at times, labels taken from them inherit it, and costs per error are guesses: vary them.

# %% [markdown]
# ## Say it in an interview
#
# **60 seconds:** 'Design the check for harmful uploads. Where do you start?' Say your answer aloud, then compare.
#
# <details><summary>Three answers at three levels</summary>
#
# **Junior.** 'I would collect labelled videos and fine-tune a video transformer, then serve it on GPUs.' *A design before a requirement; no number.*
#
# **Mid.** 'First scale and latency: 5 million users, 0.2 uploads, about 12 per second, 35 at peak. What is the latency limit, what do errors cost?' *Right order; the questions are not ranked by what they decide.*
#
# **Senior.** 'Load is stated; two open numbers decide: the latency limit and the reviewers. Prices matter if they are off by a factor of four. With 2 s p99 and 14,000 reviews, a cascade: 35 per second at peak times 0.3 s is 11 servers busy, so 18 at 60 %. p99 1.3 s, simulated, since twelve index servers are waited for. At 0.3 % prevalence, 97 % precision on balanced data becomes 11 %, so the model flags and people decide. Guardrails: p99 and review load. If the limit falls to 0.3 s, I publish first and check after, and say what that costs in harm.'
#
# </details>
#
# **Self-check:** one point each for questions before design, peak and headroom, a tail rather than a mean, errors in euros at the true prevalence, the constraint that flips the choice.

# %% [markdown]
# **Follow-up 1.** 'Half of the reviewers leave. What flips?'
#
# <details><summary>Compare</summary>The cascade's 12,000 flags a day exceed 7,000 reviews, and so do all designs that ask people; as they stand only the rules are left, at 13,000 euros a day more. The better answer moves the threshold: review where it saves most, decide the rest automatically, and tell what each lost reviewer costs.</details>
#
# **Follow-up 2.** 'Traffic grows tenfold. What flips?'
#
# <details><summary>Compare</summary>Servers, storage and index grow tenfold, and fixed costs lose weight. The index does not stay on twelve servers: with 117 waited for, 69 % of uploads meet a slow one, so hedged requests or smaller vectors come before a better model. Reviewers do not grow with traffic by themselves: review load flips the design first.</details>
#
# The worked notebook: [solutions/m1_requirements/size_it_first.ipynb](../../solutions/m1_requirements/size_it_first.ipynb).
