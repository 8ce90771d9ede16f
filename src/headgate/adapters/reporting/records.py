"""What a report is made of: the JSON reports of one run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]  # a JSON object; its keys are those of the components' reports


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The reports of one run; a run that stopped early, or re-used a model, lacks some.

    Attributes:
        title: Heading of the run, e.g. "Act 2: a better model is promoted".
        decision: `decision.json`; None if the run ended before there was one.
        evaluation: Report of `evaluate_model`.
        fairness: Report of `measure_fairness`.
        training: Report of `train_model`.
        validation: Report of `validate_data`.
        split: Report of `split_data`.
        export: Report of `export_model`.
        rollout: Report of `shift_traffic`; None takes the one inside `decision`.
    """

    title: str
    decision: Json | None = None
    evaluation: Json | None = None
    fairness: Json | None = None
    training: Json | None = None
    validation: Json | None = None
    split: Json | None = None
    export: Json | None = None
    rollout: Json | None = None

    @property
    def live(self) -> Json | None:
        """The rollout's report, wherever it stands; None if there was no rollout."""
        if self.rollout is not None or self.decision is None:
            return self.rollout
        return self.decision.get("rollout")
