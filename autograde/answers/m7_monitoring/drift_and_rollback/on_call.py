"""Answers to `on_call`."""


# %% right="columns at once"
def on_call(report):
    gap = np.abs(logit(report["implied_prior"]) - logit(report["served_prior"]))
    rested, quiet = report["days_since_action"] > 3, report["feature_psi"] < 0.1
    attack = report["worst_feature"].eq("creator_score") & ~quiet
    fresh = report["last_action"] != "roll_back"
    rules = [
        report["implausible"] > 0.3,
        attack & fresh,
        quiet & (gap > 0.4),
        report["matured_auc"] < 0.78,
    ]
    chosen = np.select(
        [rules[0], rules[1], rules[2] & rested, rules[3] & rested],
        ["fix_pipeline", "roll_back", "reweight", "retrain"],
        "none",
    )
    return list(chosen)


# %% right="waits for nothing, re-weights often"
def on_call(report):
    actions = []
    for row in report.to_dict("records"):
        if row["implausible"] > 0.5:
            actions.append("fix_pipeline")
        elif row["feature_psi"] > 0.12 and row["worst_feature"] == "creator_score":
            actions.append("roll_back" if row["last_action"] != "roll_back" else "none")
        elif row["feature_psi"] < 0.2 and abs(row["implied_prior"] - row["served_prior"]) > 0.09:
            actions.append("reweight")
        elif row["matured_auc"] < 0.77 and row["days_since_action"] > 2:
            actions.append("retrain")
        else:
            actions.append("none")
    return np.array(actions)


# %% wrong="retrains on every PSI above 0.25" check="on_call_harmless" message="A page needs harm"
def on_call(report):
    return ["retrain" if psi > 0.25 else "none" for psi in report["feature_psi"]]


# %% wrong="sends the pipeline team after every shift" check="on_call_harmless" message="while `battery_level` has moved"


def on_call(report):
    actions = []
    for row in report.itertuples():
        rested = row.days_since_action > 3
        gap = abs(logit(row.implied_prior) - logit(row.served_prior))
        action = "none"
        if row.implausible > 0.3:
            action = "fix_pipeline"
        elif row.worst_feature == "creator_score" and row.feature_psi > 0.1:
            action = "none" if row.last_action == "roll_back" else "roll_back"
        elif row.feature_psi < 0.1 and gap > 0.4 and rested:
            action = "reweight"
        elif row.matured_auc < 0.77 and rested:
            action = "retrain"
        elif row.feature_psi > 0.25:
            action = "fix_pipeline"
        actions.append(action)
    return actions


# %% wrong="fixes every lost AUC with a retrained model" check="on_call_each" message="A broken feature stays broken"
def on_call(report):
    lost = (report["matured_auc"] < 0.8) & (report["days_since_action"] > 3)
    return np.where(lost, "retrain", "none").tolist()


# %% wrong="retrains in place of re-weighting" check="on_call_each" message="Under label shift you remove"


def on_call(report):
    actions = []
    for row in report.itertuples():
        rested = row.days_since_action > 3
        gap = abs(logit(row.implied_prior) - logit(row.served_prior))
        action = "none"
        if row.implausible > 0.3:
            action = "fix_pipeline"
        elif row.worst_feature == "creator_score" and row.feature_psi > 0.1:
            action = "none" if row.last_action == "roll_back" else "roll_back"
        elif row.feature_psi < 0.1 and gap > 0.4 and rested:
            action = "reweight"
        elif row.matured_auc < 0.77 and rested:
            action = "retrain"
        actions.append("retrain" if action == "reweight" else action)
    return actions


# %% wrong="looks at inputs only" check="on_call_each" message="only the matured AUC tells"


def on_call(report):
    actions = []
    for row in report.itertuples():
        rested = row.days_since_action > 3
        gap = abs(logit(row.implied_prior) - logit(row.served_prior))
        action = "none"
        if row.implausible > 0.3:
            action = "fix_pipeline"
        elif row.worst_feature == "creator_score" and row.feature_psi > 0.1:
            action = "none" if row.last_action == "roll_back" else "roll_back"
        elif row.feature_psi < 0.1 and gap > 0.4 and rested:
            action = "reweight"
        elif row.matured_auc < 0.77 and rested:
            action = "retrain"
        actions.append("none" if action == "retrain" else action)
    return actions


# %% wrong="acts without evidence" check="on_call" message="Quiet evenings, yet you act"
def on_call(report):
    weekly = report["day"] % 7 == 0
    return np.where(weekly, "retrain", "none").tolist()


# %% wrong="one action for all markets" check="on_call" message="you returned 1 actions"
def on_call(report):
    return ["fix_pipeline" if report["implausible"].max() > 0.3 else "none"]


# %% wrong="an action of its own" check="on_call" message="Not all are actions"
def on_call(report):
    return ["page" if psi > 0.25 else "sleep" for psi in report["feature_psi"]]


# %% wrong="answers each incident, and retrains again and again" check="on_call_cost" message="of what can be saved"


def on_call(report):
    actions = []
    for row in report.itertuples():
        rested = row.days_since_action > 3
        gap = abs(logit(row.implied_prior) - logit(row.served_prior))
        action = "none"
        if row.implausible > 0.3:
            action = "fix_pipeline"
        elif row.worst_feature == "creator_score" and row.feature_psi > 0.1:
            action = "none" if row.last_action == "roll_back" else "roll_back"
        elif row.feature_psi < 0.1 and gap > 0.4 and rested:
            action = "reweight"
        elif row.matured_auc < 0.77 and rested:
            action = "retrain"
        if action == "none" and row.matured_auc < 0.84 and row.feature_psi < 1:
            action = "retrain"
        actions.append(action)
    return actions
