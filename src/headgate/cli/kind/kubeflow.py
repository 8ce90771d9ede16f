"""`make kubeflow` (experimental): Kubeflow Pipelines on the cluster of `make kind`."""

from headgate.cli.kind import images, preflight
from headgate.cli.kind.commands import Commands
from headgate.cli.kind.kubectl import Kubectl
from headgate.cli.kind.options import MANIFESTS, NAMESPACE, Options
from headgate.cli.kind.status import there
from headgate.cli.kind.steps import Steps
from headgate.cli.kind.table import CLAIM, bring_table
from headgate.cli.kind.waiter import Waiter
from headgate.cli.kind.waiting import awaited
from headgate.errors import BackendError, ConfigError

VERSION = "2.17.0"
PARTS = ("cluster-scoped-resources", "env/platform-agnostic")  # in upstream's order
KUBEFLOW = "kubeflow"  # the namespace that upstream's manifests name
ACCOUNT = f"system:serviceaccount:{KUBEFLOW}:pipeline-runner"
LET_IN = "headgate.dev/pipelines=true"  # our NetworkPolicies know a namespace with steps by it
EXAMPLE = "examples/adult"  # the problem file and its table
CARRIER = "headgate-python"  # the image that copies the table; its steps run it, too
LONGEST_START = 900.0  # seconds; some 4 GB of images come over the network
WARNING = f"experimental: Kubeflow Pipelines {VERSION} as upstream publishes it, for trying out"
PLUGIN = (
    f"note: the API server of {VERSION} looks for an MLflow of its own at mlflow.opendatahub; here"
    " it finds none, runs start all the same and show its plugin as failed; headgate's steps use"
    f" http://mlflow.{NAMESPACE}:5000"
)


def kubeflow(options: Options, commands: Commands, steps: Steps) -> None:
    """Put Kubeflow Pipelines on the cluster that is there, and let its steps deploy.

    Args:
        options: The user's choices.
        commands: Starts docker, kind, kubectl and, through kubectl, git.
        steps: Where progress goes.

    Raises:
        ConfigError: The cluster was made with other choices, or there are no images to run.
        BackendError: The cluster is not there, upstream's manifests cannot be fetched, or
            something did not become ready.
    """
    steps.heading(f"Kubeflow Pipelines {VERSION} on kind cluster {options.cluster}")
    steps.say(WARNING)
    with steps.part("check this machine") as step:
        step.note = preflight.tools(commands).words
        kubectl = there(options, commands)
        carrier = _carrier(options)
        if is_fetched(options.kubeflow):
            commands.run("git", "--version", seconds=preflight.ANSWER)
    for part in PARTS:
        with steps.part(f"apply {part.rpartition('/')[2]}") as step:
            step.note = _apply(kubectl, source(options.kubeflow, part))
            kubectl.wait_for_definitions()
    with steps.part("let steps deploy") as step:
        kubectl.label_namespace(KUBEFLOW, LET_IN)
        step.note = _binding(kubectl)
    found = kubectl.get("deployments.apps,statefulsets.apps", namespace=KUBEFLOW)
    seconds = max(options.seconds, LONGEST_START)
    Waiter(kubectl, steps).until_ready(awaited(found), seconds=seconds)
    with steps.part("bring the example's table") as step:
        step.note = bring_table(
            kubectl,
            options.root / f"{EXAMPLE}.parquet",
            namespace=KUBEFLOW,
            image=carrier,
        )
    steps.say(*next_steps(kubectl))


def is_fetched(base: str) -> bool:
    """Say whether manifests come over the network; a folder of this machine begins otherwise."""
    return base.startswith(("github.com/", "https://", "git@"))


def source(base: str, part: str) -> str:
    """Return where a part of Kubeflow's manifests is.

    Args:
        base: Upstream's address, or the same folder of a clone.
        part: Folder below it.

    Returns:
        What kubectl builds; an address names the release.
    """
    return f"{base}/{part}?ref={VERSION}" if is_fetched(base) else f"{base}/{part}"


def next_steps(kubectl: Kubectl) -> list[str]:
    """Say how to reach it and what to do next.

    Args:
        kubectl: For the cluster.

    Returns:
        The lines.
    """
    forward = f"--namespace {KUBEFLOW} port-forward"
    return [
        "Kubeflow Pipelines is ready",
        PLUGIN,
        f"API       {kubectl.typed(f'{forward} service/ml-pipeline 8888:8888')}",
        f"pages     {kubectl.typed(f'{forward} service/ml-pipeline-ui 8082:80')}",
        "next      with the API's port forwarded by the command above:"
        f" `headgate submit {EXAMPLE}.yaml --host http://localhost:8888 --data-volume {CLAIM}`",
    ]


def _carrier(options: Options) -> str:
    named = {images.short_name(name): name for name in images.tree_images(options)}
    if CARRIER not in named:
        raise ConfigError(f"{MANIFESTS} names no {CARRIER}; `make images` writes it")
    return named[CARRIER]


def _apply(kubectl: Kubectl, folder: str) -> str:
    try:
        return kubectl.apply_folder(folder)
    except BackendError as error:
        if "git fetch" not in str(error):
            raise
        raise BackendError(
            f"{error}; this machine does not reach github.com: clone kubeflow/pipelines at tag"
            f" {VERSION} elsewhere and give its folder, KFP_MANIFESTS=.../manifests/kustomize"
        ) from error


def _binding(kubectl: Kubectl) -> str:
    if not kubectl.may("create", "httproutes.gateway.networking.k8s.io", NAMESPACE, ACCOUNT):
        raise BackendError(
            f"{ACCOUNT} may not create routes in namespace '{NAMESPACE}'; `make kind` applies the"
            " binding"
        )
    return f"{ACCOUNT.rpartition(':')[2]} may deploy into namespace {NAMESPACE}"
