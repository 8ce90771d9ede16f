"""Group fairness: measurements with simultaneous bounds, never verdicts."""

from headgate.fairness.counts import GroupCounts, Rate, count_groups
from headgate.fairness.gaps import largest_difference, smallest_ratio
from headgate.fairness.measure import (
    MIN_ROWS,
    headline_difference,
    least_support,
    measure_fairness,
)

__all__ = [
    "MIN_ROWS",
    "GroupCounts",
    "Rate",
    "count_groups",
    "headline_difference",
    "largest_difference",
    "least_support",
    "measure_fairness",
    "smallest_ratio",
]
