"""ROC, precision-recall and calibration curves and the confusion matrix, drawn for the page."""

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from headgate.adapters.reporting import svg, wording
from headgate.adapters.reporting.records import Json

WIDTH, HEIGHT = 360.0, 330.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 350.0, 10.0, 284.0
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
X = svg.Scale(0.0, 1.0, LEFT, RIGHT)
Y = svg.Scale(0.0, 1.0, BOTTOM, TOP)
CELLS_LEFT, CELLS_TOP, CELL_WIDTH, CELL_HEIGHT = 62.0, 46.0, 142.0, 120.0
DARKEST = 0.42  # opacity of a full cell: text on top stays readable in both themes


def roc_chart(evaluation: Json) -> Markup:
    """Draw the ROC curve; the dashed diagonal is a model that guesses."""
    curve = evaluation["roc"]
    points = _points(curve["false_positive_rate"], curve["true_positive_rate"])
    note = f"AUC {wording.interval_of(evaluation['metrics'].get('roc_auc'))}"
    parts = [
        *_axes("False positive rate", "True positive rate"),
        svg.area(points, BOTTOM, "under"),
        svg.line(LEFT, BOTTOM, RIGHT, TOP, "reference"),
        svg.polyline(points, "curve"),
        svg.text(RIGHT - 8, BOTTOM - 12, note, css="note", anchor="end"),
    ]
    return svg.picture(WIDTH, HEIGHT, parts, label=f"ROC curve, {note}")


def pr_chart(evaluation: Json) -> Markup:
    """Draw the precision-recall curve; the dashed line is the share of positives."""
    curve = evaluation["pr"]
    points = _points(curve["recall"], curve["precision"])
    share = evaluation["positives"] / evaluation["rows"]
    note = f"AUC {wording.interval_of(evaluation['metrics'].get('pr_auc'))}"
    parts = [
        *_axes("Recall", "Precision"),
        svg.area(points, BOTTOM, "under"),
        svg.line(LEFT, Y(share), RIGHT, Y(share), "reference"),
        svg.text(LEFT + 8, Y(share) - 7, f"share of positives {share:.2f}", css="tick"),
        svg.polyline(points, "curve"),
        svg.text(LEFT + 8, BOTTOM - 12, note, css="note"),
    ]
    return svg.picture(WIDTH, HEIGHT, parts, label=f"Precision-recall curve, {note}")


def calibration_chart(evaluation: Json) -> Markup:
    """Draw observed against predicted shares, with intervals and the rows per bin below."""
    bins = [b for b in evaluation["calibration"]["bins"] if b["observed"]["value"] is not None]
    error = evaluation["calibration"]["expected_calibration_error"]
    note = f"expected calibration error {wording.number(error)}"
    most = max((b["count"] for b in bins), default=1)
    parts = [*_axes("Mean predicted probability", "Observed share of positives")]
    for b in bins:
        # Square root: the first bin holds most rows and would hide all others.
        height = 44 * math.sqrt(b["count"] / most)
        parts.append(svg.box(X(b["mean_predicted"]) - 7, BOTTOM - height, 14, height, "count"))
    parts.append(svg.line(LEFT, BOTTOM, RIGHT, TOP, "reference"))
    parts.append(svg.polyline(_points(*_columns(bins)), "curve thin") if bins else Markup(""))
    for b in bins:
        x, seen = X(b["mean_predicted"]), b["observed"]
        title = (
            f"predicted {b['mean_predicted']:.2f}: {wording.interval_of(seen)}, {b['count']} rows"
        )
        if seen["low"] is not None and seen["high"] is not None:
            parts.append(svg.line(x, Y(seen["low"]), x, Y(seen["high"]), "whisker"))
        parts.append(svg.dot(x, Y(seen["value"]), 4, "point", title=title))
    parts.append(svg.text(LEFT + 8, TOP + 16, note, css="note"))
    return svg.picture(WIDTH, HEIGHT, parts, label=f"Calibration by {len(bins)} bins, {note}")


def confusion_chart(evaluation: Json) -> Markup:
    """Draw the confusion matrix; the shade of a cell is its share of the row's class."""
    labels, counts = evaluation["confusion"]["labels"], evaluation["confusion"]["counts"]
    parts = [
        svg.text(CELLS_LEFT + CELL_WIDTH, 14, "Predicted", css="axis", anchor="middle"),
        _turned(16, CELLS_TOP + CELL_HEIGHT, "Actual", css="axis"),
    ]
    spoken = []
    for i, row in enumerate(counts):
        middle = CELLS_TOP + (i + 0.5) * CELL_HEIGHT
        centre = CELLS_LEFT + (i + 0.5) * CELL_WIDTH
        parts.append(_turned(46, middle, _short(labels[i]), css="tick strong"))
        parts.append(svg.text(centre, 36, _short(labels[i]), css="tick strong", anchor="middle"))
        for j, cell in enumerate(row):
            share = cell / sum(row) if sum(row) else 0.0
            parts += _cell(cell, share, row=i, column=j)
            spoken.append(f"actual {labels[i]} predicted {labels[j]}: {cell}")
    return svg.picture(WIDTH, 296, parts, label="Confusion matrix; " + "; ".join(spoken))


def _cell(rows: int, share: float, *, row: int, column: int) -> list[Markup]:
    x, y = CELLS_LEFT + column * CELL_WIDTH, CELLS_TOP + row * CELL_HEIGHT
    width, height = CELL_WIDTH - 4, CELL_HEIGHT - 4
    shade = svg.box(x, y, width, height, "cell right" if row == column else "cell wrong")
    centre, middle = x + width / 2, y + height / 2
    return [
        svg.tag("g", shade, opacity=f"{0.05 + (DARKEST - 0.05) * share:.2f}"),
        svg.text(centre, middle, wording.count(rows), css="cell-count", anchor="middle"),
        svg.text(centre, middle + 20, wording.percent(share), css="tick", anchor="middle"),
    ]


def _turned(x: float, y: float, words: str, *, css: str) -> Markup:
    turn = f"translate({x:g} {y:g}) rotate(-90)"
    return svg.tag("text", words, x=0, y=0, class_=css, text_anchor="middle", transform=turn)


def _columns(bins: Iterable[Json]) -> tuple[list[float], list[float]]:
    bins = list(bins)
    return [b["mean_predicted"] for b in bins], [b["observed"]["value"] for b in bins]


def _points(xs: Sequence[float], ys: Sequence[float]) -> list[svg.Point]:
    return [(X(x), Y(y)) for x, y in zip(xs, ys, strict=True)]


def _short(label: object) -> str:
    text = str(label)
    return text if len(text) <= 14 else text[:13] + "…"


def _axes(x_label: str, y_label: str) -> list[Markup]:
    parts = []
    for value in TICKS:
        parts.append(svg.line(LEFT, Y(value), RIGHT, Y(value), "grid"))
        parts.append(svg.text(LEFT - 8, Y(value) + 4, f"{value:g}", css="tick", anchor="end"))
        anchor = {0.0: "start", 1.0: "end"}.get(value, "middle")
        parts.append(svg.text(X(value), BOTTOM + 18, f"{value:g}", css="tick", anchor=anchor))
    parts.append(svg.text((LEFT + RIGHT) / 2, HEIGHT - 6, x_label, css="axis", anchor="middle"))
    parts.append(_turned(12, (TOP + BOTTOM) / 2, y_label, css="axis"))
    return parts
