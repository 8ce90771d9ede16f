import pytest

from headgate.adapters.reporting import RunRecord, summary

NBSP = "\N{NO-BREAK SPACE}"


def run(act, **changes):
    decision = {**act["decision"], **changes}
    return RunRecord(title=decision["title"], decision=decision)


def test_each_ending_has_its_words(acts):
    ends = [summary.outcome(act["decision"]) for act in acts.values()]
    assert ends == [
        ("pass", "Promoted"),
        ("pass", "Promoted"),
        ("fail", "Rolled back"),
        ("fail", "Rolled back"),
    ]


@pytest.mark.parametrize(
    ("verdict", "rollout", "end"),
    [
        ("FAIL", None, ("fail", "Not promoted")),
        ("INSUFFICIENT", None, ("insufficient", "Not promoted")),
        ("INSUFFICIENT", {"phase": "ROLLED_BACK"}, ("insufficient", "Rolled back")),
        ("INSUFFICIENT", {"phase": "CONTESTED"}, ("insufficient", "Contested")),
    ],
)
def test_what_is_not_promoted_says_how_it_ended(acts, verdict, rollout, end):
    decision = {
        **acts["act-2"]["decision"],
        "promoted": False,
        "verdict": verdict,
        "rollout": rollout,
    }
    assert summary.outcome(decision) == end


def test_a_run_without_a_decision_is_not_finished():
    record = RunRecord(title="Run")
    assert summary.outcome(None) == ("insufficient", "Not finished")
    assert "left as it was" in summary.headline(record)
    assert record.live is None


def test_a_first_model_had_nothing_to_compare_with(acts):
    first = run(acts["act-1"])
    assert summary.headline(first) == (
        "Version 1 (Logistic regression) serves all traffic; there was no champion to compare with."
    )
    assert "no champion" in summary.headline(run(acts["act-1"], rollout=None))


def test_a_promotion_says_what_it_exposed(acts):
    rollout = {**acts["act-2"]["decision"]["rollout"], "exposed_requests": 3800}
    rollout |= {"started_at": "2026-08-24T09:00:00Z", "ended_at": "2026-08-24T09:00:39Z"}
    assert summary.headline(run(acts["act-2"], rollout=rollout)) == (
        f"Version 2 (LightGBM) now serves all traffic, after a canary of 39{NBSP}s"
        " and 3,800 requests."
    )


def test_one_version_behind_two_servers_is_told_apart_by_its_deployment(acts):
    words = summary.headline(run(acts["act-3"]))
    assert words.startswith("adult-income-v2-act3, another server of version 2 (LightGBM), was")
    assert f"at 1{NBSP}% of the traffic" in words


def test_a_contested_rollout_calls_for_a_person(acts):
    rollout = {**acts["act-4"]["decision"]["rollout"], "phase": "CONTESTED"}
    words = summary.headline(run(acts["act-4"], rollout=rollout))
    assert "a person has to look" in words


def test_a_candidate_that_failed_a_gate_names_it(acts):
    gates = acts["act-2"]["decision"]["gates"]
    gates[1]["verdict"] = "INSUFFICIENT"
    record = run(acts["act-2"], gates=gates, promoted=False, rollout=None, verdict="INSUFFICIENT")
    assert summary.headline(record) == (
        "Version 2 (LightGBM) received no traffic: 1 of 6 gates did not pass (Accuracy)."
    )


def test_a_run_that_ended_before_its_gates_received_no_traffic(acts):
    models = {"candidate": None, "champion": None}
    record = run(acts["act-2"], gates=[], promoted=False, rollout=None, models=models)
    assert summary.headline(record) == "The candidate received no traffic."
    assert summary.gate_score([]) == "\N{EN DASH}"


def test_all_gates_passed_and_yet_no_traffic_is_said_too(acts):
    record = run(acts["act-2"], promoted=False, rollout=None)
    assert "0 of 6 gates did not pass." in summary.headline(record)


def test_models_have_a_long_and_a_short_name():
    model = {"name": "m", "version": "7", "sha256": "", "family": None}
    assert summary.model_name(model) == "Version 7"
    assert summary.short_name(model) == "7"
    assert summary.short_name({**model, "family": "lightgbm"}) == "7 (LightGBM)"
    assert summary.short_name(None) == "none"


def test_reported_gates_with_a_reason_of_their_own_come_first(acts):
    explained, plain = summary.reported_gates(acts["act-2"]["decision"]["gates"])
    assert [g["name"] for g in explained] == [
        "demographic_parity_difference:gender",
        "equalized_odds_difference:race",
    ]
    assert "roc_auc" in [g["name"] for g in plain]
    assert summary.gate_reason(explained[0]).startswith("positive labels run from")


def test_the_highest_weight_of_a_promotion_is_everything(acts):
    weights = [
        summary.highest_weight(acts[a]["decision"]["rollout"]) for a in ("act-2", "act-3", "act-4")
    ]
    assert weights == [100.0, 1.0, 5.0]


def test_a_metric_says_why_it_has_its_verdict():
    metric = {
        "verdict": "FAIL",
        "e_harm_ratio": 500.0,
        "e_harm_floor": 70.0,
        "e_good": 65.0,
        "canary": {"exposures": 10, "bad": 1},
    }
    assert summary.metric_sentence(metric, 60.0) == "Proven harmful: evidence 70 reached 60."
    passed = {**metric, "verdict": "PASS"}
    assert summary.metric_sentence(passed, 60.0) == "Shown to be good: evidence 65 reached 60."
    waiting = {**metric, "verdict": "INSUFFICIENT"}
    assert "neither kind of evidence" in summary.metric_sentence(waiting, 60.0)
    unseen = {**waiting, "canary": {"exposures": 0, "bad": 0}}
    assert summary.metric_sentence(unseen, 60.0).startswith("Nothing was counted")


def test_a_rollout_of_its_own_goes_before_the_one_in_the_decision(acts):
    decision = acts["act-3"]["decision"]
    assert RunRecord(title="t", decision=decision).live == decision["rollout"]
    assert RunRecord(title="t", decision=decision, rollout={"a": 1}).live == {"a": 1}
