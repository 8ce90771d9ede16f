"""What the extras of the wheel need, by what the installed distributions say of themselves."""

import tomllib
from collections.abc import Collection, Mapping
from importlib.metadata import distribution
from pathlib import Path
from types import MappingProxyType

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
Python = Mapping[str, str]  # values of markers
THIS: Python = MappingProxyType({})


def of_extras(extras: Collection[str], *, python: Python = THIS) -> set[str]:
    """Names of all that is installed for some extras, without headgate's own requirements."""
    asked = [text for extra in extras for text in PROJECT["optional-dependencies"][extra]]
    return closure(asked, python)


def of_the_wheel(extras: Collection[str], *, python: Python = THIS) -> set[str]:
    """Names of all that `pip install headgate[EXTRAS]` brings."""
    return closure(PROJECT["dependencies"], python) | of_extras(extras, python=python)


def closure(texts: Collection[str], python: Python) -> set[str]:
    open_ones = [found for found in map(Requirement, texts) if holds(found, python)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while open_ones:
        asked = open_ones.pop()
        key = (canonicalize_name(asked.name), frozenset(asked.extras))
        if key not in seen:
            seen.add(key)
            found = map(Requirement, distribution(asked.name).requires or ())
            open_ones += [needed for needed in found if holds(needed, python, asked.extras)]
    return {name for name, _ in seen}


def holds(asked: Requirement, python: Python, extras: Collection[str] = ()) -> bool:
    marker = asked.marker
    return marker is None or any(
        marker.evaluate({**python, "extra": extra}) for extra in (extras or {""})
    )
