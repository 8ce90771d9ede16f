import json
import math
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from headgate.quality import profile_table


def test_numbers_are_described_without_the_missing_ones(table) -> None:
    age = profile_table(table)["age"]
    assert (age.kind, age.count, age.missing, age.missing_share) == ("numeric", 3, 1, 0.25)
    assert (age.distinct, age.min, age.max, age.mean) == (3, 20.0, 40.0, 30.0)
    assert age.std == 10.0  # sqrt((100 + 0 + 100) / 2)
    assert age.quantiles == {"0.05": 21.0, "0.25": 25.0, "0.5": 30.0, "0.75": 35.0, "0.95": 39.0}
    assert age.top == ()


def test_quantiles_agree_with_numpy() -> None:
    values = np.random.default_rng(4).normal(size=101)
    profile = profile_table(pd.DataFrame({"x": values}))["x"]
    for q, found in profile.quantiles.items():
        assert found == pytest.approx(np.quantile(values, float(q)))


def test_text_is_described_by_its_frequent_values(table) -> None:
    job = profile_table(table)["job"]
    assert (job.kind, job.count, job.missing, job.missing_share) == ("text", 3, 1, 0.25)
    assert job.distinct == 2
    assert [asdict(top) for top in job.top] == [
        {"value": "cook", "count": 2, "share": 0.5},
        {"value": "smith", "count": 1, "share": 0.25},
    ]
    assert (job.min, job.mean, job.quantiles) == (None, None, None)


def test_ties_are_ordered_by_the_text_and_ten_values_are_kept() -> None:
    table = pd.DataFrame({"x": pd.Series([f"v{i % 12:02}" for i in range(24)], dtype=object)})
    profile = profile_table(table)["x"]
    assert [top.value for top in profile.top] == [f"v{i:02}" for i in range(10)]
    assert profile.distinct == 12


def test_columns_without_a_value_have_no_numbers() -> None:
    table = pd.DataFrame({"x": [math.nan] * 2, "y": pd.Series([None] * 2, dtype=object)})
    x, y = profile_table(table).values()
    assert (x.count, x.missing_share, x.min, x.mean, x.std, x.quantiles) == (
        0,
        1.0,
        None,
        None,
        None,
        {},
    )
    assert (y.count, y.missing_share, y.top) == (0, 1.0, ())


def test_what_cannot_be_computed_is_none_and_never_nan() -> None:
    table = pd.DataFrame({"x": [1.7e308, 1.7e308], "y": [1.0, math.nan]})
    profile = profile_table(table)
    assert profile["x"].mean is None  # the sum overflows
    assert profile["y"].std is None  # one value has no spread
    json.dumps({name: asdict(column) for name, column in profile.items()}, allow_nan=False)
