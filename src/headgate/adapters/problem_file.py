"""Problem files: YAML or JSON text to `Problem` and back."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Hashable, Mapping
from pathlib import Path

import yaml

from headgate.errors import ConfigError
from headgate.problem import Problem, problem_from_mapping


class _Loader(yaml.SafeLoader):
    """YAML without the surprises of version 1.1.

    `yes`, `no`, `on` and `true` stay text (no key of a problem is a boolean, and they are common
    classes), a date and `12:30` stay text, `1e-3` is a number, and a key may stand only once.
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own mechanism; replaces the inherited one


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""]
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    # needs a point or an exponent: `007` is a code, not the number 7
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, object]:
    seen: set[object] = set()
    for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
        if key.value in seen:
            line = key.start_mark.line + 1
            raise ConfigError(f"{key.value}: stands twice in one section (line {line})")
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def parse_problem(text: str) -> Problem:
    """Return the problem that a YAML or JSON text describes.

    Args:
        text: The whole file.

    Returns:
        The problem; `data.path` is left as it is written.

    Raises:
        ConfigError: If the text is not YAML, is no mapping, or breaks a rule of the problem file.
    """
    try:
        mapping = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with fewer types
    except yaml.YAMLError as error:
        raise ConfigError(f"problem: not readable as YAML ({_one_line(error)})") from error
    if not isinstance(mapping, dict):
        raise ConfigError("problem: not a mapping; needed: the keys name, data, target and columns")
    return problem_from_mapping(mapping)


def read_problem(path: str | Path) -> Problem:
    """Read a problem file.

    Args:
        path: YAML or JSON file.

    Returns:
        The problem; a relative `data.path` is made absolute, from the file's folder.

    Raises:
        ConfigError: If the file cannot be read, or as `parse_problem`; the message starts with the
            file's name.
    """
    file = Path(path)
    try:
        problem = parse_problem(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read ({_one_line(error)})") from error
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error
    data = dataclasses.replace(problem.data, path=str((file.parent / problem.data.path).resolve()))
    return dataclasses.replace(problem, data=data)


def problem_text(problem: Problem) -> str:
    """Return the problem as canonical JSON: every key, sorted, on one line.

    Args:
        problem: The problem.

    Returns:
        A text from which `parse_problem` makes the same problem; equal problems give equal texts,
        so that a step's cache sees a difference only where there is one.
    """
    return _canonical(dataclasses.asdict(problem))


def problem_digest(problem: Problem) -> str:
    """Return a SHA-256 of what a problem asks for, wherever its table lies.

    Args:
        problem: The problem.

    Returns:
        64 hexadecimal digits, of `problem_text` without `data.path`: a run from a moved folder has
        the same digest. What the table holds is the fingerprint's to say.
    """
    mapping = dataclasses.asdict(problem)
    del mapping["data"]["path"]
    return hashlib.sha256(_canonical(mapping).encode()).hexdigest()


def _canonical(mapping: Mapping[str, object]) -> str:
    return json.dumps(
        mapping, sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
