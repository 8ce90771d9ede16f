import io

import pytest
from matplotlib import image

from headgate.adapters.reporting import figures

NAMES = ["confusion_matrix.png", "roc_curve.png", "precision_recall_curve.png", "calibration.png"]


def pixels(png):
    return image.imread(io.BytesIO(png), format="png")


def test_every_figure_is_a_png_of_the_same_size(acts):
    drawn = figures.evaluation_figures(acts["act-2"]["evaluation"])
    assert list(drawn) == NAMES
    assert {pixels(png).shape[:2] for png in drawn.values()} == {(691, 691)}


@pytest.mark.parametrize(
    "draw",
    [
        figures.confusion_figure,
        figures.roc_figure,
        figures.pr_figure,
        figures.calibration_figure,
    ],
)
def test_equal_reports_give_equal_files_and_other_reports_give_others(acts, draw):
    first = draw(acts["act-2"]["evaluation"])
    assert draw(acts["act-2"]["evaluation"]) == first
    assert draw(acts["act-1"]["evaluation"]) != first


def test_class_names_with_dollar_signs_are_not_read_as_formulas(acts):
    evaluation = acts["act-2"]["evaluation"]
    evaluation["confusion"] = {"labels": ["<=$50K$", r"$\frac$"], "counts": [[1, 0], [0, 0]]}
    assert pixels(figures.confusion_figure(evaluation)).shape[2] == 4


def test_bins_without_rows_or_without_interval_are_drawn_as_far_as_they_go(acts):
    bins = acts["act-2"]["evaluation"]["calibration"]["bins"]
    bins[0]["observed"] |= {"value": None, "low": None, "high": None}
    bins[1]["observed"] |= {"low": None, "high": None}
    assert figures.calibration_figure(acts["act-2"]["evaluation"])
