"""PNG figures of an evaluation report, for a model registry.

The HTML report draws its own SVG, which follows the reader's theme; a registry shows plain images.
"""

import io
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headgate.adapters.reporting import wording
from headgate.adapters.reporting.records import Json

INK, MUTED, ACCENT, WRONG = "#17212b", "#546270", "#0a6b8a", "#b3261e"
SIDE_INCHES = 4.8
DOTS_PER_INCH = 144
DARKEST = 0.42  # opacity of a full cell: the number on it stays readable
SOFT = 0.1


def evaluation_figures(evaluation: Json) -> dict[str, bytes]:
    """Draw every figure that an evaluation report has numbers for.

    Args:
        evaluation: Report of `evaluate_model`.

    Returns:
        PNG files by file name.
    """
    return {
        "confusion_matrix.png": confusion_figure(evaluation),
        "roc_curve.png": roc_figure(evaluation),
        "precision_recall_curve.png": pr_figure(evaluation),
        "calibration.png": calibration_figure(evaluation),
    }


def confusion_figure(evaluation: Json) -> bytes:
    """Draw the confusion matrix; the shade of a cell is its share of the actual class.

    Args:
        evaluation: Report of `evaluate_model`.

    Returns:
        A PNG file.
    """

    def draw(axes: Axes) -> None:
        labels = [_literal(label) for label in evaluation["confusion"]["labels"]]
        for i, row in enumerate(evaluation["confusion"]["counts"]):
            for j, cell in enumerate(row):
                share = cell / sum(row) if sum(row) else 0.0
                colour = ACCENT if i == j else WRONG
                opacity = 0.04 + (DARKEST - 0.04) * share
                axes.fill_between(
                    [j - 0.48, j + 0.48],
                    i - 0.48,
                    i + 0.48,
                    color=colour,
                    alpha=opacity,
                    linewidth=0,
                )
                axes.text(
                    j, i - 0.04, wording.count(cell), ha="center", va="center", size=15, color=INK
                )
                axes.text(
                    j,
                    i + 0.17,
                    wording.percent(share),
                    ha="center",
                    va="center",
                    size=9,
                    color=MUTED,
                )
        axes.set_xticks([0, 1], labels)
        axes.set_yticks([0, 1], labels, rotation=90, va="center")
        axes.set_xlim(-0.5, 1.5)
        axes.set_ylim(1.5, -0.5)
        axes.set_xlabel("Predicted")
        axes.set_ylabel("Actual")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    return _png(draw, title="Confusion matrix")


def roc_figure(evaluation: Json) -> bytes:
    """Draw the ROC curve with its area.

    Args:
        evaluation: Report of `evaluate_model`.

    Returns:
        A PNG file.
    """

    def draw(axes: Axes) -> None:
        curve = evaluation["roc"]
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1)
        axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=ACCENT)
        axes.fill_between(
            curve["false_positive_rate"], curve["true_positive_rate"], color=ACCENT, alpha=SOFT
        )
        _unit_axes(axes, "False positive rate", "True positive rate")
        _note(axes, f"AUC {wording.interval_of(evaluation['metrics'].get('roc_auc'))}")

    return _png(draw, title="ROC curve")


def pr_figure(evaluation: Json) -> bytes:
    """Draw the precision-recall curve with its area and the share of positives.

    Args:
        evaluation: Report of `evaluate_model`.

    Returns:
        A PNG file.
    """

    def draw(axes: Axes) -> None:
        curve = evaluation["pr"]
        share = evaluation["positives"] / evaluation["rows"]
        axes.axhline(share, color=MUTED, linestyle="--", linewidth=1)
        axes.plot(curve["recall"], curve["precision"], color=ACCENT)
        axes.fill_between(curve["recall"], curve["precision"], color=ACCENT, alpha=SOFT)
        _unit_axes(axes, "Recall", "Precision")
        _note(axes, f"AUC {wording.interval_of(evaluation['metrics'].get('pr_auc'))}")

    return _png(draw, title="Precision and recall")


def calibration_figure(evaluation: Json) -> bytes:
    """Draw observed shares against predicted probabilities, with intervals.

    Args:
        evaluation: Report of `evaluate_model`.

    Returns:
        A PNG file.
    """

    def draw(axes: Axes) -> None:
        calibration = evaluation["calibration"]
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1)
        for b in calibration["bins"]:
            x, seen = b["mean_predicted"], b["observed"]
            if seen["low"] is not None and seen["high"] is not None:
                axes.plot([x, x], [seen["low"], seen["high"]], color=ACCENT, linewidth=1.5)
            if seen["value"] is not None:
                axes.plot([x], [seen["value"]], color=ACCENT, marker="o", markersize=5)
        _unit_axes(axes, "Mean predicted probability", "Observed share of positives")
        error = wording.number(calibration["expected_calibration_error"])
        _note(axes, f"expected calibration error {error}")

    return _png(draw, title="Calibration")


def _png(draw: Callable[[Axes], None], *, title: str) -> bytes:
    # No pyplot: it keeps every figure alive and picks a window system.
    figure = Figure(figsize=(SIDE_INCHES, SIDE_INCHES), dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    axes.grid(visible=True, color="#e6ebf0", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=9, length=0)
    axes.spines[:].set_color("#dde3e9")
    axes.set_title(title, loc="left", color=INK, fontsize=12)
    draw(axes)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)
    file = io.BytesIO()
    # Without the version of matplotlib inside, equal reports give equal files.
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _unit_axes(axes: Axes, x_label: str, y_label: str) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel=x_label, ylabel=y_label, aspect="equal")


def _note(axes: Axes, text: str) -> None:
    axes.text(0.97, 0.04, text, transform=axes.transAxes, ha="right", color=INK, fontsize=10)


def _literal(label: object) -> str:
    # matplotlib reads text between two dollar signs as a formula.
    return str(label).replace("$", r"\$")
