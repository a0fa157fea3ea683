"""What the chapter on monitoring says in numbers."""

WORDS = (1500, 2500)
CLAIMS = [
    ("awake for {52} % of the loss", "share of the loss that paged", 100),
    ("At 100 rows, {78} % of", "above 0.1 at 100 rows", 100),
    ("99th percentile is {.012}, and", "99th percentile at 3200 rows", 1),
    ("reference of 6,000: {.019}", "law, one alarm a month, 6 features, 1500 and 6000 rows", 1),
    ("each give {5} false alarms", "false alarms a day, 100 features", 1),
    ("on call costs {334} thousand", "thousand euros, nobody on call", 1),
    ("so retrain' costs {667}", "thousand euros, retrain on PSI", 1),
    ("when AUC falls costs {418}", "thousand euros, retrain on AUC", 1),
    ("fix on PSI {269}", "thousand euros, fix on PSI", 1),
    ("of evidence costs {165}", "thousand euros, by kind of evidence", 1),
    ("{88} % of what somebody", "saved by evidence", 100),
    ("all-knowing ({142})", "thousand euros, all-knowing", 1),
    ("200 €: {7.7} days", "best cadence", 1),
    ("anything between {5.7} and", "shortest tolerable", 1),
    ("5.7 and {10.6} is within", "longest tolerable", 1),
    ("rounds {17} items have", "shown, greedy", 1),
    ("mean quality is {.28}", "quality, greedy", 1),
    ("would give {.49}", "quality, best", 1),
    ("at random, {195} were shown", "shown, exploring", 1),
    ("quality is {.42}, exploration", "quality, exploring", 1),
    ("leaves {43.2} minutes", "minutes of budget", 1),
    ("the mean is {0.17};", "mean PSI at 100 rows", 1),
]
