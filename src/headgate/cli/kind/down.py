"""`make kind-down`: the cluster taken away."""

from headgate.cli.kind import cluster, preflight
from headgate.cli.kind.commands import Commands
from headgate.cli.kind.options import Options
from headgate.cli.kind.steps import Steps


def down(options: Options, commands: Commands, steps: Steps) -> None:
    """Take the cluster away; no other one is touched.

    Args:
        options: The user's choices.
        commands: Starts docker and kind.
        steps: Where progress goes.

    Raises:
        BackendError: Docker or kind is missing or failed.
    """
    steps.heading(f"kind cluster {options.cluster}")
    with steps.part("delete cluster") as step:
        preflight.tools(commands)
        there = cluster.delete(commands, options.cluster)
        step.note = options.cluster if there else f"there is no cluster '{options.cluster}'"
