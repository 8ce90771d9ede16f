import pytest
import yaml
from kfp import compiler, dsl, kubernetes

from headgate.cli.compiling import Fit, promotion_documents, step_names, write_pipelines
from headgate.errors import ConfigError
from headgate_pipelines.canary.pipeline import canary

STEPS = {
    "ingest-table",
    "validate-data",
    "split-data",
    "train-model",
    "evaluate-model",
    "measure-fairness",
    "export-model",
    "register-model",
    "decide-promotion",
    "deploy-model",
    "shift-traffic",
    "roll-back",
}


def settings(platform):
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def executors(spec):
    return spec["deploymentSpec"]["executors"]


def documents(path):
    return list(yaml.safe_load_all(path.read_text()))


@pytest.fixture(scope="module")
def plain():
    return promotion_documents(Fit())


@pytest.fixture(scope="module")
def fitted():
    return promotion_documents(
        Fit(
            image_registry="ghcr.io/acme",
            image_tag="7",
            pull_secret="regcred",  # noqa: S106 - the name of one
            shared_memory="2Gi",
            data_volume="datasets:/tables",
        )
    )


def test_every_step_of_the_promotion_is_known_by_name(plain) -> None:
    assert step_names(plain[0]) == STEPS


def test_every_step_runs_as_the_unprivileged_user(plain) -> None:
    context = {"runAsUser": "65532", "runAsGroup": "65532", "runAsNonRoot": True}
    assert {name: one["securityContext"] for name, one in settings(plain[1]).items()} == {
        f"exec-{name}": context for name in STEPS
    }


def test_every_step_asks_for_cpu_and_memory_and_has_a_memory_limit(plain) -> None:
    for name, executor in executors(plain[0]).items():
        resources = executor["container"]["resources"]
        assert {
            "resourceCpuRequest",
            "resourceMemoryRequest",
            "resourceMemoryLimit",
        } <= set(resources), name


def test_what_places_the_training_step_are_parameters_of_kinds_that_the_backend_reads(
    plain,
) -> None:
    spec, platform = plain
    resources = executors(spec)["exec-train-model"]["container"]["resources"]
    parameter = "{{{{$.inputs.parameters['pipelinechannel--{}']}}}}".format
    assert resources["resourceCpuRequest"] == parameter("train_cpu")
    assert resources["resourceMemoryLimit"] == parameter("train_memory")
    assert resources["accelerator"] == {
        "resourceCount": parameter("accelerator_count"),
        "resourceType": parameter("accelerator_type"),
    }
    training = settings(platform)["exec-train-model"]
    assert training["nodeSelector"] == {
        "nodeSelectorJson": {"componentInputParameter": "node_selector"}
    }
    assert training["tolerations"] == [
        {"tolerationJson": {"componentInputParameter": "tolerations"}}
    ]
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    names = ("train_cpu", "train_memory", "accelerator_type", "accelerator_count")
    assert {inputs[name]["parameterType"] for name in names} == {"STRING"}
    assert inputs["accelerator_count"]["defaultValue"] == "0"
    assert inputs["node_selector"]["parameterType"] == "STRUCT"
    assert inputs["tolerations"]["parameterType"] == "LIST"


def test_a_registry_and_a_tag_change_every_image_and_nothing_else(plain, fitted) -> None:
    images = {one["container"]["image"] for one in executors(fitted[0]).values()}
    assert images == {"ghcr.io/acme/headgate-python:7"}
    for name, before in executors(plain[0]).items():
        after = executors(fitted[0])[name]
        assert {**before["container"], "image": ""} == {**after["container"], "image": ""}
    without = [{**spec, "deploymentSpec": None} for spec, _ in (plain, fitted)]
    assert without[0] == without[1]


def test_a_registry_alone_keeps_the_tag(monkeypatch) -> None:
    monkeypatch.setenv("HEADGATE_IMAGE_TAG", "8")
    assert Fit(image_registry="ghcr.io/acme").image("one") == "ghcr.io/acme/one:8"


def test_a_tag_alone_keeps_the_registry(monkeypatch) -> None:
    monkeypatch.setenv("HEADGATE_IMAGE_REGISTRY", "ghcr.io/acme")
    assert Fit(image_tag="7").image("one") == "ghcr.io/acme/one:7"


def test_what_the_environment_says_of_images_counts_after_the_import_too(monkeypatch) -> None:
    monkeypatch.setenv("HEADGATE_IMAGE_TAG", "8")
    images = {
        one["container"]["image"] for one in executors(promotion_documents(Fit())[0]).values()
    }
    assert {image.partition(":")[2].rpartition(":")[2] for image in images} == {"8"}


def test_settings_have_the_form_that_the_sdk_writes(fitted, tmp_path) -> None:
    @dsl.component(base_image="python:3.13-slim")
    def one() -> str:
        return ""

    @dsl.pipeline(name="tiny")
    def tiny():
        task = one()
        kubernetes.set_security_context(
            task, run_as_user=65532, run_as_group=65532, run_as_non_root=True
        )
        kubernetes.set_image_pull_secrets(task, ["regcred"])
        kubernetes.empty_dir_mount(
            task,
            volume_name="shared-memory",
            mount_path="/dev/shm",  # noqa: S108
            medium="Memory",
            size_limit="2Gi",
        )
        kubernetes.mount_pvc(task, pvc_name="datasets", mount_path="/tables")

    compiler.Compiler().compile(tiny, str(tmp_path / "tiny.yaml"))
    expected = settings(documents(tmp_path / "tiny.yaml")[1])["exec-one"]
    ours = settings(fitted[1])
    assert {one["imagePullSecret"][0]["secretName"] for one in ours.values()} == {"regcred"}
    assert ours["exec-split-data"].keys() == {"securityContext", "imagePullSecret"}
    training, reading = ours["exec-train-model"], ours["exec-ingest-table"]
    assert training["imagePullSecret"] == expected["imagePullSecret"]
    assert training["emptyDirMounts"] == expected["emptyDirMounts"]
    assert reading["pvcMount"] == expected["pvcMount"]


def test_the_files_are_those_of_the_compiler_when_nothing_is_asked_for(tmp_path) -> None:
    written = write_pipelines(tmp_path / "new", Fit())
    assert [path.name for path in written] == ["promotion.yaml", "canary.yaml"]
    compiler.Compiler().compile(canary, str(tmp_path / "canary.yaml"))
    assert written[1].read_text() == (tmp_path / "canary.yaml").read_text()


def test_kubernetes_manifests_hold_both_documents_and_a_name_by_content(tmp_path) -> None:
    written = write_pipelines(tmp_path, Fit(), kubernetes_manifests=True)
    plain = {path.name: documents(path) for path in written}
    pipeline, version = plain["promotion.kubernetes.yaml"]
    assert (pipeline["kind"], pipeline["metadata"]["name"]) == ("Pipeline", "promotion")
    assert version["kind"] == "PipelineVersion"
    assert version["spec"]["pipelineName"] == "promotion"
    assert [version["spec"]["pipelineSpec"], version["spec"]["platformSpec"]] == plain[
        "promotion.yaml"
    ]
    write_pipelines(tmp_path, Fit(image_tag="7"), kubernetes_manifests=True)
    _, other = documents(tmp_path / "promotion.kubernetes.yaml")
    assert other["metadata"]["name"] != version["metadata"]["name"]


def test_a_folder_that_cannot_be_made_is_an_error_of_one_line(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"--out .*/file: cannot be written to"):
        write_pipelines(tmp_path / "file", Fit())


def test_a_file_that_cannot_be_written_leaves_all_files_as_they_were(tmp_path) -> None:
    written = write_pipelines(tmp_path, Fit())
    before = written[0].read_text()
    (tmp_path / "canary.kubernetes.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"canary\.kubernetes\.yaml is a folder"):
        write_pipelines(tmp_path, Fit(image_tag="7"), kubernetes_manifests=True)
    assert written[0].read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "canary.kubernetes.yaml",
        "canary.yaml",
        "promotion.yaml",
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image_registry": "https://ghcr.io"}, "the image registry is 'https://ghcr.io'"),
        ({"image_tag": "latest"}, "the image tag is 'latest'"),
        ({"pull_secret": "Reg Cred"}, "--image-pull-secret is 'Reg Cred'"),
        ({"shared_memory": "2GB"}, "--shared-memory is '2GB'"),
        ({"data_volume": ":/data"}, "--data-volume is ''"),
        ({"data_volume": "datasets:data"}, "--data-volume: the folder is 'data'"),
        ({"data_volume": "datasets:/"}, "--data-volume: the folder is '/'"),
        ({"data_volume": "datasets:/a/../etc"}, "--data-volume: the folder is '/a/../etc'"),
    ],
)
def test_what_no_cluster_understands_is_refused(values, message) -> None:
    with pytest.raises(ConfigError, match=message):
        Fit(**values)
