"""The manifests keep their promises, as kustomize renders them; no cluster and no kubectl needed.

What is looked at are the golden renders. `pytest tests/contract --update-golden` renders anew, by
kubectl, if a source has changed; that kubectl renders the same is an end-to-end test.
"""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from headgate import __version__
from headgate.adapters.kubernetes.predictor_objects import predictor_objects
from headgate.adapters.kubernetes.settings import Replicas, Settings, parse_settings
from headgate.ports import DeploymentSpec

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
GOLDEN = ROOT / "tests" / "golden" / "manifests"
SOURCES = GOLDEN / "sources.sha256"
OVERLAYS = {
    "kind": MANIFESTS / "overlays" / "kind",
    "production": MANIFESTS / "overlays" / "production",
    "traefik": MANIFESTS / "gateways" / "traefik",
}
OURS = ("kind", "production")  # and not another project's controller
RELEASE = re.match(r"\d+\.\d+\.\d+", __version__)[0]
FILES = ("resources", "components", "files", "path")  # keys of a kustomization that name files

Manifest = dict[str, Any]


def read(path: Path) -> list[Manifest]:
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def sources() -> list[Path]:
    return sorted(path for path in MANIFESTS.rglob("*") if path.suffix in {".yaml", ".json"})


def digest() -> str:
    found = hashlib.sha256()
    for path in sources():
        found.update(f"{path.relative_to(MANIFESTS)}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()


@pytest.fixture(scope="module", autouse=True)
def golden(pytestconfig) -> None:
    known = SOURCES.read_text().strip() if SOURCES.is_file() else ""
    if known == digest() or not pytestconfig.getoption("--update-golden", default=False):
        return
    for name, folder in OVERLAYS.items():
        done = subprocess.run(
            ["kubectl", "kustomize", str(folder)],  # noqa: S607 - the user's own kubectl
            capture_output=True,
            text=True,
            check=True,
        )
        (GOLDEN / f"{name}.yaml").write_text(done.stdout)
    SOURCES.write_text(f"{digest()}\n")


@pytest.fixture(params=OVERLAYS)
def rendered(request) -> list[Manifest]:
    return read(GOLDEN / f"{request.param}.yaml")


@pytest.fixture(params=OURS)
def ours(request) -> list[Manifest]:
    return read(GOLDEN / f"{request.param}.yaml")


@pytest.fixture
def production() -> list[Manifest]:
    return read(GOLDEN / "production.yaml")


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [one for one in of_kind(manifests, kind) if one["metadata"]["name"] == name]
    return found


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for manifest in manifests:
        template = manifest.get("template") or (manifest.get("spec") or {}).get("template")
        if template:
            yield manifest["metadata"]["name"], template


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for name, pod in pods(manifests):
        for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
            yield f"{name}/{container['name']}", container


def rules(manifests: list[Manifest], *, role: str = "") -> list[Manifest]:
    found = of_kind(manifests, "Role", "ClusterRole")
    return [rule for one in found if role in one["metadata"]["name"] for rule in one["rules"]]


def files_named(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in FILES:
                yield from [value] if isinstance(value, str) else value
            else:
                yield from files_named(value)
    elif isinstance(node, list):
        for value in node:
            yield from files_named(value)


# --- the sources ---


def test_the_golden_renders_are_of_these_sources() -> None:
    assert SOURCES.read_text().strip() == digest(), "run `make golden` (needs kubectl)"


def test_every_file_is_part_of_a_kustomization_and_there() -> None:
    kustomizations = {path for path in sources() if path.name == "kustomization.yaml"}
    named_ones = {
        (path.parent / name).resolve()
        for path in kustomizations
        for name in files_named(read(path)[0])
    }
    folders = {path.parent for path in kustomizations}
    files = {path for path in named_ones if path not in folders}

    assert {path for path in files if not path.is_file()} == set()
    assert set(sources()) - kustomizations == files


def test_there_is_no_route_in_any_manifest() -> None:
    kinds = {
        one["kind"]
        for path in sources()
        if path.suffix == ".yaml"
        for one in read(path)[:]
        if "kind" in one
    }
    assert kinds.isdisjoint({"HTTPRoute", "GRPCRoute"})
    assert "Gateway" in kinds


# --- accounts ---


def test_no_role_has_a_wildcard(rendered) -> None:
    for rule in rules(rendered):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], rule


def test_no_role_of_ours_reaches_secrets_or_into_pods_or_makes_itself_stronger(ours) -> None:
    refused = {"secrets", "serviceaccounts", "nodes", "roles", "rolebindings", "clusterroles"}
    for rule in rules(ours):
        assert refused.isdisjoint(rule["resources"]), rule
        assert not [resource for resource in rule["resources"] if "/" in resource], rule
        assert {"escalate", "bind", "impersonate"}.isdisjoint(rule["verbs"]), rule


def test_the_only_right_in_the_whole_cluster_is_to_read_gateway_classes(ours) -> None:
    (role,) = of_kind(ours, "ClusterRole")
    (rule,) = role["rules"]
    assert (rule["resources"], rule["verbs"]) == (["gatewayclasses"], ["get", "list"])
    assert "aggregationRule" not in role
    assert not [label for label in role["metadata"].get("labels", {}) if "aggregate-to" in label]


def test_settings_template_and_gateway_are_only_read(ours) -> None:
    held = {
        resource: (rule["verbs"], rule.get("resourceNames"))
        for rule in rules(ours, role="deployer")
        for resource in rule["resources"]
    }
    assert held["configmaps"] == (["get"], ["headgate"])
    assert held["podtemplates"] == (["get"], ["headgate-predictor"])
    assert held["gateways"] == (["get"], None)
    for watched in ("pods", "events", "endpointslices"):
        assert held[watched] == (["get", "list", "watch"], None)


def test_the_guard_can_change_a_route_and_nothing_else(ours) -> None:
    held = {
        resource: rule["verbs"]
        for rule in rules(ours, role="guard")
        for resource in rule["resources"]
    }
    assert held == {
        "httproutes": ["get", "list", "watch", "update"],
        "leases": ["get", "list", "watch"],
        "events": ["create"],
    }


def test_every_binding_names_a_role_and_accounts_that_exist(rendered) -> None:
    roles = {
        (one["kind"], one["metadata"]["name"]) for one in of_kind(rendered, "Role", "ClusterRole")
    }
    accounts = {
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in of_kind(rendered, "ServiceAccount")
    } | {("kubeflow", "pipeline-runner")}
    bindings = of_kind(rendered, "RoleBinding", "ClusterRoleBinding")
    for binding in bindings:
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in roles
        for subject in binding["subjects"]:
            assert subject["kind"] == "ServiceAccount"
            assert (subject["namespace"], subject["name"]) in accounts
    assert len(bindings) >= 1


# --- pods ---


def test_every_pod_runs_without_root(rendered) -> None:
    found = list(pods(rendered))
    for name, pod in found:
        context = pod["spec"]["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"]) == (65532, 65532), name
        assert context["runAsNonRoot"] is True, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod["spec"]), name
        kinds = {kind for volume in pod["spec"].get("volumes", ()) for kind in volume} - {"name"}
        assert kinds <= {"emptyDir", "persistentVolumeClaim"}, name
    assert found


def test_every_container_is_restricted_and_cannot_write_to_its_root(rendered) -> None:
    for name, container in containers(rendered):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }, name
        assert not [port for port in container["ports"] if "hostPort" in port], name


def test_every_container_asks_for_memory_and_tells_whether_it_is_well(rendered) -> None:
    for name, container in containers(rendered):
        assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
        assert "memory" in container["resources"]["limits"], name
        assert {"readinessProbe", "livenessProbe"} <= set(container), name
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError", name


def test_only_a_pod_that_talks_to_the_api_has_a_token(ours) -> None:
    tokens = {name: pod["spec"]["automountServiceAccountToken"] for name, pod in pods(ours)}
    assert tokens == {"headgate-guard": True, "headgate-predictor": False, "mlflow": False}


@pytest.mark.parametrize(
    ("overlay", "registry"), [("kind", "localhost:5001"), ("production", "registry.example.com")]
)
def test_images_have_the_tag_of_the_release(overlay, registry) -> None:
    images = {container["image"] for _, container in containers(read(GOLDEN / f"{overlay}.yaml"))}
    assert images == {
        f"{registry}/headgate-{name}:{RELEASE}" for name in ("python", "predictor", "mlflow")
    }


def test_the_controllers_image_is_pinned() -> None:
    images = [container["image"] for _, container in containers(read(GOLDEN / "traefik.yaml"))]
    assert images == ["traefik:v3.7.13"]


def test_every_selector_finds_pods(rendered) -> None:
    labels = [pod["metadata"]["labels"] for _, pod in pods(rendered)]

    def finds(selector: Manifest) -> bool:
        return any(selector.items() <= one.items() for one in labels)

    for one in of_kind(rendered, "Deployment", "PodDisruptionBudget"):
        assert finds(one["spec"]["selector"]["matchLabels"]), one["metadata"]["name"]
    for one in of_kind(rendered, "NetworkPolicy"):
        assert finds(one["spec"]["podSelector"]["matchLabels"]), one["metadata"]["name"]
    for one in of_kind(rendered, "Service"):
        assert finds(one["spec"]["selector"]), one["metadata"]["name"]


def test_every_pod_of_ours_has_a_network_policy(ours) -> None:
    covered = [one["spec"]["podSelector"]["matchLabels"] for one in of_kind(ours, "NetworkPolicy")]
    for name, pod in pods(ours):
        labels = pod["metadata"]["labels"].items()
        assert any(selector.items() <= labels for selector in covered), name


# --- what deploying a model reads ---


def test_a_model_can_be_deployed_from_the_template_and_the_settings(ours) -> None:
    settings = settings_of(ours)
    made = predictor_objects(
        DeploymentSpec(name="m-v1", model="m", version="1", uri="", sha256="0" * 64),
        template=named(ours, "PodTemplate", "headgate-predictor"),
        replicas=settings.replicas,
        bundle_url=f"{settings.registry_uri}/x",
        namespace="headgate",
    )
    kinds = [one["kind"] for one in made]
    scaled = settings.replicas.min < settings.replicas.max
    assert ("HorizontalPodAutoscaler" in kinds) is scaled
    assert kinds[:3] == ["Deployment", "Service", "PodDisruptionBudget"]


def test_the_settings_name_the_gateway_and_the_registry_of_the_overlay(ours) -> None:
    settings = settings_of(ours)
    gateway = named(ours, "Gateway", settings.gateway.name)
    assert gateway["metadata"]["namespace"] == settings.gateway.namespace
    assert settings.gateway.section in [one["name"] for one in gateway["spec"]["listeners"]]

    host = settings.registry_uri.removeprefix("http://")
    (container,) = named(ours, "Deployment", "mlflow")["spec"]["template"]["spec"]["containers"]
    allowed = container["args"][0].removeprefix("--allowed-hosts=")
    namespace = gateway["metadata"]["namespace"]
    assert host in allowed.replace("$(POD_NAMESPACE)", namespace).split(",")
    assert "*" not in allowed.split(",")


def test_production_scales_from_two_to_ten_and_kind_does_not(production) -> None:
    assert settings_of(production).replicas == Replicas(min=2, max=10, cpu_percent=80)
    assert settings_of(read(GOLDEN / "kind.yaml")).replicas == Replicas(min=1, max=1)


def test_the_base_says_every_setting_with_its_default() -> None:
    text = (MANIFESTS / "base" / "serving" / "settings.yaml").read_text()
    assert set(yaml.safe_load(text)) == set(Settings.__dataclass_fields__)
    assert parse_settings(text) == Settings(domain="")


def settings_of(manifests: list[Manifest]) -> Settings:
    # Its name has no hash: it is read by name.
    return parse_settings(named(manifests, "ConfigMap", "headgate")["data"]["settings.yaml"])


# --- overlays ---


def test_production_has_no_namespace_and_no_secret(production) -> None:
    assert of_kind(production, "Namespace", "Secret") == []
    assert {one["metadata"].get("namespace", "headgate") for one in production} == {"headgate"}


def test_production_reads_passwords_from_secrets(production) -> None:
    (container,) = named(production, "Deployment", "mlflow")["spec"]["template"]["spec"][
        "containers"
    ]
    secret = {
        one["name"]: one["valueFrom"]["secretKeyRef"]["name"]
        for one in container["env"]
        if "secretKeyRef" in one.get("valueFrom", {})
    }
    assert secret == {
        "MLFLOW_BACKEND_STORE_URI": "mlflow-database",
        "MLFLOW_ARTIFACTS_DESTINATION": "mlflow-artifacts",
        "MLFLOW_S3_ENDPOINT_URL": "mlflow-artifacts",
        "AWS_ACCESS_KEY_ID": "mlflow-artifacts",
        "AWS_SECRET_ACCESS_KEY": "mlflow-artifacts",
    }


def test_the_namespace_on_kind_refuses_pods_that_are_not_restricted() -> None:
    (namespace,) = of_kind(read(GOLDEN / "kind.yaml"), "Namespace")
    labels = namespace["metadata"]["labels"]
    for mode in ("enforce", "warn", "audit"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_kind_has_the_ports_that_its_cluster_maps() -> None:
    config = yaml.safe_load((ROOT / "kind-config.yaml").read_text())
    mapped = {
        port["containerPort"]
        for node in config["nodes"]
        for port in node.get("extraPortMappings", ())
    }
    opened = {
        port["nodePort"]
        for overlay in ("kind", "traefik")
        for service in of_kind(read(GOLDEN / f"{overlay}.yaml"), "Service")
        for port in service["spec"]["ports"]
    }
    assert opened == mapped == {30080, 30500}
