import re
from pathlib import Path

import pytest
import yaml

from headgate.cli.kind.images import full_name
from headgate.cli.kind.kubectl import changes
from headgate.cli.kind.options import DEFAULTS, read_options
from headgate.errors import ConfigError

ROOT = Path(__file__).parents[4]


def test_what_is_not_set_or_empty_takes_its_default():
    options = read_options({"KIND_CLUSTER": "", "KIND_HTTP_PORT": "9000"}, ROOT)
    assert (options.cluster, options.http_port, options.mlflow_port) == ("headgate", 9000, 5500)
    assert options.context == "kind-headgate"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KIND_CLUSTER", "Head_Gate"),
        ("KIND_CLUSTER", "-x"),
        ("KIND_HTTP_PORT", "http"),
        ("KIND_HTTP_PORT", "0"),
        ("KIND_MLFLOW_PORT", "65536"),
        ("KIND_MLFLOW_PORT", "\N{ARABIC-INDIC DIGIT FIVE}"),
        ("KIND_TIMEOUT", "-1"),
    ],
)
def test_a_choice_that_cannot_work_is_named_with_what_is_allowed(variable, value):
    with pytest.raises(ConfigError, match=f"{variable} is '{value}'"):
        read_options({variable: value}, ROOT)


def test_the_two_ports_must_differ():
    with pytest.raises(ConfigError, match="are both 5500"):
        read_options({"KIND_HTTP_PORT": "5500"}, ROOT)


def test_elsewhere_than_in_the_repository_it_says_so(tmp_path):
    with pytest.raises(ConfigError, match="run this in the root of the repository"):
        read_options({}, tmp_path)


def test_the_makefile_names_the_same_defaults():
    text = (ROOT / "Makefile").read_text()
    named = dict(re.findall(r"^(\w+) \?= ?(.*)$", text, flags=re.MULTILINE))
    assert {name: named[name] for name in DEFAULTS} == DEFAULTS
    (exported,) = re.findall(r"^export (.*)$", text, flags=re.MULTILINE)
    assert set(exported.split()) >= set(DEFAULTS)


def test_kind_config_yaml_as_it_is_makes_the_cluster_of_the_defaults():
    config = yaml.safe_load((ROOT / "kind-config.yaml").read_text())
    (first, *_) = config["nodes"]
    assert config["name"] == DEFAULTS["KIND_CLUSTER"]
    assert re.fullmatch(r"kindest/node:v\d+\.\d+\.\d+@sha256:[0-9a-f]{64}", first["image"])
    mapped = {one["containerPort"]: one for one in first["extraPortMappings"]}
    assert str(mapped[30080]["hostPort"]) == DEFAULTS["KIND_HTTP_PORT"]
    assert str(mapped[30500]["hostPort"]) == DEFAULTS["KIND_MLFLOW_PORT"]
    assert {one["listenAddress"] for one in mapped.values()} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("traefik:v3", "docker.io/library/traefik:v3"),
        ("kindest/node:v1", "docker.io/kindest/node:v1"),
        ("localhost:5001/headgate-python:1", "localhost:5001/headgate-python:1"),
        ("localhost/a:1", "localhost/a:1"),
        ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
    ],
)
def test_a_node_knows_an_image_by_its_full_name(name, full):
    assert full_name(name) == full


def test_what_apply_did_is_counted_in_its_own_words():
    said = "namespace/a unchanged\nservice/b configured\nservice/c unchanged\nWarning: old\n"
    assert changes(said) == "3 objects: 2 unchanged, 1 configured"
    assert changes("crd.example.com/a serverside-applied\n") == "1 object"
