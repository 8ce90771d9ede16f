import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from headgate.adapters.problem_file import parse_problem, read_problem
from headgate.adapters.tables import (
    describe_table,
    load_table,
    nested_columns,
    read_raw_table,
    table_columns,
    table_fingerprint,
)
from headgate.errors import ConfigError, DataError, NoDataError

EXAMPLES = Path(__file__).parents[3] / "examples"
CSV = "id,age,job,left\np1,20,cook,no\np2,?,smith,yes\np3,40,,no\n"


def problem(path, **columns):
    names = {"numeric": ["age"], "categorical": ["job"]} | columns
    return parse_problem(
        f"""
name: people
data: {{path: {str(path)!r}, missing_values: ["?"]}}
target: {{column: left, positive: "yes"}}
columns: {names}
"""
    )


@pytest.fixture
def people(tmp_path):
    def write(text=CSV, name="people.csv", encoding="utf-8"):
        path = tmp_path / name
        data = text if isinstance(text, bytes) else text.encode(encoding)
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def test_a_csv_becomes_the_typed_table(people) -> None:
    table = load_table(problem(people(), id="id"))
    assert list(table.columns) == ["age", "job", "left", "id"]
    np.testing.assert_array_equal(table["age"], [20.0, np.nan, 40.0])
    assert list(table["job"]) == ["cook", "smith", None]
    assert list(table["id"]) == ["p1", "p2", "p3"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.csv.gz", CSV),
        ("p.CSV", CSV),
        ("p.tsv", CSV.replace(",", "\t")),
        ("p.csv", CSV.replace(",", ";")),
        ("p.csv", CSV.replace(",", " , ")),
        ("p.csv", CSV.replace("\n", "\r\n")),
        ("p.csv", "\ufeff" + CSV),
        ("p.csv", CSV.replace("id,age", '"id","age"')),
    ],
)
def test_a_csv_may_come_in_many_shapes(people, name, text) -> None:
    expected = load_table(problem(people()))
    pd.testing.assert_frame_equal(load_table(problem(people(text, name))), expected)


def test_parquet_and_csv_of_one_table_are_the_same(people, tmp_path) -> None:
    frame = pd.DataFrame(
        {"age": [20, None, 40], "job": ["cook", "smith", None], "left": ["no", "yes", "no"]}
    )
    frame.to_parquet(tmp_path / "people.parquet")
    expected = load_table(problem(people()))
    pd.testing.assert_frame_equal(load_table(problem(tmp_path / "people.parquet")), expected)


def test_columns_that_are_not_named_are_not_even_decoded(tmp_path) -> None:
    frame = pd.DataFrame({"age": [1, 2], "job": ["a", "b"], "left": ["no", "yes"], "x": [[1], [2]]})
    frame.to_parquet(tmp_path / "p.parquet")
    assert list(load_table(problem(tmp_path / "p.parquet")).columns) == ["age", "job", "left"]


def test_a_column_that_is_not_in_the_data_is_a_mistake_in_the_file(people) -> None:
    with pytest.raises(ConfigError) as caught:
        load_table(problem(people(), numeric=["agee"]))
    assert str(caught.value) == (
        "columns.numeric: got 'agee'; needed: one of the table's columns id, age, job, left"
    )


def test_a_value_that_breaks_the_contract_is_a_mistake_in_the_data(people) -> None:
    with pytest.raises(DataError, match="column left: one class only"):
        load_table(problem(people(CSV.replace("yes", "no"))))
    with pytest.raises(DataError, match="column age: 'old' in data row 2 is not a number"):
        load_table(problem(people(CSV.replace("?", "old"))))


def test_a_table_without_rows_is_no_data(people) -> None:
    with pytest.raises(NoDataError, match="the table has no row"):
        load_table(problem(people("id,age,job,left\n")))


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
def test_an_empty_file_is_no_data(people, name) -> None:
    with pytest.raises(NoDataError, match="the file is empty"):
        load_table(problem(people(b"", name)))


@pytest.mark.parametrize("text", ["\n1,2\n", ",,\n1,2,3\n"])
def test_a_file_without_column_names_is_no_data(people, text) -> None:
    with pytest.raises(NoDataError, match="the first line holds no column names"):
        table_columns(people(text))


def test_an_absent_file_is_named(tmp_path) -> None:
    with pytest.raises(DataError, match=r"p\.csv: there is no such file"):
        load_table(problem(tmp_path / "p.csv"))


def test_an_unknown_kind_of_file_is_a_mistake_in_the_problem(people) -> None:
    with pytest.raises(ConfigError, match=r"data\.path: got .*p\.xlsx'; needed: a file named"):
        load_table(problem(people(CSV, "p.xlsx")))


@pytest.mark.parametrize(
    ("text", "name", "encoding"),
    [
        (CSV, "p.parquet", "utf-8"),
        (b"PAR1 broken PAR1", "p.parquet", "utf-8"),
        (CSV.replace("cook", "cöok"), "p.csv", "latin-1"),
        (CSV.replace("id", "ïd"), "p.csv", "latin-1"),
        (CSV.replace("p2,?,smith", "p2,?,smith,x,y"), "p.csv", "utf-8"),
        (CSV.replace("cook,no", "cook,no,").replace("no\n", "no,\n"), "p.csv", "utf-8"),
        (CSV.replace("cook", '"cook'), "p.csv", "utf-8"),
    ],
)
def test_an_unreadable_file_is_refused_on_one_line(people, text, name, encoding) -> None:
    path = people(text, name, encoding)
    with pytest.raises(DataError, match="cannot be read") as caught:
        load_table(problem(path))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_gzip_is_refused(tmp_path) -> None:
    (tmp_path / "p.csv.gz").write_text(CSV)
    with pytest.raises(DataError, match="cannot be read"):
        load_table(problem(tmp_path / "p.csv.gz"))


def test_a_cut_off_gzip_file_is_refused(tmp_path) -> None:
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(CSV.encode() * 500)[:-40])
    with pytest.raises(DataError, match="cannot be read"):
        load_table(problem(tmp_path / "p.csv.gz"))


@pytest.mark.parametrize("place", [0, 15, -5])
def test_a_damaged_gzip_file_is_refused(people, place) -> None:
    path = people(CSV * 500, "p.csv.gz")
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(DataError, match="cannot be read"):
        load_table(problem(path))


def test_two_columns_of_one_name_are_refused(people) -> None:
    with pytest.raises(DataError, match="two columns are named 'age'; names must differ"):
        load_table(problem(people(CSV.replace("job", "age"))))


def test_a_short_line_has_missing_cells(people) -> None:
    raw = read_raw_table(people(CSV + "p4,7\n"))
    assert list(raw["age"]) == ["20", "?", "40", "7"]
    assert list(raw["left"]) == ["no", "yes", "no", ""]


def test_columns_are_seen_without_reading_the_rows(people, tmp_path) -> None:
    assert table_columns(people()) == ("id", "age", "job", "left")
    pd.DataFrame({"a": [1], "b": [2]}).to_parquet(tmp_path / "p.parquet")
    assert table_columns(str(tmp_path / "p.parquet")) == ("a", "b")


@pytest.mark.parametrize("levels", [["age"], ["age", "job"], ["left", "age", "job"]])
def test_an_index_of_pandas_is_a_column_like_any_other(people, tmp_path, levels) -> None:
    frame = pd.DataFrame(
        {"age": [20, None, 40], "job": ["cook", "smith", None], "left": ["no", "yes", "no"]}
    )
    frame.set_index(levels).to_parquet(tmp_path / "p.parquet")
    expected = load_table(problem(people()))
    pd.testing.assert_frame_equal(load_table(problem(tmp_path / "p.parquet")), expected)
    assert set(read_raw_table(tmp_path / "p.parquet").columns) == {"age", "job", "left"}


def test_an_index_without_a_name_is_no_column(tmp_path) -> None:
    frame = pd.DataFrame({"age": [1, 2], "job": ["a", "b"], "left": ["no", "yes"]}, index=[5, 9])
    frame.to_parquet(tmp_path / "p.parquet")
    assert "__index_level_0__" in pq.read_schema(tmp_path / "p.parquet").names
    assert table_columns(tmp_path / "p.parquet") == ("age", "job", "left")
    assert list(load_table(problem(tmp_path / "p.parquet"))["age"]) == [1.0, 2.0]
    assert list(read_raw_table(tmp_path / "p.parquet").columns) == ["age", "job", "left"]


def test_long_codes_with_gaps_keep_all_their_digits(tmp_path) -> None:
    codes = pd.array([2**53 + 1, 2**53 + 2, None], dtype="Int64")  # one number as floats
    frame = pd.DataFrame({"age": [1, 2, 3], "job": codes, "left": ["no", "yes", "no"]})
    frame.to_parquet(tmp_path / "p.parquet")
    table = load_table(problem(tmp_path / "p.parquet"))
    assert list(table["job"]) == ["9007199254740993", "9007199254740994", None]


@pytest.mark.parametrize(
    ("cell", "kind"), [([1], "list<"), ({"a": 1}, "struct<a: int64>"), ([{"a": 1}], "list<")]
)
def test_a_column_of_lists_or_structs_is_refused_by_name(tmp_path, cell, kind) -> None:
    frame = pd.DataFrame({"age": [1, 2], "job": [cell, cell], "left": ["no", "yes"]})
    frame.to_parquet(tmp_path / "p.parquet")
    with pytest.raises(DataError, match=f"a cell of column job is a {kind}.*one number or text"):
        load_table(problem(tmp_path / "p.parquet"))
    assert list(read_raw_table(tmp_path / "p.parquet").columns) == ["age", "left"]


def test_a_file_that_is_no_parquet_has_no_nested_columns_to_tell(people) -> None:
    assert nested_columns(people()) == {}
    with pytest.raises(DataError, match="cannot be read"):
        nested_columns(people(CSV, "p.parquet"))


def test_the_raw_table_is_text_from_csv_and_typed_from_parquet(people, tmp_path) -> None:
    raw = read_raw_table(people())
    assert list(raw["age"]) == ["20", "?", "40"]
    assert list(raw["job"]) == ["cook", "smith", ""]
    pd.DataFrame({"a": [1], "b": [2]}).to_parquet(tmp_path / "p.parquet")
    assert read_raw_table(tmp_path / "p.parquet", ["b"]).dtypes.to_dict() == {"b": "int64"}


def test_the_fingerprint_is_of_the_content_alone() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "x"]})
    fingerprint = table_fingerprint(frame)
    assert len(fingerprint) == 64
    assert int(fingerprint, 16) >= 0
    for same in (
        frame.iloc[::-1],
        frame[["b", "a"]],
        frame.astype({"a": float}),
        frame.set_axis([5, 6, 7]),
    ):
        assert table_fingerprint(same) == fingerprint
    for other in (
        frame.assign(a=[1, 2, 4]),
        frame.iloc[:2],
        pd.concat([frame, frame.iloc[:1]]),
        frame.rename(columns={"a": "c"}),
        frame.assign(b=["x", "x", None]),
        frame.assign(c=1),
    ):
        assert table_fingerprint(other) != fingerprint


def test_an_empty_table_has_the_fingerprint_of_its_columns() -> None:
    empty = pd.DataFrame({"b": [], "a": []})
    assert table_fingerprint(empty) == hashlib.sha256(b'["a", "b"]').hexdigest()


def test_the_record_says_what_was_read(people) -> None:
    table = load_table(problem(people()))
    record = describe_table(table, source="people.csv", as_of="2026-11-21T00:00:00Z")
    assert record == {
        "rows": 3,
        "columns": ["age", "job", "left"],
        "fingerprint": table_fingerprint(table),
        "source": "people.csv",
        "as_of": "2026-11-21T00:00:00Z",
    }


def test_the_adult_table_is_as_its_description_says() -> None:
    table = load_table(read_problem(EXAMPLES / "adult.yaml"))
    assert len(table) == 48_842
    assert (table["income"] == ">50K").mean() == pytest.approx(0.239, abs=5e-4)
    missing = table.isna().sum()
    assert missing[missing > 0].to_dict() == {
        "workclass": 2799,
        "occupation": 2809,
        "native_country": 857,
    }
