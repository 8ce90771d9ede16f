"""kubectl against one cluster: every call names its context, none changes the current one."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from headgate.cli.kind.commands import Commands, Done

Manifest = dict[str, Any]

ANSWER = 30.0  # seconds for one question
APPLY = 180.0  # seconds for one set of manifests
FETCH = 300.0  # seconds when manifests come over the network
LOG_LINES = 10
NO_LOG = "unable to retrieve container logs"  # the kubelet says so with exit code 0


class Kubectl:
    """Asks and changes one cluster."""

    def __init__(self, commands: Commands, context: str) -> None:
        """Choose the cluster.

        Args:
            commands: Starts the processes.
            context: A kubeconfig context.
        """
        self._commands = commands
        self.context = context

    def typed(self, arguments: str) -> str:
        """Return a command that the user can paste.

        Args:
            arguments: What follows `kubectl`.
        """
        return f"kubectl --context {self.context} {arguments}"

    def answers(self) -> Done:
        """Ask the API server whether it is ready."""
        return self._try("get", "--raw", "/readyz", "--request-timeout=10s")

    def get(
        self, kinds: str, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Manifest]:
        """List objects.

        Args:
            kinds: Resource types, separated by commas.
            namespace: One namespace; None is all of them.
            labels: What the objects' labels must say.

        Returns:
            The objects; empty if there are none.

        Raises:
            BackendError: A type is unknown, or the cluster does not answer.
        """
        where = ("--all-namespaces",) if namespace is None else ("--namespace", namespace)
        selector = ",".join(f"{key}={value}" for key, value in (labels or {}).items())
        chosen = ("--selector", selector) if selector else ()
        found = self._run("get", kinds, *where, *chosen, "--output", "json", seconds=ANSWER)
        items: list[Manifest] = json.loads(found)["items"]
        return items

    def render(self, folder: Path | str) -> list[Manifest]:
        """Build a kustomization.

        Args:
            folder: Its folder, or an address that kubectl fetches with git.

        Returns:
            The manifests.

        Raises:
            BackendError: It does not build, or cannot be fetched.
        """
        text = self._commands.run("kubectl", "kustomize", str(folder), seconds=FETCH)
        return [manifest for manifest in yaml.safe_load_all(text) if manifest]

    def apply(self, manifests: Sequence[Manifest]) -> str:
        """Apply manifests as `kubectl apply` does.

        Args:
            manifests: What should be there.

        Returns:
            What changed, in a few words.

        Raises:
            BackendError: The server refused some; with its words.
        """
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        said = self._run("apply", "--filename", "-", seconds=APPLY, text=text)
        return changes(said)

    def apply_file(self, source: str) -> str:
        """Apply a file server-side: large definitions do not fit a client's annotation.

        Args:
            source: A file or an address.

        Returns:
            What changed, in a few words.

        Raises:
            BackendError: It cannot be read, or the server refused it.
        """
        flags = ("--server-side", "--force-conflicts", "--filename", source)
        return changes(self._run("apply", *flags, seconds=FETCH))

    def apply_folder(self, source: str) -> str:
        """Apply a kustomization of others as `kubectl apply -k` does, untouched.

        Args:
            source: Its folder, or an address that kubectl fetches with git.

        Returns:
            What changed, in a few words.

        Raises:
            BackendError: It cannot be fetched, does not build, or the server refused it.
        """
        return changes(self._run("apply", "--kustomize", source, seconds=FETCH))

    def wait_for_definitions(self) -> None:
        """Wait until the server knows every type that was defined.

        Raises:
            BackendError: It refuses a definition, or takes too long.
        """
        kind = "customresourcedefinitions.apiextensions.k8s.io"
        condition = ("--for=condition=Established", f"--timeout={ANSWER:.0f}s")
        self._run("wait", kind, "--all", *condition, seconds=2 * ANSWER)

    def label_namespace(self, namespace: str, label: str) -> None:
        """Label a namespace.

        Args:
            namespace: The namespace.
            label: KEY=VALUE; takes the place of another value.

        Raises:
            BackendError: There is no such namespace.
        """
        self._run("label", "namespace", namespace, label, "--overwrite", seconds=ANSWER)

    def may(self, verb: str, resource: str, namespace: str, account: str) -> bool:
        """Say whether an account has a right.

        Args:
            verb: E.g. `create`.
            resource: With its group.
            namespace: Where.
            account: Name of a user as the API server knows it.
        """
        who = (f"--as={account}", f"--namespace={namespace}")
        return self._try("auth", "can-i", verb, resource, *who).out.strip() == "yes"

    def logs(
        self, pod: str, container: str, *, namespace: str, previous: bool = False
    ) -> list[str]:
        """Return the last lines of a container's log.

        Args:
            pod: The pod.
            container: Its container.
            namespace: Where it is.
            previous: Whether of the container before its last restart.

        Returns:
            The lines; empty if there is no log, or not any more.
        """
        earlier = ("--previous",) if previous else ()
        where = ("--namespace", namespace, "--container", container)
        done = self._try("logs", pod, *where, f"--tail={LOG_LINES}", *earlier)
        gone = done.code != 0 or done.out.startswith(NO_LOG)
        return [] if gone else done.out.splitlines()

    def wait_for_pod(self, name: str, *, namespace: str, seconds: float) -> None:
        """Wait until a pod is ready.

        Args:
            name: The pod.
            namespace: Where it is.
            seconds: How long.

        Raises:
            BackendError: It did not become ready.
        """
        flags = ("--namespace", namespace, "--for=condition=Ready", f"--timeout={seconds:.0f}s")
        self._run("wait", f"pod/{name}", *flags, seconds=seconds + ANSWER)

    def execute(self, pod: str, script: str, *, namespace: str, seconds: float, text: str) -> None:
        """Run a script in a pod.

        Args:
            pod: The pod.
            script: For its `sh`.
            namespace: Where it is.
            seconds: How long it may take.
            text: Standard input of the script.

        Raises:
            BackendError: The script failed, or the pod is not there.
        """
        where = ("--namespace", namespace, "--stdin", pod)
        self._run("exec", *where, "--", "sh", "-c", script, seconds=seconds, text=text)

    def delete_pod(self, name: str, *, namespace: str) -> None:
        """Take a pod away and wait until it is gone; it is fine if there is none.

        Args:
            name: The pod.
            namespace: Where it is.

        Raises:
            BackendError: The cluster does not answer, or the pod does not go.
        """
        flags = ("--namespace", namespace, "--ignore-not-found")
        self._run("delete", "pod", name, *flags, seconds=2 * ANSWER)

    def _run(self, *arguments: str, seconds: float, text: str | None = None) -> str:
        command = ("kubectl", "--context", self.context, *arguments)
        return self._commands.run(*command, seconds=seconds, text=text)

    def _try(self, *arguments: str) -> Done:
        command = ("kubectl", "--context", self.context, *arguments)
        return self._commands.attempt(*command, seconds=ANSWER)


def changes(said: str) -> str:
    """Count what `kubectl apply` did, in its own words.

    Args:
        said: Its output, a line an object.

    Returns:
        E.g. "24 objects: 22 unchanged, 2 created".
    """
    verbs = [line.rsplit(maxsplit=1)[-1] for line in said.splitlines() if "/" in line]
    counts = Counter(verb for verb in verbs if verb != "serverside-applied").most_common()
    told = ": " + ", ".join(f"{count} {verb}" for verb, count in counts) if counts else ""
    noun = "object" if len(verbs) == 1 else "objects"
    return f"{len(verbs)} {noun}{told}"
