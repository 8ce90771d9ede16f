from headgate.adapters.model_card import description_of, metric_values, model_card


def interval(value, low, high):
    return {"value": value, "low": low, "high": high, "method": "wilson"}


def test_the_card_tells_metrics_with_intervals_gates_and_groups(tiny_problem, tiny_reports) -> None:
    card = model_card(tiny_problem, tiny_reports, revision="abc123")
    assert "| accuracy | 0.86 | 0.84 to 0.88 | wilson |" in card
    assert "| roc_auc | undefined | undefined | delong |" in card
    assert "prediction is\n0.2 ms, 95% interval 0.19 to 0.22" in card
    assert "- accuracy: min 0.8" in card
    assert "- gender = Other: left out (3 rows, 100 are needed)" in card
    assert "revision abc123" in card
    assert "The model itself reads the protected `gender`" in card


def test_the_card_says_that_nothing_was_measured_by_group(tiny_problem, tiny_reports) -> None:
    card = model_card(tiny_problem, {**tiny_reports, "fairness": {"columns": []}}, revision=None)
    assert "nothing was measured by group" in card
    assert "revision" not in card


def test_a_name_from_the_data_cannot_break_the_table(tiny_problem, tiny_reports) -> None:
    rows = [{"family": "a|b\n<script>", "mean": 0.5, "standard_error": None}]
    training = {**tiny_reports["training"], "leaderboard": rows}
    card = model_card(tiny_problem, {**tiny_reports, "training": training}, revision=None)
    assert "| a\\|b &lt;script> | 0.5 | undefined |" in card


def test_a_long_card_is_cut_at_a_paragraph_for_the_description() -> None:
    card = "\n\n".join(["word " * 100] * 20)
    cut = description_of(card)
    assert len(cut) <= 5000
    assert cut.endswith("(cut; the whole card is the artifact model_card.md)\n")
    assert description_of("short") == "short"


def test_intervals_become_scalars_and_undefined_values_are_left_out() -> None:
    metrics = {
        "accuracy": interval(0.9, 0.8, 0.95),
        "recall": interval(None, None, None),
        "brier": 0.1,
    }
    assert dict(metric_values(metrics, prefix="test.")) == {
        "test.accuracy": 0.9,
        "test.accuracy_low": 0.8,
        "test.accuracy_high": 0.95,
        "test.brier": 0.1,
    }
