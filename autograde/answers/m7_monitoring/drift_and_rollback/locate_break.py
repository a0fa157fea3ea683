"""Answers to `locate_break`."""


# %% right="a change point per feature by least squares"
def locate_break(means, inputs, quiet_days):
    best = None
    for name in means.columns:
        if name in inputs:
            continue
        series, day_of_week = means[name], means.index % 7
        usual = series[:quiet_days].groupby(day_of_week[:quiet_days]).mean()
        left = (series - usual.loc[day_of_week].to_numpy()).to_numpy()
        left = left / left[:quiet_days].std()
        for start in range(quiet_days, len(left) - 2):
            gain = len(left[start:]) * left[start:].mean() ** 2
            if best is None or gain > best[0]:
                best = gain, name, start
    return best[1], best[2]


# %% right="the same weekday one week before"
def locate_break(means, inputs, quiet_days):
    raw = means.drop(columns=list(inputs))
    week = raw.diff(7)
    noise = week.iloc[7:quiet_days].std()
    loud = (week.iloc[quiet_days:].abs() / noise).max()
    name = loud.idxmax()
    jump = week[name].abs() / noise[name]
    start = jump.index[(jump > loud[name] / 2) & (jump.index >= quiet_days)][0]
    return name, start


# %% right="a weekday table by pivot, rows walked from the end"
def locate_break(means, inputs, quiet_days):
    scores = {}
    for name in set(means.columns) - set(inputs):
        values = means[name].to_numpy()
        weeks = values[:quiet_days].reshape(-1, 7)
        left = values - np.resize(weeks.mean(axis=0), len(values))
        z = np.abs(left) / (weeks - weeks.mean(axis=0)).std()
        day = len(z)
        while z[day - 1] > 7:
            day -= 1
        scores[name] = (z[-5:].min(), day)
    name = max(scores, key=scores.get)
    return [name, scores[name][1]]


# %% wrong="the loudest feature, computed or not" check="locate_break_root" message="but it is computed from"
def locate_break(means, inputs, quiet_days):
    weekday = means.index % 7
    usual = means.iloc[:quiet_days].groupby(weekday[:quiet_days]).mean()
    left = np.abs(means.to_numpy() - usual.loc[weekday].to_numpy())
    column = left[-3:].mean(axis=0).argmax()
    bad = left[:, column] > left[-3:, column].mean() / 2
    return means.columns[column], int(np.flatnonzero(~bad)[-1] + 1)


# %% wrong="compared with the day before" check="locate_break_root" message="only has a weekly cycle"
def locate_break(means, inputs, quiet_days):
    raw = means.drop(columns=list(inputs))
    jump = raw.diff().abs().iloc[quiet_days:]
    name = jump.max().idxmax()
    return name, int(jump[name].idxmax())


# %% wrong="the right feature, from the first quiet day on" check="locate_break_day" message="the first after the quiet days"
def locate_break(means, inputs, quiet_days):
    raw = means.drop(columns=list(inputs))
    week = raw.diff(7).abs()
    name = (week.iloc[quiet_days:].max() / week.iloc[7:quiet_days].std()).idxmax()
    return name, quiet_days


# %% wrong="names the day on which seven bad days are in" check="locate_break_day" message="days late"
def locate_break(means, inputs, quiet_days):
    raw = means.drop(columns=list(inputs))
    week = raw.diff(7)
    noise = week.iloc[7:quiet_days].std()
    name = (week.iloc[quiet_days:].abs() / noise).max().idxmax()
    jump = (week[name].abs() / noise[name]).iloc[quiet_days:]
    return name, min(int(jump[jump > jump.max() / 2].index[-1]), len(means) - 1)


# %% wrong="subtracts four days for the detection's delay" check="locate_break_day" message="was still fine"
def locate_break(means, inputs, quiet_days):
    raw = means.drop(columns=list(inputs))
    week = raw.diff(7)
    noise = week.iloc[7:quiet_days].std()
    name = (week.iloc[quiet_days:].abs() / noise).max().idxmax()
    jump = (week[name].abs() / noise[name]).iloc[quiet_days:]
    return name, max(quiet_days + 2, int(jump[jump > jump.max() / 2].index[0]) - 4)


# %% wrong="alarms at the first value beyond two sigma" check="locate_break_root" message="you named `"
def locate_break(means, inputs, quiet_days):
    raw = means.drop(columns=list(inputs))
    weekday = raw.index % 7
    usual = raw.iloc[:quiet_days].groupby(weekday[:quiet_days]).mean()
    left = np.abs(raw.to_numpy() - usual.loc[weekday].to_numpy())
    z = (left / left[:quiet_days].std(axis=0))[quiet_days:]
    day = int(np.flatnonzero((z > 2).any(axis=1))[0])
    return raw.columns[int((z[day] > 2).argmax())], quiet_days + day
