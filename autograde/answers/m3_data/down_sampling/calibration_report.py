"""Answers to `calibration_report`."""


# %% right="loops and lists"
def calibration_report(predictions, clicked):
    rows = []
    for design in predictions.columns:
        p = predictions[design].to_numpy()
        cut = np.quantile(p, 0.9)
        overall = p.mean() / np.mean(clicked)
        top = p[p >= cut].mean() / np.asarray(clicked)[p >= cut].mean()
        verdict = 0.9 <= overall <= 1.1 and 0.9 <= top <= 1.1
        rows.append([overall, top, verdict])
    columns = ["overall", "top_tenth", "calibrated"]
    return pd.DataFrame(rows, index=predictions.columns, columns=columns)


# %% right="masked frames, sums of clicks"
def calibration_report(predictions, clicked):
    clicks = pd.Series(clicked, index=predictions.index)
    top = predictions >= predictions.quantile(0.9)
    expected_top = predictions.where(top).sum()
    counted_top = top.mul(clicks, axis=0).sum()
    report = pd.DataFrame(
        {
            "top_tenth": expected_top / counted_top,
            "overall": predictions.sum() / clicks.sum(),
        }
    )
    report["calibrated"] = (report - 1).abs().max(axis=1) <= 0.1
    return report


# %% wrong="observed over expected" check="calibration_report_verdicts" message="upside down"
def calibration_report(predictions, clicked):
    clicked, report = np.asarray(clicked), {}
    for design, p in predictions.items():
        top = (p >= p.quantile(0.9)).to_numpy()
        ratios = clicked.mean() / p.mean(), clicked[top].mean() / p[top].mean()
        verdict = all(0.9 <= ratio <= 1.1 for ratio in ratios)
        report[design] = {"overall": ratios[0], "top_tenth": ratios[1], "calibrated": verdict}
    return pd.DataFrame.from_dict(report, orient="index")


# %% wrong="believes that class_weight keeps a model calibrated" check="calibration_report_verdicts" message="The class-weighted design predicts"
def calibration_report(predictions, clicked):
    clicked, report = np.asarray(clicked), {}
    for design, p in predictions.items():
        top = (p >= p.quantile(0.9)).to_numpy()
        ratios = p.mean() / clicked.mean(), p[top].mean() / clicked[top].mean()
        verdict = design == "class_weight" or all(0.9 <= ratio <= 1.1 for ratio in ratios)
        report[design] = {"overall": ratios[0], "top_tenth": ratios[1], "calibrated": verdict}
    return pd.DataFrame.from_dict(report, orient="index")


# %% wrong="flags over-prediction only" check="calibration_report_verdicts" message="ranks perfectly"
def calibration_report(predictions, clicked):
    clicked, report = np.asarray(clicked), {}
    for design, p in predictions.items():
        top = (p >= p.quantile(0.9)).to_numpy()
        ratios = p.mean() / clicked.mean(), p[top].mean() / clicked[top].mean()
        verdict = max(ratios) <= 1.1
        report[design] = {"overall": ratios[0], "top_tenth": ratios[1], "calibrated": verdict}
    return pd.DataFrame.from_dict(report, orient="index")


# %% wrong="judges by the overall ratio alone" check="calibration_report_verdicts" message="Its errors cancel overall"
def calibration_report(predictions, clicked):
    clicked, report = np.asarray(clicked), {}
    for design, p in predictions.items():
        top = (p >= p.quantile(0.9)).to_numpy()
        ratios = p.mean() / clicked.mean(), p[top].mean() / clicked[top].mean()
        verdict = 0.9 <= ratios[0] <= 1.1
        report[design] = {"overall": ratios[0], "top_tenth": ratios[1], "calibrated": verdict}
    return pd.DataFrame.from_dict(report, orient="index")


# %% wrong="compares the top tenth with everyone's click rate" check="calibration_report_verdicts" message="were not found to be calibrated"
def calibration_report(predictions, clicked):
    clicked, report = np.asarray(clicked), {}
    for design, p in predictions.items():
        ratios = p.mean() / clicked.mean(), p[p >= p.quantile(0.9)].mean() / clicked.mean()
        verdict = all(0.9 <= ratio <= 1.1 for ratio in ratios)
        report[design] = {"overall": ratios[0], "top_tenth": ratios[1], "calibrated": verdict}
    return pd.DataFrame.from_dict(report, orient="index")


# %% wrong="takes the difference instead of the ratio" check="calibration_report" message="A ratio of two rates is positive"
def calibration_report(predictions, clicked):
    clicked, report = np.asarray(clicked), {}
    for design, p in predictions.items():
        top = (p >= p.quantile(0.9)).to_numpy()
        gaps = clicked.mean() - p.mean(), clicked[top].mean() - p[top].mean()
        verdict = all(abs(gap) <= 0.1 for gap in gaps)
        report[design] = {"overall": gaps[0], "top_tenth": gaps[1], "calibrated": verdict}
    return pd.DataFrame.from_dict(report, orient="index")
