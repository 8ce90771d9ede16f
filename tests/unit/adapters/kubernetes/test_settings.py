import pytest

from headgate.adapters.kubernetes.settings import (
    GatewaySettings,
    Replicas,
    Settings,
    parse_settings,
    read_settings,
)
from headgate.errors import BackendError, ConfigError

WHOLE = """
gateway: {name: public, namespace: edge, section: https, settle_seconds: 5}
domain: models.example.org
registry_uri: https://mlflow.example.org
routes: {Adult Income: income}
replicas: {min: 2, max: 6, cpu_percent: 70}
"""


def config_map(**data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "headgate"}, "data": data}


def test_every_key_can_be_set() -> None:
    assert parse_settings(WHOLE) == Settings(
        gateway=GatewaySettings(
            name="public", namespace="edge", section="https", settle_seconds=5.0
        ),
        domain="models.example.org",
        registry_uri="https://mlflow.example.org",
        routes={"Adult Income": "income"},
        replicas=Replicas(min=2, max=6, cpu_percent=70),
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "gateway:\nroutes:\nreplicas: {}\n"])
def test_what_is_left_out_has_its_default(text) -> None:
    assert parse_settings(text) == Settings()


def test_domain_and_section_may_be_empty() -> None:
    found = parse_settings("domain: ''\ngateway: {section: ''}")
    assert (found.domain, found.gateway.section) == ("", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("domian: x", r"domian: unknown key; did you mean domain\? valid keys: gateway, domain"),
        ("gateway: {port: 1}", r"gateway.port: unknown key; valid keys: name, namespace, section"),
        ("gateway: {settle_seconds: -1}", r"gateway.settle_seconds: got -1; needed: a number at"),
        ("replicas: {min: 0}", r"replicas.min: got 0; needed: a whole number at least 1"),
        ("replicas: {min: 3, max: 2}", r"replicas.max: got 2; needed: min \(3\) or more"),
        ("replicas: {min: yes}", "replicas.min: got True; needed"),
        ("domain: Big.Example", "domain: got 'Big.Example'; needed: a DNS name"),
        ("domain: 5", "domain: got 5; needed: a DNS name"),
        ("registry_uri: mlflow:5000", "registry_uri: got 'mlflow:5000'; needed: the registry's"),
        ("routes: [a]", "routes: got .'a'.; needed: names of HTTPRoutes by model"),
        ("routes: {m: A_B}", "routes.m: got 'A_B'; needed: a DNS name"),
        ("[1]", "settings.yaml: got .1.; needed: a section with the keys gateway"),
        ("{", "settings.yaml: not readable as YAML"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_needed(text, message) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_settings(text)


def test_the_settings_are_read_from_the_config_map(server, api) -> None:
    server.put(config_map(**{"settings.yaml": WHOLE}))
    assert read_settings(api, "serving").domain == "models.example.org"


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ([], "ConfigMap serving/headgate is missing; install headgate there: kubectl apply -k"),
        ([config_map(other="")], "serving/headgate has no key settings.yaml; install"),
        (
            [config_map(**{"settings.yaml": "a: 1"})],
            "ConfigMap serving/headgate, settings.yaml.a: unknown",
        ),
    ],
)
def test_missing_or_wrong_settings_name_the_config_map(server, api, stored, message) -> None:
    for manifest in stored:
        server.put(manifest)
    with pytest.raises(ConfigError, match=message):
        read_settings(api, "serving")


def test_an_account_that_may_not_read_them_is_told(server, api) -> None:
    server.refuse("GET", "/configmaps/", 403)
    with pytest.raises(BackendError, match="this account may not get configmaps in namespace serv"):
        read_settings(api, "serving")
