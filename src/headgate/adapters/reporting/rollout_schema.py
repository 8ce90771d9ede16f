"""The rollout's part of the schema of `decision.json`: evidence to recompute its verdict from."""

from headgate.adapters.reporting.schema_parts import (
    COUNT,
    TIME,
    VERDICT,
    Schema,
    closed_object,
    open_object,
    optional,
)

E_VALUE: Schema = {"type": "number", "minimum": 0}
METRIC_NAMES: Schema = {"enum": ["errors", "slow_answers", "wrong_answers"]}


def rollout_schema() -> Schema:
    """Return the schema of a rollout's record (`rollout.json`)."""
    arm = open_object(
        "A version behind a deployment.",
        {"deployment": {"type": "string"}, "version": {"type": "string"}},
    )
    return open_object(
        "Record of a rollout; its verdict can be worked out again from plan and looks.",
        {
            "rollout_id": {"type": "string", "description": "Identity; a retried step keeps it."},
            "verdict": {**VERDICT, "description": "Of the live evidence."},
            "phase": {
                "enum": ["PROGRESSING", "HOLDING", "CONTESTED", "PROMOTED", "ROLLED_BACK"],
                "description": "Where the traffic was left; CONTESTED: somebody else wrote it.",
            },
            "reason": {"type": "string", "description": "Why it ended as it did."},
            "canary": {**arm, "description": "The candidate."},
            "stable": {**optional(arm), "description": "The champion; null for a first model."},
            "plan": {
                "type": "object",
                "description": "The plan in full: weights in parts of 10,000, floors, ratios.",
            },
            "threshold": {
                "type": "number",
                "exclusiveMinimum": 1,
                "description": "E-value that decides a metric: number of metrics / alpha.",
            },
            "stages": {"type": "array", "items": _stage(), "description": "Oldest first."},
            "metrics": {
                "type": "object",
                "propertyNames": METRIC_NAMES,
                "additionalProperties": _metric(),
                "description": "Totals and evidence by metric.",
            },
            "looks": {"type": "array", "items": _look(), "description": "Oldest first."},
            "exposed_requests": {**COUNT, "description": "Requests that the canary answered."},
            "started_at": {**TIME, "description": "When the canary got its first weight."},
            "ended_at": {**optional(TIME), "description": "Null while it runs."},
        },
    )


def _stage() -> Schema:
    return open_object(
        "A time at one weight.",
        {
            "weight_percent": {"type": "number", "minimum": 0, "maximum": 100},
            "started_at": TIME,
            "ended_at": optional(TIME),
            "canary_requests": COUNT,
            "stable_requests": COUNT,
            "split_p_value": {
                "type": ["number", "null"],
                "minimum": 0,
                "maximum": 1,
                "description": "Exact binomial test of the split; null if nothing was split.",
            },
            "outcome": {"type": "string", "description": "Why the stage ended."},
        },
    )


def _metric() -> Schema:
    arm = closed_object(
        "Totals of one arm.",
        {
            "exposures": {**COUNT, "description": "Requests, or labels for wrong answers."},
            "bad": {**COUNT, "description": "Bad events among them."},
        },
    )
    return open_object(
        "What is known about one kind of bad event.",
        {
            "verdict": VERDICT,
            "canary": arm,
            "stable": arm,
            "e_harm_ratio": {**E_VALUE, "description": "That the ratio is not tolerated."},
            "e_harm_floor": {**E_VALUE, "description": "That the rate is above the floor."},
            "e_good": {**E_VALUE, "description": "That ratio or rate is within its bound."},
        },
    )


def _look() -> Schema:
    pair: Schema = {
        "type": "array",
        "prefixItems": [COUNT, COUNT],
        "minItems": 2,
        "items": False,
        "description": "Exposures and bad events since the look before.",
    }
    counted = open_object(
        "Increments of a metric, and its evidence after them.",
        {"canary": pair, "stable": pair, "e_harm": E_VALUE, "e_good": E_VALUE},
    )
    return open_object(
        "One look at the world.",
        {
            "t": {"type": "number", "description": "Seconds since the start."},
            "stage": {**COUNT, "description": "Index of the stage."},
            "weight_percent": {"type": "number", "minimum": 0, "maximum": 100},
            "metrics": {
                "type": "object",
                "propertyNames": METRIC_NAMES,
                "additionalProperties": counted,
                "description": "Metrics that could be counted at this look.",
            },
        },
    )
