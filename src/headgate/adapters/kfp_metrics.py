"""Show an evaluation in the pipeline's user interface: scalars, confusion matrix, ROC curve."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class MetricsArtifact(Protocol):
    """What `kfp.dsl.Metrics` offers."""

    def log_metric(self, metric: str, value: float) -> None:
        """Keep one number."""
        ...


class ClassificationArtifact(Protocol):
    """What `kfp.dsl.ClassificationMetrics` offers."""

    def log_confusion_matrix(self, categories: list[str], matrix: list[list[int]]) -> None:
        """Keep a confusion matrix, rows by label."""
        ...

    def log_roc_curve(self, fpr: list[float], tpr: list[float], threshold: list[float]) -> None:
        """Keep the points of a ROC curve."""
        ...


def log_classification(
    report: Mapping[str, Any], *, metrics: MetricsArtifact, pictures: ClassificationArtifact
) -> None:
    """Log an evaluation report.

    Args:
        report: From `headgate.evaluation.evaluate`; undefined metrics are left out.
        metrics: Receives each metric with the ends of its interval (`roc_auc`, `roc_auc_low`, ...).
        pictures: Receives the confusion matrix and, where there is one, the ROC curve.
    """
    for name, interval in report["metrics"].items():
        for suffix, key in (("", "value"), ("_low", "low"), ("_high", "high")):
            if interval[key] is not None:
                metrics.log_metric(f"{name}{suffix}", interval[key])
    pictures.log_confusion_matrix(report["confusion"]["labels"], report["confusion"]["counts"])
    roc: Mapping[str, Sequence[float]] = report["roc"]
    if roc["threshold"]:
        pictures.log_roc_curve(
            fpr=list(roc["false_positive_rate"]),
            tpr=list(roc["true_positive_rate"]),
            threshold=list(roc["threshold"]),
        )
