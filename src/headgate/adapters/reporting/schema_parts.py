"""Pieces that several JSON Schemas share."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

VERDICT: Schema = {"enum": ["PASS", "FAIL", "INSUFFICIENT"]}
TIME: Schema = {"type": "string", "format": "date-time"}
DIGEST: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
COUNT: Schema = {"type": "integer", "minimum": 0}


def closed_object(description: str, properties: Mapping[str, Schema]) -> Schema:
    """Describe an object that has exactly these keys.

    Args:
        description: What it is.
        properties: Schemas by key; all keys are required.

    Returns:
        The schema.
    """
    return {**open_object(description, properties), "additionalProperties": False}


def open_object(
    description: str, properties: Mapping[str, Schema], *, extra: Mapping[str, Schema] | None = None
) -> Schema:
    """Describe an object that has at least these keys.

    Args:
        description: What it is.
        properties: Schemas by key; all keys are required.
        extra: Schemas of keys that may be absent.

    Returns:
        The schema.
    """
    return {
        "type": "object",
        "description": description,
        "properties": {**properties, **(extra or {})},
        "required": list(properties),
    }


def optional(schema: Schema) -> Schema:
    """Allow null as well."""
    return {"anyOf": [schema, {"type": "null"}]}
