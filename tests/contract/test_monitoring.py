"""Alerts and dashboard agree with what the model servers expose."""

import asyncio
import json
import re
from pathlib import Path

import yaml

from headgate.adapters.kubernetes.predictor_objects import labels_of
from headgate.ports import DeploymentSpec
from headgate.serving.instrument import instrument

MONITORING = Path(__file__).parents[2] / "manifests" / "components" / "monitoring"
RULES = [
    rule
    for group in yaml.safe_load((MONITORING / "rules.yaml").read_text())["spec"]["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
ASKED = [
    *(rule["expr"] for rule in RULES),
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
]
OF_KUBE_STATE_METRICS = {
    "kube_deployment_status_replicas_ready",
    "kube_deployment_status_replicas_available",
}
OF_THE_SCRAPE = {"namespace", "service", "pod"}  # labels that Prometheus adds


def test_alerts_and_dashboard_ask_only_for_series_that_exist() -> None:
    names = {name for text in ASKED for name in re.findall(r"\b(?:headgate|kube)[_:][\w:]+", text)}
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    exposed = {re.split(r"[{ ]", line)[0] for line in scraped()}

    assert names <= recorded | OF_KUBE_STATE_METRICS | exposed
    assert names >= recorded | OF_KUBE_STATE_METRICS
    assert "headgate_requests_total" in names


def test_they_group_only_by_labels_that_the_series_have() -> None:
    groups = [found for text in ASKED for found in re.findall(r"(?:by|on) \(([^)]*)\)", text)]
    grouped_by = {label.strip() for group in groups for label in group.split(",")}
    exposed = {label for line in scraped() for label in re.findall(r"(\w+)=\"", line)}

    assert grouped_by <= exposed | OF_THE_SCRAPE
    assert {"model", "version", "le"} <= grouped_by


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    alerts = [rule for rule in RULES if "alert" in rule]
    assert len(alerts) == 5
    for alert in alerts:
        assert alert["labels"]["severity"] in {"warning", "critical"}
        assert set(alert["annotations"]) == {"summary", "description"}


def test_the_monitor_finds_the_service_of_every_version() -> None:
    monitor = yaml.safe_load((MONITORING / "servicemonitor.yaml").read_text())["spec"]
    labels = labels_of(DeploymentSpec(name="m-v1", model="m", version="1", uri="", sha256="0"))

    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    assert labels[monitor["jobLabel"]] == "headgate-predictor"
    assert any('up{job="headgate-predictor"}' in text for text in ASKED)


def scraped() -> list[str]:
    """The series that a model server gives."""
    page = b""

    async def send(message) -> None:
        nonlocal page
        page += message.get("body", b"")

    async def receive():
        return {"type": "http.request"}

    server = instrument(
        lambda *_: None, model="m", version="1", deployment="m-v1", slow_above_ms=100.0
    )
    scope = {"type": "http", "method": "GET", "path": "/metrics"}
    asyncio.run(server(scope, receive, send))
    return [line for line in page.decode().splitlines() if not line.startswith("#")]
