import pytest

from headgate import __version__
from headgate.adapters.reporting import build_decision
from headgate.adapters.reporting.decision import ending

PASSED = {"verdict": "PASS", "reason": "all good", "gates": []}
FAILED = {"verdict": "FAIL", "reason": "the candidate fails accuracy", "gates": []}
PROMOTED = {"verdict": "PASS", "phase": "PROMOTED", "reason": "below its limits"}
SPLIT = {"key": "headgate", "train": 0.6, "test": 0.2, "live": 0.2}
ROLLED_BACK = {"verdict": "FAIL", "phase": "ROLLED_BACK", "reason": "errors"}


@pytest.mark.parametrize(
    ("gates", "rollout", "error", "end"),
    [
        (PASSED, PROMOTED, None, ("PASS", True, "below its limits")),
        (None, PROMOTED, None, ("PASS", True, "below its limits")),
        (PASSED, ROLLED_BACK, None, ("FAIL", False, "errors")),
        (FAILED, None, None, ("FAIL", False, "the candidate fails accuracy")),
        (FAILED, None, "interrupted", ("FAIL", False, "the candidate fails accuracy")),
        (PASSED, None, "interrupted", ("INSUFFICIENT", False, "interrupted")),
        (None, None, "no table", ("INSUFFICIENT", False, "no table")),
        (PASSED, None, None, ("INSUFFICIENT", False, "the run ended without a rollout")),
        (
            PASSED,
            PROMOTED,
            "the registry is down",
            ("PASS", True, "below its limits; afterwards: the registry is down"),
        ),
    ],
)
def test_the_run_has_the_verdict_of_what_stopped_the_candidate_first(gates, rollout, error, end):
    assert ending(gates, rollout, error=error) == end


def test_a_decision_keeps_what_it_is_told_and_fills_what_may_be_absent():
    made = build_decision(
        title="Run",
        problem="churn",
        problem_digest="d" * 64,
        gates={**PASSED, "gates": [{"name": "accuracy", "verdict": "PASS", "other": 1}]},
        rollout=PROMOTED,
        candidate={"name": "churn", "version": "3", "sha256": "0" * 64},
        champion=None,
        data={"path": "t.csv", "rows": 10},
        split={**SPLIT, "other": 1},
        revision=None,
        packages={"numpy": "2.4.6"},
        seed=7,
        started_at="2026-08-24T09:00:00Z",
        ended_at="2026-08-24T09:01:00Z",
    )
    assert made["headgate"] == made["code"]["version"] == __version__
    assert made["gates"][0]["limit"] is None
    assert "other" not in made["gates"][0]
    assert made["models"] == {
        "candidate": {"name": "churn", "version": "3", "sha256": "0" * 64, "family": None},
        "champion": None,
    }
    assert made["data"] == {"path": "t.csv", "rows": 10, "fingerprint": None, "split": SPLIT}
    assert made["problem_digest"] == "d" * 64
    assert made["promoted"] is True
