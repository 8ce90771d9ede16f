"""KFP shell of `headgate.training.train`."""

from kfp import dsl

from headgate_components._image import RUNTIME_IMAGE


@dsl.component(base_image=RUNTIME_IMAGE, install_kfp_package=False)
def train_model(
    *,
    problem: str,
    train: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.Artifact],
) -> str:
    """Compare the model families by cross-validation and fit the best one on all training rows.

    Args:
        problem: Problem file as text (YAML or JSON).
        train: Typed table of the training part.
        model: Folder with the fitted pipeline (skops, no pickle) and its record.
        report: JSON with the leaderboard.

    Returns:
        model: Folder with the fitted pipeline (skops, no pickle) and its record.
        report: JSON with the best family, the metric, and each family's held-out folds.
        Output: Name of the best family.
    """
    from headgate.adapters.files import read_table, write_json
    from headgate.adapters.model_files import save_model
    from headgate.adapters.problem_file import parse_problem
    from headgate.training import train as train_best

    trained = train_best(read_table(train.path), parse_problem(problem))
    save_model(model.path, trained)
    write_json(report.path, trained.as_mapping())
    return trained.family
