"""The example's table on a volume of the cluster, where the steps of a pipeline can read it."""

import base64
import hashlib
from pathlib import Path

from headgate.cli.kind import explaining
from headgate.cli.kind.kubectl import Kubectl, Manifest
from headgate.errors import BackendError

CLAIM = "headgate-data"
FOLDER = "/data"  # in the pod that copies
ROOM = "256Mi"
USER = 65532  # of our images
SECONDS = 120.0  # for a volume and a pod on a busy machine
LIFE = 600  # seconds after which the cluster ends the pod, should nobody else
LABELS = {"app.kubernetes.io/name": CLAIM, "app.kubernetes.io/part-of": "headgate"}


def bring_table(kubectl: Kubectl, table: Path, *, namespace: str, image: str) -> str:
    """Copy a table into the claim `headgate-data`, which is made if it is not there.

    A pod that ends at once carries it; the file appears whole or not at all.

    Args:
        kubectl: For the cluster.
        table: The file; the one on the volume has its name.
        namespace: Of the claim: that of the runs.
        image: An image of ours that the node has.

    Returns:
        What was done, in a few words.

    Raises:
        BackendError: There is no volume to be had, the pod does not start, or the copy failed.
    """
    kubectl.delete_pod(CLAIM, namespace=namespace)  # of a call that was killed
    try:
        kubectl.apply([_claim(namespace), _pod(namespace, image)])
        _wait(kubectl, namespace)
        # As text, because that is what commands are given; not `kubectl cp`, which needs tar there.
        text = base64.encodebytes(table.read_bytes()).decode("ascii")
        kubectl.execute(CLAIM, _receive(table), namespace=namespace, seconds=SECONDS, text=text)
    finally:
        kubectl.delete_pod(CLAIM, namespace=namespace)
    return f"{table.name} is on volume {CLAIM} in namespace {namespace}"


def _wait(kubectl: Kubectl, namespace: str) -> None:
    try:
        kubectl.wait_for_pod(CLAIM, namespace=namespace, seconds=SECONDS)
    except BackendError as error:
        pods = kubectl.get("pods", namespace=namespace, labels=LABELS)
        seen = [trouble.line for trouble in explaining.troubles(pods)]
        raise BackendError("; ".join([str(error), *seen])) from error


def _receive(table: Path) -> str:
    checksum = hashlib.sha256(table.read_bytes()).hexdigest()
    file = f"{FOLDER}/{table.name}"
    return (
        f"base64 -d >{file}.partial"
        f" && echo '{checksum}  {file}.partial' | sha256sum --check --status"
        f" && mv {file}.partial {file}"
    )


def _claim(namespace: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": CLAIM, "namespace": namespace, "labels": LABELS},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": ROOM}},
        },
    }


def _pod(namespace: str, image: str) -> Manifest:
    """Return a pod that waits to be given the file; it meets the `restricted` standard."""
    container = {
        "name": "copy",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", str(LIFE)],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"memory": "128Mi"},
        },
        "volumeMounts": [{"name": "data", "mountPath": FOLDER}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": CLAIM, "namespace": namespace, "labels": LABELS},
        "spec": {
            "activeDeadlineSeconds": LIFE,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}],
        },
    }
