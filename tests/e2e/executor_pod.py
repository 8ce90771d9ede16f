"""The pod that Kubeflow Pipelines 2.17.0 makes of a compiled step, as far as it places it.

What the driver does with the compiled settings and a run's parameters (in its repository:
backend/src/v2/driver, `initPodSpecPatch` in driver.go, `resolvePodSpecInputRuntimeParameter` in
resolve.go, `extendPodSpecPatch` in k8s.go), on top of what the compiler to Argo gives every
executor (backend/src/v2/compiler/argocompiler/security_context.go).
"""

import re
from collections.abc import Mapping
from typing import Any

CHANNEL = re.compile(r"\{\{\$\.inputs\.parameters\['pipelinechannel--(\w+)'\]\}\}")
AMOUNTS = (
    ("resourceCpuRequest", "requests", "cpu"),
    ("resourceCpuLimit", "limits", "cpu"),
    ("resourceMemoryRequest", "requests", "memory"),
    ("resourceMemoryLimit", "limits", "memory"),
)


def executor_pod(
    documents: tuple[Mapping[str, Any], Mapping[str, Any]],
    executor: str,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the pod's specification; its container is `main`, without command.

    Args:
        documents: The two documents of the compiled pipeline.
        executor: E.g. `exec-train-model`, a step of the pipeline itself.
        parameters: The run's parameters; the others have their defaults.
    """
    spec, platform = documents
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    values = {name: one.get("defaultValue") for name, one in inputs.items()} | dict(parameters)
    container = spec["deploymentSpec"]["executors"][executor]["container"]
    settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][executor]
    pod: dict[str, Any] = {
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "main",
                "image": container["image"],
                "resources": resources(container["resources"], values),
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "seccompProfile": {"type": "RuntimeDefault"},
                    # The driver leaves runAsNonRoot out; the user's number says it.
                    "runAsUser": int(settings["securityContext"]["runAsUser"]),
                    "runAsGroup": int(settings["securityContext"]["runAsGroup"]),
                },
            }
        ],
    }
    if selector := settings.get("nodeSelector"):
        pod["nodeSelector"] = values[selector["nodeSelectorJson"]["componentInputParameter"]]
    for one in settings.get("tolerations", []):
        more = values[one["tolerationJson"]["componentInputParameter"]]
        pod.setdefault("tolerations", []).extend(more if isinstance(more, list) else [more])
    for mount in settings.get("emptyDirMounts", []):
        add_memory(pod, mount)
    return pod


def resources(compiled: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return requests and limits; a number where text is needed counts as nothing."""
    found: dict[str, dict[str, str]] = {"requests": {}, "limits": {}}
    for key, kind, name in AMOUNTS:
        if key in compiled:
            found[kind][name] = resolved(compiled[key], values)
    if accelerator := compiled.get("accelerator"):
        name = resolved(accelerator["resourceType"], values)
        count = resolved(accelerator["resourceCount"], values)
        if name and count:
            found["limits"][name] = count
    return found


def resolved(text: str, values: Mapping[str, Any]) -> str:
    match = CHANNEL.fullmatch(text)
    value = values[match[1]] if match else text
    return value if isinstance(value, str) else ""  # `GetStringValue` of a number is ""


def add_memory(pod: dict[str, Any], mount: Mapping[str, str]) -> None:
    volume = {"medium": mount["medium"], "sizeLimit": mount["sizeLimit"]}
    pod.setdefault("volumes", []).append({"name": mount["volumeName"], "emptyDir": volume})
    pod["containers"][0].setdefault("volumeMounts", []).append(
        {"name": mount["volumeName"], "mountPath": mount["mountPath"]}
    )
