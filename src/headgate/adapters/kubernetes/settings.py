"""What a cluster's administrator decides for all models: the ConfigMap `headgate`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from headgate.adapters.kubernetes.api import CONFIG_MAP, KubernetesApi
from headgate.errors import ConfigError
from headgate.problem.kinds import Number, Text, refuse
from headgate.problem.section import Key, Section

CONFIG_MAP_NAME = "headgate"
FILE = "settings.yaml"
_NAME = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOTTED = rf"{_NAME}(\.{_NAME})*"
_LABEL = Text(pattern=_NAME, allowed="a name of a-z, 0-9 and inner dashes")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """The Gateway that routes of ours hang on."""

    name: str = "headgate"
    namespace: str = "headgate"
    section: str = "http"  # name of the listener; empty: all listeners
    settle_seconds: float = 3.0  # how long its proxies may take to follow a new weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """Pods of one model server; fewer `min` than `max` means an autoscaler between them."""

    min: int = 1
    max: int = 1
    cpu_percent: int = 80  # of the request, at which the autoscaler adds a pod


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole file; every key may be left out."""

    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    domain: str = "localhost"  # a route of ours has host name <model>.<domain>; empty: all hosts
    registry_uri: str = "http://mlflow.headgate:5000"  # where pods fetch bundles
    routes: Mapping[str, str] = field(default_factory=dict)  # model: an HTTPRoute that exists
    replicas: Replicas = field(default_factory=Replicas)


def read_settings(api: KubernetesApi, namespace: str) -> Settings:
    """Read the settings of a serving namespace.

    Args:
        api: The cluster.
        namespace: The namespace that models are served in.

    Returns:
        The settings.

    Raises:
        ConfigError: If there are none, or a key is unknown or wrong; the message names ConfigMap,
            key and value.
        BackendError: If the cluster does not answer or refuses.
    """
    found = api.get(CONFIG_MAP, CONFIG_MAP_NAME, namespace=namespace)
    where = f"ConfigMap {namespace}/{CONFIG_MAP_NAME}"
    remedy = "install headgate there: kubectl apply -k manifests/overlays/..."
    if found is None:
        raise ConfigError(f"{where} is missing; {remedy}")
    text = (found.get("data") or {}).get(FILE)
    if text is None:
        raise ConfigError(f"{where} has no key {FILE}; {remedy}")
    try:
        return parse_settings(text)
    except ConfigError as error:
        raise ConfigError(f"{where}, {error}") from error


def parse_settings(text: str) -> Settings:
    """Read the settings' file.

    Args:
        text: YAML.

    Returns:
        The settings; an empty file has the defaults.

    Raises:
        ConfigError: If it is not YAML, or a key is unknown or wrong.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"{FILE}: not readable as YAML ({reason})") from error
    found = _SETTINGS.read(values, FILE)
    replicas = found.replicas
    if replicas.max < replicas.min:
        refuse(f"{FILE}.replicas.max", replicas.max, f"min ({replicas.min}) or more")
    return found


@dataclass(frozen=True, slots=True)
class _TextOrEmpty:
    """A text that may be empty."""

    text: Text

    @property
    def empty(self) -> object:
        return ""

    def read(self, value: object, key: str) -> str:
        return "" if value == "" else self.text.read(value, key)

    def schema(self) -> dict[str, object]:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class _Routes:
    """Names of routes by model."""

    @property
    def empty(self) -> object:
        return {}

    def read(self, value: object, key: str) -> dict[str, str]:
        if not isinstance(value, Mapping):
            refuse(key, value, "names of HTTPRoutes by model, as `model: route`")
        return {str(model): _DNS_NAME.read(name, f"{key}.{model}") for model, name in value.items()}

    def schema(self) -> dict[str, object]:
        return {"type": "object", "additionalProperties": {"type": "string"}}


_DNS_NAME = Text(pattern=_DOTTED, allowed="a DNS name of a-z, 0-9, inner dashes and dots")
_GATEWAY = Section(
    GatewaySettings,
    (
        Key("name", _LABEL, "Name of the Gateway"),
        Key("namespace", _LABEL, "Its namespace"),
        Key("section", _TextOrEmpty(_LABEL), "Name of its listener; empty: all"),
        Key("settle_seconds", Number(low=0, high=60), "Time its proxies take to follow a weight"),
    ),
)
_REPLICAS = Section(
    Replicas,
    (
        Key("min", Number(low=1, whole=True), "Fewest pods of a model server"),
        Key("max", Number(low=1, whole=True), "Most pods; more than min makes an autoscaler"),
        Key("cpu_percent", Number(low=1, high=100, whole=True), "Load that adds a pod"),
    ),
)
_SETTINGS = Section(
    Settings,
    (
        Key("gateway", _GATEWAY, "The Gateway that routes hang on"),
        Key("domain", _TextOrEmpty(_DNS_NAME), "Routes get <model>.<domain>; empty: all hosts"),
        Key(
            "registry_uri",
            Text(pattern=r"https?://\S+", allowed="the registry's http(s) address"),
            "Where pods fetch bundles",
        ),
        Key("routes", _Routes(), "HTTPRoutes to adopt, by model"),
        Key("replicas", _REPLICAS, "Pods of one model server"),
    ),
)
