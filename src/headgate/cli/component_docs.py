"""Write each component's README.md from its compiled interface, its docstring and metadata.yaml.

python -m headgate.cli.component_docs            write them
python -m headgate.cli.component_docs --check    say which ones are out of step; exit code 1
"""

import argparse
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from docstring_parser import parse
from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

import headgate_components
from headgate.errors import ConfigError

PARAMETER_TYPES = {
    "String": "str",
    "Integer": "int",
    "Float": "float",
    "Boolean": "bool",
    "List": "list",
    "Dict": "dict",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One input or output of a component, as KFP compiled it."""

    name: str
    kind: str  # a Python type, or an artifact's class: `Dataset`
    is_artifact: bool
    required: bool
    default: object
    description: str

    @property
    def annotation(self) -> str:
        """The type as a pipeline's parameter writes it."""
        return f"dsl.Input[dsl.{self.kind}]" if self.is_artifact else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A component with the files of its folder."""

    name: str  # of the folder
    module: str
    folder: Path
    component: Any  # kfp.dsl.base_component.BaseComponent
    metadata: Mapping[str, Any]

    @property
    def inputs(self) -> list[Port]:
        """The inputs, in the order of the signature."""
        return [_port(name, spec) for name, spec in _found(self.component, "inputs").items()]

    @property
    def outputs(self) -> list[Port]:
        """The outputs; the one of a single return value is called `Output`."""
        return [_port(name, spec) for name, spec in _found(self.component, "outputs").items()]


def discover() -> dict[str, Shell]:
    """Import every component under `headgate_components`.

    Returns:
        The components by the name of their folder, sorted.

    Raises:
        ConfigError: If a `component.py` does not hold a component called like its folder.
    """
    found = {}
    packages = pkgutil.walk_packages(headgate_components.__path__, "headgate_components.")
    for module in (package.name for package in packages if package.name.endswith(".component")):
        name = module.split(".")[-2]
        imported = importlib.import_module(module)
        folder = Path(inspect.getfile(imported)).parent
        component = getattr(imported, name, None)
        if component is None:
            raise ConfigError(f"{module}: must hold a component called {name}, like its folder")
        found[name] = Shell(
            name=name,
            module=module,
            folder=folder,
            component=component,
            metadata=yaml.safe_load((folder / "metadata.yaml").read_text(encoding="utf-8")),
        )
    return dict(sorted(found.items()))


def render(shell: Shell) -> str:
    """Write the README of one component.

    Args:
        shell: The component.

    Returns:
        Markdown.
    """
    said = parse(shell.component.python_func.__doc__ or "")
    return _template("component_readme.md.j2").render(
        shell=shell,
        meta=shell.metadata,
        details=said.long_description or "",
        snippet=usage(shell),
    )


def catalogue(shells: Iterable[Shell]) -> str:
    """Write the list of all components.

    Args:
        shells: The components.

    Returns:
        Markdown.
    """
    return _template("component_catalogue.md.j2").render(shells=list(shells))


def usage(shell: Shell) -> str:
    """Write a pipeline of this one component that compiles as it stands.

    Args:
        shell: The component.

    Returns:
        Python source.
    """
    signature = [
        f"    {port.name}: {port.annotation}{'' if port.required else f' = {port.default!r}'},"
        for port in sorted(shell.inputs, key=lambda port: not port.required)
    ]
    arguments = [f"        {port.name}={port.name}," for port in shell.inputs]
    cached = not shell.metadata["side_effects"]
    suffix = "" if cached else ".set_caching_options(enable_caching=False)"
    return "\n".join(
        [
            "from kfp import dsl",
            "",
            f"from {shell.module} import {shell.name}",
            "",
            "",
            '@dsl.pipeline(name="example")',
            "def example(",  # KFP passes a pipeline's parameters by position
            *signature,
            ") -> None:",
            f"    {shell.name}(",
            *arguments,
            f"    ){suffix}",
        ]
    )


def main(arguments: list[str]) -> int:
    """Write or check every README.

    Args:
        arguments: `[]` or `["--check"]`.

    Returns:
        Exit code: 1 if `--check` found one out of step.
    """
    parser = argparse.ArgumentParser(prog="component_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args(arguments).check
    stale = list(out_of_step(list(discover().values())))
    for path, text in stale:
        if not check:
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{'out of step' if check else 'written'}: {path}\n")
    return 1 if check and stale else 0


def out_of_step(shells: Sequence[Shell]) -> Iterable[tuple[Path, str]]:
    """Compare the READMEs, and the list of all of them, with what they should say.

    Args:
        shells: The components.

    Yields:
        Path and right text of each file that is missing or says something else.
    """
    wanted = {shell.folder / "README.md": render(shell) for shell in shells}
    wanted[Path(headgate_components.__path__[0]) / "README.md"] = catalogue(shells)
    for path, text in wanted.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            yield path, text


def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("headgate.cli", "."),
        undefined=StrictUndefined,
        autoescape=select_autoescape(()),  # Markdown, not HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = lambda text: " ".join(text.replace("|", "\\|").split())
    return environment.get_template(name)


def _found(component: Any, side: str) -> Mapping[str, Any]:  # noqa: ANN401 - kfp is untyped
    return getattr(component.component_spec, side) or {}


def _port(name: str, spec: Any) -> Port:  # noqa: ANN401 - kfp is untyped
    is_artifact = spec.type.startswith("system.")
    kind = spec.type.removeprefix("system.").split("@")[0]
    return Port(
        name=name,
        kind=kind if is_artifact else _python_type(kind),
        is_artifact=is_artifact,
        required=not getattr(spec, "optional", False),
        default=getattr(spec, "default", None),
        description=spec.description or "",
    )


def _python_type(kind: str) -> str:
    # `Dict[String, Integer]` is what KFP makes of `dict[str, int]`.
    return re.sub(r"\w+", lambda word: PARAMETER_TYPES[word[0]], kind)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
