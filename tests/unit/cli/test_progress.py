import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from headgate.cli import progress_lines as lines
from headgate.cli.progress import Progress, standard_console
from headgate.cli.progress_lines import LiveEvidence, LiveRollout

FIXTURES = Path(__file__).parents[1] / "adapters" / "reporting" / "fixtures"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
NBSP = "\N{NO-BREAK SPACE}"


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def decisions():
    paths = sorted(FIXTURES.glob("*/decision.json"))
    return [json.loads(path.read_text()) for path in paths]


@pytest.fixture
def training():
    return json.loads((FIXTURES / "act-2" / "training.json").read_text())


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(clock):
    """Progress that writes to a pipe, and what it wrote."""
    file = io.StringIO()
    console = Console(file=file, width=100, highlight=False)
    return Progress(console, clock=clock), lambda: file.getvalue().replace(NBSP, " ")


@pytest.fixture
def terminal(clock):
    file = io.StringIO()
    console = Console(
        file=file, width=100, highlight=False, force_terminal=True, color_system="standard"
    )
    return Progress(console, clock=clock), lambda: file.getvalue().replace(NBSP, " ")


def rollout(**changes):
    facts = {
        "stages": (1, 5, 10, 25, 50),
        "weight": 10.0,
        "phase": "PROGRESSING",
        "seconds": 12.3,
        "canary_requests": 1204,
        "canary_errors": 0,
        "threshold": 60.0,
        "evidence": {
            "errors": LiveEvidence(harm=0.2, good=4.1),
            "wrong_answers": LiveEvidence(harm=75.0, good=61.0),
        },
        "requests_per_second": 598.4,
    }
    return LiveRollout(**{**facts, **changes})


def shown(renderable, width=100):
    console = Console(file=io.StringIO(), width=width, record=True)
    console.print(renderable)
    return console.export_text().replace(NBSP, " ")


class TestLines:
    def test_a_step_says_what_happened_how_long_it_took_and_what_it_found(self):
        line = lines.step_line("train-model", "finished", seconds=6.14, note="LightGBM")
        assert " ".join(line.plain.split()) == "✓ train model 6.1 s LightGBM"
        assert lines.step_line("x", "started").plain.split() == ["·", "x"]
        failed = lines.step_line("x", "failed", seconds=1, note="DataError: one class")
        assert failed.plain.startswith("  ✗ x")
        assert any(span.style == "red" for span in failed.spans)

    def test_families_are_listed_with_their_standard_error(self, training):
        training["leaderboard"] = [
            {"family": "lightgbm", "mean": 0.92694, "standard_error": 0.00164},
            {"family": "majority_class", "mean": 0.5, "standard_error": 0.0},
        ]
        assert lines.training_facts(training) == [
            "LightGBM 0.927 ± 0.002 ROC AUC, chosen",
            "Majority class 0.500 ± 0.000 ROC AUC",
        ]
        training["metric"] = "log_loss"
        assert lines.training_facts(training)[0].endswith("log loss, chosen")

    def test_a_gate_is_one_line_with_interval_limit_and_verdict(self, decisions):
        table = shown(lines.gate_table(decisions[1]))
        row = next(line for line in table.splitlines() if "Accuracy" in line)
        assert row.split() == ["Accuracy", "0.874", "[0.868,", "0.881]", "≥", "0.85", "PASS"]
        plain = [line.replace(NBSP, " ") for line in lines.gate_lines(decisions[1])]
        assert "PASS          Accuracy 0.874 [0.868, 0.881] ≥ 0.85" in plain
        assert "PASS          Data validation" in plain

    def test_only_a_gate_that_did_not_pass_gives_its_reason(self, decisions):
        decisions[1]["gates"][1] |= {"verdict": "FAIL", "reason": "upper bound is below"}
        plain = lines.gate_lines(decisions[1])
        assert [line for line in plain if "(" in line] == [plain[1]]
        assert plain[1].endswith("(upper bound is below)")
        assert "upper bound is below" in shown(lines.gate_table(decisions[1]), width=160)

    def test_gates_that_decide_nothing_are_counted(self, decisions):
        assert lines.gate_footnote(decisions[1]).startswith("10 further numbers are reported")
        assert lines.gate_footnote({"gates": []}) == ""

    @pytest.mark.parametrize(
        ("weight", "phase", "bar"),
        [
            (1.0, "PROGRESSING", "[1] 5 10 25 50 100"),
            (50.0, "HOLDING", "1 5 10 25 [50] 100"),
            (100.0, "PROMOTED", "1 5 10 25 50 [100]"),
            (0.0, "ROLLED_BACK", "[0] 1 5 10 25 50 100"),
        ],
    )
    def test_the_ladder_marks_the_present_weight_without_colour_too(self, weight, phase, bar):
        assert lines.stage_bar(rollout(weight=weight, phase=phase)).plain == bar

    def test_evidence_that_reached_its_threshold_is_coloured(self):
        text = lines.evidence_text("wrong_answers", LiveEvidence(harm=75, good=61), 60)
        assert text.plain == "wrong harm 75 good 61"
        assert {"red", "green"} <= {span.style for span in text.spans}
        calm = lines.evidence_text("errors", LiveEvidence(harm=1, good=1), 60)
        assert not {"red", "green"} & {span.style for span in calm.spans}

    @pytest.mark.parametrize(("value", "filled"), [(0.1, 0), (10.0, 6), (100.0, 12), (1e9, 12)])
    def test_the_meter_is_logarithmic_and_full_at_the_threshold(self, value, filled):
        meter = lines.evidence_meter(value, 100.0, "red")
        assert meter.plain == "━" * filled + "─" * (12 - filled)
        assert any(span.style == "red" for span in meter.spans) == (filled == 12)

    def test_the_rollout_on_one_line(self):
        line = lines.rollout_line(rollout()).plain.replace(NBSP, " ")
        assert line == (
            "      12 s  1 5 [10] 25 50 100  598 requests/s, canary 1,204, 0 errors"
            " | errors harm 0.2 good 4.1 | wrong harm 75 good 61"
        )

    def test_errors_and_lost_requests_stand_out_and_an_unknown_rate_is_left_out(self):
        text = lines.rollout_line(
            rollout(canary_errors=3, lost_requests=2, requests_per_second=None, evidence={})
        )
        assert text.plain.endswith("100  canary 1,204, 3 errors, 2 lost")
        red = [text.plain[s.start : s.end] for s in text.spans if s.style == "red"]
        assert red == [", 3 errors", ", 2 lost"]

    def test_the_block_has_a_row_of_evidence_for_each_metric(self):
        block = shown(lines.rollout_panel(rollout())).splitlines()
        assert "1 5 [10] 25 50 100" in block[0]
        assert [row.split()[0] for row in block[1:3]] == ["errors", "wrong"]
        assert all(row.rstrip().endswith("of 60") for row in block[1:3])
        assert max(len(row) for row in block) <= 100

    def test_the_end_of_a_rollout_says_what_it_exposed_if_there_was_a_champion(self, decisions):
        record = decisions[2]["rollout"]
        end = [text.plain.replace(NBSP, " ") for text in lines.rollout_end(record)]
        assert end[0].startswith("  FAIL rolled back: errors: ")
        assert end[1].startswith(f"    {record['exposed_requests']} of ")
        first = lines.rollout_end(decisions[0]["rollout"])
        assert len(first) == 1

    def test_the_closing_table_has_a_row_for_each_run(self, decisions):
        table = shown(lines.summary_table(decisions), width=130)
        rows = [line for line in table.splitlines() if line.startswith("Act")]
        assert [("Promoted" in r, "Rolled back" in r) for r in rows] == [
            (True, False),
            (True, False),
            (False, True),
            (False, True),
        ]
        assert "6 of 6" in rows[1]

    def test_a_run_without_rollout_has_dashes_in_the_table(self, decisions):
        decisions[0] |= {"rollout": None, "promoted": False, "verdict": "INSUFFICIENT"}
        table = shown(lines.summary_table(decisions[:1]), width=130)
        assert "Not promoted" in table
        assert "INSUFFICIENT" in table


class TestLog:
    def test_a_whole_run_is_plain_lines_without_control_characters(
        self, log, clock, decisions, training, tmp_path
    ):
        progress, text = log
        with progress:
            play(progress, clock, decisions[1], training, report=tmp_path / "report.html")
        written = text()
        assert not CONTROL.search(written)
        order = [
            "━━ Act 2: a better model is promoted",
            "✓ ingest table",
            "LightGBM 0.927",
            "PASS          Accuracy 0.874",
            "further numbers are reported, not gated",
            "[1] 5 10 25 50 100",
            "1 5 10 25 50 [100]",
            "PASS promoted",
            "✗ roll back",
            "Act 2: Every metric is shown to be good at the last stage.",
            "report.html",
        ]
        places = [written.index(words) for words in order]
        assert places == sorted(places)

    def test_a_started_step_waits_for_its_end(self, log):
        progress, text = log
        progress.step_started("train-model")
        assert text() == ""

    def test_a_stage_that_only_gathers_evidence_speaks_every_few_seconds(self, log, clock):
        progress, text = log
        for tick in range(40):
            clock.now = tick * 0.25
            progress.rollout(rollout(seconds=clock.now))
        assert [line.split()[0] for line in text().splitlines()] == ["0.0", "5.0"]
        progress.rollout(rollout(weight=25.0))
        progress.rollout(rollout(weight=25.0, phase="HOLDING"))
        assert len(text().splitlines()) == 4

    def test_gates_without_reported_numbers_need_no_footnote(self, log, decisions):
        progress, text = log
        decisions[1]["gates"] = decisions[1]["gates"][:1]
        progress.gates(decisions[1])
        assert text().split() == ["PASS", "Data", "validation"]

    def test_a_long_line_stays_one_line(self, log):
        progress, text = log
        progress.step_failed("train-model", seconds=1, note="word " * 60)
        assert len(text().splitlines()) == 1

    def test_a_pipe_gets_no_drawing_even_if_colours_are_forced(self, monkeypatch, capsys):
        monkeypatch.setenv("FORCE_COLOR", "1")
        progress = Progress(standard_console())
        progress.step_started("train-model")
        progress.rollout(rollout())
        progress.close()
        written = capsys.readouterr().out
        assert len(written.splitlines()) == 1
        assert not re.search(r"\x1b\[[0-9;]*[A-Za-ln-z]", written)


class TestTerminal:
    def test_a_whole_run_draws_in_place_and_gives_the_cursor_back(
        self, terminal, clock, decisions, training, tmp_path
    ):
        progress, text = terminal
        with progress:
            play(progress, clock, decisions[1], training, report=tmp_path / "report.html")
        written = text()
        assert written.count("\x1b[?25l") == written.count("\x1b[?25h") > 0
        assert "Accuracy" in written
        assert "report.html" in written

    def test_steps_side_by_side_share_one_line(self, terminal):
        progress, text = terminal
        progress.step_started("evaluate-model")
        progress.step_started("measure-fairness")
        progress.step_finished("evaluate-model", seconds=1)
        progress.step_finished("measure-fairness", seconds=1)
        progress.close()
        assert "✓" in text()
        assert text().count("\x1b[?25l") == text().count("\x1b[?25h")

    def test_a_step_that_starts_during_the_rollout_takes_the_line_over(self, terminal):
        progress, text = terminal
        progress.rollout(rollout())
        progress.step_started("roll-back")
        progress.step_failed("roll-back", seconds=0.5, note="no route")
        progress.close()
        assert "no route" in text()
        assert text().count("\x1b[?25l") == text().count("\x1b[?25h")

    def test_no_color_means_no_colour(self, monkeypatch):
        monkeypatch.setenv("NO_COLOR", "1")
        file = io.StringIO()
        progress = Progress(Console(file=file, width=100, force_terminal=True, highlight=False))
        progress.rollout_finished(
            {
                "verdict": "FAIL",
                "phase": "ROLLED_BACK",
                "reason": "errors",
                "stable": None,
                "started_at": None,
                "ended_at": None,
            }
        )
        assert "FAIL" in file.getvalue()
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", file.getvalue())

    def test_closing_twice_is_safe(self, terminal):
        progress, _ = terminal
        progress.step_started("x")
        progress.close()
        progress.close()


def play(progress, clock, decision, training, *, report):
    record = decision["rollout"]
    progress.start_run(decision["title"])
    progress.step_started("ingest-table")
    progress.step_finished("ingest-table", seconds=1.0, note="48,842 rows")
    progress.training(training)
    progress.gates(decision)
    progress.step_started("shift-traffic")
    for look in record["looks"][::8]:
        clock.now = look["t"]
        progress.rollout(rollout(weight=look["weight_percent"], seconds=look["t"]))
    progress.rollout(rollout(weight=100.0, phase="PROMOTED"))
    progress.rollout_finished(record)
    progress.step_finished("shift-traffic", seconds=39.0)
    progress.step_failed("roll-back", seconds=0.1, note="nothing to do")
    progress.fact("that is all")
    progress.finish([decision], report=report)
