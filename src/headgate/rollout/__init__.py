"""Canary rollouts: the plan, the recorded state, and one pure decision after each look.

Evidence is carried over all stages. Reaching a stage's floors is permission to go on; PASS needs
evidence at the last split stage; too little evidence is INSUFFICIENT and rolls back in the end.
"""

from headgate.rollout.absorb import Health, Increment, Look, absorb, begin_counting
from headgate.rollout.counters import LabelCounters, PodCounters
from headgate.rollout.decide import (
    Action,
    Decision,
    MetricStanding,
    decide,
    is_holding,
    split_log_evidence,
    standing,
    unmet_floors,
)
from headgate.rollout.evidence import e_value, recompute, rollout_record, timestamp
from headgate.rollout.forecast import (
    Forecast,
    MetricForecast,
    PassForecast,
    StageForecast,
    forecast,
)
from headgate.rollout.observation import ArmReading, Observation
from headgate.rollout.plan import (
    WEIGHT_PARTS,
    MetricName,
    MetricPlan,
    Plan,
    make_plan,
    plan_from_json,
)
from headgate.rollout.state import (
    Arm,
    ArmCounts,
    MetricEvidence,
    Phase,
    StageRecord,
    State,
    Verdict,
    start_state,
    state_from_json,
)
from headgate.rollout.transitions import finish, follow, hold_from, promote_directly, resume

__all__ = [
    "WEIGHT_PARTS",
    "Action",
    "Arm",
    "ArmCounts",
    "ArmReading",
    "Decision",
    "Forecast",
    "Health",
    "Increment",
    "LabelCounters",
    "Look",
    "MetricEvidence",
    "MetricForecast",
    "MetricName",
    "MetricPlan",
    "MetricStanding",
    "Observation",
    "PassForecast",
    "Phase",
    "Plan",
    "PodCounters",
    "StageForecast",
    "StageRecord",
    "State",
    "Verdict",
    "absorb",
    "begin_counting",
    "decide",
    "e_value",
    "finish",
    "follow",
    "forecast",
    "hold_from",
    "is_holding",
    "make_plan",
    "plan_from_json",
    "promote_directly",
    "recompute",
    "resume",
    "rollout_record",
    "split_log_evidence",
    "standing",
    "start_state",
    "state_from_json",
    "timestamp",
    "unmet_floors",
]
