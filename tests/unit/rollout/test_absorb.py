"""Looks become evidence; nothing is counted twice, lost, or counted while it is cold."""

from dataclasses import replace

import pytest

from headgate.rollout import Health, absorb, begin_counting
from headgate.rollout.state import ArmCounts

from .conftest import fresh_state, pods, seen, small_plan  # noqa: TID252 - tests have no package name


def counts(exposures, bad=0):
    return ArmCounts(exposures=exposures, bad=bad)


def test_a_look_counts_errors_of_both_arms(errors_plan):
    state, look = absorb(
        errors_plan,
        fresh_state(errors_plan),
        seen(1, canary=pods(20, errors=2), stable=pods(180, errors=5)),
    )
    assert state.evidence["errors"].canary == counts(20, 2)
    assert state.evidence["errors"].stable == counts(180, 5)
    assert look.increments["errors"].canary == counts(20, 2)
    assert set(look.increments) == {"errors"}
    assert look.health is Health.ANSWERS
    assert look.labels_known
    assert state.stages[-1].canary_requests == 20


def test_what_happened_before_the_start_does_not_count(plan):
    before = seen(
        0,
        canary=pods(7, errors=7),
        stable=pods(5000, errors=900),
        canary_labels=(7, 7),
        stable_labels=(4000, 2000),
        canary_restarts=3,
    )
    state = begin_counting(plan, fresh_state(plan), before)
    later = seen(
        1,
        canary=pods(17, errors=8),
        stable=pods(5090, errors=901),
        canary_labels=(9, 7),
        stable_labels=(4010, 2001),
        canary_restarts=3,
    )
    state, _ = absorb(plan, state, later)
    assert state.evidence["errors"].canary == counts(10, 1)
    assert state.evidence["errors"].stable == counts(90, 1)
    assert state.evidence["wrong_answers"].canary == counts(2, 0)
    assert state.evidence["wrong_answers"].stable == counts(10, 1)
    assert state.broken == ""


def test_counting_begins_at_zero_for_silent_sources(errors_plan):
    state = begin_counting(errors_plan, fresh_state(errors_plan), seen(0, canary=None, stable=()))
    assert state.seen_canary == {}
    assert state.labels_canary is None


def test_only_slow_answers_wait_for_the_warm_up(plan):
    state = fresh_state(plan)
    nothing, _ = absorb(plan, state, seen(1, canary=pods(0), stable=pods(90, slow=9)))
    assert nothing.warm_until is None
    cold, _ = absorb(plan, nothing, seen(2, canary=pods(10, errors=1, slow=10), stable=pods(180)))
    assert cold.evidence["slow_answers"].canary == counts(0)
    assert cold.evidence["slow_answers"].stable == counts(0)
    assert cold.evidence["errors"].canary == counts(10, 1)
    warm, _ = absorb(plan, cold, seen(4, canary=pods(15, errors=1, slow=11), stable=pods(200)))
    assert warm.evidence["slow_answers"].canary == counts(5, 1)
    assert warm.evidence["slow_answers"].stable == counts(20, 0)


def test_without_a_warm_up_the_first_answer_counts():
    plan = small_plan(warm_up_seconds=0.0, wrong_answers=None)
    state, _ = absorb(
        plan, fresh_state(plan), seen(1, canary=pods(10, slow=2), stable=pods(90, slow=1))
    )
    assert state.evidence["slow_answers"].canary == counts(10, 2)


def test_the_split_is_counted_after_it_settled(errors_plan):
    state = fresh_state(errors_plan)  # settles within 0.5 s
    state, _ = absorb(errors_plan, state, seen(0.5, canary=pods(10), stable=pods(90)))
    assert state.stages[-1].split_canary == 0
    state, _ = absorb(errors_plan, state, seen(0.75, canary=pods(14), stable=pods(140)))
    assert (state.stages[-1].split_canary, state.stages[-1].split_stable) == (4, 50)
    assert (state.stages[-1].canary_requests, state.stages[-1].stable_requests) == (14, 140)


def test_labels_that_do_not_answer_change_nothing(plan):
    look = seen(1, canary=pods(10), stable=pods(90), canary_labels=None)
    state, taken = absorb(plan, fresh_state(plan), look)
    assert not taken.labels_known
    assert "wrong_answers" not in taken.increments
    assert state.evidence["wrong_answers"].canary == counts(0)


@pytest.mark.parametrize(("canary", "stable"), [(None, pods(90)), (pods(10), None), (pods(10), ())])
def test_an_outage_that_is_not_the_canarys_counts_nothing_and_blames_nobody(
    errors_plan, canary, stable
):
    state, look = absorb(
        errors_plan, fresh_state(errors_plan), seen(1, canary=canary, stable=stable)
    )
    assert look.health is Health.UNKNOWN
    assert look.increments == {}
    assert state.missed_looks == 0


def test_answers_of_an_outage_are_counted_in_the_next_good_look(errors_plan):
    state = fresh_state(errors_plan)
    state, _ = absorb(errors_plan, state, seen(1, canary=(), stable=pods(90)))
    state, _ = absorb(errors_plan, state, seen(2, canary=pods(20), stable=pods(180)))
    assert state.evidence["errors"].canary == counts(20)
    assert state.evidence["errors"].stable == counts(180)


@pytest.mark.parametrize(
    "silent", [{"canary": ()}, {"canary": pods(5), "canary_ready": False}], ids=["gone", "unready"]
)
def test_a_silent_canary_is_tolerated_for_two_looks(errors_plan, silent):
    state = fresh_state(errors_plan)
    for missed in (1, 2):
        state, look = absorb(errors_plan, state, seen(missed, stable=pods(90), **silent))
        assert look.health is Health.SILENT
        assert state.missed_looks == missed
        assert state.broken == ""
    broken, _ = absorb(errors_plan, state, seen(3, stable=pods(90), **silent))
    assert "silent for 3 looks" in broken.broken
    answered, _ = absorb(errors_plan, state, seen(3, canary=pods(5), stable=pods(90)))
    assert answered.missed_looks == 0


def test_the_reason_of_the_servers_is_told(errors_plan):
    state = replace(fresh_state(errors_plan), missed_looks=2)
    look = seen(1, canary=(), stable=pods(90), canary_reason="exit code 137")
    state, _ = absorb(errors_plan, state, look)
    assert state.broken.endswith("exit code 137")


def test_a_restart_of_the_canary_breaks_it(errors_plan):
    state = replace(fresh_state(errors_plan), restarts=1)
    by_status, look = absorb(
        errors_plan, state, seen(1, canary=pods(5), stable=pods(90), canary_restarts=2)
    )
    assert look.health is Health.RESTARTED
    assert "restarted" in by_status.broken
    state, _ = absorb(errors_plan, state, seen(1, canary=pods(5), stable=pods(90)))
    by_counters, look = absorb(
        errors_plan, state, seen(2, canary=pods(7, started="boot-2"), stable=pods(95))
    )
    assert look.health is Health.RESTARTED
    assert "restarted" in by_counters.broken


def test_a_restart_of_the_champion_is_not_the_canarys(errors_plan):
    state = fresh_state(errors_plan)
    state, _ = absorb(errors_plan, state, seen(1, canary=pods(5), stable=pods(90)))
    state, look = absorb(
        errors_plan, state, seen(2, canary=pods(7), stable=pods(3, started="boot-2"))
    )
    assert look.health is Health.ANSWERS
    assert state.broken == ""
    assert state.evidence["errors"].stable == counts(93)


def split(state):
    """What the check of the split has counted."""
    return state.stages[-1].split_canary, state.stages[-1].split_stable


@pytest.mark.parametrize(
    "outage",
    [
        {"canary": None, "stable": pods(190)},
        {"canary": (), "stable": pods(190)},
        {"canary": pods(20), "stable": None},
    ],
    ids=["unknown", "silent", "champion unknown"],
)
def test_the_backlog_of_an_outage_says_nothing_about_the_split(errors_plan, outage):
    state = fresh_state(errors_plan)
    state, _ = absorb(errors_plan, state, seen(0.75, canary=pods(10), stable=pods(100)))
    state, _ = absorb(errors_plan, state, seen(1.0, **outage))
    state, _ = absorb(errors_plan, state, seen(1.25, canary=pods(30), stable=pods(280)))
    assert split(state) == (0, 0)
    assert state.evidence["errors"].canary == counts(30)
    state, _ = absorb(errors_plan, state, seen(1.5, canary=pods(40), stable=pods(370)))
    assert split(state) == (10, 90)


def test_a_look_longer_than_four_intervals_says_nothing_about_the_split(errors_plan):
    state = fresh_state(errors_plan)
    state, _ = absorb(errors_plan, state, seen(0.75, canary=pods(10), stable=pods(100)))
    state, _ = absorb(errors_plan, state, seen(2.0, canary=pods(60), stable=pods(600)))
    assert split(state) == (0, 0)
    state, _ = absorb(errors_plan, state, seen(3.0, canary=pods(100), stable=pods(960)))
    assert split(state) == (40, 360)


def test_a_look_that_lost_answers_in_a_restart_says_nothing_about_the_split(errors_plan):
    state = fresh_state(errors_plan)
    state, _ = absorb(errors_plan, state, seen(0.75, canary=pods(10), stable=pods(100)))
    state, _ = absorb(
        errors_plan, state, seen(1.0, canary=pods(20), stable=pods(3, started="boot-2"))
    )
    assert split(state) == (0, 0)


def test_a_pod_that_ran_before_the_rollout_and_missed_the_first_scrape_brings_no_past(errors_plan):
    def late(requests, errors):
        return pods(requests, errors=errors, started="0.5", name="pod-late")

    stable = (*pods(95), *late(480_000, 9_000))
    state, look = absorb(
        errors_plan, fresh_state(errors_plan), seen(2, canary=pods(7), stable=stable)
    )
    assert look.increments["errors"].stable == counts(95)
    stable = (*pods(95), *late(480_010, 9_001))
    _, look = absorb(errors_plan, state, seen(3, canary=pods(7), stable=stable))
    assert look.increments["errors"].stable == counts(10, 1)
