"""Answers to `average_precision_at`."""


# %% right="precision from recall, false alarms and prevalence"
def average_precision_at(clicked, scores, prevalence):
    ordered = np.asarray(clicked)[np.argsort(-np.asarray(scores), kind="stable")]
    recall = np.cumsum(ordered) / ordered.sum()
    false_alarms = np.cumsum(1 - ordered) / (1 - ordered).sum()
    hits = prevalence * recall
    precision = hits / (hits + (1 - prevalence) * false_alarms)
    return float(np.sum(precision * np.diff(recall, prepend=0)))


# %% right="one weight, for the negatives"
def average_precision_at(clicked, scores, prevalence):
    clicked = np.asarray(clicked)
    share = np.mean(clicked)
    odds_ratio = (share / (1 - share)) / (prevalence / (1 - prevalence))
    weights = np.where(clicked == 1, 1.0, odds_ratio)
    return average_precision_score(clicked, scores, sample_weight=weights)


# %% right="weights from class counts, in a frame"
def average_precision_at(clicked, scores, prevalence):
    rows = pd.DataFrame({"clicked": clicked, "score": scores})
    target = {1: prevalence, 0: 1 - prevalence}
    size = rows.groupby("clicked")["score"].transform("size")
    weights = rows["clicked"].map(target) / size
    return average_precision_score(rows["clicked"], rows["score"], sample_weight=weights)


# %% wrong="average precision of the balanced test set" check="average_precision_at_true_rate" message="is the average precision of the sample"
def average_precision_at(clicked, scores, prevalence):
    return average_precision_score(clicked, scores)


# %% wrong="scales the value by the ratio of prevalences" check="average_precision_at_true_rate" message="not proportional to prevalence"
def average_precision_at(clicked, scores, prevalence):
    return average_precision_score(clicked, scores) * prevalence / np.mean(clicked)


# %% wrong="swaps the weights of the classes" check="average_precision_at_true_rate" message="weights are swapped"
def average_precision_at(clicked, scores, prevalence):
    weights = np.where(np.asarray(clicked) == 1, 1 - prevalence, prevalence)
    return average_precision_score(clicked, scores, sample_weight=weights)


# %% wrong="weighs the clicks only" check="average_precision_at_true_rate" message="only the clicks are weighted"
def average_precision_at(clicked, scores, prevalence):
    weights = np.where(np.asarray(clicked) == 1, prevalence / np.mean(clicked), 1.0)
    return average_precision_score(clicked, scores, sample_weight=weights)


# %% wrong="takes the sample to be balanced" check="average_precision_at_true_rate" message="not 50 %"
def average_precision_at(clicked, scores, prevalence):
    weights = np.where(np.asarray(clicked) == 1, prevalence, 1 - prevalence)
    return average_precision_score(clicked, scores, sample_weight=weights)


# %% wrong="takes the area under straight lines" check="average_precision_at_true_rate" message="area under straight lines"
def average_precision_at(clicked, scores, prevalence):
    from sklearn.metrics import auc, precision_recall_curve

    clicked = np.asarray(clicked)
    share = np.mean(clicked)
    weights = np.where(clicked == 1, prevalence / share, (1 - prevalence) / (1 - share))
    precision, recall, _ = precision_recall_curve(clicked, scores, sample_weight=weights)
    return auc(recall, precision)


# %% wrong="averages the precision of the first half of the ranking" check="average_precision_at_true_rate" message="recall and false alarms imply"
def average_precision_at(clicked, scores, prevalence):
    ordered = np.asarray(clicked)[np.argsort(-np.asarray(scores), kind="stable")]
    recall = np.cumsum(ordered) / ordered.sum()
    false_alarms = np.cumsum(1 - ordered) / (1 - ordered).sum()
    hits = prevalence * recall
    precision = hits / (hits + (1 - prevalence) * false_alarms)
    return float(precision[: len(precision) // 2].mean())
