"""What the use cases need of the world: Protocols of one to four methods and their values."""

from headgate.ports.clock import Clock
from headgate.ports.cluster import (
    Deployments,
    DeploymentSpec,
    DeploymentStatus,
    GuardStatus,
    Heartbeat,
)
from headgate.ports.evidence import LabelCounters, LabelSource, MetricSource, PodCounters
from headgate.ports.registry import ModelRegistry, ModelVersion
from headgate.ports.routing import WEIGHT_PARTS, Backend, ConflictError, Route, TrafficRouter
from headgate.ports.scoring import Scorer

__all__ = [
    "WEIGHT_PARTS",
    "Backend",
    "Clock",
    "ConflictError",
    "DeploymentSpec",
    "DeploymentStatus",
    "Deployments",
    "GuardStatus",
    "Heartbeat",
    "LabelCounters",
    "LabelSource",
    "MetricSource",
    "ModelRegistry",
    "ModelVersion",
    "PodCounters",
    "Route",
    "Scorer",
    "TrafficRouter",
]
