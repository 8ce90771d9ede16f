"""The `headgate` command.

Exit codes: 0 promoted (or done), 10 finished but not promoted, 2 bad configuration, 3 bad data,
4 backend trouble, 130 interrupted.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from headgate import __version__
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
    *, out: Annotated[Path, typer.Option(help="Folder for the YAML files.")] = Path("build")
) -> None:
    """Write the pipelines as YAML for Kubeflow Pipelines: upload it, paste the problem file.

    Example: `headgate compile --out build/`
    """
    from headgate.cli.commands import compile_pipelines

    _end(lambda: typer.echo("\n".join(str(path) for path in compile_pipelines(out))))


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
