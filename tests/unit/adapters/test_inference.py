import json
import math
import subprocess
import sys

import pytest

from headgate.adapters.bundles import read_bundle
from headgate.adapters.inference import MAX_ROWS, Engine, RowAnswerer
from headgate.errors import DataError


@pytest.fixture
def answer(tiny_bundle):
    """P(positive) = sigmoid(0.1 * age)."""
    answerer = RowAnswerer(Engine(read_bundle(tiny_bundle)), version="7", deployment="canary")
    return lambda body: json.loads(
        answerer.answer(body if isinstance(body, bytes) else json.dumps(body).encode())
    )


def test_one_row_is_answered_with_label_probability_and_who_said_so(answer):
    found = answer({"age": 20, "gender": "f"})
    assert found.pop("probability") == pytest.approx(1 / (1 + math.exp(-2)), abs=1e-6)
    assert found == {"label": ">50K", "model_version": "7", "deployment": "canary"}


def test_a_list_is_answered_in_its_order(answer):
    labels = [row["label"] for row in answer([{"age": 5}, {"age": -5}, {"age": 0}])]
    assert labels == [">50K", "<=50K", ">50K"]  # 0.5 is called positive


@pytest.mark.parametrize("row", [{"age": 5}, {"age": 5, "gender": None}, {"gender": "", "age": 5}])
def test_a_missing_feature_is_null_or_absent(answer, row):
    assert answer(row)["label"] == ">50K"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"ages": 5}, r"unknown features \['ages'\]; the features are \['age', 'gender'\]"),
        ([{"age": 5}, {"sex": "f", "job": 1}], r"unknown features \['job', 'sex'\]"),
        ({"age": "5"}, 'feature age is "5", allowed is a number or null'),
        ({"age": True}, "feature age is true, allowed is a number or null"),
        ({"age": 5, "gender": 1}, "feature gender is 1, allowed is a string or null"),
        ({"gender": "f", "age": [5]}, r"feature age is \[5\], allowed is a number or null"),
        ({"age": "x" * 100}, r'feature age is "x{39}\.\.\., allowed'),
        ("age", 'a row is a JSON object of features, got "age"'),
        ([1], "a row is a JSON object of features, got 1"),
        (b"age=5", "the body is not JSON"),
        (b"", "the body is not JSON"),
        (b'{"age": NaN}', "the body is not JSON"),
        (b'{"age": 1e999}', "the body is not JSON"),
        (b'{"gender": "\xff"}', "the body is not JSON that can be read .*can't decode byte 0xff"),
        (b'{"\xff": 1}', "the body is not JSON that can be read"),
        (b'[{"age": 5}, {"gender": "f\xff"}]', "the body is not JSON that can be read"),
        (b'{"gender": "\\ud800"}', "the body is not JSON that can be read"),
        (b"[" * 100_000, "the body is not JSON that can be read .*recursion depth"),
        (b'{"age":' * 100_000, "the body is not JSON that can be read .*recursion depth"),
        (b"[" * 500 + b"]" * 500, r"a row is a JSON object of features, got \[\[\["),
        ([], f"0 rows, allowed are 1 to {MAX_ROWS}"),
        ([{}] * (MAX_ROWS + 1), f"{MAX_ROWS + 1} rows, allowed are 1 to {MAX_ROWS}"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(answer, body, message):
    with pytest.raises(DataError, match=message):
        answer(body)


def test_brackets_in_brackets_are_refused_at_every_depth(answer):
    # Somewhere there is a depth that can still be read but not be written into the message.
    for depth in range(900, 1100):
        for body in (b"[" * depth + b"]" * depth, b'{"age":' * depth + b"1" + b"}" * depth):
            with pytest.raises(DataError):
                answer(body)


def test_the_runtime_leaves_no_trace_of_what_it_would_report_to_its_maker(tiny_bundle, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    code = f"""
from headgate.adapters.bundles import read_bundle
from headgate.adapters.inference import Engine
Engine(read_bundle({str(tiny_bundle)!r}))
"""
    # Without the rest of the environment: CI alone silences it as well.
    subprocess.run([sys.executable, "-c", code], env={"HOME": str(home)}, check=True)
    assert list(home.iterdir()) == []
