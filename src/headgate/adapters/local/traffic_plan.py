"""What is replayed through the proxy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficPlan:
    """Which rows are sent, how fast, and when their labels arrive."""

    rate: float  # requests per second; 0 pauses
    rows: str  # absolute path of a Parquet file: typed rows that no gate has seen
    target: str  # column of the true label, compared with the predicted label as text
    features: tuple[str, ...]  # columns that are sent
    seed: int = 2026
    label_delay_seconds: float = 1.0
