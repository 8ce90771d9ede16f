"""Compile the pipelines, and fit what came out to one cluster: images, secrets, volumes."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from headgate.cli import cluster_values
from headgate.errors import ConfigError

if TYPE_CHECKING:
    from kfp.dsl.graph_component import GraphComponent

Document = dict[str, Any]
DATA_FOLDER = "/data"
SHARED_MEMORY_FOLDER = "/dev/shm"  # noqa: S108 - a mount point in a pod
READS_THE_SOURCE, TRAINS = "exec-ingest-table", "exec-train-model"
SYSTEM_FOLDERS = ("/", "/bin", "/dev", "/etc", "/lib", "/proc", "/sys", "/tmp", "/usr")  # noqa: S108


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What a pipeline needs to know of one cluster when it is compiled; "" leaves a thing as it is.

    Attributes:
        image_registry: Registry that holds the images; else HEADGATE_IMAGE_REGISTRY.
        image_tag: Their tag; else HEADGATE_IMAGE_TAG.
        pull_secret: Secret with the registry's credentials.
        shared_memory: Size of /dev/shm of the step that trains.
        data_volume: Claim that the step that reads the table mounts, as `CLAIM` or `CLAIM:/FOLDER`.
    """

    image_registry: str = ""
    image_tag: str = ""
    pull_secret: str = ""
    shared_memory: str = ""
    data_volume: str = ""

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ConfigError: If one is not allowed.
        """
        self.image("any")
        if self.pull_secret:
            cluster_values.object_name(self.pull_secret, what="--image-pull-secret")
        if self.shared_memory:
            cluster_values.quantity(self.shared_memory, what="--shared-memory")
        if self.data_volume:
            cluster_values.object_name(self.claim, what="--data-volume")
            _check_folder(self.data_folder)

    @property
    def claim(self) -> str:
        """Name of the claim, without the folder."""
        return self.data_volume.partition(":")[0]

    @property
    def data_folder(self) -> str:
        """Where the claim is mounted; empty if there is none."""
        if not self.data_volume:
            return ""
        return self.data_volume.partition(":")[2] or DATA_FOLDER

    def image(self, name: str) -> str:
        """Return the full name of an image on this cluster.

        Args:
            name: E.g. `headgate-python`.
        """
        from headgate_components._image import image

        full: str = image(name, registry=self.image_registry, tag=self.image_tag)
        return full


def write_pipelines(out: Path, fit: Fit, *, kubernetes_manifests: bool = False) -> list[Path]:
    """Compile every pipeline into a file of its own; all of them appear, or none.

    Args:
        out: Folder for the files; created if missing.
        fit: What is special about the cluster.
        kubernetes_manifests: Whether to write a second file for each, with the objects `Pipeline`
            and `PipelineVersion` for `kubectl apply`.

    Returns:
        The files.

    Raises:
        ConfigError: If the folder cannot be written to.
    """
    texts = {}
    for name, pipeline in _pipelines().items():
        header, spec, platform = _compiled(pipeline, fit)
        texts[out / f"{name}.yaml"] = header + _yaml(spec, platform)
        if kubernetes_manifests:
            texts[out / f"{name}.kubernetes.yaml"] = _yaml(*_manifests(name, spec, platform))
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path in texts:
            if path.is_dir():  # the only thing that a rename does not replace
                raise ConfigError(f"--out: {path} is a folder; needed: room for a file")
        _write_all(texts)
    except OSError as error:
        raise ConfigError(f"--out {out}: cannot be written to ({error.strerror})") from error
    return list(texts)


def promotion_documents(fit: Fit) -> tuple[Document, Document]:
    """Compile the `promotion` pipeline.

    Args:
        fit: What is special about the cluster.

    Returns:
        The pipeline's specification, and its settings for Kubernetes.
    """
    _, spec, platform = _compiled(_pipelines()["promotion"], fit)
    return spec, platform


def step_names(spec: Document) -> frozenset[str]:
    """Return the tasks of a specification that run a container, those of nested pipelines too.

    Args:
        spec: A pipeline's specification.
    """
    runs = {name for name, part in spec["components"].items() if "executorLabel" in part}
    graphs = [spec["root"]["dag"], *(p["dag"] for p in spec["components"].values() if "dag" in p)]
    tasks = (task for graph in graphs for task in graph["tasks"].items())
    return frozenset(name for name, task in tasks if task["componentRef"]["name"] in runs)


def _pipelines() -> "Mapping[str, GraphComponent]":
    from headgate_pipelines.canary.pipeline import canary
    from headgate_pipelines.promotion.pipeline import promotion

    return {"promotion": promotion, "canary": canary}


def _compiled(pipeline: "GraphComponent", fit: Fit) -> tuple[str, Document, Document]:
    import yaml
    from kfp import compiler

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(file))
        text = file.read_text(encoding="utf-8")
    spec, platform = yaml.safe_load_all(text)
    _fit(spec["deploymentSpec"]["executors"], _settings(platform), fit)
    lines = text.splitlines(keepends=True)
    header = "".join(line for line in lines[: lines.index("components:\n")])
    return header, spec, platform


def _settings(platform: Document) -> Document:
    executors: Document = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return executors


def _fit(executors: Document, settings: Document, fit: Fit) -> None:
    # In what was compiled, not in the pipelines: their steps are bound when they are imported.
    # The forms are those that `kfp.kubernetes` writes; a test holds them together.
    for name, executor in executors.items():
        container = executor["container"]
        container["image"] = fit.image(_name(container["image"]))
        if fit.pull_secret:
            secret = {"secretName": fit.pull_secret, **_constant("secretName", fit.pull_secret)}
            settings[name]["imagePullSecret"] = [secret]
    if fit.shared_memory and TRAINS in settings:
        settings[TRAINS]["emptyDirMounts"] = [
            {
                "volumeName": "shared-memory",
                "mountPath": SHARED_MEMORY_FOLDER,
                "medium": "Memory",
                "sizeLimit": fit.shared_memory,
            }
        ]
    if fit.data_volume and READS_THE_SOURCE in settings:
        mount = {"constant": fit.claim, "mountPath": fit.data_folder}
        settings[READS_THE_SOURCE]["pvcMount"] = [mount | _constant("pvcName", fit.claim)]


def _name(image: str) -> str:
    return image.rpartition("/")[2].partition(":")[0]


def _constant(name: str, value: str) -> Document:
    return {f"{name}Parameter": {"runtimeValue": {"constant": value}}}


def _manifests(name: str, spec: Document, platform: Document) -> tuple[Document, Document]:
    # A PipelineVersion cannot be changed, so what it holds is part of its name.
    content = json.dumps([spec, platform], sort_keys=True).encode()
    version = f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
    common = {"apiVersion": "pipelines.kubeflow.org/v2beta1"}
    return (
        {**common, "kind": "Pipeline", "metadata": {"name": name}, "spec": {"displayName": name}},
        {
            **common,
            "kind": "PipelineVersion",
            "metadata": {"name": version},
            "spec": {
                "displayName": version,
                "pipelineName": name,
                "pipelineSpec": spec,
                "platformSpec": platform,
            },
        },
    )


def _yaml(*documents: Document) -> str:
    import yaml

    return yaml.dump_all(documents, sort_keys=True)


def _check_folder(folder: str) -> None:
    path = PurePosixPath(folder)
    if not path.is_absolute() or ".." in path.parts or str(path) in SYSTEM_FOLDERS:
        raise ConfigError(
            f"--data-volume: the folder is {folder!r}; needed: CLAIM or CLAIM:/FOLDER, a folder of"
            " its own as in datasets:/data"
        )


def _write_all(texts: Mapping[Path, str]) -> None:
    with ExitStack() as stack:
        written = {path: stack.enter_context(_beside(path, text)) for path, text in texts.items()}
        for path, temporary in written.items():
            temporary.replace(path)


@contextmanager
def _beside(path: Path, text: str) -> Iterator[Path]:
    # Beside the target, so that the rename is atomic: nobody ever reads half a file.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.chmod(0o644)  # mkstemp makes 0600; the result is no secret
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
