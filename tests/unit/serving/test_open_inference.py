import pytest

MODEL = "/v2/models/adult"
AGE = {"name": "age", "shape": [2, 1], "datatype": "FP32", "data": [5, -5]}
GENDER = {"name": "gender", "shape": [2, 1], "datatype": "BYTES", "data": ["f", None]}


def infer(client, *inputs, **more):
    return client.post(f"{MODEL}/infer", {"inputs": list(inputs), **more})


def test_the_server_is_live_and_ready(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get(f"{MODEL}/ready").json() == {"ready": True}
    assert client.get("/v2").json()["name"] == "headgate"


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/7"])
def test_the_metadata_name_the_tensors(client, path):
    assert client.get(path).json() == {
        "name": "adult",
        "versions": ["7"],
        "platform": "onnxruntime_onnx",
        "inputs": [
            {"name": "age", "datatype": "FP32", "shape": [-1, 1]},
            {"name": "gender", "datatype": "BYTES", "shape": [-1, 1]},
        ],
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [-1, 1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
        ],
    }


def test_named_tensors_are_answered_with_labels_and_probabilities(client):
    answer = infer(client, AGE, GENDER, id="42")
    assert answer.status_code == 200
    found = answer.json()
    label, probabilities = found.pop("outputs")
    assert found == {"model_name": "adult", "model_version": "7", "id": "42"}
    assert (label["name"], label["datatype"], label["shape"]) == ("label", "BYTES", [2, 1])
    assert label["data"] == [">50K", "<=50K"]
    assert probabilities["shape"] == [2, 2]
    negative, positive = probabilities["data"][:2]
    assert negative + positive == pytest.approx(1)
    assert positive == pytest.approx(client.post("/predict", {"age": 5}).json()["probability"])


def test_a_request_without_an_id_is_answered_without_one(client):
    assert "id" not in infer(client, AGE, GENDER).json()


def test_a_client_may_ask_for_one_output(client):
    outputs = infer(client, AGE, GENDER, outputs=[{"name": "label"}]).json()["outputs"]
    assert [entry["name"] for entry in outputs] == ["label"]


@pytest.mark.parametrize(
    "age",
    [
        {**AGE, "shape": [2]},
        {**AGE, "data": [[5], [-5]]},
        {**AGE, "datatype": "FP64", "data": [5.0, -5.0]},
        {**AGE, "datatype": "INT64"},
    ],
)
def test_the_usual_ways_to_write_a_column_are_understood(client, age):
    found = infer(client, age, GENDER).json()["outputs"][0]
    assert found["data"] == [">50K", "<=50K"]


def test_null_is_a_missing_value(client):
    assert infer(client, {**AGE, "data": [5, None]}, GENDER).status_code == 200


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([AGE], "missing ['gender']"),
        ([AGE, GENDER, {**AGE, "name": "job"}], "unknown ['job']"),
        ([AGE, AGE, GENDER], "twice ['age']"),
        ([{**AGE, "shape": [2, 2]}, GENDER], "has shape [2, 2], allowed are [n] and [n, 1]"),
        ([{**AGE, "shape": [0]}, GENDER], "has shape [0], allowed are [n] and [n, 1]"),
        ([{**AGE, "shape": [1001, 1]}, GENDER], "with n from 1 to 1000"),
        ([{**AGE, "shape": [3, 1]}, GENDER], "same number of rows"),
        ([{**AGE, "data": [5]}, GENDER], "has 1 values, its shape [2, 1] needs 2"),
        ([{**AGE, "datatype": "BYTES"}, GENDER], "has datatype BYTES, allowed is FP32 or FP64"),
        ([AGE, {**GENDER, "datatype": "FP32"}], "has datatype FP32, allowed is BYTES"),
        ([{**AGE, "data": ["5", "6"]}, GENDER], "Expected `float | null`, got `str`"),
        ([AGE, {**GENDER, "data": [1, 2]}], "Expected `str | null`, got `int`"),
        ([{"name": "age"}], "missing required field `shape`"),
    ],
)
def test_a_wrong_tensor_is_refused_with_what_is_allowed(client, inputs, message):
    answer = infer(client, *inputs)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_an_unknown_output_is_refused_with_the_known_ones(client):
    answer = infer(client, AGE, GENDER, outputs=[{"name": "score"}])
    assert answer.status_code == 400
    assert "['score']; the outputs are ['label', 'probabilities']" in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x01",
        b'{"id": "\xff", "inputs": []}',
        b'{"inputs": [{"name": "\xff"}]}',
        b'{"inputs": [{"data": ' + b"[" * 100_000,
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_not_json_is_refused(client, body):
    answer = client.post(f"{MODEL}/infer", body)
    assert answer.status_code == 400
    assert "not an inference request in JSON" in answer.json()["error"]


def test_another_model_is_not_found(client):
    assert client.get("/v2/models/other").status_code == 404
