"""The three components, run by kfp.local as they are: each step is a process of its own."""

import json
import os
import sys
from pathlib import Path

from kfp import dsl, local

from headgate_components.data_processing.ingest_table.component import ingest_table
from headgate_components.data_processing.split_data.component import split_data
from headgate_components.data_processing.validate_data.component import validate_data


@dsl.pipeline(name="data")
def data(problem: str) -> str:
    """Ingest, validate and split."""
    ingested = ingest_table(problem=problem, as_of="2026-11-21T00:00:00Z")
    table = ingested.outputs["table"]
    validate_data(problem=problem, table=table)
    return split_data(problem=problem, table=table).outputs["Output"]


def test_the_components_hand_their_artifacts_on(people, tmp_path, monkeypatch) -> None:
    # A step is started as `python3`: it must be the interpreter that holds headgate.
    folder = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=str(tmp_path / "root"),
        workspace_root=str(tmp_path / "workspace"),
    )
    assert data(problem=people[1]).output == "PASS"
    reports = {path.parent.name: path for path in Path(tmp_path / "root").rglob("report")}
    assert set(reports) == {"ingest-table", "validate-data", "split-data"}
    assert json.loads(reports["ingest-table"].read_text())["rows"] == 400
    assert json.loads(reports["validate-data"].read_text())["verdict"] == "PASS"
    parts = json.loads(reports["split-data"].read_text())["parts"]
    assert sum(part["rows"] for part in parts.values()) == 400
