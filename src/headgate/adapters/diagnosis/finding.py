"""What a check found."""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How it stands with one thing."""

    OK = "OK"
    PROBLEM = "PROBLEM"  # a command of headgate fails, or traffic is at risk, until this is mended
    NOTE = "NOTE"  # worth knowing; nothing fails because of it
    UNKNOWN = "UNKNOWN"  # could not be seen from here; never counts as OK


class Group(Enum):
    """Where a thing belongs; findings are shown group by group, in this order."""

    MACHINE = "this machine"
    CLUSTER = "cluster"
    GATEWAY_API = "Gateway API"
    INSTALLATION = "installation"
    REGISTRY = "model registry"
    PERMISSIONS = "permissions"
    ROUTES = "routes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the diagnosis."""

    group: Group
    name: str
    state: State
    seen: str
    remedy: str = ""  # what to type or do; empty where nothing is to be done


def ok(group: Group, name: str, seen: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(group=group, name=name, state=State.OK, seen=seen)


def problem(group: Group, name: str, seen: str, remedy: str) -> Finding:
    """Return a finding that somebody must mend."""
    return Finding(group=group, name=name, state=State.PROBLEM, seen=seen, remedy=remedy)


def note(group: Group, name: str, seen: str, remedy: str = "") -> Finding:
    """Return a finding worth knowing."""
    return Finding(group=group, name=name, state=State.NOTE, seen=seen, remedy=remedy)


def unknown(group: Group, name: str, seen: str, remedy: str = "") -> Finding:
    """Return a finding about something that could not be seen."""
    return Finding(group=group, name=name, state=State.UNKNOWN, seen=seen, remedy=remedy)
