"""The compiled command of every component runs where there is only `kfp --no-deps` and our needs.

`tests/e2e/test_images.py` runs the same chain in the image itself.
"""

import pytest
from tests.runtime_chain import Chain, it_ran

ABSENT = ["kfp_server_api", "kfp_kubernetes", "kfp.pipeline_spec", "docstring_parser", "pytest"]


@pytest.fixture(scope="session")
def chain(shells, runtime, tmp_path_factory):
    return Chain(shells, runtime, tmp_path_factory.mktemp("chain"))


def test_the_environment_holds_kfp_and_nothing_that_only_kfp_needs(runtime, tmp_path) -> None:
    code = f"""
import importlib.util as look, os
os.environ["_KFP_RUNTIME"] = "true"
assert all(look.find_spec(name) for name in ("kfp.dsl.executor", "headgate", "mlflow"))
print([name for name in {ABSENT} if look.find_spec(name)])
"""
    done = runtime.run(["python3", "-I", "-c", code], folder=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_the_compiled_command_runs(shell, chain) -> None:
    it_ran(shell, chain.step(shell.name))
