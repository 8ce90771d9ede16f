"""One folder, one model, one process at a time."""

import pytest

from headgate.adapters.problem_file import parse_problem
from headgate.cli.workspace import Workspace
from headgate.errors import ConfigError

TEXT = """
name: {name}
data: {{path: /rows.csv}}
target: {{column: y, positive: "{positive}"}}
columns: {{numeric: [a]}}
"""


def problem(*, name="churn", positive="yes"):
    return parse_problem(TEXT.format(name=name, positive=positive))


def test_runs_are_numbered_and_an_unfinished_one_is_never_continued(tmp_path):
    workspace = Workspace(tmp_path / "out", prefix="act")
    with workspace.held(problem()):
        first, second = workspace.new_run(), workspace.new_run()
    assert [first.name, second.name] == ["act-1", "act-2"]
    assert workspace.runs() == [first, second]


def test_runs_are_ordered_by_number_not_by_name(tmp_path):
    workspace = Workspace(tmp_path)
    for number in (10, 9, 2):
        (tmp_path / f"run-{number}").mkdir()
    (tmp_path / "run-notes").mkdir()
    assert [path.name for path in workspace.runs()] == ["run-2", "run-9", "run-10"]


def test_two_processes_cannot_hold_one_folder(tmp_path):
    workspace = Workspace(tmp_path / "out")
    with (
        workspace.held(problem()),
        pytest.raises(ConfigError, match="is in use by process"),
        Workspace(tmp_path / "out").unused(),
    ):
        pass


def test_a_folder_can_be_held_again_afterwards(tmp_path):
    workspace = Workspace(tmp_path / "out")
    for _ in range(2):
        with workspace.held(problem()):
            pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "other"}, "name = 'churn', the problem has name = 'other'"),
        ({"positive": "no"}, "positive = 'yes', the problem has positive = 'no'"),
    ],
)
def test_another_model_is_refused(tmp_path, change, message):
    workspace = Workspace(tmp_path / "out")
    with workspace.held(problem()):
        pass
    with pytest.raises(ConfigError, match=message), workspace.held(problem(**change)):
        pass


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigError, match="is a file"), Workspace(tmp_path / "out").held(problem()):
        pass


def test_the_registry_lives_in_the_folder(tmp_path):
    uri = Workspace(tmp_path).registry_uri
    assert uri == f"sqlite:///{tmp_path}/world/registry/mlflow.db"
