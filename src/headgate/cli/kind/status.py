"""Whether the cluster is there and all that `make kind` puts on it is ready."""

from headgate.cli.kind import cluster, images, preflight
from headgate.cli.kind.commands import Commands
from headgate.cli.kind.kubectl import Kubectl
from headgate.cli.kind.options import Options
from headgate.cli.kind.plan import render
from headgate.cli.kind.steps import Steps
from headgate.cli.kind.waiting import RESOURCES, awaited, identity, standing
from headgate.errors import BackendError


def status(options: Options, commands: Commands, steps: Steps) -> None:
    """Look at the cluster; nothing is changed.

    Args:
        options: The user's choices.
        commands: Starts docker, kind and kubectl.
        steps: Where the lines go.

    Raises:
        ConfigError: A choice cannot work, or the cluster was made with others.
        BackendError: It is not there, does not answer, or something on it is not ready.
    """
    steps.heading(f"kind cluster {options.cluster}")
    with steps.part("cluster") as step:
        step.note = preflight.tools(commands).words
        kubectl = there(options, commands)
    images.tree_images(options)  # says what to do if they were never made
    controller, ours = render(options, commands)
    found = {identity(one): one for one in kubectl.get(",".join(RESOURCES.values()))}
    late = []
    for one in awaited([*controller, *ours]):
        state = standing(found.get(one))
        steps.say(f"{one.words}: {state.note}")
        late += [] if state.ready else [one.path]
    if late:
        raise BackendError(f"not ready: {', '.join(late)}; `make kind` waits for it and says why")


def there(options: Options, commands: Commands) -> Kubectl:
    """Find the cluster.

    Args:
        options: The user's choices.
        commands: Starts docker, kind and kubectl.

    Returns:
        kubectl for it.

    Raises:
        ConfigError: It was made with other choices.
        BackendError: It is not there, or does not answer.
    """
    nodes = cluster.find_nodes(commands, options.cluster)
    if not nodes:
        raise BackendError(f"there is no kind cluster '{options.cluster}'; `make kind` makes it")
    cluster.check_reusable(nodes, options)
    cluster.know_context(commands, options)
    kubectl = Kubectl(commands, options.context)
    cluster.check_answers(kubectl, options.cluster)
    return kubectl
