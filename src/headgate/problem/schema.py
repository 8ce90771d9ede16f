"""The JSON Schema of a problem file, for editors; made from the tables that validate it."""

from headgate.problem.keys import PROBLEM


def problem_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of a problem file.

    Rules between keys (shares that sum to 1, a gate on a protected column) are only in
    `validate_problem`, so a file that meets the schema can still be refused.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headgate problem",
        "description": "A table, a target, the gates of a candidate and the plan of its rollout",
        **PROBLEM.schema(),
    }
