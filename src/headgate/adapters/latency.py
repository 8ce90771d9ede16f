"""Time an exported model, one request after the other, along the predictor's own path."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from headgate.adapters.bundles import Bundle, read_bundle
from headgate.adapters.inference import Engine, RowAnswerer
from headgate.errors import NoDataError
from headgate.evaluation.latency import Latency, latency

if TYPE_CHECKING:
    import pandas as pd

# Enough for a two-sided 95 % interval of p95 that spans about 94 to 96.4 % of the sample.
REQUESTS = 1000


def measure_latency(
    bundle: Bundle | str | Path,
    rows: "pd.DataFrame",
    *,
    requests: int = REQUESTS,
    timer: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Time requests of one row each: read the JSON, predict on one thread, write the answer.

    This is all that the predictor does but HTTP. The model is warm before the first timed request.

    Args:
        bundle: The bundle, or its folder.
        rows: Typed table with the features; its first rows are sent, again and again if they are
            fewer than `requests`.
        requests: How many are timed.
        timer: Seconds of a clock that never goes back.

    Returns:
        Median and 95th percentile in milliseconds.

    Raises:
        NoDataError: If there are no rows, or no requests.
        DataError: If the bundle cannot be loaded, or a row lacks a feature.
    """
    engine = Engine(bundle if isinstance(bundle, Bundle) else read_bundle(bundle))
    answerer = RowAnswerer(engine, version="1", deployment="latency")
    answerer.warm()
    names = [entry.name for entry in engine.record.inputs]
    bodies = _bodies(rows.head(requests), names)
    milliseconds = []
    for number in range(requests):
        body = bodies[number % len(bodies)]
        start = timer()
        answerer.answer(body)
        milliseconds.append((timer() - start) * 1000)
    return latency(milliseconds)


def _bodies(rows: "pd.DataFrame", names: list[str]) -> list[bytes]:
    if rows.empty:
        raise NoDataError("no rows to time requests with, at least 1 is needed")
    features = rows[[name for name in names if name in rows.columns]]
    plain = features.astype(object).where(features.notna(), None)
    return [msgspec.json.encode(record) for record in plain.to_dict(orient="records")]
