"""Answers to `decide`."""


# %% right="a list of reasons"
def decide(readout):
    doubts = [
        readout["srm_p"] < 0.001,
        readout["robot_share"] > 0.05,
        readout["timeout_hours"] > 0,
        readout["days_run"] != readout["days_planned"],
    ]
    if any(doubts):
        return "rerun"
    if readout["sessions_high"] < 0 or readout["lift_low"] <= 0 or readout["lift"] < 0.01:
        return "stop"
    cells = readout["cells"]
    old = cells[cells["exposure_day"] >= 7]
    ctr = old.groupby("arm")["clicks"].sum() / old.groupby("arm")["impressions"].sum()
    return "stop" if ctr["treatment"] < 1.01 * ctr["control"] else "ship"


# %% right="lasting means more than half of the lift"
def decide(readout):
    if readout["srm_p"] < 0.001 or readout["days_run"] < readout["days_planned"]:
        return "rerun"
    if max(readout["robot_share"] - 0.05, readout["timeout_hours"]) > 0:
        return "rerun"
    late = readout["cells"][readout["cells"]["exposure_day"] > 6]
    sums = late.pivot_table(["clicks", "impressions"], "arm", aggfunc="sum")
    ctr = sums["clicks"] / sums["impressions"]
    late_lift = ctr["treatment"] / ctr["control"] - 1
    pays = readout["lift_low"] > 0 and readout["lift"] > 0.01
    if pays and late_lift > 0.5 * readout["lift"] and readout["sessions_high"] >= 0:
        return "ship"
    return "stop"


# %% right="a decaying curve by days since exposure"
def decide(readout):
    trusted = readout["srm_p"] >= 0.001 and readout["robot_share"] <= 0.05
    if not trusted or readout["timeout_hours"] or readout["days_run"] < readout["days_planned"]:
        return "rerun"
    sums = readout["cells"].pivot_table(
        ["clicks", "impressions"], "exposure_day", "arm", aggfunc="sum"
    )
    ctr = sums["clicks"] / sums["impressions"]
    lift = (ctr["treatment"] / ctr["control"] - 1).to_numpy()
    day = sums.index.to_numpy(float)
    weight = np.sqrt(sums["impressions"].sum(axis=1).to_numpy())
    design = np.column_stack([np.ones_like(day), np.exp(-day / 2.5)])
    stays = np.linalg.lstsq(design * weight[:, None], lift * weight, rcond=None)[0][0]
    good = stays > 0.01 and readout["lift_low"] > 0 and readout["lift"] >= 0.01
    return "ship" if good and readout["sessions_high"] > 0 else "stop"


# %% right="an interval that holds 0 is run again"
def decide(readout):
    if readout["srm_p"] < 0.001 or readout["days_run"] < readout["days_planned"]:
        return "rerun"
    if readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0:
        return "rerun"
    if readout["sessions_high"] < 0 or readout["lift_high"] < 0:
        return "stop"
    if readout["lift_low"] < 0:
        return "rerun"
    late = readout["cells"].query("exposure_day >= 7")
    total = late.groupby("arm")[["clicks", "impressions"]].sum()
    ctr = total["clicks"] / total["impressions"]
    lasts = ctr["treatment"] / ctr["control"] >= 1.01
    return "ship" if lasts and readout["lift"] >= 0.01 else "stop"


# %% wrong="whatever the dashboard finds significant" check="decide_reads" message="The p-value by impression counts nothing"
def decide(readout):
    if readout["dashboard_p"] < 0.05:
        return "ship" if readout["lift"] > 0 else "stop"
    return "rerun"


# %% wrong="the dashboard's p after the trust checks" check="decide_reads" message="The interval by user holds 0"
def decide(readout):
    if readout["srm_p"] < 0.001 or readout["days_run"] < readout["days_planned"]:
        return "rerun"
    if readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0:
        return "rerun"
    return "ship" if readout["lift"] > 0.01 else "stop"


# %% wrong="significant by user is enough" check="decide_reads" message="the guardrail is broken"
def decide(readout):
    if readout["srm_p"] < 0.001 or readout["days_run"] < readout["days_planned"]:
        return "rerun"
    if readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0:
        return "rerun"
    return "ship" if readout["lift_low"] > 0 else "stop"


# %% wrong="any significant effect pays" check="decide_reads" message="does not pay its upkeep"
def decide(readout):
    if readout["srm_p"] < 0.001 or readout["days_run"] < readout["days_planned"]:
        return "rerun"
    if readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0:
        return "rerun"
    return "ship" if readout["lift_low"] > 0 and readout["sessions_high"] > 0 else "stop"


# %% wrong="reads the effect before the split" check="decide_reads" message="users are missing (SRM p = 1e-7)"
def decide(readout):
    if readout["days_run"] < readout["days_planned"]:
        return "rerun"
    if readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0:
        return "rerun"
    good = readout["lift_low"] > 0 and readout["lift"] >= 0.01 and readout["sessions_high"] > 0
    return "ship" if good else "stop"


# %% wrong="stops at the first significant day" check="decide_reads" message="looked at on day 6 of 14"
def decide(readout):
    polluted = readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0
    if readout["srm_p"] < 0.001 or polluted:
        return "rerun"
    good = readout["lift_low"] > 0 and readout["lift"] >= 0.01 and readout["sessions_high"] > 0
    return "ship" if good else "stop"


# %% wrong="takes robots for users" check="decide_reads" message="robots make 30 % of the clicks"
def decide(readout):
    early = readout["days_run"] < readout["days_planned"]
    if readout["srm_p"] < 0.001 or early or readout["timeout_hours"] > 0:
        return "rerun"
    good = readout["lift_low"] > 0 and readout["lift"] >= 0.01 and readout["sessions_high"] > 0
    return "ship" if good else "stop"


# %% wrong="averages the incident away" check="decide_reads" message="one arm had 24 hours of time-outs"
def decide(readout):
    early = readout["days_run"] < readout["days_planned"]
    if readout["srm_p"] < 0.001 or early or readout["robot_share"] > 0.05:
        return "rerun"
    good = readout["lift_low"] > 0 and readout["lift"] >= 0.01 and readout["sessions_high"] > 0
    return "ship" if good else "stop"


# %% wrong="SRM at five per cent" check="decide_reads" message="An SRM p-value of .02 is no alarm"
def decide(readout):
    early = readout["days_run"] < readout["days_planned"]
    polluted = readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0
    if readout["srm_p"] < 0.05 or early or polluted:
        return "rerun"
    good = readout["lift_low"] > 0 and readout["lift"] >= 0.01 and readout["sessions_high"] > 0
    return "ship" if good else "stop"


# %% wrong="novelty by calendar day" check="decide_novelty" message="new arrivals hide the decay"
def decide(readout):
    early = readout["days_run"] < readout["days_planned"]
    polluted = readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0
    if readout["srm_p"] < 0.001 or early or polluted:
        return "rerun"
    late = readout["cells"].query("calendar_day >= 7")
    total = late.groupby("arm")[["clicks", "impressions"]].sum()
    ctr = total["clicks"] / total["impressions"]
    lasts = ctr["treatment"] / ctr["control"] - 1 >= 0.01
    good = readout["lift_low"] > 0 and readout["lift"] >= 0.01 and readout["sessions_high"] > 0
    return "ship" if good and lasts else "stop"


# %% wrong="afraid of every lift that was higher at first" check="decide_novelty" message="at every age of exposure lasts"
def decide(readout):
    early = readout["days_run"] < readout["days_planned"]
    polluted = readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0
    if readout["srm_p"] < 0.001 or early or polluted:
        return "rerun"
    late = readout["cells"].query("exposure_day >= 7")
    share = late["impressions"].sum() / readout["cells"]["impressions"].sum()
    good = readout["lift_low"] > 0 and readout["lift"] >= 0.01 and readout["sessions_high"] > 0
    return "ship" if good and share > 0.1 else "stop"


# %% wrong="one answer to everything" check="decide" message="All six get 'rerun'"
def decide(readout):
    return "rerun"


# %% wrong="stops whenever in doubt" check="decide_half_year" message="your choice stop"
def decide(readout):
    late = readout["cells"].query("exposure_day >= 7").groupby("arm")[["clicks", "impressions"]]
    ctr = late.sum()["clicks"] / late.sum()["impressions"]
    doubt = readout["srm_p"] < 0.001 or readout["days_run"] < 14 or readout["timeout_hours"] > 0
    doubt = doubt or readout["robot_share"] > 0.05 or readout["sessions_high"] < 0
    if doubt or readout["lift_low"] <= 0 or readout["lift"] < 0.01:
        return "stop"
    return "ship" if ctr["treatment"] > 1.01 * ctr["control"] else "stop"


# %% wrong="runs a proven loss again" check="decide_reads" message="an interval wholly below 0: the harm is shown"
def decide(readout):
    early = readout["days_run"] < readout["days_planned"]
    polluted = readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0
    if readout["srm_p"] < 0.001 or early or polluted or readout["lift_low"] < 0:
        return "rerun"
    return "ship" if readout["lift"] >= 0.01 and readout["sessions_high"] >= 0 else "stop"


# %% wrong="stops unless the guardrail is proven quiet" check="decide_reads" message="is not wholly below 0 and so shows no harm"
def decide(readout):
    early = readout["days_run"] < readout["days_planned"]
    polluted = readout["robot_share"] > 0.05 or readout["timeout_hours"] > 0
    if readout["srm_p"] < 0.001 or early or polluted:
        return "rerun"
    if readout["sessions_low"] < -0.05 or readout["lift_low"] < 0:
        return "stop"
    return "ship" if readout["lift"] >= 0.01 else "stop"
