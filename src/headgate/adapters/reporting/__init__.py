"""Reports that people read: one HTML page, `decision.json`, and the wording both share.

`figures` (PNG files for a model registry) is imported by its own name: it needs matplotlib.
"""

from headgate.adapters.reporting.decision import build_decision
from headgate.adapters.reporting.decision_schema import decision_schema
from headgate.adapters.reporting.records import RunRecord
from headgate.adapters.reporting.report import (
    evaluation_section,
    fairness_section,
    gates_section,
    render_report,
    rollout_section,
    training_section,
    validation_section,
    write_report,
)

__all__ = [
    "RunRecord",
    "build_decision",
    "decision_schema",
    "evaluation_section",
    "fairness_section",
    "gates_section",
    "render_report",
    "rollout_section",
    "training_section",
    "validation_section",
    "write_report",
]
