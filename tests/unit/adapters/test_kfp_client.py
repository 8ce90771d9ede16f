import os
import socket

import pytest
import yaml
from kfp import Client
from tests.unit.adapters.kfp_server import (
    API,
    RUN_ID,
    PipelinesServer,
    Script,
    certificate,
    look,
)

from headgate.adapters.kfp_client import PipelineServer
from headgate.errors import BackendError, ConfigError

DOCUMENTS = (
    {
        "pipelineInfo": {"name": "one"},
        "root": {"inputDefinitions": {"parameters": {"a": {"parameterType": "STRING"}}}},
        "schemaVersion": "2.1.0",
    },
    {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-a": {}}}}}},
)


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def server(script):
    started = PipelinesServer(script)
    yield started
    started.stop()


@pytest.fixture
def client(server):
    with PipelineServer(server.url) as made:
        yield made


def test_an_experiment_that_is_missing_is_created_once(client, script) -> None:
    first = client.experiment("churn")
    assert client.experiment("churn") == first
    assert [one["display_name"] for one in script.experiments] == ["churn"]


def test_an_experiment_of_many_users_is_that_of_the_namespace(client, script) -> None:
    script.many_users = True
    ours, theirs = (
        client.experiment("churn", namespace="us"),
        client.experiment("churn", namespace="them"),
    )
    assert ours != theirs
    assert client.serves_many()


def test_an_experiment_that_somebody_else_just_created_is_taken(client, script) -> None:
    script.quicker = True
    assert client.experiment("churn") == "e0"


def test_an_archived_experiment_is_refused_with_the_remedy(client, script) -> None:
    script.experiments.append(
        {"experiment_id": "e0", "display_name": "churn", "storage_state": "ARCHIVED"}
    )
    with pytest.raises(ConfigError, match="'churn' is archived; restore it in the dashboard"):
        client.experiment("churn")


@pytest.mark.filterwarnings("ignore:This client only works")
def test_a_run_is_sent_as_the_client_of_the_sdk_sends_it(
    client, server, script, tmp_path, capsys
) -> None:
    arguments = {"a": "text", "labels": {"gpu": "yes"}, "list": [{"key": "gpu"}]}
    assert client.start(DOCUMENTS, arguments, name="a run", experiment="e1") == RUN_ID
    package = tmp_path / "pipeline.yaml"
    package.write_text(yaml.dump_all(DOCUMENTS))
    sdk = Client(host=server.url, namespace="any")
    sdk.run_pipeline("e1", "a run", str(package), arguments)
    ours, theirs = script.runs
    assert ours == theirs
    assert capsys.readouterr().out.startswith("Run details")  # which our client does not print


def test_a_run_shows_its_state_and_its_named_tasks(client, script) -> None:
    script.looks = [look("RUNNING", train_model="RUNNING", ingest_table="SUCCEEDED")]
    run = client.run(RUN_ID)
    assert (run.state, run.ended) == ("RUNNING", False)
    assert [(task.name, task.state, task.seconds) for task in run.tasks] == [
        ("train-model", "RUNNING", 0.0),
        ("ingest-table", "SUCCEEDED", 5.0),
    ]


def test_a_run_that_was_just_created_has_no_tasks(client, script) -> None:
    script.looks = [{"state": "PENDING"}]
    assert client.run(RUN_ID).tasks == ()


def test_the_error_of_a_run_is_shown(client, script) -> None:
    script.looks = [{"state": "FAILED", "error": {"code": 13, "message": "no\nspace"}}]
    assert client.run(RUN_ID).error == "no space"


def test_addresses_of_a_run_start_at_the_host(server) -> None:
    with PipelineServer(f"{server.url}/pipeline/") as client:
        assert client.run_address("r") == f"{server.url}/pipeline/#/runs/details/r"
        assert client.stop_address("r") == f"{server.url}/pipeline{API}/runs/r:terminate"


def test_an_address_with_a_folder_reaches_the_api_in_it(server, script) -> None:
    script.prefix = "/pipeline"
    with PipelineServer(server.url + "/") as client:
        assert client.serves_many() is False


def test_the_token_is_read_anew_for_every_request(server, script, tmp_path) -> None:
    file = tmp_path / "token"
    script.accepts = "first"
    file.write_text("first\n")
    with PipelineServer(server.url, token_file=file) as client:
        assert client.serves_many() is False
        script.accepts = "second"
        file.write_text("second")
        assert client.serves_many() is False
        script.accepts = "third"
        with pytest.raises(BackendError, match="does not accept the token of --token-file"):
            client.serves_many()


def test_without_a_token_a_closed_server_asks_for_one(client, script) -> None:
    script.accepts = "secret"
    with pytest.raises(BackendError, match="asks for a login; give a token") as caught:
        client.serves_many()
    assert not caught.value.retryable


def test_a_server_that_leads_to_a_login_page_asks_for_a_token(client, script) -> None:
    script.refusal = (302, "/dex/auth?client_id=kubeflow")
    with pytest.raises(BackendError, match="asks for a login"):
        client.serves_many()


@pytest.mark.parametrize("text", ["", "two words", "schlüssel"])
def test_a_file_without_a_token_is_refused(tmp_path, text) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    with pytest.raises(ConfigError, match="holds no token"):
        PipelineServer("http://localhost", token_file=file)


def test_a_file_that_is_missing_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"--token-file .*/absent: cannot be read \(No such file"):
        PipelineServer("http://localhost", token_file=tmp_path / "absent")
    with pytest.raises(ConfigError, match=r"--ca-cert .*/absent: cannot be read"):
        PipelineServer("https://localhost", ca_cert=tmp_path / "absent")


@pytest.mark.parametrize("text", ["", "no certificate"])
def test_a_file_without_a_certificate_is_refused(tmp_path, text) -> None:
    file = tmp_path / "ca.crt"
    file.write_text(text)
    with pytest.raises(ConfigError, match="holds no certificate in PEM form"):
        PipelineServer("https://localhost", ca_cert=file)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("localhost:8888", "needed: an address with http:// or https://"),
        ("ftp://kubeflow", "needed: an address with http:// or https://"),
        ("http://", "needed: an address"),
        ("http://kubeflow:port", "--host is 'http://kubeflow:port'"),
        ("http://kubeflow\x00", "--host is"),
        ("https://me:word@kubeflow", "--host holds a password"),
    ],
)
def test_a_host_that_is_no_address_is_refused(host, message) -> None:
    with pytest.raises(ConfigError, match=message):
        PipelineServer(host)


@pytest.mark.parametrize(
    ("refusal", "message", "retryable"),
    [
        ((403, '{"code": 7, "message": "u may not\\nlist"}'), r"\(u may not list\); is", False),
        ((404, "404 page not found"), "is no Kubeflow Pipelines", False),
        ((404, '{"code": 5, "message": "run gone"}'), r"answers 404 \(run gone\)", False),
        ((404, "[]"), "is no Kubeflow Pipelines", False),
        ((200, "<html>a login page</html>"), "ends in /pipeline", False),
        ((400, '{"code": 3, "error": "bad value"}'), r"answers 400 \(bad value\)", False),
        ((400, '"bad"'), r"answers 400 \(bad\)", False),
        ((400, "Client sent an HTTP request to an HTTPS server."), "with https://", False),
        ((500, "x" * 500), r"answers 500 \(x{300}\.\.\.\)", True),
        ((503, ""), r"answers 503 \(Service Unavailable\)", True),
        ((429, "slow down"), r"answers 429 \(slow down\)", True),
    ],
)
def test_every_refusal_says_what_to_do(client, script, refusal, message, retryable) -> None:
    script.refusal = refusal
    with pytest.raises(BackendError, match=message) as caught:
        client.serves_many()
    assert caught.value.retryable is retryable
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there_comes_with_the_way_to_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        PipelineServer(f"http://127.0.0.1:{port}") as client,
        pytest.raises(BackendError, match=r"cannot be reached .*kubectl port-forward") as caught,
    ):
        client.serves_many()
    assert caught.value.retryable


def test_a_name_that_nobody_knows_is_said_to_be_one(monkeypatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with (
        PipelineServer("http://kubeflow.invalid") as client,
        pytest.raises(BackendError, match="this machine knows no such host"),
    ):
        client.serves_many()


def test_a_server_that_says_nothing_is_retryable(monkeypatch) -> None:
    monkeypatch.setattr("headgate.adapters.kfp_client.TIMEOUT_SECONDS", 0.05)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        PipelineServer(f"http://127.0.0.1:{silent.getsockname()[1]}") as client,
        pytest.raises(BackendError, match="does not answer in time") as caught,
    ):
        client.serves_many()
    assert caught.value.retryable


def test_a_start_without_an_answer_may_have_happened(monkeypatch) -> None:
    monkeypatch.setattr("headgate.adapters.kfp_client.SUBMIT_SECONDS", 0.05)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        PipelineServer(f"http://127.0.0.1:{silent.getsockname()[1]}") as client,
        pytest.raises(BackendError, match="the run may have started all the same") as caught,
    ):
        client.start(DOCUMENTS, {}, name="a run", experiment="e1")
    assert not caught.value.retryable


@pytest.fixture
def secure(script, tmp_path):
    paths = certificate(tmp_path)
    started = PipelinesServer(script, tls=paths)
    yield started, paths[0]
    started.stop()


def test_a_certificate_is_trusted_by_its_authority(secure) -> None:
    server, authority = secure
    with PipelineServer(server.url, ca_cert=authority) as client:
        assert client.serves_many() is False


def test_a_certificate_of_an_unknown_authority_is_refused_with_the_option(secure) -> None:
    with (
        PipelineServer(secure[0].url) as client,
        pytest.raises(BackendError, match="signed its own with --ca-cert") as caught,
    ):
        client.serves_many()
    assert not caught.value.retryable


def test_a_certificate_for_another_address_is_said_to_be_one(script, tmp_path) -> None:
    paths = certificate(tmp_path, name="127.0.0.2")
    server = PipelinesServer(script, tls=paths)
    with (
        PipelineServer(server.url, ca_cert=paths[0]) as client,
        pytest.raises(BackendError, match="its certificate is for another name"),
    ):
        client.serves_many()
    server.stop()


def test_tls_to_a_server_without_it_is_said_to_be_that(server) -> None:
    with (
        PipelineServer(server.url.replace("http://", "https://")) as client,
        pytest.raises(BackendError, match="it speaks no TLS; write --host with http://"),
    ):
        client.serves_many()
