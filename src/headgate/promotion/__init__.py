"""The verdict about a candidate before it meets traffic; measurements come in as reports."""

from headgate.promotion.decide import PromotionDecision, decide
from headgate.promotion.gates import Gate, Measured, judge_above, judge_below, reported

__all__ = [
    "Gate",
    "Measured",
    "PromotionDecision",
    "decide",
    "judge_above",
    "judge_below",
    "reported",
]
