"""The problem that a user describes once: sections, parsing, validation, schema.

The first draft of a problem (`facts`, `choices`, `draft`) is imported from its modules: it needs
pandas, and every step of a pipeline reads a problem.
"""

from headgate.problem.parse import problem_from_mapping
from headgate.problem.schema import problem_schema
from headgate.problem.sections import (
    AccuracyGate,
    Checks,
    Columns,
    Data,
    FairnessGate,
    Family,
    Gates,
    ImprovementGate,
    LatencyGate,
    LiveMetric,
    Problem,
    Rollout,
    SelectionMetric,
    Split,
    Target,
    Training,
)
from headgate.problem.validate import check_columns, validate_problem
from headgate.problem.verdict import Verdict

__all__ = [
    "AccuracyGate",
    "Checks",
    "Columns",
    "Data",
    "FairnessGate",
    "Family",
    "Gates",
    "ImprovementGate",
    "LatencyGate",
    "LiveMetric",
    "Problem",
    "Rollout",
    "SelectionMetric",
    "Split",
    "Target",
    "Training",
    "Verdict",
    "check_columns",
    "problem_from_mapping",
    "problem_schema",
    "validate_problem",
]
