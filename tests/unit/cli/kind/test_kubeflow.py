import base64
import hashlib
import json

import pytest
from tests.unit.cli.kind.machine import OURS, deployment, items

from headgate.cli.kind.kubeflow import kubeflow

KUBECTL = "kubectl --context kind-headgate"
UPSTREAM = "github.com/kubeflow/pipelines/manifests/kustomize"
TABLE = bytes(range(256)) * 3  # not text in any encoding


@pytest.fixture
def with_kubeflow(cluster):
    cluster.answer("git --version", "git version 2.50.0\n")
    cluster.answer(f"{KUBECTL} label namespace kubeflow headgate.dev/pipelines=true")
    cluster.answer(f"{KUBECTL} auth can-i create httproutes", "yes\n")
    there = items(deployment("ml-pipeline", "kubeflow"), deployment("mysql", "kubeflow"))
    cluster.answer(f"{KUBECTL} get deployments", there)
    for verb in ("delete pod", "wait pod/headgate-data", "exec"):
        cluster.answer(f"{KUBECTL} {verb}")
    (cluster.root / "examples").mkdir()
    (cluster.root / "examples" / "adult.parquet").write_bytes(TABLE)
    return cluster


def test_the_pinned_release_is_applied_in_upstreams_order(with_kubeflow):
    assert with_kubeflow.run(kubeflow) == 0
    applied = [
        call.split("--kustomize ")[1].strip()
        for call in with_kubeflow.called(f"{KUBECTL} apply --kustomize")
    ]
    assert applied == [
        f"{UPSTREAM}/cluster-scoped-resources?ref=2.17.0",
        f"{UPSTREAM}/env/platform-agnostic?ref=2.17.0",
    ]
    assert "deployment ml pipeline" in with_kubeflow.said


def test_it_is_said_to_be_experimental_and_what_to_do_next(with_kubeflow):
    with_kubeflow.run(kubeflow)
    for words in (
        "experimental",
        "MLflow",
        "port-forward service/ml-pipeline 8888:8888",
        "headgate submit examples/adult.yaml --host http://localhost:8888"
        " --data-volume headgate-data",
    ):
        assert words in with_kubeflow.said


def test_steps_are_let_in_and_their_right_to_deploy_is_checked(with_kubeflow, capsys):
    with_kubeflow.answer(f"{KUBECTL} auth can-i create httproutes", "no\n", code=1)
    assert with_kubeflow.run(kubeflow) == 4
    assert with_kubeflow.called(f"{KUBECTL} label namespace kubeflow headgate.dev/pipelines=true")
    error = capsys.readouterr().err
    assert "system:serviceaccount:kubeflow:pipeline-runner may not create routes" in error
    assert "`make kind` applies the binding" in error


def test_manifests_that_cannot_be_fetched_are_explained(with_kubeflow, capsys):
    with_kubeflow.answer(
        f"{KUBECTL} apply --kustomize",
        err="error: failed to run 'git fetch': Could not resolve host: github.com\n",
        code=1,
    )
    assert with_kubeflow.run(kubeflow) == 4
    error = capsys.readouterr().err
    assert "Could not resolve host: github.com" in error
    assert "KFP_MANIFESTS=" in error


def test_a_folder_of_a_clone_needs_neither_git_nor_network(with_kubeflow):
    with_kubeflow.lacks("git")
    assert with_kubeflow.run(kubeflow, KFP_MANIFESTS="/clone/manifests/kustomize/") == 0
    first, _ = with_kubeflow.called(f"{KUBECTL} apply --kustomize")
    assert first.endswith("--kustomize /clone/manifests/kustomize/cluster-scoped-resources")


def test_a_kustomization_that_does_not_build_is_told_as_it_is(with_kubeflow, capsys):
    with_kubeflow.answer(f"{KUBECTL} apply --kustomize", err="no such directory", code=1)
    assert with_kubeflow.run(kubeflow, KFP_MANIFESTS="/nowhere") == 4
    error = capsys.readouterr().err
    assert "no such directory" in error
    assert "KFP_MANIFESTS" not in error


def test_git_is_needed_to_fetch(with_kubeflow, capsys):
    with_kubeflow.lacks("git")
    assert with_kubeflow.run(kubeflow) == 4
    assert "git is not on PATH" in capsys.readouterr().err


def test_it_needs_the_cluster_of_make_kind(machine, capsys):
    assert machine.run(kubeflow) == 4
    assert "`make kind` makes it" in capsys.readouterr().err


def given_to(machine, beginning):
    """What the commands with this beginning got on standard input."""
    return [text for call, text in machine.given if call.startswith(beginning)]


def test_the_table_of_the_example_is_brought_to_a_volume_where_the_runs_are(with_kubeflow):
    assert with_kubeflow.run(kubeflow) == 0
    applied = json.loads(given_to(with_kubeflow, f"{KUBECTL} apply --filename -")[-1])["items"]
    claim, pod = applied
    assert claim["kind"] == "PersistentVolumeClaim"
    assert claim["metadata"]["name"] == "headgate-data"
    assert {one["metadata"]["namespace"] for one in applied} == {"kubeflow"}
    assert pod["spec"]["containers"][0]["image"] == OURS[2]
    (call,) = with_kubeflow.called(f"{KUBECTL} exec --namespace kubeflow --stdin headgate-data")
    assert call.endswith(" && mv /data/adult.parquet.partial /data/adult.parquet")
    assert hashlib.sha256(TABLE).hexdigest() in call
    (text,) = given_to(with_kubeflow, f"{KUBECTL} exec")
    assert base64.b64decode(text) == TABLE
    assert "adult.parquet is on volume headgate-data in namespace kubeflow" in with_kubeflow.said


def test_the_pod_that_copies_is_restricted_and_goes_away(with_kubeflow):
    with_kubeflow.run(kubeflow)
    applied = given_to(with_kubeflow, f"{KUBECTL} apply --filename -")[-1]
    spec = json.loads(applied)["items"][1]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    inside = spec["containers"][0]["securityContext"]
    assert inside["capabilities"] == {"drop": ["ALL"]}
    assert inside["allowPrivilegeEscalation"] is False
    gone = f"{KUBECTL} delete pod headgate-data --namespace kubeflow --ignore-not-found"
    changes = [call for call in with_kubeflow.calls if " pod" in call or " exec " in call]
    assert changes[0] == changes[-1] == gone


def test_a_pod_that_cannot_start_is_explained_and_taken_away(with_kubeflow, capsys):
    with_kubeflow.answer(f"{KUBECTL} wait pod", err="timed out waiting", code=1)
    waiting = {"waiting": {"reason": "ErrImageNeverPull", "message": "not present"}}
    status = {"containerStatuses": [{"name": "copy", "ready": False, "state": waiting}]}
    pod = {"metadata": {"name": "headgate-data"}, "status": status}
    with_kubeflow.answer(f"{KUBECTL} get pods --namespace kubeflow", items(pod))
    assert with_kubeflow.run(kubeflow) == 4
    error = capsys.readouterr().err
    assert "timed out waiting" in error
    assert "pod headgate-data, container copy: ErrImageNeverPull: not present" in error
    assert with_kubeflow.calls[-1].startswith(f"{KUBECTL} delete pod headgate-data")


def test_without_images_of_this_tree_nothing_is_put_on_the_cluster(with_kubeflow, capsys):
    (with_kubeflow.root / "build" / "kind" / "kustomization.yaml").write_text("images: []\n")
    assert with_kubeflow.run(kubeflow) == 2
    assert "names no headgate-python; `make images` writes it" in capsys.readouterr().err
    assert not with_kubeflow.called(f"{KUBECTL} apply")
