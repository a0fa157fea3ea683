"""Answers to `is_ml_worth_it`."""


# %% right="a loop, euros per year"
def is_ml_worth_it(options, spec):
    uploads = spec["daily_users"] * spec["uploads_per_user"] * 365
    precision, cost = {}, {}
    for row in options.itertuples():
        flagged_harmful = row.caught * spec["prevalence"]
        flagged_fine = row.false_alarms * (1 - spec["prevalence"])
        flagged = flagged_harmful + flagged_fine
        precision[row.Index] = flagged_harmful / flagged if flagged else None
        missed = spec["prevalence"] - flagged_harmful
        errors = missed * spec["harmful_euros"] + flagged_fine * spec["blocked_euros"]
        cost[row.Index] = uploads * errors + 365 * row.fixed_euros_per_day
    return {"precision": precision, "choice": min(cost, key=cost.get)}


# %% right="value against doing nothing, odds for the precision"
def is_ml_worth_it(options, spec):
    odds = spec["prevalence"] / (1 - spec["prevalence"])
    odds_flagged = odds * options["caught"] / options["false_alarms"].replace(0, np.nan)
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    prevented = uploads * spec["prevalence"] * options["caught"] * spec["harmful_euros"]
    angered = uploads * (1 - spec["prevalence"]) * options["false_alarms"] * spec["blocked_euros"]
    value = prevented - angered - options["fixed_euros_per_day"]
    return {"precision": odds_flagged / (1 + odds_flagged), "choice": str(value.idxmax())}


# %% wrong="precision of the balanced test set" check="is_ml_worth_it" message="is the precision on a balanced test set"
def is_ml_worth_it(options, spec):
    return {"precision": options["balanced_precision"].to_dict(), "choice": options.index[0]}


# %% wrong="harmless uploads counted as all uploads twice over" check="is_ml_worth_it" message="of the flagged are harmful, not"
def is_ml_worth_it(options, spec):
    odds = spec["prevalence"] * options["balanced_precision"]
    return {"precision": odds.to_dict(), "choice": options.index[0]}


# %% wrong="an option that is not offered" check="is_ml_worth_it" message="is none of the options"
def is_ml_worth_it(options, spec):
    return {"precision": {"rules": 0.5}, "choice": "ml"}


# %% wrong="the highest accuracy" check="is_ml_worth_it_choice" message="has the highest accuracy"
def is_ml_worth_it(options, spec):
    return {"precision": {}, "choice": options["balanced_accuracy"].idxmax()}


# %% wrong="leaves the fixed cost out" check="is_ml_worth_it_choice" message="don't pay for its fixed cost"
def is_ml_worth_it(options, spec):
    uploads = spec["daily_users"] * spec["uploads_per_user"]
    harmful = uploads * spec["prevalence"]
    errors = (1 - options["caught"]) * harmful * spec["harmful_euros"]
    errors += options["false_alarms"] * (uploads - harmful) * spec["blocked_euros"]
    return {"precision": {}, "choice": errors.idxmin()}


# %% wrong="the rules, since they always come first" check="is_ml_worth_it_choice" message="is not the cheapest"
def is_ml_worth_it(options, spec):
    flagging = options[options["caught"] > 0]
    return {"precision": {}, "choice": flagging["fixed_euros_per_day"].idxmin()}
