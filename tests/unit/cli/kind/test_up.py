import errno
import json
import socket

import pytest
import yaml
from tests.unit.cli.kind.machine import OURS, TRAEFIK, node, on_node, remembered

from headgate.cli.kind.plan import check_machine
from headgate.cli.kind.up import up

KUBECTL = "kubectl --context kind-headgate"


def index(machine, beginning):
    return machine.calls.index(machine.called(beginning)[0])


def test_a_machine_without_a_cluster_gets_one_with_everything_on_it(machine):
    assert machine.run(up) == 0
    for part in ("create cluster", "save images, 1 of 2", "load images, 2 of 2", "apply headgate"):
        assert f"✓ {part}" in machine.said
    for one in ("gatewayclass traefik", "gateway headgate", "deployment headgate guard"):
        assert f"✓ {one}" in machine.said
    assert f"http://127.0.0.1:{machine.http}" in machine.said
    assert f"http://127.0.0.1:{machine.mlflow}" in machine.said
    assert "headgate doctor" in machine.said


def test_kind_gets_the_configuration_of_the_tree_with_the_choices_put_in(machine):
    machine.image("node:7", "sha256:7")
    machine.run(up, KIND_NODE_IMAGE="node:7")
    path = machine.root / "build" / "kind" / "kind-config.yaml"
    assert machine.called("kind create") == [f"kind create cluster --name headgate --config {path}"]
    config = yaml.safe_load(path.read_text())
    assert config["nodes"][0]["image"] == "node:7"
    assert [one["hostPort"] for one in config["nodes"][0]["extraPortMappings"]] == [
        machine.http,
        machine.mlflow,
    ]


def test_what_starts_slowly_is_loaded_first_and_runs_while_the_rest_is_loaded(machine):
    machine.run(up)
    saved = [call.split("arm64 ")[1].split() for call in machine.called("docker save")]
    assert saved == [[OURS[0], TRAEFIK], [OURS[1], OURS[2]]]
    loads = [n for n, call in enumerate(machine.calls) if call.startswith("kind load")]
    applies = [n for n, call in enumerate(machine.calls) if "apply --filename -" in call]
    assert loads[0] < applies[0] < applies[1] < loads[1] < applies[2]


def test_images_are_written_while_the_cluster_is_made(machine):
    machine.run(up)
    assert index(machine, "docker save") < index(machine, "kind load image-archive")
    assert index(machine, "kind create") < index(machine, "kind load image-archive")


def test_every_call_that_reaches_a_cluster_names_its_context(machine):
    machine.run(up)
    without = [
        call
        for call in machine.called("kubectl")
        if not call.startswith(KUBECTL)
        and call.split()[1] not in ("version", "config", "kustomize")
    ]
    assert without == []


def test_a_second_call_makes_copies_and_installs_nothing(cluster):
    assert cluster.run(up) == 0
    assert not cluster.called("kind create")
    assert not cluster.called("kind load")
    assert not cluster.called("docker save")
    assert not cluster.called(f"{KUBECTL} apply --server-side")
    assert "1 object: 1 unchanged" in cluster.said
    assert "use the cluster that is there" in cluster.said


def test_only_images_that_the_node_lacks_are_loaded(cluster):
    cluster.answer("docker exec headgate-control-plane ctr", on_node(OURS[0], OURS[1], TRAEFIK))
    assert cluster.run(up) == 0
    (save,) = cluster.called("docker save")
    assert save.endswith(f" linux/arm64 {OURS[2]}")


def test_an_image_that_was_built_again_under_its_name_is_loaded_again(cluster):
    cluster.image(TRAEFIK, "sha256:other")
    assert cluster.run(up) == 0
    (save,) = cluster.called("docker save")
    assert save.endswith(f" linux/arm64 {TRAEFIK}")


def test_an_image_that_somebody_else_put_on_the_node_is_loaded_again(cluster):
    foreign = on_node(*OURS, TRAEFIK).replace(f"m-{TRAEFIK}", "foreign")
    cluster.answer("docker exec headgate-control-plane ctr", foreign)
    assert cluster.run(up) == 0
    (save,) = cluster.called("docker save")
    assert save.endswith(f" {TRAEFIK}")


def test_what_was_loaded_is_noted_on_the_node_with_both_digests(cluster):
    cluster.answer("docker exec headgate-control-plane cat", remembered(*OURS))
    assert cluster.run(up) == 0
    assert cluster.noted == json.loads(remembered(*OURS, TRAEFIK))


def test_only_the_platform_of_the_engine_is_saved(machine):
    machine.run(up)
    assert all("--platform linux/arm64 " in call for call in machine.called("docker save"))


def test_an_engine_that_cannot_choose_a_platform_is_not_asked_to(machine):
    machine.answer("docker version", "20.10.24 1.41 linux/amd64\n")
    assert machine.run(up) == 0
    assert not any("--platform" in call for call in machine.called("docker save"))


def test_another_controller_image_is_loaded_and_applied(machine):
    machine.image("my/traefik:1", "sha256:1")
    assert machine.run(up, TRAEFIK_IMAGE="my/traefik:1") == 0
    assert any("my/traefik:1" in call for call in machine.called("docker save"))


def test_a_context_that_went_missing_is_brought_back(cluster):
    cluster.answer("kubectl config get-contexts", "other\n")
    assert cluster.run(up) == 0
    assert cluster.called("kind export kubeconfig --name headgate")
    assert "was missing in the kubeconfig" in cluster.said


def test_the_change_of_the_current_context_is_told(machine):
    machine.answer("kubectl config current-context", "work\n")
    machine.answer("kubectl config current-context", "kind-headgate\n", after="kind create")
    machine.run(up)
    assert "kind made kind-headgate kubectl's current context" in machine.said
    assert "kubectl config use-context work" in machine.said


def test_another_node_image_does_not_break_the_cluster_that_is_there(cluster):
    cluster.answer("docker inspect f00", node(cluster.http, cluster.mlflow, image="v1.33"))
    assert cluster.run(up) == 0
    assert "it keeps its node image" in cluster.said


@pytest.mark.parametrize(
    ("tool", "remedy"),
    [("docker", "install Docker"), ("kind", "install kind"), ("kubectl", "install kubectl")],
)
def test_a_tool_that_is_missing_is_named_with_where_to_get_it(machine, capsys, tool, remedy):
    machine.lacks(tool)
    assert machine.run(up) == 4
    error = capsys.readouterr().err
    assert f"{tool} is not on PATH" in error
    assert remedy in error


def test_a_machine_is_checked_before_any_image_is_built(machine, capsys):
    (machine.root / "build" / "kind" / "kustomization.yaml").unlink()  # `make images` writes it
    assert machine.run(check_machine) == 0
    assert "✓ check this machine" in machine.said
    assert not machine.called("docker image")
    machine.lacks("kind")
    (machine.folder / "bin" / "kind").unlink()
    assert machine.run(check_machine) == 4
    assert "kind is not on PATH" in capsys.readouterr().err


def test_ports_are_checked_before_any_image_is_built(machine, capsys, taken_port):
    assert machine.run(check_machine, KIND_HTTP_PORT=str(taken_port)) == 2
    assert f"port {taken_port} of 127.0.0.1 is taken" in capsys.readouterr().err


def test_an_engine_that_does_not_answer_is_told_in_its_own_words(machine, capsys):
    machine.answer("docker version", "\n", err="Cannot connect to the Docker daemon", code=1)
    assert machine.run(up) == 4
    error = capsys.readouterr().err
    assert "does not answer (Cannot connect to the Docker daemon)" in error
    assert "DOCKER_HOST" in error


def test_a_release_of_kind_that_is_too_old_is_refused(machine, capsys):
    machine.answer("kind version", "kind v0.20.0 go1.20.4 linux/amd64\n")
    assert machine.run(up) == 4
    assert "kind is v0.20.0; 0.27 or later is needed" in capsys.readouterr().err


@pytest.fixture
def taken_port():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_port_in_use_is_named_with_the_variable_that_changes_it(machine, capsys, taken_port):
    assert machine.run(up, KIND_HTTP_PORT=str(taken_port)) == 2
    error = capsys.readouterr().err
    assert f"port {taken_port} of 127.0.0.1 is taken" in error
    assert f"lsof -i :{taken_port}" in error
    assert f"make kind KIND_HTTP_PORT={taken_port + 1}" in error
    assert not machine.called("kind create")


def test_a_container_that_has_the_port_is_named(machine, capsys, taken_port):
    machine.answer(f"docker ps --filter publish={taken_port}", "lab-control-plane lab\n")
    assert machine.run(up, KIND_MLFLOW_PORT=str(taken_port)) == 2
    error = capsys.readouterr().err
    assert "taken by container lab-control-plane of kind cluster 'lab'" in error
    assert "KIND_MLFLOW_PORT" in error


def test_a_port_that_only_this_account_may_not_take_is_left_to_docker(machine, monkeypatch):
    refused = PermissionError(errno.EACCES, "Permission denied")

    class Candidate(socket.socket):
        def bind(self, _address):
            raise refused

    monkeypatch.setattr(socket, "socket", Candidate)
    assert machine.run(up, KIND_HTTP_PORT="80") == 0


def test_a_port_that_the_own_cluster_has_is_no_trouble(cluster, taken_port):
    cluster.answer("docker inspect f00", node(taken_port, cluster.mlflow))
    assert cluster.run(up, KIND_HTTP_PORT=str(taken_port)) == 0


@pytest.mark.parametrize(
    ("there", "code", "words"),
    [
        ({"http": 9090}, 2, "is there with KIND_HTTP_PORT=9090, not "),
        ({"mlflow": None}, 2, "was not made by `make kind`: it does not map port 30500"),
        ({"state": "exited"}, 4, "is exited; start it with `docker start headgate-control-plane`"),
    ],
)
def test_a_cluster_that_is_there_but_is_not_ours_is_explained(cluster, capsys, there, code, words):
    ours = {"http": cluster.http, "mlflow": cluster.mlflow}
    cluster.answer("docker inspect f00", node(**{**ours, **there}))
    assert cluster.run(up) == code
    error = capsys.readouterr().err
    assert words in error
    assert "make kind-down" in error
    assert not cluster.called(f"{KUBECTL} apply")


def test_a_cluster_whose_server_does_not_answer_is_explained(cluster, capsys):
    cluster.answer(f"{KUBECTL} get --raw /readyz", err="connection refused", code=1)
    assert cluster.run(up) == 4
    error = capsys.readouterr().err
    assert "its API server does not answer (connection refused)" in error
    assert "make kind-down kind" in error


def test_an_image_that_was_not_built_is_named_with_the_remedy(machine, capsys):
    machine.image(OURS[1])
    assert machine.run(up) == 4
    error = capsys.readouterr().err
    assert f"the engine does not have {OURS[1]}; build with `make images`" in error
    assert not machine.called("kind create")


def test_a_tree_whose_images_were_never_built_is_told_the_remedy(machine, capsys):
    (machine.root / "build" / "kind" / "kustomization.yaml").unlink()
    assert machine.run(up) == 2
    assert "`make images` writes it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("image", "variable"),
    [(TRAEFIK, "TRAEFIK_IMAGE"), ("kindest/node:v1.34.3", "KIND_NODE_IMAGE")],
)
def test_an_image_of_others_that_cannot_be_pulled_is_explained(machine, capsys, image, variable):
    machine.image(image)
    machine.answer("docker pull", err="no such host", code=1)
    assert machine.run(up) == 4
    error = capsys.readouterr().err
    assert f"{image} is not in the engine and cannot be pulled (no such host)" in error
    assert f"name one that is there with {variable}" in error


def test_an_image_of_others_is_pulled_when_it_is_missing(machine):
    machine.image(TRAEFIK)
    machine.answer("docker pull")
    machine.image(TRAEFIK, "sha256:1", after="docker pull")
    assert machine.run(up) == 0
    began, ended = f"pulling {TRAEFIK}", "✓ pull traefik"
    assert machine.said.index(began) < machine.said.index(ended)


def test_a_file_of_definitions_that_is_not_there_is_named(machine, capsys):
    assert machine.run(up, GATEWAY_API_CRDS="/nowhere/crds.yaml") == 2
    error = capsys.readouterr().err
    assert "GATEWAY_API_CRDS names '/nowhere/crds.yaml', and there is no such file" in error
    assert not machine.called("kind create")


def test_definitions_that_cannot_be_fetched_are_explained(machine, capsys):
    machine.answer(f"{KUBECTL} apply --server-side", err="no such host", code=1)
    assert machine.run(up, GATEWAY_API_CRDS="https://example.com/v1.5.0/install.yaml") == 4
    error = capsys.readouterr().err
    assert "no such host" in error
    assert "name it with GATEWAY_API_CRDS" in error


def test_another_version_of_the_definitions_is_applied(cluster):
    assert cluster.run(up, GATEWAY_API_CRDS="https://example.com/v1.6.0/install.yaml") == 0
    assert cluster.called(f"{KUBECTL} apply --server-side")


def test_a_disk_without_room_is_told_before_anything_is_made(machine, capsys):
    machine.answer("docker info", str(machine.folder))
    machine.image(TRAEFIK, "sha256:1", size=2**60)
    assert machine.run(up) == 4
    error = capsys.readouterr().err
    assert f"{machine.folder} has" in error
    assert "are needed" in error
    assert not machine.called("kind create")


def test_a_cluster_that_kind_cannot_make_is_told_with_its_last_lines(machine, capsys):
    machine.answer("kind create", err="Creating cluster\nERROR: failed to init node\n", code=1)
    assert machine.run(up) == 4
    error = capsys.readouterr().err
    assert "failed with exit code 1: Creating cluster / ERROR: failed to init node" in error
    assert not machine.called(f"{KUBECTL} apply")


def test_a_configuration_that_does_not_map_the_ports_is_refused(machine, capsys):
    text = (machine.root / "kind-config.yaml").read_text()
    (machine.root / "kind-config.yaml").write_text(text.replace("30500", "30501"))
    assert machine.run(up) == 2
    assert "maps containerPort 30500 0 times" in capsys.readouterr().err


def test_a_file_that_is_no_kind_configuration_is_refused(machine, capsys):
    (machine.root / "kind-config.yaml").write_text("nodes: 7\n")
    assert machine.run(up) == 2
    assert "is not a kind configuration with nodes" in capsys.readouterr().err


def test_every_node_gets_the_image_and_is_asked_for_its_images(cluster):
    two = json.loads(node(cluster.http, cluster.mlflow)) + json.loads(node(None, None))
    two[1]["Name"] = "/headgate-worker"
    cluster.answer("docker inspect f00", json.dumps(two))
    cluster.answer("docker exec headgate-worker ctr", on_node(*OURS))
    cluster.answer("docker exec headgate-worker cat", remembered(*OURS, TRAEFIK))
    assert cluster.run(up) == 0
    (save,) = cluster.called("docker save")
    assert save.endswith(f" linux/arm64 {TRAEFIK}")


def test_a_load_balancer_before_the_control_plane_is_no_node(cluster):
    two = json.loads(node(cluster.http, cluster.mlflow)) + json.loads(node(None, None))
    two[1]["Config"]["Labels"] = {"io.x-k8s.kind.role": "external-load-balancer"}
    cluster.answer("docker inspect f00", json.dumps(two))
    assert cluster.run(up) == 0


def test_a_type_that_the_server_does_not_know_is_an_error(cluster, capsys):
    cluster.answer(f"{KUBECTL} get gatewayclasses", err="the server doesn't have it", code=1)
    assert cluster.run(up) == 4
    assert "the server doesn't have it" in capsys.readouterr().err
