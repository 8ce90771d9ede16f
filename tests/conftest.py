"""A tiny exported model and its reports, as the steps before `register_model` leave them."""

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from headgate.adapters.problem_file import parse_problem

pytest.register_assert_rewrite("tests.port_contract", "tests.e2e.support")

PROBLEM = {
    "name": "adult",
    "data": {"path": "/data/adult.csv"},
    "target": {"column": "income", "positive": ">50K"},
    "columns": {"numeric": ["age"], "categorical": ["gender"], "protected": ["gender"]},
    "gates": {"accuracy": {"min": 0.8}},
}


def write_bundle(folder: Path, *, weight: float = 0.1) -> Path:
    """P(positive) = sigmoid(weight * age); gender is read and ignored."""
    folder.mkdir()
    nodes = [
        helper.make_node("Mul", ["age", "weight"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["positive"]),
        helper.make_node("Sub", ["one", "positive"], ["negative"]),
        helper.make_node("Concat", ["negative", "positive"], ["probabilities"], axis=1),
        helper.make_node("Identity", ["gender"], ["gender_out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("age", TensorProto.FLOAT, [None, 1]),
            helper.make_tensor_value_info("gender", TensorProto.STRING, [None, 1]),
        ],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
            helper.make_tensor_value_info("gender_out", TensorProto.STRING, [None, 1]),
        ],
        [
            helper.make_tensor("weight", TensorProto.FLOAT, [1], [weight]),
            helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save_model(model, str(folder / "model.onnx"))
    described = {
        "name": "adult",
        "classes": ["<=50K", ">50K"],
        "threshold": 0.5,
        "inputs": [{"name": "age", "kind": "numeric"}, {"name": "gender", "kind": "categorical"}],
        "format": 1,
    }
    (folder / "bundle.json").write_text(json.dumps(described))
    return folder


def interval(value, low, high, method="wilson"):
    return {"value": value, "low": low, "high": high, "method": method}


@pytest.fixture
def tiny_problem():
    return parse_problem(json.dumps(PROBLEM))


@pytest.fixture
def make_bundle():
    return write_bundle


@pytest.fixture
def tiny_bundle(tmp_path):
    return write_bundle(tmp_path / "bundle")


class _Files(SimpleHTTPRequestHandler):
    disable_nagle_algorithm = True  # head and body are written apart

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def served_bundle(tiny_bundle):
    """URL under which the files of the tiny bundle are served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=tiny_bundle))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tiny_reports():
    difference = interval(0.1, 0.05, 0.15, "newcombe")
    return {
        "ingest": {
            "rows": 5000,
            "columns": 3,
            "fingerprint": "f" * 8,
            "source": "/data/adult.csv",
        },
        "training": {
            "best": "lightgbm",
            "metric": "roc_auc",
            "folds": 5,
            "seed": 7,
            "rows": 3000,
            "leaderboard": [
                {"family": "lightgbm", "mean": 0.92, "standard_error": 0.004},
                {"family": "majority_class", "mean": 0.5, "standard_error": None},
            ],
        },
        "evaluation": {
            "rows": 1000,
            "positives": 240,
            "metrics": {
                "accuracy": interval(0.86, 0.84, 0.88),
                "roc_auc": interval(None, None, None, "delong"),
            },
            "confusion": {"labels": ["<=50K", ">50K"], "counts": [[700, 60], [80, 160]]},
            "roc": {"false_positive_rate": [0.0, 0.1, 1.0], "true_positive_rate": [0.0, 0.7, 1.0]},
            "pr": {"recall": [0.0, 0.7, 1.0], "precision": [1.0, 0.7, 0.24]},
            "calibration": {
                "bins": [
                    {"mean_predicted": 0.1, "observed": interval(0.1, 0.05, 0.2), "count": 500},
                    {"mean_predicted": 0.8, "observed": interval(0.75, 0.7, 0.8), "count": 500},
                ],
                "expected_calibration_error": 0.02,
            },
            "comparison": {
                "reference": "champion 3",
                "rows": 1000,
                "accuracy_gain": interval(0.02, 0.01, 0.03),
            },
        },
        "fairness": {
            "columns": [
                {
                    "column": "gender",
                    "groups": [],
                    "demographic_parity_difference": difference,
                    "equalized_odds_difference": difference,
                    "excluded": [{"group": "Other", "reason": "3 rows, 100 are needed"}],
                }
            ]
        },
        "export": {
            "rows": 1000,
            "max_probability_difference": 1e-7,
            "label_flips": 0,
            "auc_change": 0.0,
            "latency_ms": {"p50": 0.1, "p95": interval(0.2, 0.19, 0.22, "order_statistics")},
            "sha256": "0" * 64,
        },
    }
