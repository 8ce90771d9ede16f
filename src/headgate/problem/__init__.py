"""The problem that a user describes once: sections, parsing, validation, schema, first draft."""

from headgate.problem.choices import Choices, choose
from headgate.problem.draft import draft_problem
from headgate.problem.facts import ColumnFacts, TableFacts, cell_text, table_facts
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
    "Choices",
    "ColumnFacts",
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
    "TableFacts",
    "Target",
    "Training",
    "Verdict",
    "cell_text",
    "check_columns",
    "choose",
    "draft_problem",
    "problem_from_mapping",
    "problem_schema",
    "table_facts",
    "validate_problem",
]
