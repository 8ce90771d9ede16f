"""The compiled YAML of every pipeline and component changes only on purpose.

`pytest tests/contract --update-golden` writes the files under tests/golden/ anew.
"""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
import yaml
from kfp import compiler

import headgate_pipelines

GOLDEN = Path(__file__).parents[1] / "golden"
# The tag follows the content of the tree, and both may be set from outside.
IMAGE, STABLE_IMAGE = re.compile(r"\S+/headgate-python:\S+"), "localhost:5001/headgate-python:0.1.0"


def pipelines():
    found = {}
    for module in pkgutil.walk_packages(headgate_pipelines.__path__, "headgate_pipelines."):
        if module.name.endswith(".pipeline"):
            name = module.name.split(".")[-2]
            found[name] = getattr(importlib.import_module(module.name), name)
    return found


PIPELINES = pipelines()


@pytest.fixture
def in_step_with_golden(tmp_path, pytestconfig):
    def compare(compilable, golden: Path) -> None:
        compiled = tmp_path / "compiled.yaml"
        compiler.Compiler().compile(compilable, str(compiled))
        compiled.write_text(IMAGE.sub(STABLE_IMAGE, compiled.read_text()))
        if pytestconfig.getoption("--update-golden", default=False):
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_bytes(compiled.read_bytes())
        assert golden.is_file(), f"run pytest tests/contract --update-golden to write {golden}"
        # Loaded, so that a change shows as the value that differs.
        assert loaded(compiled) == loaded(golden)

    return compare


def loaded(path: Path):
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)
def test_the_compiled_pipeline_is_the_golden_one(pipeline, in_step_with_golden) -> None:
    in_step_with_golden(pipeline, GOLDEN / f"{pipeline.name}.yaml")


@pytest.mark.parametrize("name", PIPELINES)
def test_the_golden_pipeline_holds_its_settings_for_kubernetes_too(name) -> None:
    spec, platform = loaded(GOLDEN / f"{name}.yaml")
    settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(settings) == set(spec["deploymentSpec"]["executors"])


def test_the_compiled_component_is_the_golden_one(shell, in_step_with_golden) -> None:
    in_step_with_golden(shell.component, GOLDEN / "components" / f"{shell.name}.yaml")


def test_there_is_no_golden_file_of_something_that_is_gone(shells) -> None:
    wanted = {f"{pipeline.name}.yaml" for pipeline in PIPELINES.values()}
    assert {path.name for path in GOLDEN.glob("*.yaml")} == wanted
    assert {path.stem for path in (GOLDEN / "components").glob("*.yaml")} == set(shells)
