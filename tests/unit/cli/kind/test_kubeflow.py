import pytest
from tests.unit.cli.kind.machine import deployment, items

from headgate.cli.kind.kubeflow import kubeflow

KUBECTL = "kubectl --context kind-headgate"
UPSTREAM = "github.com/kubeflow/pipelines/manifests/kustomize"


@pytest.fixture
def with_kubeflow(cluster):
    cluster.answer("git --version", "git version 2.50.0\n")
    cluster.answer(f"{KUBECTL} label namespace kubeflow headgate.dev/pipelines=true")
    cluster.answer(f"{KUBECTL} auth can-i create httproutes", "yes\n")
    there = items(deployment("ml-pipeline", "kubeflow"), deployment("mysql", "kubeflow"))
    cluster.answer(f"{KUBECTL} get deployments", there)
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
        "headgate submit examples/adult.yaml --host http://127.0.0.1:8888",
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
