"""Deltas of cumulative counters."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.rollout import LabelCounters, PodCounters
from headgate.rollout.counters import new_answers, new_labels


def pod(name, started, requests, errors=0, slow=0):
    return PodCounters(pod=name, started=started, requests=requests, errors=errors, slow=slow)


def test_a_new_pod_counts_from_zero():
    answers, used = new_answers({}, (pod("a", "1", 10, 2, 3),))
    assert (answers.requests, answers.errors, answers.slow) == (10, 2, 3)
    assert used == {"a": pod("a", "1", 10, 2, 3)}


def test_only_what_is_new_counts_summed_over_pods():
    seen = {"a": pod("a", "1", 10, 2, 3), "b": pod("b", "1", 5)}
    answers, _ = new_answers(seen, (pod("a", "1", 15, 3, 3), pod("b", "1", 6, 1, 1)))
    assert (answers.requests, answers.errors, answers.slow) == (6, 2, 1)
    assert answers.restarted == ()


def test_a_restarted_pod_counts_from_zero_and_is_named():
    answers, used = new_answers({"a": pod("a", "1", 10, 2, 3)}, (pod("a", "2", 12, 1, 0),))
    assert (answers.requests, answers.errors) == (12, 1)
    assert answers.restarted == ("a",)
    assert used["a"].started == "2"


def test_counters_that_go_back_are_a_restart():
    answers, _ = new_answers({"a": pod("a", "1", 10)}, (pod("a", "1", 4),))
    assert answers.requests == 4
    assert answers.restarted == ("a",)


def test_a_pod_that_is_missing_once_is_not_counted_twice():
    _, used = new_answers({"a": pod("a", "1", 10)}, (pod("b", "1", 1),))
    answers, _ = new_answers(used, (pod("a", "1", 13),))
    assert answers.requests == 3


def test_a_pod_that_ran_before_the_rollout_does_not_bring_its_past():
    old, new, unknown = pod("a", "1e3", 90, 9, 9), pod("b", "3e3", 5), pod("c", "2026-01-01#0", 2)
    answers, used = new_answers({}, (old, new, unknown), since=2_000.0)
    assert (answers.requests, answers.errors, answers.slow) == (7, 0, 0)
    answers, _ = new_answers(used, (pod("a", "1e3", 95, 10, 9),), since=2_000.0)
    assert (answers.requests, answers.errors, answers.slow) == (5, 1, 0)


def test_a_pod_that_was_seen_counts_on_however_old_it_is():
    answers, _ = new_answers({"a": pod("a", "1", 10)}, (pod("a", "1", 12),), since=2_000.0)
    assert answers.requests == 2


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60)), min_size=1, max_size=20))
def test_bad_events_never_exceed_requests_and_none_is_lost(steps):
    used, requests, slow = {}, 0, 0
    total, total_slow = 0, 0
    for more, more_slow in [*steps, (10_000, 0)]:
        requests, slow = requests + more, slow + more_slow
        answers, used = new_answers(used, (pod("a", "1", requests, 0, slow),))
        assert answers.slow <= answers.requests
        total, total_slow = total + answers.requests, total_slow + answers.slow
    assert total == requests
    assert total_slow == slow


def test_labels_count_from_the_last_look_and_through_a_reset():
    first, used = new_labels(None, LabelCounters(labelled=10, wrong=3))
    assert first == LabelCounters(labelled=10, wrong=3)
    second, used = new_labels(used, LabelCounters(labelled=14, wrong=4))
    assert second == LabelCounters(labelled=4, wrong=1)
    third, _ = new_labels(used, LabelCounters(labelled=2, wrong=1))
    assert third == LabelCounters(labelled=2, wrong=1)


def test_wrong_labels_beyond_the_new_labels_wait():
    first, used = new_labels(None, LabelCounters(labelled=1, wrong=3))
    assert first.wrong == 1
    second, _ = new_labels(used, LabelCounters(labelled=5, wrong=3))
    assert second == LabelCounters(labelled=4, wrong=2)
