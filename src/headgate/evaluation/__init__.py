"""How good a model is: measurements with intervals, never verdicts."""

from headgate.evaluation.answers import Answers, Confusion, read_answers
from headgate.evaluation.calibration import Calibration, CalibrationBin, calibration
from headgate.evaluation.classification import classification_metrics, per_class
from headgate.evaluation.comparison import Reference, compare
from headgate.evaluation.curves import PrCurve, RocCurve, pr_curve, roc_curve
from headgate.evaluation.evaluate import evaluate
from headgate.evaluation.latency import Latency, latency, quantile_interval
from headgate.evaluation.parity import Parity, ParityVerdict, judge_parity, measure_parity
from headgate.evaluation.slices import slice_metrics

__all__ = [
    "Answers",
    "Calibration",
    "CalibrationBin",
    "Confusion",
    "Latency",
    "Parity",
    "ParityVerdict",
    "PrCurve",
    "Reference",
    "RocCurve",
    "calibration",
    "classification_metrics",
    "compare",
    "evaluate",
    "judge_parity",
    "latency",
    "measure_parity",
    "per_class",
    "pr_curve",
    "quantile_interval",
    "read_answers",
    "roc_curve",
    "slice_metrics",
]
