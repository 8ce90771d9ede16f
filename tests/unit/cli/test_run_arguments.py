import json

import pytest

from headgate.adapters.problem_file import parse_problem
from headgate.cli.compiling import Fit, promotion_documents
from headgate.cli.run_arguments import cluster_problem, run_arguments
from headgate.errors import ConfigError

FIXED = {"as_of": "now", "registry_uri": "http://mlflow", "cluster_url": "kubernetes://headgate"}


@pytest.fixture(scope="module")
def spec():
    return promotion_documents(Fit())[0]


@pytest.fixture
def problem_file(tmp_path):
    def write(path: str):
        file = tmp_path / "problem.yaml"
        file.write_text(
            f"name: churn\ndata: {{path: '{path}'}}\n"
            "target: {column: gone, positive: 'yes'}\ncolumns: {numeric: [age]}\n"
        )
        return file

    return write


@pytest.mark.parametrize(
    ("written", "folder", "found"),
    [
        ("/mnt/rows.csv", "", "/mnt/rows.csv"),
        ("rows.csv", "/data", "/data/rows.csv"),
        ("a/rows.csv", "/data", "/data/a/rows.csv"),
        ("/data/rows.csv", "/data", "/data/rows.csv"),
    ],
)
def test_the_table_lies_where_the_steps_find_it(problem_file, written, folder, found) -> None:
    assert cluster_problem(problem_file(written), data_folder=folder).data.path == found


@pytest.mark.parametrize(
    ("written", "folder", "message"),
    [
        ("rows.csv", "", "a file of this machine, and the steps run on the cluster"),
        ("../rows.csv", "/data", "lies outside /data, the folder of --data-volume"),
        ("/mnt/rows.csv", "/data", "lies outside /data"),
        ("s3://bucket/rows.csv", "/data", "the steps read files, not addresses"),
        ("https://host/rows.csv", "", "the steps read files, not addresses"),
    ],
)
def test_a_table_that_the_steps_cannot_read_is_refused(
    problem_file, written, folder, message
) -> None:
    file = problem_file(written)
    with pytest.raises(ConfigError, match=message) as caught:
        cluster_problem(file, data_folder=folder)
    assert str(caught.value).startswith(f"{file}: data.path is ")


def test_a_problem_file_that_is_wrong_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: there is no such file"):
        cluster_problem(tmp_path / "absent.yaml", data_folder="")


def test_arguments_are_what_the_options_say_and_the_problem_as_text(spec, problem_file) -> None:
    problem = cluster_problem(problem_file("/mnt/rows.csv"), data_folder="")
    arguments = run_arguments(spec, problem, fixed=FIXED, params=[])
    assert parse_problem(arguments.pop("problem")) == problem
    assert arguments == FIXED


def test_parameters_have_the_kind_that_the_pipeline_gives_them(spec, problem_file) -> None:
    problem = cluster_problem(problem_file("/mnt/rows.csv"), data_folder="")
    toleration = {"key": "gpu", "operator": "Exists"}
    arguments = run_arguments(
        spec,
        problem,
        fixed=FIXED,
        params=[
            "accelerator_count=2",
            "train_memory=8Gi",
            'node_selector={"gpu": "yes"}',
            f"tolerations={json.dumps([toleration])}",
            "as_of=2026-11-21",
        ],
    )
    assert arguments["accelerator_count"] == "2"  # of a number the backend would make nothing
    assert arguments["train_memory"] == "8Gi"
    assert arguments["node_selector"] == {"gpu": "yes"}
    assert arguments["tolerations"] == [toleration]
    assert arguments["as_of"] == "2026-11-21"


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("train_memory", "needed: name=value"),
        ("train_memroy=8Gi", "the pipeline has no such parameter; it has: accelerator_count, "),
        ("problem=x", "--param problem: give it as PROBLEM.yaml"),
        ("registry_uri=x", "--param registry_uri: give it as --registry-uri"),
        ("train_cpu=two", "--param train_cpu is 'two'; needed: a Kubernetes quantity"),
        ("train_memory=8GB", "--param train_memory is '8GB'; needed: a Kubernetes quantity"),
        ("train_memory=256Mi", "--param train_memory is '256Mi'; needed: 512Mi or more"),
        ("accelerator_count=-1", "--param accelerator_count is '-1'; needed: a whole number"),
        ("accelerator_count=1.5", "needed: a whole number, or 0"),
        ("accelerator_type=", "--param accelerator_type is empty"),
        ("node_selector=gpu", "--param node_selector is 'gpu'; needed: JSON, as in"),
        ('node_selector=["gpu"]', "needed: JSON, as in"),
        ('node_selector={"gpu": true}', "the value of gpu is True; needed: text"),
        ("tolerations={}", "needed: a JSON list, as in"),
        ('tolerations=["gpu"]', "--param tolerations holds 'gpu'"),
        ("command=sh", "--param command is 'sh'; needed: a JSON list, as in"),
    ],
)
def test_a_parameter_that_the_cluster_would_stumble_over_is_refused(
    spec, problem_file, param, message
) -> None:
    problem = cluster_problem(problem_file("/mnt/rows.csv"), data_folder="")
    with pytest.raises(ConfigError, match=message):
        run_arguments(spec, problem, fixed=FIXED, params=[param])
