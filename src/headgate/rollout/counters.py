"""From cumulative counters to what happened since the last look, per pod, through restarts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PodCounters:
    """What one pod has answered since its process started."""

    pod: str
    started: str  # identity of the process; a new value means that the counters began again at 0
    requests: int
    errors: int  # answers 5xx and time-outs
    slow: int  # answers slower than the plan's bound


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCounters:
    """What is known of a deployment's answers whose label has arrived."""

    labelled: int
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers of all pods of an arm since the last look."""

    requests: int
    errors: int
    slow: int
    restarted: tuple[str, ...]  # pods whose counters began again


def new_answers(
    seen: Mapping[str, PodCounters], pods: tuple[PodCounters, ...], *, since: float = -math.inf
) -> tuple[Answers, dict[str, PodCounters]]:
    """Count what is new since the counters that were seen.

    A pod that was never seen, or whose process is another one, counts from 0; one that was never
    seen although it ran before all of this counts from what it has now. Requests and bad events may
    be scraped a moment apart; bad events beyond the new requests wait for the next look, so that a
    look never holds more bad events than exposures and none is lost.

    Args:
        seen: Counters already used, by pod.
        pods: Counters of this look.
        since: When the rollout began, in seconds since 1970.

    Returns:
        The new answers, and the counters that are used now; a pod that is missing in this look
        keeps its entry.
    """
    used = dict(seen)
    requests = errors = slow = 0
    restarted: list[str] = []
    for pod in pods:
        base = used.get(pod.pod)
        if base is not None and (base.started != pod.started or pod.requests < base.requests):
            restarted.append(pod.pod)
            base = None
        elif base is None and _began_before(since, pod):
            base = pod
        base = base or PodCounters(pod=pod.pod, started=pod.started, requests=0, errors=0, slow=0)
        new = pod.requests - base.requests
        new_errors = min(max(pod.errors - base.errors, 0), new)
        new_slow = min(max(pod.slow - base.slow, 0), new)
        requests, errors, slow = requests + new, errors + new_errors, slow + new_slow
        used[pod.pod] = PodCounters(
            pod=pod.pod,
            started=pod.started,
            requests=pod.requests,
            errors=base.errors + new_errors,
            slow=base.slow + new_slow,
        )
    answers = Answers(requests=requests, errors=errors, slow=slow, restarted=tuple(restarted))
    return answers, used


def _began_before(since: float, pod: PodCounters) -> bool:
    try:
        return float(pod.started) < since
    except ValueError:  # the identity of its process is not the time when it began
        return False


def new_labels(
    seen: LabelCounters | None, counted: LabelCounters
) -> tuple[LabelCounters, LabelCounters]:
    """Count the labels that are new since those that were seen; fewer than before count from 0.

    Args:
        seen: Counters already used; None before the first look.
        counted: Counters of this look.

    Returns:
        The new labels, and the counters that are used now.
    """
    if seen is None or counted.labelled < seen.labelled:
        seen = LabelCounters(labelled=0, wrong=0)
    labelled = counted.labelled - seen.labelled
    wrong = min(max(counted.wrong - seen.wrong, 0), labelled)
    used = LabelCounters(labelled=counted.labelled, wrong=seen.wrong + wrong)
    return LabelCounters(labelled=labelled, wrong=wrong), used
