"""The recorded state of a rollout: immutable, and a JSON object that travels with the weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, assert_never, cast

from headgate.errors import DataError
from headgate.rollout.counters import LabelCounters, PodCounters
from headgate.rollout.plan import WEIGHT_PARTS, MetricName, Plan
from headgate.stats.sequential import Floats, start_sums

STATE_FORMAT = 1


class Phase(Enum):
    """Where a rollout stands."""

    PROGRESSING = "PROGRESSING"
    HOLDING = "HOLDING"  # last split stage, floors reached, waiting for enough evidence for PASS
    CONTESTED = "CONTESTED"  # somebody else wrote the weights: no step up, a person must look
    PROMOTED = "PROMOTED"
    ROLLED_BACK = "ROLLED_BACK"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in {Phase.PROMOTED, Phase.ROLLED_BACK}


class Verdict(Enum):
    """What the evidence says; INSUFFICIENT and INVALID never count as a pass."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INSUFFICIENT = "INSUFFICIENT"
    INVALID = "INVALID"  # the split is not the intended one: the arms cannot be compared

    @property
    def of_three(self) -> "Verdict":
        """The verdict of the gate: INVALID evidence is INSUFFICIENT evidence."""
        return Verdict.INSUFFICIENT if self is Verdict.INVALID else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A model version and the deployment that serves it."""

    deployment: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCounts:
    """Exposures and bad events of one arm."""

    exposures: int = 0
    bad: int = 0


def _no_evidence() -> tuple[float, ...]:
    return tuple(start_sums().tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricEvidence:
    """The e-processes of one metric (40 sums each), and the counts behind them."""

    ratio_up: tuple[float, ...] = field(default_factory=_no_evidence)
    floor_up: tuple[float, ...] = field(default_factory=_no_evidence)
    ratio_down: tuple[float, ...] = field(default_factory=_no_evidence)
    floor_down: tuple[float, ...] = field(default_factory=_no_evidence)
    canary: ArmCounts = field(default_factory=ArmCounts)
    stable: ArmCounts = field(default_factory=ArmCounts)
    window_from: int = 0  # canary exposures when the present window began

    def add(self, name: str, increment: Floats) -> tuple[float, ...]:
        """Add one look to the sums of an e-process.

        Args:
            name: `ratio_up`, `floor_up`, `ratio_down` or `floor_down`.
            increment: Log likelihood ratios of the look, shape (40,).

        Returns:
            The new sums.
        """
        return tuple((getattr(self, name) + increment).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecord:
    """What happened at one weight."""

    weight: int  # of the canary, parts of 10,000
    started_at: float
    ended_at: float | None = None
    canary_requests: int = 0
    stable_requests: int = 0
    # Requests that count for the check of the split: after it settled, in looks without a backlog.
    split_canary: int = 0
    split_stable: int = 0
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that a driver needs to go on where another one stopped."""

    rollout_id: str
    run_id: str
    model: str
    plan_digest: str
    canary: Arm
    stable: Arm | None
    phase: Phase
    verdict: Verdict
    reason: str
    epoch: int  # grows with every write; says whose write it was
    stage: int
    started_at: float
    window_started_at: float  # a step up needs a full window without a change of driver
    deadline_at: float
    max_hold_seconds: float  # this and the next are here for the guard
    heartbeat_timeout_seconds: float
    counted_at: float  # when answers were counted last
    backlog: bool = False  # a look counted no answers: the next one brings theirs as well
    holding_since: float | None = None
    ended_at: float | None = None
    warm_until: float | None = None  # slow answers count from here; None: no answer yet
    missed_looks: int = 0  # in a row: the canary was silent while the champion answered
    restarts: int | None = None  # of the canary's pods at the start; None: unknown
    broken: str = ""  # why the canary counts as broken; empty if it does not
    evidence: dict[MetricName, MetricEvidence] = field(default_factory=dict)
    seen_canary: dict[str, PodCounters] = field(default_factory=dict)
    seen_stable: dict[str, PodCounters] = field(default_factory=dict)
    labels_canary: LabelCounters | None = None
    labels_stable: LabelCounters | None = None
    stages: tuple[StageRecord, ...] = ()
    retired: tuple[
        str, ...
    ] = ()  # deployments of earlier champions, to be removed after the commit

    @property
    def weight(self) -> int:
        """Weight of the canary that this state goes with, parts of 10,000."""
        match self.phase:
            case Phase.PROMOTED:
                return WEIGHT_PARTS
            case Phase.ROLLED_BACK:
                return 0
            case Phase.PROGRESSING | Phase.HOLDING | Phase.CONTESTED:
                return self.stages[-1].weight
            case _:
                assert_never(self.phase)

    def to_json(self) -> dict[str, object]:
        """Describe the state as JSON; about 12 KiB with three metrics.

        Returns:
            A JSON object that `state_from_json` reads.
        """
        return {
            **asdict(self),
            "format": STATE_FORMAT,
            "phase": self.phase.value,
            "verdict": self.verdict.value,
        }


def start_state(  # noqa: PLR0913 - one argument per identity, all named
    plan: Plan,
    *,
    rollout_id: str,
    run_id: str,
    model: str,
    canary: Arm,
    stable: Arm | None,
    now: float,
    epoch: int,
) -> State:
    """Make the state that goes with the first weight.

    Args:
        plan: The plan.
        rollout_id: Identity of the rollout.
        run_id: The run that asked for it.
        model: Registered model.
        canary: The candidate.
        stable: The champion; None if there is none.
        now: Seconds since 1970.
        epoch: Epoch of the write that records it.

    Returns:
        A state at the first stage without any evidence.
    """
    return State(
        rollout_id=rollout_id,
        run_id=run_id,
        model=model,
        plan_digest=plan.digest(),
        canary=canary,
        stable=stable,
        phase=Phase.PROGRESSING,
        verdict=Verdict.INSUFFICIENT,
        reason="started",
        epoch=epoch,
        stage=0,
        started_at=now,
        window_started_at=now,
        counted_at=now,
        deadline_at=now + plan.deadline_seconds,
        max_hold_seconds=plan.max_hold_seconds,
        heartbeat_timeout_seconds=plan.heartbeat_timeout_seconds,
        evidence={metric.name: MetricEvidence() for metric in plan.metrics},
        stages=(StageRecord(weight=plan.weights[0], started_at=now),),
    )


def state_from_json(record: Mapping[str, Any]) -> State:
    """Read a state back.

    Args:
        record: What `State.to_json` made, possibly after a trip through a JSON store.

    Returns:
        The same state.

    Raises:
        DataError: If the record is not a state of this format.
    """
    try:
        return _state(record)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"the route's state is not one of ours: {error!r}") from error


def _state(record: Mapping[str, Any]) -> State:
    if record["format"] != STATE_FORMAT:
        raise ValueError(f"format {record['format']!r}, expected {STATE_FORMAT}")
    fields = {key: value for key, value in record.items() if key != "format"}
    stable = record["stable"]
    return State(
        **{
            **fields,
            "phase": Phase(record["phase"]),
            "verdict": Verdict(record["verdict"]),
            "canary": Arm(**record["canary"]),
            "stable": None if stable is None else Arm(**stable),
            "evidence": {
                cast("MetricName", name): metric_evidence_from_json(value)
                for name, value in record["evidence"].items()
            },
            "seen_canary": {pod: PodCounters(**c) for pod, c in record["seen_canary"].items()},
            "seen_stable": {pod: PodCounters(**c) for pod, c in record["seen_stable"].items()},
            "labels_canary": _labels(record["labels_canary"]),
            "labels_stable": _labels(record["labels_stable"]),
            "stages": tuple(StageRecord(**stage) for stage in record["stages"]),
            "retired": tuple(record.get("retired", ())),
        }
    )


def metric_evidence_from_json(record: Mapping[str, Any]) -> MetricEvidence:
    """Read the evidence on one metric back.

    Args:
        record: What `dataclasses.asdict` made of it, possibly after a trip through JSON.

    Returns:
        The same evidence.
    """
    sums = {key: tuple(record[key]) for key in ("ratio_up", "floor_up", "ratio_down", "floor_down")}
    arms = {key: ArmCounts(**record[key]) for key in ("canary", "stable")}
    return MetricEvidence(**{**record, **sums, **arms})


def _labels(record: Mapping[str, Any] | None) -> LabelCounters | None:
    return None if record is None else LabelCounters(**record)
