import json

import numpy as np
import pandas as pd
import pytest

from headgate.adapters.files import (
    plain_text_columns,
    read_json,
    read_table,
    write_json,
    write_table,
)
from headgate.errors import DataError


def test_a_table_comes_back_with_plain_text_and_none_for_missing(tmp_path) -> None:
    frame = pd.DataFrame({"x": [1.0, np.nan], "t": pd.Series(["a", None], dtype=object)})
    write_table(tmp_path / "t.parquet", frame)
    back = read_table(tmp_path / "t.parquet")
    assert [str(dtype) for dtype in back.dtypes] == ["float64", "object"]
    assert list(back["t"]) == ["a", None]
    assert np.isnan(back["x"][1])


def test_the_index_is_not_kept(tmp_path) -> None:
    write_table(tmp_path / "t.parquet", pd.DataFrame({"x": [1, 2, 3]})[1:])
    back = read_table(tmp_path / "t.parquet")
    assert list(back.columns) == ["x"]
    assert list(back.index) == [0, 1]


def test_columns_are_read_in_the_order_asked_for(tmp_path) -> None:
    write_table(tmp_path / "t.parquet", pd.DataFrame({"a": [1], "b": [2], "c": [3]}))
    assert list(read_table(tmp_path / "t.parquet", columns=["c", "a"]).columns) == ["c", "a"]


def test_a_text_column_without_any_value_stays_text(tmp_path) -> None:
    write_table(tmp_path / "t.parquet", pd.DataFrame({"t": pd.Series([None], dtype=object)}))
    assert list(read_table(tmp_path / "t.parquet")["t"]) == [None]


@pytest.mark.parametrize("dtype", ["str", "string", object])
def test_every_kind_of_text_becomes_plain(dtype) -> None:
    frame = plain_text_columns(pd.DataFrame({"t": pd.Series(["a", None], dtype=dtype)}))
    assert frame["t"].dtype == object
    assert list(frame["t"]) == ["a", None]


def test_an_absent_file_is_named(tmp_path) -> None:
    with pytest.raises(DataError, match=r"t\.parquet: there is no such file"):
        read_table(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"r\.json: there is no such file"):
        read_json(tmp_path / "r.json")


def test_a_file_that_is_not_parquet_is_refused_on_one_line(tmp_path) -> None:
    (tmp_path / "t.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not a readable Parquet file") as caught:
        read_table(tmp_path / "t.parquet")
    assert "\n" not in str(caught.value)


def test_a_column_that_is_not_in_the_file_is_refused(tmp_path) -> None:
    write_table(tmp_path / "t.parquet", pd.DataFrame({"a": [1]}))
    with pytest.raises(DataError, match=r"not a readable Parquet file .*zzz"):
        read_table(tmp_path / "t.parquet", columns=["zzz"])


def test_json_comes_back_with_its_keys_sorted_in_the_file(tmp_path) -> None:
    path = tmp_path / "new" / "folder" / "r.json"
    write_json(path, {"b": (1, 2), "a": {"é": None}})
    assert read_json(path) == {"b": [1, 2], "a": {"é": None}}
    assert list(json.loads(path.read_text(encoding="utf-8"))) == ["a", "b"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_what_json_cannot_say_is_refused_and_nothing_is_written(tmp_path, value) -> None:
    with pytest.raises(DataError, match=r"r\.json: cannot be written as JSON"):
        write_json(tmp_path / "r.json", {"x": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "not readable as JSON"), ("[1]", "holds a JSON list, an object is needed")],
)
def test_json_that_is_no_object_is_refused(tmp_path, text, message) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_json(tmp_path / "r.json")


def test_a_write_that_breaks_leaves_the_old_file_and_no_other(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    write_table(path, pd.DataFrame({"a": [1]}))
    with pytest.raises(ValueError, match="Duplicate column names"):
        write_table(path, pd.DataFrame([[1, 2]], columns=["a", "a"]))
    assert [file.name for file in tmp_path.iterdir()] == ["t.parquet"]
    assert list(read_table(path)["a"]) == [1]


def test_a_written_file_can_be_read_by_others(tmp_path) -> None:
    write_json(tmp_path / "r.json", {})
    assert (tmp_path / "r.json").stat().st_mode & 0o777 == 0o644
