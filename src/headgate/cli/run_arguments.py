"""The arguments of a run of the `promotion` pipeline on a cluster, checked before it starts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from headgate.adapters.problem_file import parse_problem, problem_text, read_problem
from headgate.cli import cluster_values
from headgate.errors import ConfigError
from headgate.problem import Problem

OWN_OPTIONS = {
    "problem": "PROBLEM.yaml",
    "registry_uri": "--registry-uri",
    "cluster_url": "--cluster-url",
}
KINDS: Mapping[str, tuple[type, str]] = {"LIST": (list, "a JSON list"), "STRUCT": (dict, "JSON")}
LEAST_MEMORY = "512Mi"  # what the steps that hold the table ask for


def cluster_problem(path: Path, *, data_folder: str) -> Problem:
    """Read a problem file and say where its table lies for the steps.

    Args:
        path: Problem file.
        data_folder: Where the steps find the volume with the data; "" if there is none.

    Returns:
        The problem; a relative `data.path` starts at the volume's folder.

    Raises:
        ConfigError: If the file is wrong, or the steps could not read its table.
    """
    problem = read_problem(path)
    written = parse_problem(path.read_text(encoding="utf-8")).data.path
    source = _for_steps(PurePosixPath(written), data_folder=data_folder, file=path)
    return replace(problem, data=replace(problem.data, path=source))


def run_arguments(
    spec: Mapping[str, Any],
    problem: Problem,
    *,
    fixed: Mapping[str, str],
    params: Sequence[str],
) -> dict[str, object]:
    """Return the arguments of a run.

    Args:
        spec: Specification of the pipeline.
        problem: The problem.
        fixed: Arguments that have options of their own, or a value of their own.
        params: Further ones as the user wrote them, `name=value` each.

    Returns:
        The arguments by name.

    Raises:
        ConfigError: If a parameter does not exist, or its value cannot be one.
    """
    known = spec["root"]["inputDefinitions"]["parameters"]
    given = dict(_parameter(text, known) for text in params)
    arguments = {"problem": problem_text(problem), **fixed, **given}
    defaults = {name: one.get("defaultValue") for name, one in known.items()}
    _check_placement({**defaults, **arguments})
    return arguments


def _for_steps(path: PurePosixPath, *, data_folder: str, file: Path) -> str:
    if "://" in str(path) or ":/" in str(path):
        raise ConfigError(
            f"{file}: data.path is {str(path)!r}; the steps read files, not addresses: put the"
            " table on a volume of the cluster and name it with --data-volume"
        )
    if not data_folder:
        if path.is_absolute():
            return str(path)
        raise ConfigError(
            f"{file}: data.path is {str(path)!r}, a file of this machine, and the steps run on the"
            " cluster; put the table on a volume there and name its claim with --data-volume (a"
            " relative path then starts at the volume's folder)"
        )
    found = PurePosixPath(data_folder) / path
    if ".." in found.parts or not found.is_relative_to(data_folder):
        raise ConfigError(
            f"{file}: data.path is {str(path)!r}, which lies outside {data_folder}, the folder of"
            " --data-volume"
        )
    return str(found)


def _parameter(text: str, known: Mapping[str, Any]) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--param is {text!r}; needed: name=value")
    if name in OWN_OPTIONS:
        raise ConfigError(f"--param {name}: give it as {OWN_OPTIONS[name]}")
    if name not in known:
        names = ", ".join(sorted(set(known) - set(OWN_OPTIONS)))
        raise ConfigError(f"--param {name}: the pipeline has no such parameter; it has: {names}")
    kind = known[name]["parameterType"]
    if kind not in KINDS:
        return name, value
    python, words = KINDS[kind]
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = None
    if not isinstance(parsed, python):
        raise ConfigError(f"--param {name} is {value!r}; needed: {words}{_example(name)}")
    return name, parsed


def _example(name: str) -> str:
    examples = {
        "node_selector": '{"gpu": "yes"}',
        "tolerations": '[{"key": "nvidia.com/gpu", "operator": "Exists"}]',
        "command": '["python", "-m", "headgate.serving"]',
    }
    return f", as in {examples[name]}" if name in examples else ""


def _check_placement(arguments: Mapping[str, Any]) -> None:
    # The backend would find out in the middle of the run, and of a count that is no number it
    # would make no accelerator at all.
    cluster_values.quantity(arguments["train_cpu"], what="--param train_cpu")
    memory = cluster_values.quantity(arguments["train_memory"], what="--param train_memory")
    if memory < cluster_values.quantity(LEAST_MEMORY, what=""):
        raise ConfigError(
            f"--param train_memory is {arguments['train_memory']!r}; needed: {LEAST_MEMORY} or more"
        )
    count, name = arguments["accelerator_count"], arguments["accelerator_type"]
    if not (count.isascii() and count.isdigit()):
        raise ConfigError(f"--param accelerator_count is {count!r}; needed: a whole number, or 0")
    if not name:
        raise ConfigError("--param accelerator_type is empty; needed: a resource's name")
    for label, value in arguments["node_selector"].items():
        if not isinstance(value, str):
            raise ConfigError(
                f"--param node_selector: the value of {label} is {value!r}; needed: text"
            )
    for one in arguments["tolerations"]:
        if not isinstance(one, dict):
            raise ConfigError(f"--param tolerations holds {one!r};{_example('tolerations')[1:]}")
