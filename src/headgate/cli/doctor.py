"""`headgate doctor`: what is missing or wrong, and what to type about it."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from headgate.adapters.diagnosis import Finding, Group, Site, State, diagnose, open_site
from headgate.cli.progress import standard_console
from headgate.cli.progress_lines import BAD, GOOD, OPEN, QUIET, STRONG
from headgate.errors import ConfigError

HEALTHY, UNHEALTHY = 0, 4
STYLES = {State.OK: GOOD, State.PROBLEM: BAD, State.UNKNOWN: OPEN, State.NOTE: QUIET}
STATE_WIDTH, NAME_WIDTH = 7, 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the user asked to look at; empty values take what is usual."""

    context: str | None = None
    namespace: str | None = None
    account: str = ""
    registry_uri: str = ""

    def find(self) -> Site:
        """Find the cluster."""
        return open_site(
            context=self.context,
            namespace=self.namespace,
            registry_uri=self.registry_uri,
            account=self.account,
        )


def examine(question: Question, *, as_json: bool) -> int:
    """Look at this machine and the cluster, and print what was found.

    Args:
        question: What to look at.
        as_json: Whether to print JSON, for programs.

    Returns:
        Exit code: 0 if there is no problem, else 4.
    """
    console = standard_console()
    if as_json or not console.is_interactive:
        found = diagnose(question.find, images=_images())
    else:
        with console.status("looking"):
            found = diagnose(question.find, images=_images())
    if as_json:
        typer.echo(to_json(found))
    else:
        print_findings(found, console=console)
    return UNHEALTHY if any(f.state is State.PROBLEM for f in found) else HEALTHY


def print_findings(found: Sequence[Finding], *, console: Console) -> None:
    """Print the findings, group by group, and a summary.

    Args:
        found: The findings.
        console: On a terminal what was seen wraps within its column; elsewhere it is one line. A
            remedy is always one line.
    """
    for group in Group:
        of_group = [finding for finding in found if finding.group is group]
        if not of_group:
            continue
        console.print(Text(group.value, style=STRONG))
        for finding in of_group:
            _print(finding, console)
    console.print(Text(summary(found)), soft_wrap=True)


def summary(found: Sequence[Finding]) -> str:
    """Count the findings on one line.

    Args:
        found: The findings.

    Returns:
        E.g. "20 OK, 1 problem, 0 unknown, 2 notes: …".
    """
    count = Counter(finding.state for finding in found)
    problems, notes = count[State.PROBLEM], count[State.NOTE]
    counted = (
        f"{count[State.OK]} OK, {problems} problem{'' if problems == 1 else 's'},"
        f" {count[State.UNKNOWN]} unknown, {notes} note{'' if notes == 1 else 's'}"
    )
    if problems:
        return f"{counted}: mend what is marked PROBLEM from top to bottom, then look again"
    if count[State.UNKNOWN]:
        return f"{counted}: nothing wrong in what could be seen"
    return f"{counted}: nothing wrong"


def to_json(found: Sequence[Finding]) -> str:
    """Write the findings for programs.

    Args:
        found: The findings.

    Returns:
        A JSON object: `problems` (their number) and `findings`.
    """
    findings = [
        {
            "group": finding.group.value,
            "name": finding.name,
            "state": finding.state.value,
            "seen": finding.seen,
            "remedy": finding.remedy,
        }
        for finding in found
    ]
    problems = sum(finding.state is State.PROBLEM for finding in found)
    return json.dumps({"problems": problems, "findings": findings}, indent=2, ensure_ascii=False)


def _print(finding: Finding, console: Console) -> None:
    state = Text(f"  {finding.state.value:<{STATE_WIDTH}}", style=STYLES[finding.state])
    name = f"{finding.name:<{NAME_WIDTH}}"
    if console.is_interactive:
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(no_wrap=True)
        row.add_column(no_wrap=True)
        row.add_column(overflow="fold")
        row.add_row(state, name, Text(finding.seen))
        console.print(row)
    else:
        console.print(Text.assemble(state, f"  {name}  {finding.seen}"), soft_wrap=True)
    if finding.remedy:
        # Never broken into lines here: it is there to be copied.
        console.print(Text(f"{'':<{STATE_WIDTH + 4}}→ {finding.remedy}"), soft_wrap=True)


def _images() -> list[str]:
    """Name the images of this tree; none if nobody knows which belong to it."""
    from headgate.cli.images import tree, tree_images

    try:
        return [image.reference for image in tree_images(tree())]
    except ConfigError:
        return []
