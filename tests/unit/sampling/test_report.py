import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from headgate.errors import DataError
from headgate.problem import Split, Verdict, problem_from_mapping
from headgate.sampling import assign_parts, part_report

PROBLEM = problem_from_mapping(
    {
        "name": "people",
        "data": {"path": "people.csv"},
        "target": {"column": "left", "positive": "yes"},
        "columns": {"numeric": ["x"]},
    }
)


def dealt(**counts):
    """A table and its parts from (positives, negatives) for each part."""
    left, parts = [], []
    for part, (positives, negatives) in counts.items():
        left += ["yes"] * positives + ["no"] * negatives
        parts += [part] * (positives + negatives)
    return pd.DataFrame({"left": pd.Series(left, dtype=object)}), np.array(parts)


def report(**counts):
    return part_report(*dealt(**counts), problem=PROBLEM)


def test_parts_as_asked_pass() -> None:
    found = report(train=(150, 450), test=(50, 150), live=(50, 150))
    assert found.verdict is Verdict.PASS
    assert found.reason == (
        "sizes are off by at most 0.0000 (p = 1), positive shares by at most 0.0000 (p = 1)"
    )
    assert json.loads(json.dumps(found.record()))["parts"] == {
        "train": {"rows": 600, "positive_share": 0.25},
        "test": {"rows": 200, "positive_share": 0.25},
        "live": {"rows": 200, "positive_share": 0.25},
    }


def test_small_deviations_pass_with_the_p_values_of_scipy() -> None:
    found = report(train=(160, 450), test=(40, 150), live=(50, 150))
    size = stats.chisquare([610, 190, 200], [600, 200, 200]).pvalue
    classes = stats.chi2_contingency([[160, 450], [40, 150], [50, 150]], correction=False).pvalue
    assert found.verdict is Verdict.PASS
    assert f"(p = {size:.2g})" in found.reason
    assert f"(p = {classes:.2g})" in found.reason


def test_sizes_that_chance_does_not_explain_fail() -> None:
    found = report(train=(300, 500), test=(30, 70), live=(35, 65))
    assert found.verdict is Verdict.FAIL
    # 800 of 1000 against 0.6
    assert found.reason.startswith("a part's size is off by 0.200, more than 0.02 and more than")


def test_class_shares_that_chance_does_not_explain_fail() -> None:
    found = report(train=(150, 450), test=(100, 100), live=(50, 150))
    assert found.verdict is Verdict.FAIL
    # 100 of 200 against 300 of 1000
    assert found.reason.startswith("a part's positive share is off by 0.200")


def test_a_significant_but_small_deviation_passes() -> None:
    found = report(train=(150_000, 460_000), test=(50_000, 145_000), live=(49_000, 146_000))
    assert found.verdict is Verdict.PASS
    assert "p = 0" in found.reason or "e-" in found.reason


def test_a_large_deviation_of_a_small_table_passes() -> None:
    assert report(train=(32, 32), test=(8, 12), live=(10, 6)).verdict is Verdict.PASS


def test_too_few_rows_of_a_class_are_insufficient() -> None:
    found = report(train=(12, 588), test=(4, 196), live=(4, 196))
    assert found.verdict is Verdict.INSUFFICIENT
    assert found.reason == (
        "the test part is too small: 4.0 rows of the rarer class are expected in it, 5 are needed"
    )


@pytest.mark.parametrize("part", ["train", "test", "live"])
def test_a_part_without_rows_is_refused(part) -> None:
    counts = {"train": (10, 30), "test": (10, 30), "live": (10, 30), part: (0, 0)}
    with pytest.raises(DataError, match=rf"the {part} part has no row; .* larger split\.{part}"):
        report(**counts)


@pytest.mark.parametrize(("counts", "absent"), [((0, 30), "positive"), ((30, 0), "negative")])
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_part_with_one_class_cannot_be_used(part, counts, absent) -> None:
    all_counts = {"train": (10, 30), "test": (10, 30), "live": (10, 30), part: counts}
    with pytest.raises(DataError, match=f"the {part} part has no row of the {absent} class"):
        report(**all_counts)


def test_traffic_of_one_class_is_judged_and_not_refused() -> None:
    assert report(train=(30, 90), test=(10, 30), live=(0, 40)).verdict is Verdict.PASS


def test_false_alarms_are_as_rare_as_the_two_tests_say() -> None:
    """At most 2 x 0.001 of fair deals may FAIL."""
    rng = np.random.default_rng(11)
    table = pd.DataFrame({"x": rng.random(500), "left": rng.choice(["yes", "no"], 500)})
    alarms = 0
    for key in range(200):
        problem = replace(PROBLEM, split=Split(key=f"deal {key}"))
        parts = assign_parts(table, problem.split, None)
        alarms += part_report(table, parts, problem=problem).verdict is Verdict.FAIL
    assert stats.binomtest(alarms, 200, 0.002, alternative="greater").pvalue > 0.001
