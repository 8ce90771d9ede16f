import pytest

from headgate.adapters.scraping import pod_counters
from headgate.serving import asgi

DURATION = "headgate_request_duration_seconds"


def counters(client, slow_above_ms=100.0):
    page = client.get("/metrics").text
    return pod_counters(page, pod="p", started="s", slow_above_ms=slow_above_ms)


async def failing(_scope, _receive, send):
    await asgi.answer(send, 500, asgi.error("injected"))


async def raising(_scope, _receive, _send):
    raise RuntimeError("a bug")


async def raising_late(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("a bug")


async def silent(_scope, _receive, _send):
    return


def test_answers_are_counted_by_code(client):
    client.post("/predict", {"age": 1})
    client.post("/predict", {"age": 2})
    client.post("/predict", {"years": 3})
    found = client.metrics()
    assert found['headgate_requests_total{code="200"}'] == 2
    assert found['headgate_requests_total{code="400"}'] == 1
    assert found[f"{DURATION}_count"] == 3


def test_probes_and_scrapes_are_no_traffic(client):
    client.get("/v2/health/ready")
    client.get("/predict")
    assert counters(client).requests == 0


def test_before_the_first_request_all_counters_are_there_and_0(client):
    found = counters(client)
    assert (found.requests, found.errors, found.slow) == (0, 0, 0)


def test_wrong_input_is_no_error_of_the_model(client):
    client.post("/predict", {"years": 3})
    assert counters(client).errors == 0


def test_an_answer_500_from_inside_is_an_error(around):
    client = around(failing)
    answer = client.post("/predict", {})
    assert (answer.status_code, answer.headers["x-headgate-deployment"]) == (500, "canary")
    assert counters(client).errors == 1


def test_an_exception_inside_is_answered_logged_and_counted(around, caplog):
    client = around(raising)
    answer = client.post("/predict", {})
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal error; see the server's log"}
    assert answer.headers["x-model-version"] == "7"
    assert "a bug" in caplog.text
    assert counters(client).errors == 1


def test_an_exception_after_the_answer_began_counts_as_an_error(around):
    client = around(raising_late)
    client.post("/predict", {})
    found = client.metrics()
    assert found['headgate_requests_total{code="500"}'] == 1
    assert found['headgate_requests_total{code="200"}'] == 0


def test_a_request_without_an_answer_is_not_counted(around):
    client = around(silent)
    with pytest.raises(AssertionError):  # httpx insists on an answer
        client.post("/predict", {})
    assert counters(client).requests == 0


@pytest.mark.parametrize("slow_above_ms", [100.0, 7.5, 333.3])
def test_the_plan_s_bound_is_a_bucket(bare, around, slow_above_ms):
    client = around(bare, slow_above_ms=slow_above_ms)
    client.post("/predict", {"age": 1})
    assert counters(client, slow_above_ms).requests == 1


def test_an_answer_above_the_bound_is_slow_and_one_at_the_bound_is_not(around):
    durations = iter([0.0, 0.25, 1.0, 1.26])  # start and end of two requests
    client = around(failing, slow_above_ms=250.0, timer=lambda: next(durations))
    client.post("/predict", {})
    client.post("/predict", {})
    assert counters(client, 250.0).slow == 1


def test_the_page_says_since_when_it_counts(client):
    assert client.metrics()["headgate_process_start_time_seconds"] > 1_700_000_000
