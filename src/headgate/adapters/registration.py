"""What is registered as one model version, and the tags that say what it is."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate import __version__
from headgate.adapters.bundles import bundle_sha256
from headgate.adapters.problem_file import problem_digest
from headgate.problem import Problem
from headgate.sampling import split_digest

KEY = "headgate.key"
SHA256 = "headgate.sha256"
SPLIT = "headgate.split"  # models of one split can be compared on the same test rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What is registered as one version."""

    problem: Problem
    bundle: Path  # flat folder with model.onnx and bundle.json
    reports: Mapping[str, Mapping[str, Any]]  # ingest, training, evaluation, fairness, export
    run_id: str  # identity of the pipeline run, kept as a tag
    revision: str | None = None  # git commit of the code
    joined: str | None = None  # MLflow run to log into; None starts one

    def tags(self) -> dict[str, str]:
        """Describe the version.

        Returns:
            The tags. `headgate.key` is the same for the same bundle, data and problem, whoever
            registers them, when and from which folder. The version that has the key already
            keeps its card as it was written, with the path of the table at that time.
        """
        identity = {
            SHA256: bundle_sha256(self.bundle),
            "headgate.data_fingerprint": str(self.reports["ingest"]["fingerprint"]),
            "headgate.problem_digest": problem_digest(self.problem),
        }
        key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        return {
            KEY: key,
            **identity,
            "headgate.family": str(self.reports["training"]["best"]),
            SPLIT: split_digest(self.problem),
            "headgate.seed": str(self.reports["training"]["seed"]),
            "headgate.version": __version__,
            "headgate.revision": self.revision or "",
            "headgate.run_id": self.run_id,
        }


def joined_run(environment: Mapping[str, str], uri: str) -> str | None:
    """Return the MLflow run that Kubeflow's own plug-in opened for this step.

    Args:
        environment: Environment of the step.
        uri: Registry URI of the step.

    Returns:
        Its id, or None if there is none or it lives on another server than the registry.
    """
    if environment.get("MLFLOW_TRACKING_URI", "").rstrip("/") != uri.rstrip("/"):
        return None
    return environment.get("MLFLOW_RUN_ID") or None
