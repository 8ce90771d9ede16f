"""Read a model server's own Prometheus page into the counters that the rollout judges."""

import math
import re
from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from headgate.errors import NoDataError
from headgate.ports import PodCounters

REQUESTS = "headgate_requests"
DURATION = "headgate_request_duration_seconds"
_STARTED = re.compile(r"^headgate_process_start_time_seconds(?:\{.*\})? (\S+)", re.MULTILINE)


class MissingBucketError(NoDataError):
    """The server answers, but counts no slow answers above the wanted bound."""


def pod_counters(page: str, *, pod: str, started: str, slow_above_ms: float) -> PodCounters:
    """Count requests, errors and slow answers on a Prometheus page.

    Args:
        page: Text of `/metrics`.
        pod: Name of the process that served the page.
        started: Identity of that process.
        slow_above_ms: Bound above which an answer is slow; must be a bucket of the histogram.

    Returns:
        The counters since the process started; zeros before its first request.

    Raises:
        NoDataError: If the page is not Prometheus text or lacks the counters.
        MissingBucketError: If the histogram lacks the bucket.
    """
    try:
        families = {family.name: family.samples for family in text_string_to_metric_families(page)}
    except ValueError as error:
        raise NoDataError(f"{pod}: /metrics is not Prometheus text ({error})") from error
    missing = {REQUESTS, DURATION} - families.keys()
    if missing:
        raise NoDataError(f"{pod}: /metrics lacks {', '.join(sorted(missing))}")
    totals = [sample for sample in families[REQUESTS] if sample.name == f"{REQUESTS}_total"]
    errors = [sample for sample in totals if sample.labels.get("code", "").startswith("5")]
    return PodCounters(
        pod=pod,
        started=started,
        requests=_total(totals),
        errors=_total(errors),
        slow=_slow(families[DURATION], pod=pod, bound=slow_above_ms / 1000),
    )


def process_start(page: str) -> str:
    """Read when a process began to count, which tells it from the one before it.

    Args:
        page: Text of `/metrics`.

    Returns:
        The number as the page has it; "" if the page does not say.
    """
    found = _STARTED.search(page)
    return "" if found is None else found.group(1)


def _slow(samples: Iterable[Sample], *, pod: str, bound: float) -> int:
    buckets = [sample for sample in samples if sample.name == f"{DURATION}_bucket"]
    if not buckets:
        return 0  # a labelled histogram shows no bucket before its first request
    fast = [sample for sample in buckets if math.isclose(float(sample.labels["le"]), bound)]
    if not fast:
        limits = sorted({float(sample.labels["le"]) for sample in buckets})
        raise MissingBucketError(f"{pod}: no latency bucket of {bound:g} s; there are {limits}")
    everything = [sample for sample in buckets if sample.labels["le"] == "+Inf"]
    return _total(everything) - _total(fast)


def _total(samples: Iterable[Sample]) -> int:
    return round(sum(sample.value for sample in samples))
