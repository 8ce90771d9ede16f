"""Names of metrics and the privacy of MLflow's import; its own code is the witness."""

import os
import subprocess
import sys

import pytest

from headgate.adapters.mlflow_quiet import quiet
from headgate.adapters.mlflow_registry import MlflowRegistry, create_store
from headgate.adapters.registration import Registration

with quiet():
    from mlflow.entities import Metric
    from mlflow.utils.validation import _validate_batch_log_data

    from headgate.adapters.mlflow_writes import _scalars

ODD = (
    *(
        "Sex (M/F)",
        "Sex [M/F]",
        "gender?",
        "a,b",
        "a;b",
        "x:y",
        "x y",
        "line\nbreak",
        "état",
        "性别",
    ),
    *("/", "a//b", "../x", "", ".", "n" * 300, "n" * 299 + "m"),
)


def named(reports, *columns):
    """The same reports, with fairness measured by these columns."""
    (column,) = reports["fairness"]["columns"]
    measured = [{**column, "column": name} for name in columns]
    return {**reports, "fairness": {"columns": measured}}


def test_metrics_of_columns_of_any_name_are_accepted_by_mlflow(tiny_reports) -> None:
    found = _scalars(named(tiny_reports, *ODD))
    metrics = [Metric(name, value, 0, 0) for name, value in found]
    with quiet():
        _validate_batch_log_data(metrics, [], [])
    assert max(len(name) for name, _ in found) <= 250


def test_no_two_columns_share_a_metric(tiny_reports) -> None:
    names = [name for name, _ in _scalars(named(tiny_reports, *ODD))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("column", ["gender", "marital_status", "hours-per-week", "x.y", "x y"])
def test_a_name_that_mlflow_allows_stays_as_it_is(tiny_reports, column) -> None:
    names = [name for name, _ in _scalars(named(tiny_reports, column))]
    assert f"fairness.{column}.equalized_odds_difference" in names


def test_a_version_with_an_oddly_named_column_can_be_registered(
    tiny_problem, tiny_bundle, tiny_reports, tmp_path
) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    create_store(uri)
    reports = named(tiny_reports, *ODD)
    entry = Registration(problem=tiny_problem, bundle=tiny_bundle, reports=reports, run_id="run-1")
    assert MlflowRegistry(uri).register(entry).version == "1"


def test_the_way_to_mlflow_leaves_its_telemetry_off(tmp_path) -> None:
    # A process without the variables by which MLflow knows a test or a build server and keeps quiet
    # anyway. An imported telemetry client would start with the first call.
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    code = f"""
from headgate.adapters.mlflow_registry import MlflowRegistry, create_store
create_store("sqlite:///{tmp_path / "mlflow.db"}")
from mlflow.telemetry import get_telemetry_client
from mlflow.telemetry.utils import is_telemetry_disabled
assert is_telemetry_disabled()
assert get_telemetry_client() is None
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=kept)
