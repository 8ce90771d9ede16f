"""Plans, states and looks in few words."""

from dataclasses import replace

import pytest

from headgate.problem.sections import LiveMetric, Rollout
from headgate.rollout import (
    Arm,
    ArmReading,
    LabelCounters,
    Observation,
    PodCounters,
    make_plan,
    start_state,
)

START = 1_750_000_000.0
ERRORS = LiveMetric(
    tolerated_ratio=1.0, max_ratio=2.0, absolute_floor=0.05, harmful_ratio=3.0, base_rate=0.05
)
WRONG = LiveMetric(
    tolerated_ratio=1.0, max_ratio=1.5, absolute_floor=0.05, harmful_ratio=2.0, base_rate=0.15
)


def small_plan(**changes):
    """Two stages, all three metrics."""
    section = Rollout(
        stages_percent=(10.0, 50.0),
        errors=ERRORS,
        slow_answers=ERRORS,
        wrong_answers=WRONG,
        min_stage_seconds=1.0,
        max_hold_seconds=20.0,
        deadline_seconds=60.0,
        warm_up_seconds=2.0,
    )
    return make_plan(replace(section, **changes))


def fresh_state(plan, **changes):
    """The state of the first write."""
    state = start_state(
        plan,
        rollout_id="abc",
        run_id="r1",
        model="m",
        canary=Arm(deployment="m-2", version="2"),
        stable=Arm(deployment="m-1", version="1"),
        now=START,
        epoch=1,
    )
    return replace(state, **changes)


def pods(requests, *, errors=0, slow=0, started="boot-1", name="pod-0"):
    """One pod's counters."""
    return (PodCounters(pod=name, started=started, requests=requests, errors=errors, slow=slow),)


def seen(seconds, *, canary, stable, canary_labels=(0, 0), stable_labels=(0, 0), **others):
    """One observation."""

    def arm(counters, labels):
        known = None if labels is None else LabelCounters(labelled=labels[0], wrong=labels[1])
        return ArmReading(pods=counters, labels=known)

    return Observation(
        now=START + seconds,
        canary=arm(canary, canary_labels),
        stable=arm(stable, stable_labels),
        **others,
    )


@pytest.fixture
def plan():
    return small_plan()


@pytest.fixture
def errors_plan():
    return small_plan(slow_answers=None, wrong_answers=None)
