"""The plain sentences of a run: what happened, to which model, and why."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from headgate.adapters.reporting import wording
from headgate.adapters.reporting.records import Json, RunRecord

REPORTED = "reported, not gated"
ENDED = {"ROLLED_BACK": "Rolled back", "CONTESTED": "Contested"}
Tone = Literal["pass", "fail", "insufficient"]


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        tone: Which verdict the words stand for.
        words: One or two words, e.g. "Rolled back".
    """

    tone: Tone
    words: str


def outcome(decision: Json | None) -> Outcome:
    """Say in a word or two how a run ended.

    Args:
        decision: `decision.json`; None if there is none.

    Returns:
        The words and the verdict they stand for.
    """
    if decision is None:
        return Outcome("insufficient", "Not finished")
    if decision["promoted"]:
        return Outcome("pass", "Promoted")
    tone: Tone = "fail" if decision["verdict"] == "FAIL" else "insufficient"
    phase = (decision.get("rollout") or {}).get("phase")
    return Outcome(tone, ENDED.get(str(phase), "Not promoted"))


def headline(record: RunRecord) -> str:
    """Say in one plain sentence what the run did to the traffic.

    Args:
        record: The reports of the run.

    Returns:
        The sentence.
    """
    if record.decision is None:
        return "The run ended before a decision was made; the traffic was left as it was."
    decision, live = record.decision, record.live
    name = _candidate(decision, live)
    if decision["promoted"]:
        return _promoted(name, live)
    if live is not None:
        return _taken_back(name, live)
    if not judged(decision["gates"]):
        return f"{name} received no traffic."
    open_gates = [
        wording.name_of(g["name"]) for g in judged(decision["gates"]) if g["verdict"] != "PASS"
    ]
    listed = f" ({', '.join(open_gates)})" if open_gates else ""
    which = f"{len(open_gates)} of {len(judged(decision['gates']))} gates did not pass{listed}"
    return f"{name} received no traffic: {which}."


def model_name(model: Json | None) -> str:
    """Name a model version, e.g. "Version 2 (LightGBM)"; "The candidate" for None."""
    if model is None:
        return "The candidate"
    family = model.get("family")
    return f"Version {model['version']}" + (f" ({wording.name_of(family)})" if family else "")


def short_name(model: Json | None) -> str:
    """Name a model version for a narrow table cell, e.g. "2 (LightGBM)"; "none" for None."""
    if model is None:
        return "none"
    family = model.get("family")
    return str(model["version"]) + (f" ({wording.name_of(family)})" if family else "")


def judged(gates: Sequence[Json]) -> list[Json]:
    """Return the gates that decide; the others are only reported."""
    return [g for g in gates if g.get("judged", True)]


def reported_gates(gates: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """Return the gates that decide nothing: first those with a reason of their own, then the rest.

    Args:
        gates: Gates of a decision.

    Returns:
        Gates whose reason says more than that they are not gated, and all others.
    """
    others = [g for g in gates if not g.get("judged", True)]
    return [g for g in others if gate_reason(g)], [g for g in others if not gate_reason(g)]


def gate_reason(gate: Json) -> str:
    """Return the reason of a gate without the words that its chip says already."""
    return str(gate["reason"]).removeprefix(REPORTED).lstrip("; ")


def gate_score(gates: Sequence[Json]) -> str:
    """Say how many of the deciding gates passed, e.g. "5 of 6"; a dash for none."""
    deciding = judged(gates)
    if not deciding:
        return wording.NO_VALUE
    return f"{sum(g['verdict'] == 'PASS' for g in deciding)} of {len(deciding)}"


def highest_weight(rollout: Json) -> float:
    """Return the largest share of the traffic that the canary had, in percent."""
    if rollout["phase"] == "PROMOTED":
        return 100.0
    return float(max((s["weight_percent"] for s in rollout["stages"]), default=0.0))


def all_requests(rollout: Json) -> int:
    """Return the requests of both arms over all stages."""
    return int(sum(s["canary_requests"] + s["stable_requests"] for s in rollout["stages"]))


def metric_sentence(metric: Json, threshold: float) -> str:
    """Say why a live metric has its verdict.

    Args:
        metric: One of the rollout's metrics.
        threshold: E-value that counts as proof.

    Returns:
        One sentence.
    """
    harm = min(metric["e_harm_ratio"], metric["e_harm_floor"])
    shown = f"{threshold:g}"
    match metric["verdict"]:
        case "FAIL":
            return f"Proven harmful: evidence {wording.evidence(harm)} reached {shown}."
        case "PASS":
            good = wording.evidence(metric["e_good"])
            return f"Shown to be good: evidence {good} reached {shown}."
        case _ if not metric["canary"]["exposures"]:
            return "Nothing was counted for the canary, so nothing is proven."
        case _:
            return f"Nothing proven yet: neither kind of evidence decided at {shown}."


def _candidate(decision: Json, live: Json | None) -> str:
    name = model_name(decision["models"]["candidate"])
    stable = None if live is None else live.get("stable")
    if live is None or stable is None or stable["version"] != live["canary"]["version"]:
        return name
    # One version behind two servers: only the deployment tells them apart.
    return f"{live['canary']['deployment']}, another server of {name[0].lower()}{name[1:]},"


def _promoted(name: str, live: Json | None) -> str:
    if live is None or live.get("stable") is None:
        return f"{name} serves all traffic; there was no champion to compare with."
    took = wording.duration(wording.seconds_between(live.get("started_at"), live.get("ended_at")))
    return (
        f"{name} now serves all traffic, after a canary of {took}"
        f" and {wording.count(live['exposed_requests'])} requests."
    )


def _taken_back(name: str, live: Json) -> str:
    took = wording.duration(wording.seconds_between(live.get("started_at"), live.get("ended_at")))
    highest = wording.weight(highest_weight(live))
    if live["phase"] == "CONTESTED":
        return (
            f"{name} had {highest} of the traffic when somebody else changed the weights;"
            " Headgate took no further step, and a person has to look."
        )
    return (
        f"{name} was taken out after {took}, at {highest} of the traffic;"
        f" {wording.count(live['exposed_requests'])} requests had reached it."
    )
