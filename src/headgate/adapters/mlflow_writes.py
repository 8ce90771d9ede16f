"""Write one model version into MLflow: model, metrics, figures, reports, card, tags.

Importing this module costs seconds.
"""

import hashlib
import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from headgate.adapters.files import write_json
from headgate.adapters.mlflow_packaging import package_model
from headgate.adapters.model_card import description_of, metric_values, model_card
from headgate.adapters.registration import Registration
from headgate.adapters.reporting.figures import evaluation_figures

EXPORT_METRICS = ("max_probability_difference", "label_flips", "auc_change")
NAME_CHARACTERS = 100  # of a column's part; MLflow keeps 250 of the whole name
BATCH = 1000  # metrics that MLflow takes in one call


def log_version(client: MlflowClient, entry: Registration, *, artifact_root: str | None) -> str:
    """Log everything about a model, and its version last.

    Args:
        client: Open client.
        entry: What to register.
        artifact_root: Where a new experiment keeps its artifacts; None leaves it to the server.

    Returns:
        Number of the new version.
    """
    name, tags = entry.problem.name, entry.tags()
    experiment = _experiment(client, name, artifact_root)
    run_id = entry.joined or client.create_run(experiment, run_name=entry.run_id).info.run_id
    model = client.create_logged_model(
        experiment, name=name, source_run_id=run_id, tags=tags, model_type="headgate-bundle"
    )
    _log_model(client, entry.bundle, model_id=model.model_id, run_id=run_id)
    _log_metrics(client, entry.reports, model_id=model.model_id, run_id=run_id)
    card = model_card(entry.problem, entry.reports, revision=entry.revision)
    _log_files(client, entry.reports, card, run_id=run_id)
    for key, value in tags.items():
        client.set_tag(run_id, key, value)
    if entry.joined is None:
        client.set_terminated(run_id)
    _ensure_registered_model(client, name)
    made = client.create_model_version(
        name,
        model.artifact_location,
        run_id=run_id,
        tags=tags,
        description=description_of(card),
        model_id=model.model_id,
    )
    return str(made.version)


def _experiment(client: MlflowClient, name: str, artifact_root: str | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=artifact_root))
        except MlflowException as error:
            found = client.get_experiment_by_name(name)
            if found is None:  # else another process was faster
                raise error from None
    return str(found.experiment_id)


def _ensure_registered_model(client: MlflowClient, name: str) -> None:
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _log_model(client: MlflowClient, bundle: Path, *, model_id: str, run_id: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        package_model(bundle, folder, model_id=model_id, run_id=run_id)
        client.log_model_artifacts(model_id, str(folder))
    client.finalize_logged_model(model_id, "READY")


def _log_metrics(
    client: MlflowClient, reports: Mapping[str, Mapping[str, Any]], *, model_id: str, run_id: str
) -> None:
    now = int(time.time() * 1000)
    found = [Metric(name, value, now, 0, model_id=model_id) for name, value in _scalars(reports)]
    for start in range(0, len(found), BATCH):
        client.log_batch(run_id, metrics=found[start : start + BATCH])


def _scalars(reports: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, float]]:
    found = list(metric_values(reports["evaluation"]["metrics"]))
    for column in reports["fairness"]["columns"]:
        measured = {key: value for key, value in column.items() if isinstance(value, Mapping)}
        found += metric_values(measured, prefix=f"fairness.{_metric_part(column['column'])}.")
    export = reports["export"]
    exported = {name: export[name] for name in EXPORT_METRICS}
    exported["latency_p95_ms"] = export["latency_ms"]["p95"]
    return [*found, *metric_values(exported, prefix="export.")]


def _metric_part(column: str) -> str:
    # MLflow refuses other characters, and a slash where it makes the name an odd path. The digest
    # keeps columns apart that would now be called the same.
    part = re.sub(r"[^\w.\- ]", "_", column)[:NAME_CHARACTERS]
    return part if part == column else f"{part}-{hashlib.sha256(column.encode()).hexdigest()[:8]}"


def _log_files(
    client: MlflowClient, reports: Mapping[str, Mapping[str, Any]], card: str, *, run_id: str
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "model_card.md").write_text(card, encoding="utf-8")
        for name, report in reports.items():
            write_json(folder / "reports" / f"{name}.json", report)
        (folder / "figures").mkdir()
        for name, picture in evaluation_figures(reports["evaluation"]).items():
            (folder / "figures" / name).write_bytes(picture)
        client.log_artifacts(run_id, str(folder))
