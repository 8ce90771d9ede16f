"""The sections of a problem file, as frozen dataclasses; `parse.py` reads them, validated once."""

from dataclasses import dataclass, field
from typing import Literal

Family = Literal["logistic_regression", "lightgbm"]
SelectionMetric = Literal["roc_auc", "average_precision", "accuracy", "log_loss"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where the table is and how it marks a missing value."""

    path: str  # Parquet or CSV; a relative path starts at the problem file
    missing_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is predicted."""

    column: str
    positive: str  # the class whose probability is predicted, as written in the data


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns by kind; a column that stands nowhere here is not read."""

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()  # measured by group; may also stand among the features
    weight: str | None = None  # sample weight of the fit
    id: str | None = None  # row identity: decides the part of the split

    @property
    def features(self) -> tuple[str, ...]:
        """The model's inputs, in their order."""
        return (*self.numeric, *self.categorical)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What `validate_data` demands of the table; every key is optional."""

    min_rows: int = 1000  # below this the intervals of the gates are too wide to decide anything
    max_missing_share: float = 0.2  # over all cells of the named columns
    max_missing_share_by_column: dict[str, float] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)  # numeric, both inclusive
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)  # allowed values
    max_duplicate_share: float = 0.2  # exact duplicates share a part of the split, so they are mild


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Shares of the parts; `live` is replayed as traffic and no gate sees it."""

    key: str = "headgate"  # changing it deals every row anew
    train: float = 0.6
    test: float = 0.2
    live: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Which model families compete, and by what."""

    families: tuple[Family, ...] = ("logistic_regression", "lightgbm")
    folds: int = 5
    metric: SelectionMetric = "roc_auc"
    seed: int = 2026


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyGate:
    """Accuracy on the test part, judged by its exact interval."""

    min: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyGate:
    """95th percentile of one request to the exported model, in milliseconds."""

    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ImprovementGate:
    """Accuracy gain over the champion (or the majority class), paired on the same rows."""

    min: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessGate:
    """A difference between groups, judged by its simultaneous upper bound."""

    column: str
    max: float
    min_support: int = (
        100  # rows of a group (and of its label class) below which it cannot be judged
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What a candidate must meet; a gate that is not named here is reported, not judged."""

    accuracy: AccuracyGate | None = None
    latency_p95_ms: LatencyGate | None = None
    improvement: ImprovementGate | None = field(default_factory=ImprovementGate)
    equalized_odds_difference: FairnessGate | None = None
    demographic_parity_difference: FairnessGate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMetric:
    """How one kind of bad event is judged during the rollout."""

    tolerated_ratio: float  # canary / champion rate that is still no harm (null of FAIL)
    max_ratio: float  # canary / champion rate that a PASS must exclude
    absolute_floor: float  # rate below which a canary is good whatever the champion does
    harmful_ratio: float  # smallest regression that the last stage must be able to see
    base_rate: float  # rate assumed when the plan is drawn up; the decision never uses it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """The canary plan. Sources and reasons of the defaults: docs of `headgate.rollout`."""

    stages_percent: tuple[float, ...] = (1.0, 5.0, 10.0, 25.0, 50.0)
    alpha: float = 0.05  # harm roll-back of an equally good canary, over all metrics and looks
    errors: LiveMetric | None = field(
        default_factory=lambda: LiveMetric(
            tolerated_ratio=1.0,
            max_ratio=2.0,
            absolute_floor=0.002,
            harmful_ratio=3.0,
            base_rate=0.01,
        )
    )
    slow_answers: LiveMetric | None = field(
        default_factory=lambda: LiveMetric(
            tolerated_ratio=1.0,
            max_ratio=1.5,
            absolute_floor=0.01,
            harmful_ratio=3.0,
            base_rate=0.01,
        )
    )
    wrong_answers: LiveMetric | None = field(
        default_factory=lambda: LiveMetric(
            tolerated_ratio=1.0,
            max_ratio=1.25,
            absolute_floor=0.01,
            harmful_ratio=1.5,
            base_rate=0.15,
        )
    )
    slow_above_ms: float = 100.0  # an answer slower than this is a bad event
    warm_up_seconds: float = 2.0  # slow answers of a cold canary that are not counted
    min_stage_seconds: float = 2.0
    max_hold_seconds: float = 120.0  # at the last stage without a PASS: roll back as INSUFFICIENT
    deadline_seconds: float = 900.0  # the whole rollout
    look_seconds: float = 0.25
    heartbeat_timeout_seconds: float = 4.0  # no heartbeat for this long: the guard sets weight 0
    label_delay_seconds: float = 1.0  # local runs: when the label of a request arrives
    traffic_per_second: float = 500.0  # local runs: rate of the replayed requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What a user describes once: the table, the target, the gates and the rollout."""

    name: str  # of the registered model: letters, digits and dashes
    data: Data
    target: Target
    columns: Columns
    checks: Checks = field(default_factory=Checks)
    split: Split = field(default_factory=Split)
    training: Training = field(default_factory=Training)
    gates: Gates = field(default_factory=Gates)
    rollout: Rollout = field(default_factory=Rollout)

    @property
    def number_columns(self) -> tuple[str, ...]:
        """The columns that the typed table holds as float64."""
        weight = () if self.columns.weight is None else (self.columns.weight,)
        return (*self.columns.numeric, *weight)

    @property
    def named_columns(self) -> tuple[str, ...]:
        """The columns of the typed table, each once, numbers first."""
        identity = () if self.columns.id is None else (self.columns.id,)
        texts = (*self.columns.categorical, *self.columns.protected, self.target.column)
        return tuple(dict.fromkeys((*self.number_columns, *texts, *identity)))
