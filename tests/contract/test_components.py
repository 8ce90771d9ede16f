"""Every component obeys the same contract."""

import ast
import sys
from pathlib import Path

import jsonschema
import pytest
from kfp import compiler

import headgate_components
from headgate.cli.component_docs import discover, main, out_of_step, usage
from headgate.errors import ConfigError
from headgate_components._image import RUNTIME_IMAGE

ROOT = Path(__file__).parents[2] / "components"
CATEGORIES = ["data_processing", "training", "evaluation", "deployment", "monitoring"]
METADATA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]+(_[a-z]+)+$"},
        "category": {"enum": CATEGORIES},
        "stability": {"enum": ["experimental", "alpha", "beta", "stable"]},
        "summary": {"type": "string", "pattern": r"^[A-Z][^\n]*\.$", "maxLength": 140},
        "tags": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[a-z0-9-]+$"},
            "minItems": 1,
            "uniqueItems": True,
        },
        "reads_changing_source": {"type": "boolean"},
        "side_effects": {"type": "boolean"},
    },
}
METADATA["required"] = list(METADATA["properties"])
AT_THE_TOP = {"kfp", "typing", "headgate_components._image"}
# A body gets at files, tables and services through headgate alone.
IN_THE_BODY = {"headgate", "collections", "dataclasses", "os", "pathlib", "typing"}


def imports(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def tree(shell):
    return ast.parse((shell.folder / "component.py").read_text(encoding="utf-8"))


def body(shell):
    functions = [node for node in tree(shell).body if isinstance(node, ast.FunctionDef)]
    assert [function.name for function in functions] == [shell.name]
    return functions[0].body


def test_every_folder_with_a_component_is_discovered(shells) -> None:
    assert {found.folder for found in shells.values()} == {
        path.parent for path in ROOT.rglob("component.py")
    }


def test_folder_function_and_kfp_name_are_equal(shell) -> None:
    assert shell.component.python_func.__name__ == shell.folder.name
    assert shell.component.name == shell.folder.name.replace("_", "-")


def test_every_argument_is_keyword_only(shell) -> None:
    function = next(node for node in tree(shell).body if isinstance(node, ast.FunctionDef))
    assert function.args.args == []


def test_it_installs_nothing_at_run_time(shell) -> None:
    command = shell.component.component_spec.implementation.container.command
    assert "pip install" not in " ".join(command)


def test_it_runs_in_the_runtime_image(shell) -> None:
    assert shell.component.component_spec.implementation.container.image == RUNTIME_IMAGE


def test_every_port_is_described(shell) -> None:
    ports = [*shell.inputs, *shell.outputs]
    assert [port.name for port in ports if not port.description] == []


def test_something_comes_out(shell) -> None:
    assert shell.outputs


def test_metadata_meets_its_schema(shell) -> None:
    jsonschema.validate(shell.metadata, METADATA)
    assert shell.metadata["name"] == shell.folder.name
    assert shell.metadata["category"] == shell.folder.parent.name


def test_the_cache_cannot_skip_a_side_effect_or_a_changing_source(shell) -> None:
    required = {port.name for port in shell.inputs if port.required}
    if shell.metadata["side_effects"]:
        assert "run_id" in required
    if shell.metadata["reads_changing_source"]:
        assert required & {"as_of", "run_id"}


def test_every_readme_is_in_step_with_its_generator(shells) -> None:
    assert [path for path, _ in out_of_step(list(shells.values()))] == []


def test_the_usage_in_the_readme_compiles(shell, tmp_path) -> None:
    names: dict[str, object] = {}
    exec(usage(shell), names)  # noqa: S102 - our own text, the one that users will copy
    compiler.Compiler().compile(names["example"], str(tmp_path / "example.yaml"))


def test_the_module_imports_only_what_a_definition_needs(shell) -> None:
    assert set(imports(tree(shell).body)) <= AT_THE_TOP


def test_the_module_holds_imports_and_the_component_and_nothing_else(shell) -> None:
    first, *others = tree(shell).body
    assert isinstance(first, ast.Expr)
    assert {type(node) for node in others} <= {ast.Import, ast.ImportFrom, ast.FunctionDef}


def test_the_body_reaches_the_world_through_headgate_alone(shell) -> None:
    nodes = [node for statement in body(shell) for node in ast.walk(statement)]
    assert {name.split(".")[0] for name in imports(nodes)} <= IN_THE_BODY


def test_the_body_is_at_most_twelve_statements(shell) -> None:
    docstring, *statements = body(shell)
    assert isinstance(docstring, ast.Expr)
    assert len(statements) <= 12


def test_the_body_holds_no_arithmetic_and_catches_nothing(shell) -> None:
    kinds = {type(node) for statement in body(shell) for node in ast.walk(statement)}
    assert not kinds & {ast.BinOp, ast.AugAssign, ast.While, ast.Try, ast.FunctionDef}


def test_check_names_the_readmes_out_of_step_and_writes_none(shells, capsys, monkeypatch) -> None:
    monkeypatch.setattr(
        "headgate.cli.component_docs.render", lambda shell: f"another text of {shell.name}"
    )
    before = {name: _readme(found) for name, found in shells.items()}
    assert main(["--check"]) == 1
    assert capsys.readouterr().out.count("out of step: ") == len(shells)
    assert {name: _readme(found) for name, found in shells.items()} == before


def test_a_component_that_is_not_called_like_its_folder_is_refused(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "stray" / "measure_nothing"
    folder.mkdir(parents=True)
    for package in (folder.parent, folder):
        (package / "__init__.py").write_text("")
    (folder / "component.py").write_text("other = None\n")
    monkeypatch.setattr(headgate_components, "__path__", [str(tmp_path)])
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="a component called measure_nothing"):
        discover()
    for name in [name for name in sys.modules if name.startswith("headgate_components.stray")]:
        del sys.modules[name]


def _readme(shell):
    path = shell.folder / "README.md"
    return path.read_text(encoding="utf-8") if path.is_file() else None
