"""What `headgate doctor` prints, and how it exits."""

import io
import json

import pytest
from rich.console import Console
from rich.text import Text
from tests.unit.adapters.diagnosis.healthy import deployment, stock
from tests.unit.adapters.kubernetes.api_server import ApiServer
from tests.unit.cli.cluster_cli import CONTEXT, kubeconfig, run

from headgate.adapters.diagnosis import Finding, Group, State
from headgate.cli.doctor import print_findings, summary, to_json

FINDINGS = [
    Finding(group=Group.MACHINE, name="kind", state=State.OK, seen="v0.30.0"),
    Finding(group=Group.CLUSTER, name="Kubernetes", state=State.NOTE, seen="v1.30.0"),
    Finding(
        group=Group.REGISTRY,
        name="MLflow",
        state=State.PROBLEM,
        seen="0 of 1 ready " + "x" * 200,
        remedy="kubectl " + "y" * 200,
    ),
]


def printed(*, terminal: bool) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream, width=80, force_terminal=terminal, force_interactive=terminal, highlight=False
    )
    print_findings(FINDINGS, console=console)
    return stream.getvalue()


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))  # no docker: nothing of this machine is asked
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with ApiServer() as running:
        stock(running)
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, running.url)))
        yield running


def doctor(*arguments: str):
    return run("doctor", "--context", CONTEXT, "--namespace", "serving", *arguments)


def test_in_a_pipe_a_finding_is_one_line_and_its_remedy_another():
    lines = printed(terminal=False).splitlines()
    assert lines[:4] == [
        "this machine",
        "  OK       kind                v0.30.0",
        "cluster",
        "  NOTE     Kubernetes          v1.30.0",
    ]
    assert lines[5].startswith("  PROBLEM  MLflow              0 of 1 ready xxx")
    assert lines[6].lstrip() == "→ kubectl " + "y" * 200
    assert len(lines) == 8
    assert "\x1b" not in printed(terminal=False)


def test_on_a_terminal_long_lines_wrap_within_their_column_but_remedies_do_not():
    text = printed(terminal=True)
    lines = Text.from_ansi(text).plain.splitlines()
    (remedy,) = [line for line in lines if "→" in line]
    assert remedy.strip() == "→ kubectl " + "y" * 200
    seen = [line for line in lines[:-1] if line != remedy]
    assert max(len(line) for line in seen) <= 80
    assert "".join(seen).count("x") == 200
    assert "\x1b[31m" in text


def test_the_last_line_counts():
    assert printed(terminal=False).splitlines()[-1] == summary(FINDINGS)
    assert summary(FINDINGS).startswith("1 OK, 1 problem, 0 unknown, 1 note: mend")
    assert summary(FINDINGS[:1]) == "1 OK, 0 problems, 0 unknown, 0 notes: nothing wrong"
    hidden = Finding(group=Group.ROUTES, name="routes", state=State.UNKNOWN, seen="not seen")
    assert summary([hidden]).endswith("1 unknown, 0 notes: nothing wrong in what could be seen")


def test_json_holds_every_finding():
    found = json.loads(to_json(FINDINGS))
    assert found["problems"] == 1
    assert found["findings"][0] == {
        "group": "this machine",
        "name": "kind",
        "state": "OK",
        "seen": "v0.30.0",
        "remedy": "",
    }


@pytest.mark.usefixtures("server")
def test_a_healthy_cluster_exits_with_0():
    done = doctor()
    assert done.exit_code == 0, done.output
    assert "PROBLEM" not in done.stdout
    assert done.stdout.splitlines()[-1].endswith("nothing wrong in what could be seen")


def test_a_problem_exits_with_4_and_names_its_remedy(server):
    server.put(deployment("mlflow", ready=0, replicas=0))
    done = doctor("--json")
    assert done.exit_code == 4
    found = json.loads(done.stdout)
    assert found["problems"] == 1
    (problem,) = [f for f in found["findings"] if f["state"] == "PROBLEM"]
    assert problem["name"] == "MLflow"
    assert problem["remedy"] == (
        "kubectl --context kind-headgate -n serving scale deployment mlflow --replicas=1"
    )


@pytest.mark.usefixtures("server")
def test_a_service_account_of_the_namespace_needs_no_prefix():
    done = doctor("--service-account", "driver")
    assert "system:serviceaccount:serving:driver may do" in done.stdout


def test_without_a_kubeconfig_it_says_so_and_exits_with_4(server, monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    done = run("doctor", "--context", CONTEXT)
    assert done.exit_code == 4
    assert "PROBLEM  API server" in done.stdout
    assert "not checked: no cluster" in done.stdout
    assert server.requests == []
