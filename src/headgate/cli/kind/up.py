"""`make kind`: a cluster with the Gateway API, a controller, MLflow and headgate on it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from headgate.cli.kind import cluster, config, gateway
from headgate.cli.kind.commands import Commands
from headgate.cli.kind.delivery import Delivery
from headgate.cli.kind.kubectl import Kubectl, Manifest
from headgate.cli.kind.options import MANIFESTS, Options
from headgate.cli.kind.plan import Plan, check
from headgate.cli.kind.steps import Steps
from headgate.cli.kind.waiter import Waiter
from headgate.cli.kind.waiting import awaited


def up(options: Options, commands: Commands, steps: Steps) -> None:
    """Make the cluster, or bring the one that is there up to date.

    A second call changes nothing. Everything is checked before anything is made.

    Args:
        options: The user's choices.
        commands: Starts docker, kind and kubectl.
        steps: Where progress goes.

    Raises:
        ConfigError: A choice cannot work, or the cluster that is there was made with others.
        BackendError: Something is missing, failed, or did not become ready in time.
    """
    started = monotonic()
    steps.heading(f"kind cluster {options.cluster}")
    plan = check(options, commands, steps)
    kubectl = Kubectl(commands, options.context)
    before = cluster.current_context(commands)
    try:
        _make(options, commands, kubectl, plan, steps)
    except BaseException:
        commands.abort()  # what still runs beside it
        raise
    everything = awaited([*plan.controller, *plan.manifests])
    Waiter(kubectl, steps).until_ready(everything, seconds=options.seconds)
    after = cluster.current_context(commands)
    steps.say(*next_steps(options, monotonic() - started, before=before, after=after))


def next_steps(options: Options, seconds: float, *, before: str, after: str) -> list[str]:
    """Say where things are and what to do next.

    Args:
        options: The user's choices.
        seconds: How long all took.
        before: kubectl's current context when it began.
        after: And at the end.

    Returns:
        The lines.
    """
    lines = [
        f"ready after {seconds:.0f} s",
        f"models    http://127.0.0.1:{options.http_port}  (Gateway 'headgate'; 404 until a model"
        " is deployed)",
        f"MLflow    http://127.0.0.1:{options.mlflow_port}",
        f"kubectl   --context {options.context} --namespace headgate",
    ]
    if before != after:
        back = f"; go back with `kubectl config use-context {before}`" if before else ""
        lines.append(f"kind made {after} kubectl's current context{back}")
    return [*lines, "next      `headgate doctor`, `make e2e`; `make kind-down` takes it away"]


def _make(options: Options, commands: Commands, kubectl: Kubectl, plan: Plan, steps: Steps) -> None:
    # Copying images keeps the disk busy, a new cluster the processor: together they cost little
    # more than one. A workload comes when its image is there, so that no pod backs off.
    writer, beside = ThreadPoolExecutor(max_workers=1), ThreadPoolExecutor(max_workers=1)
    # Not in /tmp: that may be memory, and some engines' clients may not write there.
    with TemporaryDirectory(prefix="images-", dir=options.root / MANIFESTS) as folder:
        batches = plan.batches(commands)
        name, platform = options.cluster, plan.platform
        delivery = Delivery(commands, name, batches, Path(folder), steps, platform=platform)
        try:
            delivery.start(writer)
            if plan.nodes:
                _reuse(options, commands, kubectl, plan, steps)
            else:
                _create(options, commands, plan, steps)
            defined = beside.submit(_define, options, kubectl, steps)
            absent = delivery.bring_next()
            defined.result()
            _apply(kubectl, "controller", plan.controller, absent, steps)
            late = _apply(kubectl, "headgate", plan.manifests, absent, steps)
            while absent:
                absent = delivery.bring_next()
            _apply(kubectl, "the rest", late, absent, steps)
        except BaseException:
            commands.abort()
            raise
        finally:
            writer.shutdown(cancel_futures=True)
            beside.shutdown(cancel_futures=True)


def _apply(
    kubectl: Kubectl, name: str, manifests: Sequence[Manifest], absent: set[str], steps: Steps
) -> list[Manifest]:
    late = [one for one in manifests if absent.intersection(gateway.images_of([one]))]
    now = [one for one in manifests if one not in late]
    if now:
        with steps.part(f"apply {name}") as step:
            step.note = kubectl.apply(now)
    return late


def _create(options: Options, commands: Commands, plan: Plan, steps: Steps) -> None:
    with steps.part("create cluster") as step:
        cluster.create(commands, options)
        step.note = ", ".join(config.node_images(plan.config))


def _reuse(
    options: Options, commands: Commands, kubectl: Kubectl, plan: Plan, steps: Steps
) -> None:
    with steps.part("use the cluster that is there") as step:
        missing = cluster.know_context(commands, options)
        cluster.check_answers(kubectl, options.cluster)
        made_of = {node.image for node in plan.nodes}
        step.note = ", ".join(sorted(made_of))
    asked = set(config.node_images(plan.config))
    if asked and asked != made_of:
        steps.say(f"it keeps its node image; for {', '.join(asked)}: `make kind-down kind`")
    if missing:
        steps.say(f"its context {options.context} was missing in the kubeconfig and was added")


def _define(options: Options, kubectl: Kubectl, steps: Steps) -> None:
    with steps.part("install Gateway API") as step:
        step.note = gateway.install_definitions(kubectl, options.crds)
        kubectl.wait_for_definitions()
