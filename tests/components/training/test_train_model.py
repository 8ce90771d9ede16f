import pytest
from kfp import dsl

from headgate.adapters.files import read_json
from headgate.adapters.model_files import load_model
from headgate.errors import NoDataError
from headgate_components.training.train_model.component import train_model


@pytest.fixture
def run(problem_text, tmp_path):
    def call(train):
        return train_model.python_func(
            problem=problem_text,
            train=dsl.Dataset(uri=str(tmp_path / train)),
            model=dsl.Model(uri=str(tmp_path / "model")),
            report=dsl.Artifact(uri=str(tmp_path / "report.json")),
        )

    return call


def test_the_best_family_is_saved_and_reported(run, write_rows, tmp_path):
    table = write_rows("train.parquet")
    family = run("train.parquet")
    report = read_json(tmp_path / "report.json")
    assert report["best"] == report["leaderboard"][0]["family"] == family
    assert (report["rows"], report["folds"]) == (200, 2)
    model = load_model(tmp_path / "model")
    assert model.classes == ("no", "yes")
    assert ((model.score(table) >= 0.5) == (table["rich"] == "yes")).mean() > 0.75


def test_an_empty_table_stops_the_step(run, write_rows):
    write_rows("train.parquet", rows=0)
    with pytest.raises(NoDataError):
        run("train.parquet")
