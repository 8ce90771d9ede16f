"""KFP shell of `headgate.adapters.onnx_models.export_bundle` and the measurements of its result."""

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def export_model(
    *,
    problem: str,
    model: dsl.Input[dsl.Model],
    test: dsl.Input[dsl.Dataset],
    bundle: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.Artifact],
) -> str:
    """Export a model to one ONNX graph and check that it answers as before, and how fast.

    Args:
        problem: Problem file as text (YAML or JSON).
        model: Fitted model of `train_model`.
        test: Typed table of the test part.
        bundle: Folder with `model.onnx` and `bundle.json`.
        report: JSON with parity, latency and checksum.

    Returns:
        bundle: Folder with `model.onnx` and `bundle.json`: what is registered and served.
        report: JSON with the parity to the fitted model, its verdict, the latency of one request,
            and the checksum.
        Output: SHA-256 of the bundle.
    """
    from headgate.adapters.files import read_table, write_json
    from headgate.adapters.model_files import load_model
    from headgate.adapters.onnx_models import export_bundle
    from headgate.adapters.problem_file import parse_problem
    from headgate.adapters.verification import verify_bundle

    settings, fitted = parse_problem(problem), load_model(model.path)
    checksum = export_bundle(fitted, bundle.path, name=settings.name)
    rows = read_table(test.path)
    write_json(report.path, verify_bundle(bundle.path, fitted, rows, target=settings.target))
    return checksum
