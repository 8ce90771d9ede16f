import json
from pathlib import Path

import pandas as pd
import pytest
from kfp import dsl

from headgate.adapters.files import read_table, write_table
from headgate.adapters.problem_file import parse_problem
from headgate.adapters.tables import load_table
from headgate_components.data_processing.split_data.component import split_data

PARTS = ("train", "test", "live")


@pytest.fixture
def split(people, artifact):
    def run(frame=None):
        frame = load_table(parse_problem(people[1])) if frame is None else frame
        table, report = artifact("table", dsl.Dataset), artifact("split.json")
        write_table(table.path, frame)
        outputs = {name: artifact(name, dsl.Dataset) for name in PARTS}
        verdict = split_data.python_func(problem=people[1], table=table, report=report, **outputs)
        parts = {name: read_table(output.path) for name, output in outputs.items()}
        return verdict, parts, json.loads(Path(report.path).read_text()), frame

    return run


def test_every_row_is_in_one_part(split) -> None:
    _, parts, _, table = split()
    together = pd.concat(parts.values()).sort_values("person").reset_index(drop=True)
    pd.testing.assert_frame_equal(together, table.sort_values("person").reset_index(drop=True))


def test_it_reports_the_parts_and_their_verdict(split) -> None:
    verdict, parts, report, _ = split()
    assert verdict == report["verdict"] == "PASS"
    assert type(verdict) is str
    for name, part in parts.items():
        assert report["parts"][name]["rows"] == len(part)
        assert report["parts"][name]["positive_share"] == (part["left"] == "yes").mean()


def test_a_row_keeps_its_part_when_the_table_grows(split) -> None:
    _, before, _, table = split()
    new = table.assign(person=[f"new {i}" for i in range(len(table))])
    _, after, _, _ = split(pd.concat([new, table]))
    for name in PARTS:
        assert set(before[name]["person"]) <= set(after[name]["person"])
