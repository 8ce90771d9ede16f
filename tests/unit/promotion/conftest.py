import copy
from collections.abc import Callable
from typing import Any

import pytest

from headgate.problem import Gates
from headgate.promotion import PromotionDecision, decide

Reports = dict[str, dict[str, Any]]


def _interval(value: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    found = {"value": value, "low": low, "high": high, "method": "by hand"}
    return found if value is not None else {**found, "reason": "it is undefined"}


def _group(name: str, positives: int, negatives: int) -> dict[str, Any]:
    return {
        "group": name,
        "rows": positives + negatives,
        "positives": positives,
        "negatives": negatives,
    }


REPORTS: Reports = {
    "validation": {"verdict": "PASS", "reason": "9 checks passed"},
    "training": {
        "best": "lightgbm",
        "metric": "roc_auc",
        "folds": 5,
        "rows": 3000,
        "leaderboard": [
            {"family": "majority_class", "mean": 0.5},
            {"family": "lightgbm", "mean": 0.92},
        ],
    },
    "evaluation": {
        "rows": 1000,
        "metrics": {
            "accuracy": _interval(0.87, 0.86, 0.88),
            "precision": _interval(None, None, None),
            "roc_auc": _interval(0.92, 0.91, 0.93),
        },
        "calibration": {"expected_calibration_error": 0.01},
        "comparison": {
            "reference_version": "3",
            "reference": "champion 3",
            "rows": 1000,
            "accuracy_gain": _interval(0.02, 0.01, 0.03),
        },
    },
    "fairness": {
        "columns": [
            {
                "column": "gender",
                "min_rows": 100,
                "groups": [_group("f", 120, 280), _group("m", 250, 340), _group("x", 3, 7)],
                "demographic_parity_difference": _interval(0.2, 0.15, 0.25),
                "demographic_parity_ratio": _interval(0.4, 0.3, 0.5),
                "equalized_odds_difference": _interval(0.1, 0.05, 0.15),
                "equalized_odds_ratio": _interval(0.8, 0.7, 0.9),
            }
        ]
    },
    "split": {"verdict": "PASS", "reason": "sizes are off by at most 0.001"},
    "export": {
        "rows": 1000,
        "max_probability_difference": 3e-7,
        "latency_ms": {"p95": _interval(0.5, 0.4, 0.6), "requests": 2000},
        "parity": {"verdict": "PASS", "reason": "largest difference 3e-07"},
    },
}


@pytest.fixture
def reports() -> Reports:
    return copy.deepcopy(REPORTS)


@pytest.fixture
def decided(reports: Reports) -> Callable[..., PromotionDecision]:
    """Decide on the reports of a good candidate, with some numbers changed."""

    def run(gates: Gates, changes: Reports | None = None, **more: Any) -> PromotionDecision:
        for report, change in (changes or {}).items():
            reports[report].update(change)
        return decide(gates, **reports, **more)

    return run


@pytest.fixture
def interval() -> Callable[..., dict[str, Any]]:
    """Make an interval object of a report."""
    return _interval


@pytest.fixture
def group() -> Callable[..., dict[str, Any]]:
    """Make the counts of a group of the fairness report."""
    return _group
