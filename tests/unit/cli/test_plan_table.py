"""What `headgate rollout plan` says before anything starts."""

import io

import pytest
from rich.console import Console

from headgate.adapters.problem_file import parse_problem
from headgate.cli.commands import show_plan
from headgate.cli.plan_table import print_plan
from headgate.errors import ConfigError

TEXT = """
name: churn
data: {path: /rows.csv}
target: {column: y, positive: "yes"}
columns: {numeric: [a]}
"""


def printed(rate: float) -> str:
    stream = io.StringIO()
    print_plan(parse_problem(TEXT), rate=rate, console=Console(file=stream, width=200))
    return stream.getvalue()


def test_every_stage_says_how_long_it_takes_and_what_it_sees():
    text = printed(500.0)
    assert [stage for stage in ("1 %", "5 %", "10 %", "25 %", "50 %") if stage not in text] == []
    assert "Errors" in text
    assert "hopeless" not in text


def test_a_hopeless_stage_is_called_hopeless():
    # 5 requests a minute: 72 canary requests a day at 1 %.
    assert "the 1 % stage is hopeless" in printed(5 / 60)


def test_a_rate_must_be_positive(tmp_path):
    with pytest.raises(ConfigError, match="above 0"):
        show_plan(tmp_path / "problem.yaml", rate=0.0)
