"""Building images, against an engine that is a script on PATH and remembers what it has."""

import io
import json
import os
import re
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from headgate.adapters.reporting import wording
from headgate.cli import images
from headgate.cli.image_lines import BuildLines
from headgate_components import _image

# What a docker of both builders answers, as far as it is asked.
ENGINE = """#!{python} -S
import json, os, sys
from pathlib import Path
state = Path({state!r})
plan = json.loads((state / "plan.json").read_text())
have = json.loads((state / "images.json").read_text())
given = sys.argv[1:]
(state / "calls").open("a").write(json.dumps(given) + "\\n")
if "refuses" in plan:
    sys.exit(plan["refuses"])
if given[0] == "version":
    print("27.0.0")
elif given[:2] == ["image", "inspect"]:
    if given[2] not in have:
        sys.exit("Error: No such image: " + given[2])
    print(json.dumps([have[given[2]]]))
elif given[:2] == ["image", "rm"]:
    del have[given[-1]]
elif given[0] == "build":
    print(plan.get("says", "Step 1/2 : FROM base\\n ---> 1\\nStep 2/2 : RUN true"), flush=True)
    if "writes" in plan:
        Path(plan["writes"]).write_text("changed")
    if "fails" in plan:
        sys.exit(plan["fails"])
    facts = dict(entry.split("=", 1) for entry in given if "=" in entry)
    content = {{"dev.headgate.content": facts["CONTENT"]}}
    labels = {{**content, "org.opencontainers.image.base.name": facts["BASE_IMAGE"]}}
    reference = given[given.index("--tag") + 1]
    made = "sha256:" + facts["CONTENT"] + reference
    if not plan.get("loses"):
        have[reference] = {{"Id": made, "Size": 7, "Config": {{"Labels": labels}}}}
elif given[0] == "run":
    if "cannot run" in plan:
        sys.exit(plan["cannot run"])
    print("123456789\t/")
(state / "images.json").write_text(json.dumps(have))
"""


class Engine:
    """The script, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self._state = folder
        self._plan = folder / "plan.json"
        (folder / "images.json").write_text("{}")
        self.plan()
        self.script = folder / "bin" / "docker"
        self.script.parent.mkdir()
        self.script.write_text(ENGINE.format(python=sys.executable, state=str(folder)))
        self.script.chmod(0o755)

    def plan(self, **what: object) -> None:
        self._plan.write_text(json.dumps(what))

    @property
    def builds(self) -> list[list[str]]:
        calls = self._state / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [call for call in map(json.loads, lines) if call[0] == "build"]

    @property
    def runs(self) -> list[list[str]]:
        lines = (self._state / "calls").read_text().splitlines()
        return [call for call in map(json.loads, lines) if call[0] == "run"]

    @property
    def has(self) -> set[str]:
        return set(json.loads((self._state / "images.json").read_text()))


@pytest.fixture(autouse=True)
def engine(tmp_path, monkeypatch):
    state = tmp_path / "engine"
    state.mkdir()
    made = Engine(state)
    monkeypatch.setenv("PATH", f"{made.script.parent}:{os.environ['PATH']}")
    ours = ("HEADGATE_IMAGE_TAG", "HEADGATE_IMAGE_REGISTRY", "BUILDX_BUILDER")
    for name in (*images.PASSED_ON, *ours):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return made


@pytest.fixture(autouse=True)
def tree(tmp_path, monkeypatch):
    """A small checkout with two images."""
    root = tmp_path / "tree"
    for source in _image.SOURCES:
        path = root / source
        path.parent.mkdir(parents=True, exist_ok=True)
        if source in ("LICENSE", "pyproject.toml"):
            path.write_text(source)
        else:
            path.mkdir()
    for name in ("python", "predictor"):
        (root / "images" / name).mkdir()
        (root / "images" / name / "Containerfile").write_text("FROM base\n")
    (root / "images" / "certificates").mkdir()
    monkeypatch.setattr(images, "tree", lambda: root)
    return root


@pytest.fixture
def make_images():
    """Run the command as `make images` does, with a tag."""

    def run(*arguments: str, tag: str = "7"):
        return CliRunner().invoke(images.app, ["build", "--tag", tag, *arguments])

    return run


def test_every_folder_with_a_containerfile_is_an_image(engine) -> None:
    done = CliRunner().invoke(images.app, ["list", "--tag", "7", "--registry", "example.com/a"])
    assert done.output.splitlines() == [
        "example.com/a/headgate-predictor:7",
        "example.com/a/headgate-python:7",
    ]
    assert engine.builds == []


def test_it_builds_every_image_from_the_root_of_the_checkout(make_images, engine, tree) -> None:
    done = make_images()
    assert done.exit_code == 0, done.output
    assert engine.has == {f"localhost:5001/headgate-{name}:7" for name in ("python", "predictor")}
    assert [build[-1] for build in engine.builds] == [str(tree)] * 2
    assert "localhost:5001/headgate-python" in done.output
    assert "123 MB" in done.output


def test_sizes_are_those_of_the_files_whatever_the_engine_counts(make_images, engine) -> None:
    done = make_images()
    assert done.output.count("123 MB") == 2
    assert [run[-2:] for run in engine.runs] == [["-sxb", "/"]] * 2


def test_an_image_is_measured_once(make_images, engine, tree) -> None:
    make_images()
    assert "123 MB" in make_images().output
    assert len(engine.runs) == 2
    (tree / "build" / "images" / "headgate-python.json").write_text("[]")
    assert "123 MB" in make_images().output
    assert len(engine.runs) == 3


def test_another_image_is_measured_again(make_images, engine) -> None:
    make_images()
    make_images(tag="8")
    assert len(engine.runs) == 4


def test_an_image_that_cannot_be_run_here_has_no_size(make_images, engine) -> None:
    engine.plan(**{"cannot run": "exec format error"})
    done = make_images()
    assert done.exit_code == 0
    assert done.output.count("not known") == 2


def test_a_builder_that_keeps_what_it_builds_is_named(make_images, engine, monkeypatch) -> None:
    engine.plan(loses=True)
    assert "docker buildx use default" in one_line(make_images().output)
    monkeypatch.setenv("BUILDX_BUILDER", "remote")
    done = make_images()
    assert done.exit_code == 4
    assert "BUILDX_BUILDER=remote keeps what it builds" in one_line(done.output)


def test_the_whole_log_is_kept(make_images, tree) -> None:
    make_images()
    log = (tree / "build" / "images" / "headgate-python.log").read_text()
    assert log.splitlines() == ["Step 1/2 : FROM base", " ---> 1", "Step 2/2 : RUN true"]


def test_an_image_that_is_there_is_not_built_again(make_images, engine) -> None:
    make_images()
    done = make_images()
    assert done.exit_code == 0
    assert len(engine.builds) == 2
    assert "is there already" in done.output


def test_a_tag_of_other_sources_is_not_reused(make_images, engine, tree) -> None:
    make_images()
    (tree / "LICENSE").write_text("another one")
    done = make_images()
    assert done.exit_code == 2
    assert "a tag is never reused" in done.output
    assert "docker image rm localhost:5001/headgate-predictor:7" in done.output
    assert len(engine.builds) == 2


def test_a_tag_of_another_base_image_is_not_reused(make_images) -> None:
    make_images()
    done = make_images("--base-image", "hardened:1")
    assert done.exit_code == 2
    assert "made from the base image python:3.13-slim, not hardened:1" in done.output


def test_an_image_of_somebody_else_under_the_tag_is_not_taken_for_ours(
    make_images, tmp_path
) -> None:
    there = {"localhost:5001/headgate-predictor:7": {"Id": "sha256:1", "Config": {"Labels": None}}}
    (tmp_path / "engine" / "images.json").write_text(json.dumps(there))
    done = make_images()
    assert done.exit_code == 2
    assert "checksum nothing known" in done.output


def test_the_labels_get_version_revision_checksum_and_base(make_images, engine, tree) -> None:
    make_images("--base-image", "hardened:1")
    build = engine.builds[0]
    given = [build[at + 1] for at, option in enumerate(build) if option == "--build-arg"]
    facts = dict(entry.split("=", 1) for entry in given)
    assert facts == {
        "BASE_IMAGE": "hardened:1",
        "VERSION": _image.__version__,
        "REVISION": "unknown",  # no git here
        "CONTENT": _image.content_checksum(tree),
    }


def test_what_the_network_asks_for_is_passed_on_without_its_value(
    make_images, engine, monkeypatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@example.com")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    make_images()
    assert "PIP_INDEX_URL" in engine.builds[0]
    assert "https_proxy" in engine.builds[0]
    assert "HTTP_PROXY" not in engine.builds[0]
    assert "secret" not in json.dumps(engine.builds)


def test_one_image_can_be_built_alone_and_is_named_with_the_others(make_images, engine) -> None:
    assert make_images("--only", "predictor").exit_code == 0
    assert engine.has == {"localhost:5001/headgate-predictor:7"}
    assert make_images("--only", "headgate-python").exit_code == 0
    assert len(engine.has) == 2


def test_an_image_that_does_not_exist_is_refused_with_the_names_there_are(make_images) -> None:
    done = make_images("--only", "pyhton")
    assert done.exit_code == 2
    assert "no image 'pyhton'; there are headgate-predictor, headgate-python" in done.output


def test_the_kustomization_gives_the_manifests_these_images(make_images, tree) -> None:
    make_images("--registry", "example.com/team", "--only", "python")
    path = tree / "build" / "kind" / "kustomization.yaml"
    record = yaml.safe_load(path.read_text())
    assert record["resources"] == ["../../manifests/overlays/kind"]
    assert record["images"] == [
        {
            "name": f"localhost:5001/headgate-{name}",
            "newName": f"example.com/team/headgate-{name}",
            "newTag": "7",
        }
        for name in ("predictor", "python")
    ]
    assert list(path.parent.iterdir()) == [path]


# Faults


def one_line(output: str) -> str:
    """The error; there must be one, on one line."""
    found = [line for line in output.splitlines() if line.startswith("headgate: ")]
    assert len(found) == 1
    assert "Traceback" not in output
    return found[0]


def test_without_docker_it_says_how_to_get_it(make_images, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = make_images()
    assert done.exit_code == 4
    assert "docker is not on PATH; install Docker Engine" in one_line(done.output)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?",
            "the Docker engine does not answer (Cannot connect to the Docker daemon at unix:///var"
            "/run/docker.sock. Is it running?); start it",
        ),
        (
            "permission denied while trying to connect to the Docker daemon socket",
            "this account may not use the Docker engine (permission denied while trying to connect "
            "to the Docker daemon socket); let your account use it",
        ),
    ],
)
def test_an_engine_that_does_not_answer_is_named_with_the_remedy(
    make_images, engine, tree, said, told
) -> None:
    engine.plan(refuses=said)
    done = make_images()
    assert done.exit_code == 4
    assert told in one_line(done.output)
    assert not (tree / "build" / "kind").exists()


def test_a_failed_build_shows_its_last_fifteen_lines_and_the_log(make_images, engine, tree) -> None:
    engine.plan(says="\n".join(f"line {n}" for n in range(40)), fails="the end")
    done = make_images()
    assert done.exit_code == 4
    shown = re.findall(r"^ +(line \d+|the end)$", done.output, re.MULTILINE)
    assert shown == [*(f"line {n}" for n in range(26, 40)), "the end"]
    log = tree / "build" / "images" / "headgate-predictor.log"
    assert f"headgate-predictor:7 was not built: the whole log is {log}" in one_line(done.output)
    assert len(log.read_text().splitlines()) == 41
    assert not (tree / "build" / "kind").exists()


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("write /layer: no space left on device", "docker system prune"),
        ("pull access denied for base, repository does not exist", "make images BASE_IMAGE=NAME"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "serve the original files"),
        ("SSLError: CERTIFICATE_VERIFY_FAILED", "images/certificates/"),
        ("Temporary failure in name resolution", "HTTPS_PROXY"),
        ("ERROR: Could not find a version that satisfies numpy", "PIP_INDEX_URL"),
    ],
)
def test_a_failed_build_names_the_remedy_where_the_cause_is_known(
    make_images, engine, said, remedy
) -> None:
    engine.plan(says=f"Step 1/2 : FROM base\n{said}", fails="it failed")
    assert remedy in one_line(make_images().output)


def test_sources_that_change_during_a_build_get_no_tag(make_images, engine, tree) -> None:
    engine.plan(writes=str(tree / "LICENSE"))
    done = make_images()
    assert done.exit_code == 4
    assert "the sources changed while headgate-predictor was built" in one_line(done.output)
    assert engine.has == set()


# Lines


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lines_on(console: Console, clock: Clock) -> str:
    with BuildLines(console, clock=clock) as lines:
        lines.begin("headgate-python")
        for second in range(40):
            clock.now = float(second)
            lines.step(f"{second}/40 : RUN   make [bold]")
        lines.end("999 MB")
    return console.file.getvalue()


def test_in_a_log_the_running_instruction_is_told_now_and_then() -> None:
    console = Console(file=io.StringIO(), width=120, highlight=False)
    told = lines_on(console, Clock()).splitlines()
    assert [line.split()[-1] for line in told] == ["build", "[bold]", "[bold]", "MB"]
    assert "15/40 : RUN make [bold]" in told[1]
    assert wording.duration(39.0) in told[-1]


def test_on_a_terminal_the_running_instruction_stands_beside_the_image() -> None:
    file = io.StringIO()
    console = Console(file=file, width=120, highlight=False, force_terminal=True)
    drawn = lines_on(console, Clock())
    assert "\x1b[" in drawn
    assert "✓" in drawn
    assert "headgate-python" in drawn
