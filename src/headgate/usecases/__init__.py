"""Loops and decisions on ports alone: the canary rollout, its guard, its roll-back."""

from headgate.usecases.canary import Interrupted, run_canary
from headgate.usecases.guard import guard_step
from headgate.usecases.roll_back import roll_back
from headgate.usecases.target import CANDIDATE, CHAMPION, Target, find_target, rollout_id

__all__ = [
    "CANDIDATE",
    "CHAMPION",
    "Interrupted",
    "Target",
    "find_target",
    "guard_step",
    "roll_back",
    "rollout_id",
    "run_canary",
]
