"""The JSON Schema (draft 2020-12) of `decision.json`: what happened to a candidate, and why."""

from typing import Any

from headgate.adapters.reporting.rollout_schema import rollout_schema
from headgate.adapters.reporting.schema_parts import (
    DIGEST,
    TIME,
    VERDICT,
    Schema,
    closed_object,
    optional,
)

SCHEMA_VERSION = 1
TEXT: Schema = {"type": "string"}


def decision_schema() -> dict[str, Any]:
    """Return the JSON Schema of `decision.json`.

    Objects that Headgate composes here are closed; a rollout is open, because its record may grow
    without changing what is written today.

    Returns:
        The schema, fit for `json.dump`.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headgate decision",
        **closed_object(
            "What happened to one candidate: the verdict, every gate with its numbers, the"
            " rollout's evidence, and what it takes to repeat the run.",
            {**_outcome(), **_evidence(), **_lineage()},
        ),
    }


def _outcome() -> dict[str, Schema]:
    return {
        "schema_version": {
            "description": "Grows when a reader of the old form would be misled.",
            "const": SCHEMA_VERSION,
        },
        "headgate": {**TEXT, "description": "Version of Headgate that wrote this."},
        "title": {**TEXT, "description": "Heading of the run in the report."},
        "problem": {**TEXT, "description": "Name of the problem and of its model."},
        "problem_digest": {
            **DIGEST,
            "description": "SHA-256 of the problem as canonical JSON without data.path: equal"
            " problems have equal digests, wherever the table lies.",
        },
        "verdict": {
            **VERDICT,
            "description": "Of the run: PASS only if the candidate passed every gate and the"
            " rollout; INSUFFICIENT also if the run ended early.",
        },
        "promoted": {
            "type": "boolean",
            "description": "Whether the candidate serves all traffic.",
        },
        "reason": {**TEXT, "description": "One sentence: why the verdict is what it is."},
    }


def _evidence() -> dict[str, Schema]:
    return {
        "gates": {
            "type": "array",
            "items": _gate(),
            "description": "Judged gates first, then numbers that are only reported; empty if the"
            " version was judged in an earlier run.",
        },
        "rollout": {**optional(rollout_schema()), "description": "Null: no live traffic."},
    }


def _lineage() -> dict[str, Schema]:
    return {
        "models": _models(),
        "data": _data(),
        "code": _code(),
        "packages": {
            "type": "object",
            "additionalProperties": TEXT,
            "description": "Versions of Python and of the packages that can change a number, by"
            " name.",
        },
        "seed": {"type": "integer", "description": "Seed of the training."},
        "started_at": {**TIME, "description": "When the run started."},
        "ended_at": {**TIME, "description": "When the run ended."},
    }


def _gate() -> Schema:
    number: Schema = {"type": ["number", "null"]}
    return closed_object(
        "A measured quantity against its limit.",
        {
            "name": {
                "type": "string",
                "description": "Quantity, and after a colon the column it is measured by.",
            },
            "verdict": {**optional(VERDICT), "description": "Null if it is not judged."},
            "reason": {"type": "string", "description": "Why, with the numbers."},
            "value": {**number, "description": "The estimate; null if undefined."},
            "low": {**number, "description": "Lower end of its interval."},
            "high": {**number, "description": "Upper end of its interval."},
            "limit": {**number, "description": "What it is compared with; null if nothing."},
            "limit_kind": {
                "enum": ["min", "max", "none"],
                "description": "Which side of the limit is allowed: above, below, or no limit.",
            },
            "support": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Rows or requests behind the number; of the smallest group where"
                " groups are compared.",
            },
            "judged": {
                "type": "boolean",
                "description": "False: reported only, it cannot stop a candidate.",
            },
        },
    )


def _models() -> Schema:
    model = closed_object(
        "A registered version.",
        {
            "name": {"type": "string", "description": "Name of the registered model."},
            "version": {"type": "string", "description": "Version in the registry."},
            "sha256": {**DIGEST, "description": "Of the served bundle."},
            "family": {
                "type": ["string", "null"],
                "description": "Model family, e.g. lightgbm; null if the registry does not say.",
            },
        },
    )
    return closed_object(
        "The versions that the run was about.",
        {
            "candidate": {
                **optional(model),
                "description": "Null if the run ended before one was registered.",
            },
            "champion": {
                **optional(model),
                "description": "What served when the run started; null for a first model.",
            },
        },
    )


def _data() -> Schema:
    return closed_object(
        "The table that the run read.",
        {
            "path": {"type": "string", "description": "Where it was read from."},
            "rows": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "Null if the run did not read it.",
            },
            "fingerprint": {
                "type": ["string", "null"],
                "description": "Digest of its content; equal tables have equal fingerprints.",
            },
            "split": _split(),
        },
    )


def _split() -> Schema:
    share: Schema = {"type": "number", "minimum": 0, "maximum": 1}
    return closed_object(
        "How the rows were dealt: with the table, this says which row was in which part.",
        {
            "key": {**TEXT, "description": "Key of the hash that deals the rows."},
            "train": {**share, "description": "Share of the rows to learn from."},
            "test": {**share, "description": "Share that the gates are judged on."},
            "live": {**share, "description": "Share that is kept as traffic."},
        },
    )


def _code() -> Schema:
    return closed_object(
        "The code that ran.",
        {
            "version": {"type": "string", "description": "Version of the package."},
            "revision": {
                "type": ["string", "null"],
                "description": "Commit, with -dirty if files differed; null outside a work tree.",
            },
        },
    )
