"""The manifests on a real API server: they apply, twice; accounts can do their work and no more.

Enforcement of the NetworkPolicies is not looked at: not every cluster's network plugin enforces
them.
"""

import shutil
import uuid
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
GOLDEN = ROOT / "tests" / "golden" / "manifests"
APPLIED = ROOT / "build" / "kind"  # what `make kind` applies: the overlay with this tree's images
# Its selector is a list that patches replace: kubectl sends it each time, and it stays the same.
ALWAYS_SENT = "poddisruptionbudget.policy/"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
# The policy of a namespace is checked against its pods only when it changes.
RESTRICTED_ANEW = (RESTRICTED, "pod-security.kubernetes.io/enforce-version=v1.31")


@pytest.fixture
def fresh(kubectl):
    """A namespace of the test's own."""
    name = f"headgate-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def refused(kubectl, namespace):
    """Try something as an account; it must be forbidden. Returns what the server says."""

    def attempt(who: str, *arguments: str) -> str:
        account = f"system:serviceaccount:{namespace}:{who}"
        done = kubectl("--as", account, *arguments, check=False)
        assert done.returncode != 0, done.stdout
        assert "(Forbidden)" in done.stderr, done.stderr
        return done.stderr

    return attempt


def loaded(text: str) -> list[dict]:
    return [one for one in yaml.safe_load_all(text) if one]


# --- rendering and applying ---


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("kind", "overlays/kind"),
        ("production", "overlays/production"),
        ("traefik", "gateways/traefik"),
    ],
)
def test_kustomize_renders_the_golden_manifests(kubectl, name, folder) -> None:
    rendered = kubectl("kustomize", str(MANIFESTS / folder)).stdout
    assert loaded(rendered) == loaded((GOLDEN / f"{name}.yaml").read_text()), "run `make golden`"


@pytest.mark.parametrize("folder", ["overlays/kind", "gateways/traefik"])
def test_what_kind_gets_passes_a_server_dry_run(kubectl, folder) -> None:
    done = kubectl("apply", "--dry-run=server", "-k", str(MANIFESTS / folder))
    assert "Warning" not in done.stderr, done.stderr


def test_production_passes_a_server_dry_run_in_a_namespace_named_in_one_place(
    kubectl, fresh, tmp_path
) -> None:
    overlay = renamed(tmp_path, namespace=fresh)

    rendered = loaded(kubectl("kustomize", str(overlay)).stdout)
    done = kubectl("apply", "--dry-run=server", "-k", str(overlay))

    assert "Warning" not in done.stderr, done.stderr
    assert {one["metadata"].get("namespace", fresh) for one in rendered} == {fresh}
    assert f'namespace: "{fresh}"' in next(
        one["data"]["settings.yaml"] for one in rendered if one["kind"] == "ConfigMap"
    )
    subjects = [subject for one in rendered for subject in one.get("subjects", ())]
    assert {subject["namespace"] for subject in subjects} == {fresh, "kubeflow"}


def test_production_meets_the_restricted_standard(kubectl, fresh, tmp_path) -> None:
    warn = "pod-security.kubernetes.io/warn=restricted"
    kubectl("label", "namespace", fresh, RESTRICTED, warn)
    overlay = renamed(tmp_path, namespace=fresh)

    done = kubectl("apply", "--dry-run=server", "-k", str(overlay))

    assert "PodSecurity" not in done.stderr, done.stderr


def test_the_monitoring_component_goes_with_production(kubectl, tmp_path) -> None:
    overlay = renamed(tmp_path, namespace="models")
    (tmp_path / "with").mkdir()
    (tmp_path / "with" / "kustomization.yaml").write_text(
        "namespace: models\n"
        f"resources: [../{overlay.relative_to(tmp_path)}]\n"
        "components: [../manifests/components/monitoring]\n"
    )

    rendered = loaded(kubectl("kustomize", str(tmp_path / "with")).stdout)

    added = {(one["kind"], one["metadata"]["name"]) for one in rendered}
    assert added >= {
        ("ServiceMonitor", "headgate-predictor"),
        ("PrometheusRule", "headgate"),
        ("ConfigMap", "headgate-dashboard"),
    }
    assert {one["metadata"].get("namespace", "models") for one in rendered} == {"models"}


def renamed(folder: Path, *, namespace: str) -> Path:
    """Copy the manifests and change the one line that names production's namespace."""
    shutil.copytree(MANIFESTS, folder / "manifests")
    overlay = folder / "manifests" / "overlays" / "production"
    file = overlay / "kustomization.yaml"
    lines = file.read_text().splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("namespace:")]
    lines[at] = f"namespace: {namespace}"
    file.write_text("\n".join(lines) + "\n")
    return overlay


def test_applying_again_changes_nothing(kubectl) -> None:
    def written() -> dict[str, object]:
        """What is in the API server, without what controllers report."""
        found = yaml.safe_load(kubectl("get", "-k", str(APPLIED), "-o", "yaml").stdout)["items"]
        return {
            f"{one['kind']}/{one['metadata']['name']}": (
                {**one["metadata"], "managedFields": None, "resourceVersion": None}
                if "status" in one
                else one["metadata"],
                {key: value for key, value in one.items() if key not in {"metadata", "status"}},
            )
            for one in found
        }

    kubectl("apply", "-k", str(APPLIED))
    before = written()
    again = kubectl("apply", "-k", str(APPLIED)).stdout.splitlines()

    changed = [line for line in again if not line.endswith(" unchanged")]
    assert [line for line in changed if not line.startswith(ALWAYS_SENT)] == []
    assert len(again) == len(before) >= 20
    assert written() == before


# --- accounts ---

ROUTES = "httproutes.gateway.networking.k8s.io"
GATEWAYS = "gateways.gateway.networking.k8s.io"
CLASSES = "gatewayclasses.gateway.networking.k8s.io"
# Verb, resource[/subresource], name; and where, if it is not the serving namespace.
DEPLOYERS_MAY = [
    ("update", ROUTES, ""),
    ("create", "deployments.apps", ""),
    ("patch", "services", ""),
    ("delete", "leases.coordination.k8s.io", ""),
    ("create", "jobs.batch", ""),
    ("create", "poddisruptionbudgets.policy", ""),
    ("create", "horizontalpodautoscalers.autoscaling", ""),
    ("watch", "pods", ""),
    ("list", "endpointslices.discovery.k8s.io", ""),
    ("list", "events", ""),
    ("get", "podtemplates", "headgate-predictor"),
    ("get", "configmaps", "headgate"),
    ("get", GATEWAYS, "headgate"),
    ("list", CLASSES, ""),
]
DEPLOYERS_MAY_NOT = [
    ("get", "secrets", "mlflow-database"),
    ("list", "secrets", ""),
    ("create", "pods", ""),
    ("create", "pods/exec", ""),
    ("get", "pods/exec", ""),
    ("get", "pods/proxy", ""),
    ("create", "serviceaccounts/token", ""),
    ("update", "configmaps", "headgate"),
    ("get", "configmaps", "kube-root-ca.crt"),
    ("update", "podtemplates", "headgate-predictor"),
    ("create", GATEWAYS, ""),
    ("update", GATEWAYS, "headgate"),
    ("update", CLASSES, "traefik"),
    ("create", "roles.rbac.authorization.k8s.io", ""),
    ("create", "rolebindings.rbac.authorization.k8s.io", ""),
    ("delete", "networkpolicies.networking.k8s.io", "headgate-predictor"),
    ("delete", "persistentvolumeclaims", "mlflow"),
    ("list", "nodes", ""),
    ("delete", "namespaces", ""),
]
ELSEWHERE = [
    ("list", "pods", "kube-system"),
    ("create", "deployments.apps", "default"),
    ("update", ROUTES, "default"),
    ("get", "secrets", "kubeflow"),
]
GUARD_MAY = [
    ("list", ROUTES, ""),
    ("update", ROUTES, ""),
    ("get", "leases.coordination.k8s.io", ""),
    ("create", "events", ""),
]
GUARD_MAY_NOT = [
    ("create", ROUTES, ""),
    ("delete", ROUTES, ""),
    ("update", "leases.coordination.k8s.io", ""),
    ("get", "deployments.apps", ""),
    ("delete", "deployments.apps", ""),
    ("get", "secrets", ""),
    ("list", "pods", ""),
    ("get", CLASSES, ""),
]
DEPLOYERS = ["headgate-deployer", "kubeflow:pipeline-runner"]


@pytest.fixture
def allowed(kubectl, namespace):
    """Ask the API server what an account may do, all questions in one request."""

    def ask(account: str, questions, *, elsewhere: bool = False) -> dict[tuple, bool]:
        user = account if ":" in account else f"{namespace}:{account}"
        reviews = [
            review(
                f"system:serviceaccount:{user}",
                verb,
                what,
                name="" if elsewhere else where,
                namespace=where if elsewhere else namespace,
            )
            for verb, what, where in questions
        ]
        text = yaml.safe_dump_all(reviews)
        answers = loaded(kubectl("create", "-f", "-", "-o", "yaml", text=text).stdout)
        found = answers[0]["items"] if answers[0]["kind"] == "List" else answers
        return {
            question: answer["status"]["allowed"]
            for question, answer in zip(questions, found, strict=True)
        }

    return ask


def review(user: str, verb: str, what: str, *, name: str, namespace: str) -> dict:
    resource, _, subresource = what.partition("/")
    plural, _, group = resource.partition(".")
    asked = {"verb": verb, "group": group, "resource": plural, "subresource": subresource}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user,
            "resourceAttributes": {**asked, "name": name, "namespace": namespace},
        },
    }


@pytest.mark.parametrize("account", DEPLOYERS)
def test_deployers_may_do_their_work(allowed, account) -> None:
    assert allowed(account, DEPLOYERS_MAY) == dict.fromkeys(DEPLOYERS_MAY, True)


@pytest.mark.parametrize("account", DEPLOYERS)
def test_deployers_may_do_no_more(allowed, account) -> None:
    assert allowed(account, DEPLOYERS_MAY_NOT) == dict.fromkeys(DEPLOYERS_MAY_NOT, False)


@pytest.mark.parametrize("account", DEPLOYERS)
def test_deployers_may_nothing_in_other_namespaces(allowed, account) -> None:
    assert allowed(account, ELSEWHERE, elsewhere=True) == dict.fromkeys(ELSEWHERE, False)


def test_the_guard_may_change_routes(allowed) -> None:
    assert allowed("headgate-guard", GUARD_MAY) == dict.fromkeys(GUARD_MAY, True)


def test_the_guard_may_neither_delete_routes_nor_touch_servers(allowed) -> None:
    assert allowed("headgate-guard", GUARD_MAY_NOT) == dict.fromkeys(GUARD_MAY_NOT, False)


def test_an_account_that_is_not_bound_may_nothing(allowed) -> None:
    assert allowed("default", DEPLOYERS_MAY) == dict.fromkeys(DEPLOYERS_MAY, False)


def test_the_deployer_is_refused_for_real(refused, namespace) -> None:
    who = "headgate-deployer"
    assert "secrets" in refused(who, "get", "secrets", "-n", namespace)
    # exec asks for the pod first, which is allowed, and then for a shell, which is not.
    assert "pods/exec" in refused(
        who, "exec", "-n", namespace, "deployment/headgate-guard", "--", "python", "-c", ""
    )
    assert "gateways" in refused(
        *(who, "patch", "gateway", "headgate", "-n", namespace, "--type=merge"),
        *("-p", '{"spec":{"gatewayClassName":"mine"}}'),
    )
    assert '"default"' in refused(who, "get", "deployments", "-n", "default")
    assert "gatewayclasses" in refused(who, "delete", "gatewayclass", "traefik", "--dry-run=server")


def test_the_deployer_reads_gateway_classes_for_real(kubectl, namespace) -> None:
    account = f"system:serviceaccount:{namespace}:headgate-deployer"
    assert "traefik" in kubectl("get", "gatewayclasses", "--as", account).stdout


def test_the_guard_is_refused_for_real(refused, namespace) -> None:
    for what in ("httproutes", "deployments"):
        arguments = ("delete", what, "any", "-n", namespace, "--dry-run=server")
        assert what in refused("headgate-guard", *arguments)


# --- pods ---


@pytest.mark.parametrize(
    ("what", "security"),
    [
        ("allowPrivilegeEscalation != false", {}),
        ("runAsUser=0", {"runAsUser": 0}),
        ("unrestricted capabilities", {"capabilities": {"add": ["NET_ADMIN"]}}),
    ],
)
def test_a_pod_that_is_not_restricted_is_refused(kubectl, namespace, what, security) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "loose", "namespace": namespace},
        "spec": {"containers": [{"name": "one", "image": "one:1", "securityContext": security}]},
    }
    done = kubectl("create", "--dry-run=server", "-f", "-", text=yaml.safe_dump(pod), check=False)
    assert done.returncode != 0
    assert 'violates PodSecurity "restricted' in done.stderr
    assert what in done.stderr


@pytest.mark.parametrize("where", ["", "gateway-system"])
def test_running_pods_pass_the_restricted_standard(kubectl, namespace, where) -> None:
    checked = where or namespace
    assert kubectl("get", "pods", "-n", checked, "-o", "name").stdout

    done = kubectl(
        "label", "--dry-run=server", "--overwrite", "namespace", checked, *RESTRICTED_ANEW
    )

    assert "Warning" not in done.stderr, done.stderr


def test_a_namespace_whose_pods_do_not_pass_would_be_told_of(kubectl) -> None:
    done = kubectl("label", "--dry-run=server", "--overwrite", "ns", "kube-system", RESTRICTED)
    assert 'Warning: existing pods in namespace "kube-system" violate' in done.stderr
