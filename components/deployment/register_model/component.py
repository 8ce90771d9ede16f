"""KFP shell of `headgate.adapters.mlflow_registry`."""

from typing import NamedTuple

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def register_model(  # noqa: PLR0913 - a KFP signature names every artifact
    *,
    problem: str,
    bundle: dsl.Input[dsl.Model],
    ingest: dsl.Input[dsl.Artifact],
    training: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    fairness: dsl.Input[dsl.Artifact],
    export: dsl.Input[dsl.Artifact],
    registry_uri: str,
    run_id: str,
) -> NamedTuple("Outputs", [("version", str), ("uri", str), ("sha256", str)]):  # type: ignore[valid-type] # KFP reads the outputs' names from this very form
    """Register a model with everything that was measured about it, once.

    The version carries signature, input example, metrics with interval ends, figures, reports,
    tags and a model card. The alias `candidate` points at it. The same bundle, data and problem
    give the version that already exists.

    Args:
        problem: Problem file as text (YAML or JSON).
        bundle: Exported model: folder with `model.onnx` and `bundle.json`.
        ingest: Report of `ingest_table`.
        training: Report of `train_model`.
        evaluation: Report of `evaluate_model`.
        fairness: Report of `measure_fairness`.
        export: Report of `export_model`.
        registry_uri: MLflow tracking URI: `sqlite:////absolute/path.db`, `http://…` or `https://…`.
        run_id: Identity of the pipeline run; a step with side effects is never served from a cache.

    Returns:
        version: Version of the registered model.
        uri: Folder of the registered bundle.
        sha256: Checksum of the bundle.
    """
    import os
    from pathlib import Path

    import headgate
    from headgate.adapters.files import read_json
    from headgate.adapters.mlflow_registry import MlflowRegistry
    from headgate.adapters.problem_file import parse_problem
    from headgate.adapters.provenance import code_revision
    from headgate.adapters.registration import Registration, joined_run

    stamped = os.environ.get("HEADGATE_REVISION") or "unknown"  # an image holds no git to ask
    entry = Registration(
        problem=parse_problem(problem),
        bundle=Path(bundle.path),
        reports={
            "ingest": read_json(ingest.path),
            "training": read_json(training.path),
            "evaluation": read_json(evaluation.path),
            "fairness": read_json(fairness.path),
            "export": read_json(export.path),
        },
        run_id=run_id,
        revision=code_revision(Path(headgate.__file__).parent)
        or (None if stamped == "unknown" else stamped),
        joined=joined_run(os.environ, registry_uri),
    )
    found = MlflowRegistry(registry_uri).register(entry)
    return (found.version, found.uri, found.sha256)
