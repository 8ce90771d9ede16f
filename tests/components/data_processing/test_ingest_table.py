import json
from pathlib import Path

import pandas as pd
import pytest
from kfp import dsl

from headgate.adapters.files import read_table
from headgate.adapters.tables import table_fingerprint
from headgate.errors import ConfigError, DataError
from headgate_components.data_processing.ingest_table.component import ingest_table


def ingest(problem, artifact):
    table, report = artifact("table", dsl.Dataset), artifact("report.json")
    outputs = ingest_table.python_func(
        problem=problem, as_of="2026-11-21T00:00:00Z", table=table, report=report
    )
    return outputs, table, report


def test_it_writes_the_typed_table_and_says_what_it_read(people, artifact) -> None:
    path, problem = people
    outputs, table, report = ingest(problem, artifact)
    frame = read_table(table.path)
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "object", "object", "object"]
    assert frame["age"].isna().sum() == 40
    assert outputs.rows == 400
    assert outputs.fingerprint == table_fingerprint(frame)
    assert json.loads(Path(report.path).read_text()) == {
        "rows": 400,
        "columns": ["age", "sex", "left", "person"],
        "fingerprint": outputs.fingerprint,
        "source": str(path),
        "as_of": "2026-11-21T00:00:00Z",
    }


def test_the_same_rows_in_another_order_have_the_same_fingerprint(people, artifact) -> None:
    path, problem = people
    before = ingest(problem, artifact)[0].fingerprint
    pd.read_csv(path)[::-1].to_csv(path, index=False)
    assert ingest(problem, artifact)[0].fingerprint == before


def test_an_unknown_column_and_an_absent_file_are_named(people, artifact) -> None:
    path, problem = people
    with pytest.raises(ConfigError, match=r"columns\.numeric: got 'agee'"):
        ingest(problem.replace('"age"', '"agee"'), artifact)
    path.unlink()
    with pytest.raises(DataError, match="there is no such file"):
        ingest(problem, artifact)
