"""The command line of the kind tool; `make kind`, `kind-down`, `kubeflow` and `e2e` call it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import typer

from headgate.cli.kind.commands import Commands
from headgate.cli.kind.options import Options, read_options
from headgate.cli.kind.steps import Steps
from headgate.cli.main import run_command

VARIABLES = """\
It is steered by the environment, as the Makefile sets it: KIND_CLUSTER, KIND_NODE_IMAGE,
KIND_HTTP_PORT, KIND_MLFLOW_PORT, KIND_TIMEOUT, GATEWAY_API_CRDS, TRAEFIK_IMAGE, KFP_MANIFESTS.
Exit codes: 0 done, 2 a choice cannot work, 4 something is missing, failed or is not ready."""

app = typer.Typer(
    name="python -m headgate.cli.kind",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A kind cluster with the Gateway API, MLflow and headgate on it.",
    epilog=VARIABLES,
)


@app.command()
def check() -> None:
    """Say within seconds whether `up` could begin: tools, versions, ports; nothing is changed."""
    from headgate.cli.kind.plan import check_machine as do

    _end(do)


@app.command()
def up() -> None:
    """Make the cluster and put everything on it, or bring the one that is there up to date."""
    from headgate.cli.kind.up import up as do

    _end(do)


@app.command()
def down() -> None:
    """Take the cluster away; no other one is touched, and it is fine if there is none."""
    from headgate.cli.kind.down import down as do

    _end(do)


@app.command()
def kubeflow() -> None:
    """Put Kubeflow Pipelines on the cluster (experimental; it needs a network and 4 GiB)."""
    from headgate.cli.kind.kubeflow import kubeflow as do

    _end(do)


@app.command()
def status() -> None:
    """Say whether the cluster is there and everything on it is ready; nothing is changed."""
    from headgate.cli.kind.status import status as do

    _end(do)


def _end(do: Callable[[Options, Commands, Steps], None]) -> NoReturn:
    commands, steps = Commands(), Steps()

    def whole() -> None:
        try:
            do(read_options(os.environ, Path.cwd()), commands, steps)
        finally:
            steps.close()
            commands.abort()

    raise typer.Exit(run_command(whole))


if __name__ == "__main__":
    app()
