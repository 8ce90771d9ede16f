"""From a specification, a PodTemplate and the number of replicas to the objects that run it."""

from dataclasses import replace

import pytest
from tests.unit.adapters.kubernetes.predictors import SHA, SPEC, template

from headgate.adapters.kubernetes.predictor_objects import predictor_objects, predictor_port
from headgate.adapters.kubernetes.settings import Replicas
from headgate.errors import ConfigError

URL = "http://mlflow.headgate:5000/api/2.0/mlflow-artifacts/artifacts/1/models/m-3/artifacts"
ONE = Replicas()
LABELS = {
    "app.kubernetes.io/name": "headgate-predictor",
    "app.kubernetes.io/managed-by": "headgate",
    "headgate.dev/model": "adult",
    "headgate.dev/version": "3",
    "headgate.dev/deployment": "adult-v3",
}


def made(spec=SPEC, *, of=None, replicas=ONE):
    found = predictor_objects(
        spec, template=of or template(), replicas=replicas, bundle_url=URL, namespace="serving"
    )
    return {manifest["kind"]: manifest for manifest in found}


def container(objects):
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    return next(one for one in pod["containers"] if one["name"] == "predictor")


def test_every_object_has_the_name_the_namespace_and_the_labels() -> None:
    objects = made()
    assert list(objects) == ["Deployment", "Service", "PodDisruptionBudget"]
    for manifest in objects.values():
        assert manifest["metadata"]["name"] == "adult-v3"
        assert manifest["metadata"]["namespace"] == "serving"
        assert manifest["metadata"]["labels"] == LABELS
    assert objects["Deployment"]["metadata"]["annotations"] == {
        "headgate.dev/sha256": SHA,
        "headgate.dev/slow-above-ms": "100",
    }


def test_the_predictor_is_told_what_to_serve_and_checks_it() -> None:
    predictor = container(made())
    assert predictor["command"] == ["python", "-m", "headgate.serving"]
    assert predictor["args"] == [
        *("--host", "0.0.0.0", "--port", "8080", "--bundle-url", URL, "--sha256", SHA),  # noqa: S104 - a pod's
        *("--version", "3", "--deployment", "adult-v3", "--slow-above-ms", "100"),
        *("--drain-seconds", "10"),
    ]
    assert predictor["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_a_command_of_ones_own_gets_the_same_arguments_and_nothing_in_it_is_expanded() -> None:
    spec = replace(SPEC, command=("serve", "--price", "$(HOME) $1"))
    predictor = container(made(spec))
    assert predictor["command"] == ["serve", "--price", "$$(HOME) $$1"]
    assert predictor["args"] == container(made())["args"]


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["--drain-seconds", "25"], ["--drain-seconds", "25"]),
        (["--other", "1", "--drain-seconds=$(DRAIN)"], ["--drain-seconds=$(DRAIN)"]),
        (["--other"], ["--drain-seconds", "10"]),
    ],
)
def test_the_template_may_say_how_long_a_server_drains(arguments, kept) -> None:
    given = container(made(of=template(args=arguments)))["args"]
    assert given[given.index("--slow-above-ms") + 2 :] == kept


@pytest.mark.parametrize("words", [("--drain-seconds", "3"), ("--drain-seconds=3",)])
def test_a_command_that_says_how_long_it_drains_is_not_told_otherwise(words) -> None:
    predictor = container(made(replace(SPEC, command=("serve", *words))))
    assert predictor["command"] == ["serve", *words]
    assert predictor["args"][-2:] == ["--slow-above-ms", "100"]


def test_what_the_template_says_of_the_pod_is_kept() -> None:
    given = template()
    pod = made(of=given)["Deployment"]["spec"]["template"]
    assert pod["spec"]["nodeSelector"] == {"disk": "ssd"}
    assert pod["spec"]["containers"][0] == {"name": "mesh", "image": "mesh:1"}
    assert container(made(of=given))["env"] == [{"name": "TZ", "value": "UTC"}]
    assert pod["metadata"]["labels"] == {"team": "risk", **LABELS}
    assert pod["metadata"]["annotations"] == {"note": "kept", "headgate.dev/sha256": SHA}
    assert given == template()  # and the template itself is not changed


def test_a_template_as_the_api_server_fills_it_in_is_read() -> None:
    given = template()
    given["template"]["metadata"] = {"creationTimestamp": None}
    pod = made(of=given)["Deployment"]["spec"]["template"]
    assert pod["metadata"]["labels"] == LABELS
    assert "creationTimestamp" not in pod["metadata"]


def test_another_port_of_the_template_is_the_one_that_is_served() -> None:
    given = template(ports=[{"containerPort": 9}, {"name": "http", "containerPort": 9000}])
    assert container(made(of=given))["args"][3] == "9000"
    assert predictor_port(given["template"]) == 9000
    (port,) = made(of=given)["Service"]["spec"]["ports"]
    assert port == {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}


def test_a_deployment_never_takes_a_pod_away_before_another_is_ready() -> None:
    spec = made()["Deployment"]["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert (spec["progressDeadlineSeconds"], spec["revisionHistoryLimit"]) == (120, 1)
    assert spec["selector"] == {"matchLabels": {"headgate.dev/deployment": "adult-v3"}}
    assert spec["replicas"] == 1


def test_a_single_pod_may_be_moved_and_one_of_several_stays() -> None:
    one = made()["PodDisruptionBudget"]["spec"]
    assert (one["maxUnavailable"], "minAvailable" in one) == (1, False)
    several = made(replicas=Replicas(min=2, max=2))["PodDisruptionBudget"]["spec"]
    assert (several["minAvailable"], "maxUnavailable" in several) == (1, False)
    assert several["selector"] == {"matchLabels": {"headgate.dev/deployment": "adult-v3"}}


def test_a_range_of_replicas_is_left_to_an_autoscaler() -> None:
    objects = made(replicas=Replicas(min=2, max=5, cpu_percent=60))
    assert objects["Deployment"]["spec"]["replicas"] == 2  # until the autoscaler has measured
    scaler = objects["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 5)
    assert scaler["scaleTargetRef"]["name"] == "adult-v3"
    (metric,) = scaler["metrics"]
    assert metric["resource"] == {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 60},
    }


@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        ({"kind": "PodTemplate", "metadata": {}}, "a pod template"),
        (template(name="server"), r"a container named predictor; there are \['mesh', 'server'\]"),
        (template(ports=None), "a port named http in its container predictor"),
        (template(readinessProbe=None), "a readinessProbe in its container predictor"),
        (template(resources=None), "resources.requests.cpu .* which autoscaling needs"),
    ],
)
def test_what_the_template_lacks_is_named(given, lacks) -> None:
    with pytest.raises(ConfigError, match=f"PodTemplate headgate-predictor lacks {lacks}"):
        made(of=given, replicas=Replicas(min=1, max=2))
