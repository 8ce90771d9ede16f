"""`pytest tests/contract --update-golden` writes the golden files anew."""

import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Collection
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from tests.contract.needs import ROOT, of_extras, of_the_wheel

from headgate.cli.component_docs import discover


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "shell" in metafunc.fixturenames:
        metafunc.parametrize("shell", SHELLS.values(), ids=SHELLS)


SHELLS = discover()


@pytest.fixture(scope="session")
def shells():
    return SHELLS


@pytest.fixture(scope="session")
def runtime(tmp_path_factory):
    """A virtual environment as the image has it: kfp without its dependencies, and our needs."""
    linked = of_the_wheel(["train", "deploy"])
    return RuntimeEnvironment(tmp_path_factory.mktemp("runtime"), linked=linked, copied=["kfp"])


@pytest.fixture(scope="session")
def serving(tmp_path_factory):
    """The same for the predictor's image: what the extra `serve` asks for, and nothing else."""
    return RuntimeEnvironment(tmp_path_factory.mktemp("serving"), linked=of_extras(["serve"]))


class RuntimeEnvironment:
    """Links to distributions, and copies of those that share a folder; nothing is installed.

    The links are drawn from this environment's own site-packages, so no network is needed. Left
    out is whatever only kfp (cluster and storage clients, its own parser) or only the tests need.
    The shells themselves are left out too: the compiled command carries its source.
    """

    def __init__(
        self, folder: Path, *, linked: Collection[str], copied: Collection[str] = ()
    ) -> None:
        venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
        self.bin = folder / "bin"
        paths = {"base": str(folder), "platbase": str(folder)}
        self.site = Path(sysconfig.get_path("purelib", scheme="venv", vars=paths))
        for name in sorted(linked):
            self._link(distribution(name))
        for name in copied:
            self._copy(distribution(name))
        (self.site / "headgate").symlink_to(ROOT / "src" / "headgate")

    def run(self, command: list[str], *, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run with nothing inherited but this environment's programs and the system's."""
        return subprocess.run(
            command,
            cwd=folder,
            env={"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def _link(self, found: Distribution) -> None:
        source = Path(str(found.locate_file("")))
        for file in found.files or ():
            if file.parts[0] == ".." or file.suffix in {".pth", ".pyc"}:
                continue
            depth = 1  # down to the first real package: namespaces are shared by distributions
            while depth < len(file.parts) and is_namespace(source.joinpath(*file.parts[:depth])):
                depth += 1
            link = self.site.joinpath(*file.parts[:depth])
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(source.joinpath(*file.parts[:depth]))

    def _copy(self, found: Distribution) -> None:
        # Other distributions put files into the same folder, so a link to it would bring them too.
        for file in found.files or ():
            if file.parts[0] != ".." and file.suffix != ".pyc":
                target = self.site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(found.locate_file(file)), target)


def is_namespace(path: Path) -> bool:
    return path.is_dir() and path.suffix == "" and not (path / "__init__.py").is_file()
