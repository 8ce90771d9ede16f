"""The images have one name each, and what goes into them is locked."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract.needs import PROJECT, ROOT, of_extras, of_the_wheel

import headgate
from headgate.errors import ConfigError
from headgate_components import _image

FOLDERS = sorted(path.parent for path in (ROOT / "images").glob("*/Containerfile"))
LOCAL = ROOT / "requirements" / "local.txt"
# The images' Python; `platform_python_implementation` and the like are those of this one.
IN_THE_IMAGE = {"python_version": "3.13", "python_full_version": "3.13.5", "sys_platform": "linux"}
PACKAGES = {
    "headgate": "src/headgate",
    "headgate_components": "components",
    "headgate_pipelines": "pipelines",
}
RELEASE = headgate.__version__.partition(".dev")[0]


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch):
    monkeypatch.delenv("HEADGATE_IMAGE_REGISTRY", raising=False)
    monkeypatch.delenv("HEADGATE_IMAGE_TAG", raising=False)
    _image._own_tag.cache_clear()
    yield
    _image._own_tag.cache_clear()


@pytest.fixture
def tree(tmp_path):
    """A small checkout."""
    for source in _image.SOURCES:
        path = tmp_path / source
        if "." in source or source.isupper():
            path.write_text(source)
        else:
            path.mkdir(parents=True)
            (path / "file.py").write_text(source)
    return tmp_path


@pytest.fixture(params=FOLDERS, ids=[folder.name for folder in FOLDERS])
def containerfile(request) -> str:
    return (request.param / "Containerfile").read_text(encoding="utf-8")


def pins(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([\w.-]+)==([^\s;]+)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


# Names


def test_the_version_is_the_same_in_the_package_and_in_its_description() -> None:
    assert PROJECT["version"] == headgate.__version__


def test_a_development_version_is_tagged_with_the_checksum_of_the_sources(monkeypatch) -> None:
    monkeypatch.setattr(_image, "__version__", "1.2.0.dev0")
    checksum = _image.content_checksum(ROOT)
    assert re.fullmatch("[0-9a-f]{12}", checksum)
    assert _image.image_tag() == f"1.2.0.dev0-{checksum}"


def test_a_release_is_tagged_with_its_version(monkeypatch) -> None:
    monkeypatch.setattr(_image, "__version__", "1.2.0")
    assert _image.image("headgate-python") == "localhost:5001/headgate-python:1.2.0"


def test_registry_and_tag_can_be_given_from_outside(monkeypatch) -> None:
    monkeypatch.setenv("HEADGATE_IMAGE_REGISTRY", "registry.example.com:5000/team")
    monkeypatch.setenv("HEADGATE_IMAGE_TAG", "7")
    assert _image.image("headgate-python") == "registry.example.com:5000/team/headgate-python:7"
    assert _image.image("x", registry="other.example", tag="8") == "other.example/x:8"


@pytest.mark.parametrize("tag", ["latest", "a b", ".x", "-x", "x" * 129, "a:b", "a/b", "1+local"])
def test_a_tag_that_cannot_be_used_is_refused(monkeypatch, tag) -> None:
    monkeypatch.setenv("HEADGATE_IMAGE_TAG", tag)
    with pytest.raises(ConfigError, match="the image tag is "):
        _image.image_tag()


@pytest.mark.parametrize(
    "registry", ["https://example.com", "example.com/", "Example.com", "a b", "example.com:x", "/a"]
)
def test_a_registry_that_cannot_be_used_is_refused(monkeypatch, registry) -> None:
    monkeypatch.setenv("HEADGATE_IMAGE_REGISTRY", registry)
    with pytest.raises(ConfigError, match="the image registry is "):
        _image.registry_prefix()


def test_a_development_version_without_its_sources_asks_for_the_tag(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(_image, "__file__", str(tmp_path / "headgate_components" / "_image.py"))
    monkeypatch.setattr(_image, "__version__", "1.2.0.dev0")
    assert _image.checkout() is None
    with pytest.raises(ConfigError, match="--image-tag or HEADGATE_IMAGE_TAG"):
        _image.image_tag()


def run_module(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headgate_components._image", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_it_prints_tag_and_registry_for_scripts() -> None:
    assert run_module(HEADGATE_IMAGE_TAG="7").stdout == "7\n"
    assert run_module("--registry").stdout == "localhost:5001\n"


def test_it_refuses_latest_with_one_line_and_exit_code_2() -> None:
    done = run_module(HEADGATE_IMAGE_TAG="latest")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("headgate: ConfigError: the image tag is 'latest'")
    assert done.stderr.count("\n") == 1


def test_the_manifests_name_the_images_of_the_release() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "manifests").rglob("*.yaml"))
    named = set(re.findall(rf"image: ({re.escape(_image.DEFAULT_REGISTRY)}/\S+)", text))
    wanted = {f"{_image.DEFAULT_REGISTRY}/headgate-{folder.name}:{RELEASE}" for folder in FOLDERS}
    assert named == wanted


# An installation that is no checkout

INSTALLED = """
import sys
from headgate.cli.main import app
from headgate_components._image import RUNTIME_IMAGE, checkout
assert checkout() is None and sys.argv[1] in RUNTIME_IMAGE, RUNTIME_IMAGE
import headgate_pipelines.promotion.pipeline
app(sys.argv[2:])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The packages as an installation has them; called with arguments of `headgate`."""
    folder = tmp_path_factory.mktemp("installed")
    for package, source in PACKAGES.items():
        shutil.copytree(
            ROOT / source, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    version = '__version__ = "1.2.0.dev0"\n'  # whatever this tree is
    (folder / "headgate" / "__init__.py").write_text(version)

    def run(image: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", INSTALLED, image, *arguments],
            env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"], "HOME": str(folder)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_an_installed_development_version_imports_its_pipelines(installed) -> None:
    done = installed(":1.2.0.dev0-unnamed", "run", "missing.yaml", "--out", "out")
    assert done.returncode == 2
    assert "missing.yaml" in done.stderr  # beyond every import
    assert "HEADGATE_IMAGE_TAG" not in done.stderr


def test_an_installed_development_version_compiles_for_images_that_are_named(
    installed, tmp_path
) -> None:
    done = installed("-unnamed", "compile", "--image-tag", "1.2.3", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "promotion.yaml").read_text()
    assert "localhost:5001/headgate-python:1.2.3" in text
    assert "unnamed" not in text


def test_an_installed_development_version_does_not_compile_without_a_tag(
    installed, tmp_path
) -> None:
    done = installed("-unnamed", "compile", "--out", str(tmp_path))
    assert done.returncode == 2
    assert "name their tag with --image-tag or HEADGATE_IMAGE_TAG" in done.stderr
    assert list(tmp_path.iterdir()) == []


# Checksum


def change_a_file(tree: Path) -> None:
    (tree / "components" / "file.py").write_text("other")


def add_a_file(tree: Path) -> None:
    (tree / "images" / "certificates.crt").write_text("a certificate")


def delete_a_file(tree: Path) -> None:
    (tree / "pipelines" / "file.py").unlink()


def move_a_file(tree: Path) -> None:
    (tree / "src" / "headgate" / "file.py").rename(tree / "src" / "headgate" / "moved.py")


def swap_two_files(tree: Path) -> None:
    for name, content in (("images", "pipelines"), ("pipelines", "images")):
        (tree / name / "file.py").write_text(content)


@pytest.mark.parametrize(
    "change", [change_a_file, add_a_file, delete_a_file, move_a_file, swap_two_files]
)
def test_the_checksum_changes_with_what_goes_into_an_image(tree, change) -> None:
    before = _image.content_checksum(tree)
    change(tree)
    assert _image.content_checksum(tree) != before


def test_the_checksum_does_not_change_with_anything_else(tree) -> None:
    before = _image.content_checksum(tree)
    cache = tree / "src" / "headgate" / "__pycache__"
    cache.mkdir()
    for path in (
        cache / "file.cpython-313.pyc",
        tree / "README.md",
        tree / "components" / "README.md",
        tree / "components" / "ruff.toml",
        tree / "images" / ".gitignore",
        tree / "src" / "other.py",
    ):
        path.write_text("something")
    shutil.copystat(tree / "LICENSE", tree / "pyproject.toml")  # nor with times
    assert _image.content_checksum(tree) == before


def test_a_build_sees_what_the_checksum_covers() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    seen = [f"!{source}" for source in _image.SOURCES]
    assert lines == ["*", *seen, *(f"**/{pattern}" for pattern in _image.LEFT_OUT)]


# Locks


def test_the_runtime_image_holds_what_the_components_need_and_the_bare_executor() -> None:
    wanted = of_the_wheel(["train", "deploy"], python=IN_THE_IMAGE) | {"kfp"}
    assert set(pins(ROOT / "images" / "python" / "requirements.txt")) == wanted


def test_the_predictor_image_holds_what_serving_needs() -> None:
    wanted = of_extras(["serve"], python=IN_THE_IMAGE)
    assert set(pins(ROOT / "images" / "predictor" / "requirements.txt")) == wanted


@pytest.mark.parametrize(
    "lock", ["python/requirements.txt", "predictor/requirements.txt", "wheel-builder.txt"]
)
def test_an_image_has_the_versions_that_the_tests_run_with(lock) -> None:
    local = pins(LOCAL)
    found = pins(ROOT / "images" / lock)
    assert found
    assert found == {name: local.get(name) for name in found}


def test_the_registry_server_has_the_version_of_its_client() -> None:
    server = pins(ROOT / "images" / "mlflow" / "requirements.txt")
    assert server["mlflow"] == pins(LOCAL)["mlflow-skinny"]


@pytest.mark.parametrize(
    "lock", sorted((ROOT / "images").rglob("*.txt")), ids=lambda p: p.parent.name
)
def test_every_package_has_its_hashes_and_no_index_is_named(lock) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


# Containerfiles


def test_the_base_image_is_an_argument(containerfile) -> None:
    instructions = [line for line in containerfile.splitlines() if line and line[0].isupper()]
    assert instructions[0] == "ARG BASE_IMAGE=python:3.13-slim"
    assert instructions[1].startswith("FROM ${BASE_IMAGE} AS ")


def test_it_runs_as_65532(containerfile) -> None:
    last_stage = containerfile.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.*)$", last_stage, re.MULTILINE) == ["65532:65532"]


def test_packages_are_installed_by_their_hashes_alone(containerfile) -> None:
    joined = containerfile.replace("\\\n", " ")
    installs = re.findall(r"pip .*?\binstall\b(.*?)(?:&&|$)", joined, re.MULTILINE)
    assert installs
    for options in installs:
        assert "--no-deps" in options
        assert "--require-hashes" in options or "--no-index" in options


def test_every_builder_can_build_it(containerfile) -> None:
    # The classic builder knows neither mounts nor here-documents; nothing is fetched to parse it.
    assert not re.search(r"^# syntax=|--mount=|<<\w", containerfile, re.MULTILINE)


def test_it_is_labelled(containerfile) -> None:
    labels = set(re.findall(r"org\.opencontainers\.image\.([a-z.]+)=", containerfile))
    assert labels == {"title", "description", "version", "revision", "licenses", "base.name"}
    assert 'dev.headgate.content="${CONTENT}"' in containerfile
    assert f'licenses="{PROJECT["license"]}"' in containerfile
