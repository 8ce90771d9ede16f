"""Compose `decision.json` from the reports of a run."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from headgate import __version__
from headgate.adapters.reporting.decision_schema import SCHEMA_VERSION
from headgate.adapters.reporting.records import Json

GATE_KEYS = (
    "name",
    "verdict",
    "reason",
    "value",
    "low",
    "high",
    "limit",
    "limit_kind",
    "support",
    "judged",
)
SPLIT_KEYS = ("key", "train", "test", "live")
MODEL_KEYS = ("name", "version", "sha256", "family")


class Ending(NamedTuple):
    """The verdict of a whole run.

    Attributes:
        verdict: PASS, FAIL or INSUFFICIENT.
        promoted: Whether the candidate serves all traffic.
        reason: One sentence.
    """

    verdict: str
    promoted: bool
    reason: str


def build_decision(  # noqa: PLR0913 - one argument a section of the file, all named
    *,
    title: str,
    problem: str,
    problem_digest: str,
    gates: Json | None,
    rollout: Json | None,
    candidate: Json | None,
    champion: Json | None,
    data: Json,
    split: Mapping[str, Any],
    revision: str | None,
    packages: Mapping[str, str],
    seed: int,
    started_at: str,
    ended_at: str,
    error: str | None = None,
) -> dict[str, Any]:
    """Compose `decision.json`; it meets `decision_schema`.

    Args:
        title: Heading of the run.
        problem: Name of the problem.
        problem_digest: SHA-256 of the problem without the path of its table.
        gates: Report of `decide_promotion`; None if no gate was judged in this run.
        rollout: Report of `shift_traffic`; None if there was no live traffic.
        candidate: The registered version: name, version, sha256, family (may be absent); None if
            the run ended before there was one.
        champion: The version that served before, or None.
        data: `path`, `rows` and `fingerprint` of the table; the last two may be absent.
        split: How the rows were dealt: `key` and the shares `train`, `test` and `live`.
        revision: Commit of the code, or None.
        packages: Versions of the packages by name.
        seed: Seed of the training.
        started_at: ISO 8601 time in UTC.
        ended_at: ISO 8601 time in UTC.
        error: Why the run ended early, or None. What was decided before still counts.

    Returns:
        The decision, fit for `json.dump`.
    """
    end = ending(gates, rollout, error=error)
    return {
        "schema_version": SCHEMA_VERSION,
        "headgate": __version__,
        "title": title,
        "problem": problem,
        "problem_digest": problem_digest,
        "verdict": end.verdict,
        "promoted": end.promoted,
        "reason": end.reason,
        "gates": [
            {key: gate.get(key) for key in GATE_KEYS} for gate in (gates or {"gates": ()})["gates"]
        ],
        "rollout": None if rollout is None else dict(rollout),
        "models": {"candidate": _model(candidate), "champion": _model(champion)},
        "data": {
            **{key: data.get(key) for key in ("path", "rows", "fingerprint")},
            "split": {key: split[key] for key in SPLIT_KEYS},
        },
        "code": {"version": __version__, "revision": revision},
        "packages": dict(packages),
        "seed": seed,
        "started_at": started_at,
        "ended_at": ended_at,
    }


def ending(gates: Json | None, rollout: Json | None, *, error: str | None = None) -> Ending:
    """Join the verdicts of the gates and of the rollout.

    Args:
        gates: Report of `decide_promotion`, or None.
        rollout: Report of `shift_traffic`, or None.
        error: Why the run ended early, or None.

    Returns:
        The verdict of whatever stopped the candidate first; INSUFFICIENT if the run ended before
        that was known.
    """
    if rollout is not None and rollout["phase"] == "PROMOTED":
        # The commit stands, whatever failed afterwards.
        late = f"; afterwards: {error}" if error else ""
        return Ending(str(rollout["verdict"]), True, f"{rollout['reason']}{late}")
    if gates is not None and gates["verdict"] != "PASS":
        return Ending(str(gates["verdict"]), False, str(gates["reason"]))
    if rollout is not None:
        return Ending(str(rollout["verdict"]), False, str(rollout["reason"]))
    why = error or "the run ended without a rollout"
    return Ending("INSUFFICIENT", False, why)


def _model(model: Json | None) -> dict[str, Any] | None:
    return None if model is None else {key: model.get(key) for key in MODEL_KEYS}
