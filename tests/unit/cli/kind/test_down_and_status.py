import pytest
from tests.unit.cli.kind.machine import deployment, everything, items

from headgate.cli.kind.down import down
from headgate.cli.kind.status import status

KUBECTL = "kubectl --context kind-headgate"


def test_the_cluster_is_taken_away_and_no_other(cluster):
    assert cluster.run(down) == 0
    assert cluster.called("kind") == ["kind version", "kind delete cluster --name headgate"]


def test_it_is_fine_if_there_is_no_cluster(machine):
    assert machine.run(down) == 0
    assert "there is no cluster 'headgate'" in machine.said
    assert not machine.called("kind delete")


def test_without_an_engine_nothing_is_said_to_be_gone(machine, capsys):
    machine.answer("docker version", err="Cannot connect", code=1)
    assert machine.run(down) == 4
    assert "the Docker engine does not answer" in capsys.readouterr().err


def test_a_ready_cluster_is_said_to_be_ready(cluster):
    assert cluster.run(status) == 0
    assert "deployment headgate-guard: 1 of 1 pods ready" in cluster.said
    assert "gateway headgate: programmed" in cluster.said


def test_without_a_cluster_the_remedy_is_told(machine, capsys):
    assert machine.run(status) == 4
    error = capsys.readouterr().err
    assert "there is no kind cluster 'headgate'; `make kind` makes it" in error


@pytest.mark.parametrize(
    ("there", "word"),
    [
        ([one for one in everything() if one["metadata"]["name"] != "mlflow"], "headgate/mlflow"),
        (everything(guard=0), "headgate/headgate-guard"),
    ],
)
def test_what_is_missing_or_not_ready_is_named(cluster, capsys, there, word):
    cluster.answer(f"{KUBECTL} get gatewayclasses", items(*there))
    assert cluster.run(status) == 4
    assert f"not ready: {word}; `make kind` waits" in capsys.readouterr().err


def test_what_others_run_on_the_cluster_does_not_matter(cluster):
    there = [*everything(), deployment("mine", "elsewhere", ready=0)]
    cluster.answer(f"{KUBECTL} get gatewayclasses", items(*there))
    assert cluster.run(status) == 0


def test_nothing_is_changed_by_looking(cluster):
    cluster.run(status)
    assert not cluster.called(f"{KUBECTL} apply")
    assert not cluster.called("kind load")
