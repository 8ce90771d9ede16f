import pytest

from headgate.adapters.reporting import wording

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("latency_p95_ms", "Latency, 95th percentile"),
        ("equalized_odds_difference:gender", "Equalized odds difference by gender"),
        ("my_own_gate", "My own gate"),
        ("roc_auc", "ROC AUC"),
        ("", ""),
    ],
)
def test_a_key_becomes_words(key, words):
    assert wording.name_of(key) == words


def test_a_sentence_starts_large_and_ends_with_a_stop_and_nothing_stays_nothing():
    assert wording.sentence("rows are missing") == "Rows are missing."
    assert wording.sentence("Why?") == "Why?"
    assert wording.sentence(" ") == ""


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (None, 3, DASH),
        (0.87449, 3, "0.874"),
        (-0.0125, 3, f"{MINUS}0.013"),
        (-0.0125, 2, f"{MINUS}0.01"),
        (48842.4, 0, "48,842"),
        (3.1e-7, 3, "3.1e-07"),
        (0.0, 3, "0.000"),
        (-0.4, 0, f"{MINUS}4.0e-01"),
    ],
)
def test_a_number_keeps_its_first_digits(value, decimals, text):
    assert wording.number(value, decimals) == text


def test_a_negative_number_that_rounds_to_nothing_has_no_sign():
    # 0.5 at no decimals rounds half to even, to 0.
    assert wording.number(-0.5, 0) == "0"


def test_counts_percentages_and_weights_read_well():
    assert wording.count(1234567) == "1,234,567"
    assert wording.count(None) == DASH
    assert wording.percent(0.1286) == f"12.9{NBSP}%"
    assert wording.percent(None) == DASH
    assert wording.weight(2.5) == f"2.5{NBSP}%"


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((0.874488, 0.867771, 0.880911), "0.874 [0.868, 0.881]"),
        ((0.5, 0.49985, 0.50015), "0.5000 [0.4999, 0.5001]"),
        ((12.34, 11.9, 13.1), "12.3 [11.9, 13.1]"),
        ((350.0, 290.0, 420.0), "350 [290, 420]"),
        ((0.5, None, None), "0.500"),
        ((None, None, None), DASH),
        ((0.0, 0.0, 0.0), "0.000 [0.000, 0.000]"),
    ],
)
def test_an_interval_shows_as_many_digits_as_it_is_sure_of(interval, text):
    assert wording.interval(*interval) == text


def test_an_interval_object_that_is_not_there_is_a_dash():
    assert wording.interval_of(None) == DASH
    assert wording.interval_of({"value": 0.25, "low": 0.2, "high": 0.3}) == "0.250 [0.200, 0.300]"


@pytest.mark.parametrize(
    ("gate", "text"),
    [
        ({"name": "accuracy", "limit": 0.85, "limit_kind": "min"}, f"≥{NBSP}0.85"),
        (
            {"name": "latency_p95_ms", "limit": 100.0, "limit_kind": "max"},
            f"≤{NBSP}100{NBSP}ms",
        ),
        ({"name": "recall", "limit": None, "limit_kind": "none"}, ""),
        ({"name": "recall", "limit": None, "limit_kind": "min"}, ""),
    ],
)
def test_a_limit_says_which_side_is_allowed(gate, text):
    assert wording.limit(gate) == text


def test_a_unit_comes_from_the_name():
    assert wording.unit("stage_seconds") == f"{NBSP}s"
    assert wording.unit("accuracy:gender") == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (0.0, "< 0.01"),
        (0.0451, "0.0451"),
        (59.96, "60"),
        (4321.4, "4,321"),
        (1.3e5, "1.3 \N{MULTIPLICATION SIGN} 10⁵"),
        (1e300, "1.0 \N{MULTIPLICATION SIGN} 10³⁰⁰"),
    ],
)
def test_evidence_reads_well_over_many_powers_of_ten(value, text):
    assert wording.evidence(value) == text


@pytest.mark.parametrize(
    ("value", "share"), [(0.2, 0.0), (1.0, 0.0), (10.0, 0.5), (100.0, 1.0), (1e9, 1.0)]
)
def test_the_way_to_the_threshold_is_measured_on_a_log_scale(value, share):
    assert wording.share_of_threshold(value, 100.0) == pytest.approx(share)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, DASH), (1e-9, "< 0.0001"), (0.00123, "= 0.0012"), (0.543, "= 0.54")],
)
def test_a_p_value_is_exact_until_it_no_longer_matters(value, text):
    assert wording.p_value(value, "= ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, DASH),
        (0.42, f"0.4{NBSP}s"),
        (9.97, f"10{NBSP}s"),
        (59.6, f"1{NBSP}min 0{NBSP}s"),
        (125.2, f"2{NBSP}min 5{NBSP}s"),
    ],
)
def test_a_duration_reads_well(seconds, text):
    assert wording.duration(seconds) == text


def test_times_are_iso_8601():
    start, end = "2026-08-24T09:30:00Z", "2026-08-24T09:30:12.500+00:00"
    assert wording.seconds_between(start, end) == 12.5
    assert wording.seconds_between(None, end) is None
    assert wording.moment(end) == "2026-08-24 09:30:12 UTC"
    assert wording.moment(None) == DASH


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (True, "yes"),
        (False, "no"),
        (48842, "48,842"),
        (0.0102000001, "0.0102"),
        ([1, 0.5], "1, 0.5"),
        ("text", "text"),
    ],
)
def test_a_json_value_reads_well(value, text):
    assert wording.scalar(value) == text
