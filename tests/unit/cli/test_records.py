from headgate.adapters.memory import MemoryRegistry
from headgate.adapters.problem_file import problem_digest
from headgate.cli.records import RunFacts, decision_of


def test_a_decision_says_which_problem_it_is_and_how_its_rows_were_dealt(
    tiny_problem, tmp_path
) -> None:
    facts = RunFacts(
        title="Run",
        problem=tiny_problem,
        started_at="2026-08-24T09:00:00Z",
        ended_at="2026-08-24T09:01:00Z",
        version=None,
        error="interrupted",
    )
    decision = decision_of(tmp_path, facts, registry=MemoryRegistry())
    assert decision["problem_digest"] == problem_digest(tiny_problem)
    assert decision["data"] == {
        "path": "/data/adult.csv",
        "rows": None,
        "fingerprint": None,
        "split": {"key": "headgate", "train": 0.6, "test": 0.2, "live": 0.2},
    }
