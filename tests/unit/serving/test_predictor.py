import asyncio
import math
import subprocess
import sys

import pytest

from headgate.serving.asgi import MAX_BODY_BYTES

HEAVY = ("fastapi", "kfp", "lightgbm", "mlflow", "onnx", "pandas", "scipy", "skl2onnx", "sklearn")


def test_a_row_is_answered(client):
    answer = client.post("/predict", {"age": 20, "gender": "f"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "label": ">50K",
        "probability": pytest.approx(1 / (1 + math.exp(-2)), abs=1e-6),
        "model_version": "7",
        "deployment": "canary",
    }


def test_a_list_of_rows_is_answered_with_a_list(client):
    answers = client.post("/predict", [{"age": 5}, {"age": -5}]).json()
    assert [answer["label"] for answer in answers] == [">50K", "<=50K"]


def test_wrong_input_is_the_client_s_mistake_and_the_message_helps(client):
    answer = client.post("/predict", {"years": 20})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "unknown features ['years']; the features are ['age', 'gender']"
    }


def test_every_answer_says_who_gave_it(client):
    for path in ("/predict", "/nowhere", "/v2/health/live"):
        headers = client.post(path, {}).headers
        assert (headers["x-model-version"], headers["x-headgate-deployment"]) == ("7", "canary")


def test_an_unknown_path_is_told_the_known_ones(client):
    answer = client.get("/v1/predict")
    assert answer.status_code == 404
    assert "/predict" in answer.json()["error"]


def test_a_wrong_method_is_told_the_right_one(client):
    answer = client.get("/predict")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json() == {"error": "GET /predict; allowed is POST"}


def test_a_body_that_is_too_large_is_refused(client):
    answer = client.post("/predict", b" " * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert f"allowed are {MAX_BODY_BYTES} bytes" in answer.json()["error"]


def call(app, messages):
    """Feed a request's messages to an application; return what it sent."""
    sent, waiting = [], iter(messages)

    async def receive():
        return next(waiting)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/predict"}
    asyncio.run(app(scope, receive, send))
    return sent


def test_a_body_may_come_in_pieces(bare):
    pieces = [
        {"type": "http.request", "body": b'{"age":', "more_body": True},
        {"type": "http.request", "body": b" 5}", "more_body": False},
    ]
    assert call(bare, pieces)[0]["status"] == 200


def test_nothing_is_said_to_a_client_that_left(bare):
    pieces = [
        {"type": "http.request", "body": b'{"age":', "more_body": True},
        {"type": "http.disconnect"},
    ]
    assert call(bare, pieces) == []


def test_the_predictor_needs_nothing_of_training():
    code = f"import sys, headgate.serving; print([m for m in {HEAVY} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
