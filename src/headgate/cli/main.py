"""The `headgate` command.

Exit codes: 0 promoted (or done), 10 finished but not promoted, 2 bad configuration, 3 bad data,
4 backend trouble, 130 interrupted.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from headgate import __version__
from headgate.cli import options
from headgate.errors import ConfigError, DataError, HeadgateError

PROMOTED, NOT_PROMOTED = 0, 10
BAD_CONFIGURATION, BAD_DATA, BACKEND_TROUBLE, INTERRUPTED = 2, 3, 4, 130

EXIT_CODES = """\
Exit codes: 0 promoted, 10 finished but not promoted, 2 bad configuration, 3 bad data,
4 backend trouble, 130 interrupted."""

app = typer.Typer(
    name="headgate",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Take a model from a table of data to guarded traffic, and back out when it misbehaves.",
    epilog=EXIT_CODES,
)
rollout = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Plan a canary rollout."
)
app.add_typer(rollout, name="rollout")

ProblemFile = Annotated[
    Path,
    typer.Argument(metavar="PROBLEM.yaml", help="The problem file; `headgate init` writes one."),
]

Context = Annotated[
    str | None,
    typer.Option(help="Context of the kubeconfig; the current one, or a pod's own cluster."),
]
Namespace = Annotated[
    str | None,
    typer.Option(help="Namespace that serves the models; `headgate`, or a pod's own."),
]


@app.callback(invoke_without_command=True)
def _common(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"headgate {__version__}")
        raise typer.Exit


@app.command()
def init(
    table: Annotated[Path, typer.Argument(metavar="DATA", help="A CSV or Parquet file.")],
    *,
    out: Annotated[Path, typer.Option(help="Where to write the problem file.")] = Path(
        "problem.yaml"
    ),
    force: Annotated[bool, typer.Option(help="Overwrite an existing file.")] = False,
) -> None:
    """Look at a table and write a commented problem file: what to predict, from what, how judged.

    Example: `headgate init customers.csv --out churn.yaml`
    """
    from headgate.cli.commands import init_problem

    _end(lambda: typer.echo(init_problem(table, out=out, force=force)))


@app.command()
def run(
    problem: ProblemFile,
    *,
    out: Annotated[Path, typer.Option(help="Folder of this model: registry, runs, report.")],
    port: Annotated[
        int, typer.Option(help="Port of the proxy that users would call; 0 takes a free one.")
    ] = 0,
) -> None:
    """Train, judge, register and release a model on this machine, behind a real proxy.

    The first run in an `--out` folder has no champion: the model must beat the majority class and
    then serves 100 %. Every later run compares with the champion on the same rows and releases
    through a live canary. Traffic is replayed from rows that no gate saw.

    Example: `headgate run churn.yaml --out build/churn`
    """
    from headgate.cli.commands import run_problem

    _end(lambda: PROMOTED if run_problem(problem, out=out, port=port) else NOT_PROMOTED)


@app.command(name="compile")
def compile_(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the YAML files.")] = Path("build"),
    image_registry: options.ImageRegistry = "",
    image_tag: options.ImageTag = "",
    image_pull_secret: options.ImagePullSecret = "",
    shared_memory: options.SharedMemory = "",
    data_volume: options.DataVolume = "",
    kubernetes_manifests: Annotated[
        bool,
        typer.Option(
            "--kubernetes-manifests",
            help="Also write the objects Pipeline and PipelineVersion, for `kubectl apply`.",
        ),
    ] = False,
) -> None:
    """Write the pipelines as YAML for Kubeflow Pipelines: upload it, paste the problem file.

    Each file holds two documents, the pipeline and its settings for Kubernetes: upload it whole.

    Example: `headgate compile --out build/ --image-registry ghcr.io/acme`
    """
    from headgate.cli.compiling import Fit, write_pipelines

    def write() -> None:
        fit = Fit(
            image_registry=image_registry,
            image_tag=image_tag,
            pull_secret=image_pull_secret,
            shared_memory=shared_memory,
            data_volume=data_volume,
        )
        written = write_pipelines(out, fit, kubernetes_manifests=kubernetes_manifests)
        typer.echo("\n".join(map(str, written)))

    _end(write)


@app.command()
def submit(  # noqa: PLR0913 - every option of the command line is a parameter
    problem: ProblemFile,
    *,
    host: options.Host,
    namespace: options.Namespace = "",
    token_file: options.TokenFile = None,
    ca_cert: options.CaCert = None,
    experiment: options.Experiment = "",
    registry_uri: options.RegistryUri = options.REGISTRY_URI,
    cluster_url: options.ClusterUrl = options.CLUSTER_URL,
    param: options.Param = None,
    image_registry: options.ImageRegistry = "",
    image_tag: options.ImageTag = "",
    image_pull_secret: options.ImagePullSecret = "",
    shared_memory: options.SharedMemory = "",
    data_volume: options.DataVolume = "",
    follow: Annotated[bool, typer.Option(help="Follow the run to its end.")] = True,
    timeout: options.Timeout = options.FOLLOW_SECONDS,
) -> None:
    """Run the promotion pipeline on Kubeflow Pipelines and follow it.

    The steps read the table at `data.path` on the cluster: an absolute path is taken as it is, a
    relative one starts at the folder of --data-volume. Ctrl-C stops following, not the run.

    Example: `headgate submit churn.yaml --host http://localhost:8888 --data-volume datasets`
    """
    from headgate.cli.compiling import Fit
    from headgate.cli.submit import Target, submit_problem

    def start() -> int:
        fit = Fit(
            image_registry=image_registry,
            image_tag=image_tag,
            pull_secret=image_pull_secret,
            shared_memory=shared_memory,
            data_volume=data_volume,
        )
        target = Target(
            host=host,
            namespace=namespace,
            token_file=token_file,
            ca_cert=ca_cert,
            experiment=experiment,
            registry_uri=registry_uri,
            cluster_url=cluster_url,
        )
        promoted = submit_problem(
            problem, target, fit, params=param or [], follow_seconds=timeout if follow else None
        )
        return NOT_PROMOTED if promoted is False else PROMOTED

    _end(start)


@rollout.command()
def plan(
    problem: ProblemFile,
    *,
    rate: Annotated[float, typer.Option(help="Requests per second of the whole service.")],
) -> None:
    """Show, per stage, how long it takes at a request rate and the smallest regression it can see.

    Example: `headgate rollout plan churn.yaml --rate 50`
    """
    from headgate.cli.commands import show_plan

    _end(lambda: show_plan(problem, rate=rate))


@app.command()
def doctor(
    *,
    context: Context = None,
    namespace: Namespace = None,
    service_account: Annotated[
        str,
        typer.Option(
            metavar="[NAMESPACE:]NAME",
            help="Look at what this service account may do, not at what you may.",
        ),
    ] = "",
    registry_uri: Annotated[
        str, typer.Option(help="Ask the model registry at this address, from here.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is missing or wrong on this machine and on a cluster, and what to type about it.

    Changes nothing. Exits with 4 if there is a problem.

    Example: `headgate doctor --context kind-headgate`
    """
    from headgate.cli.doctor import Question, examine

    question = Question(
        context=context, namespace=namespace, account=service_account, registry_uri=registry_uri
    )
    _end(lambda: examine(question, as_json=as_json))


@app.command()
def uninstall(
    *,
    context: Context = None,
    namespace: Namespace = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also in the middle of a rollout.")
    ] = False,
) -> None:
    """Take headgate's routes and model servers off a cluster; put your own routes back.

    Lists what it will do and asks. Models in the registry stay.

    Example: `headgate uninstall --context kind-headgate`
    """
    from headgate.cli.uninstall import remove

    _end(lambda: remove(context=context, namespace=namespace, yes=yes, force=force))


def run_command(command: Callable[[], int | None]) -> int:
    """Run a command; an error on purpose becomes one line on stderr.

    Args:
        command: What to do; None means 0.

    Returns:
        The exit code.
    """
    try:
        return command() or 0
    except HeadgateError as error:
        typer.echo(f"headgate: {type(error).__name__}: {error}", err=True)
        return _exit_code(error)
    except KeyboardInterrupt:
        typer.echo("headgate: interrupted", err=True)
        return INTERRUPTED


def _end(command: Callable[[], int | None]) -> NoReturn:
    raise typer.Exit(run_command(command))


def _exit_code(error: HeadgateError) -> int:
    match error:
        case ConfigError():
            return BAD_CONFIGURATION
        case DataError():
            return BAD_DATA
        case _:
            return BACKEND_TROUBLE


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
