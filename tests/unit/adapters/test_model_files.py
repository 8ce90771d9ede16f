import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from headgate.adapters.model_files import load_model, save_model
from headgate.errors import DataError
from headgate.training import FAMILIES, Examples, FittedModel, fit, input_frame


def shout(values):
    return values


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(2)
    age = random.uniform(20, 60, 200)
    town = pd.Series(random.choice(["Bath", "York"], 200), dtype=object)
    return pd.DataFrame({"age": age, "town": town, "rich": age + random.normal(0, 9, 200) > 40})


def fitted(family, table):
    columns = {"numeric": ("age",), "categorical": ("town",)}
    examples = Examples(
        frame=input_frame(table, **columns),
        positive=table["rich"].to_numpy().astype(np.int64),
        weights=None,
        **columns,
    )
    return FittedModel(
        pipeline=fit(family, examples, seed=1), family=family, classes=("no", "yes"), **columns
    )


def unusual(step):
    """A pipeline with a step that we never make."""
    return FittedModel(
        pipeline=Pipeline([("columns", step), ("model", DummyClassifier())]),
        family="dummy",
        classes=("no", "yes"),
        numeric=("age",),
        categorical=(),
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_model_answers_as_before(tmp_path, family, table):
    model = fitted(family, table)
    save_model(tmp_path / "model", model)
    loaded = load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.score(table), model.score(table))
    assert (loaded.family, loaded.classes) == (family, ("no", "yes"))
    assert (loaded.numeric, loaded.categorical) == (("age",), ("town",))


def test_the_folder_is_flat_and_holds_no_pickle(tmp_path, table):
    save_model(tmp_path / "model", fitted("lightgbm", table))
    files = sorted((tmp_path / "model").iterdir())
    assert [file.name for file in files] == ["model.json", "model.skops"]
    assert not any(file.is_symlink() for file in files)
    with zipfile.ZipFile(files[1]) as archive:
        assert not [name for name in archive.namelist() if name.endswith((".pkl", ".pickle"))]


def test_a_pipeline_with_code_in_it_is_not_saved(tmp_path):
    with pytest.raises(DataError, match=r"holds the types \['.*shout'\], which are not allowed"):
        save_model(tmp_path, unusual(FunctionTransformer(shout)))
    assert not list(tmp_path.iterdir())


def test_a_file_with_a_strange_type_is_refused_and_the_allowed_ones_are_named(
    tmp_path, table, monkeypatch
):
    save_model(tmp_path, fitted("lightgbm", table))
    monkeypatch.setattr("headgate.adapters.model_files.TRUSTED_TYPES", ("numpy.dtype",))
    with pytest.raises(DataError, match=r"lightgbm.basic.Booster.*these are: \['numpy.dtype'\]"):
        load_model(tmp_path)


def test_a_pickle_under_the_model_s_name_is_refused_unread(tmp_path, table):
    save_model(tmp_path, fitted("logistic_regression", table))
    (tmp_path / "model.skops").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(DataError, match="not a readable skops file"):
        load_model(tmp_path)


def test_a_missing_pipeline_is_named(tmp_path, table):
    save_model(tmp_path, fitted("logistic_regression", table))
    (tmp_path / "model.skops").unlink()
    with pytest.raises(DataError, match=r"model\.skops: there is no such file"):
        load_model(tmp_path)


@pytest.mark.parametrize("change", [{"format": 2}, {"classes": ["yes"]}, {"extra": 1}])
def test_a_record_of_another_form_is_refused(tmp_path, table, change):
    save_model(tmp_path, fitted("logistic_regression", table))
    record = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**record, **change}))
    with pytest.raises(DataError, match="not a model record of format 1"):
        load_model(tmp_path)
