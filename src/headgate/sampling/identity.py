"""What decides which part a row is dealt to, beside the row itself."""

import hashlib
import json

from headgate.problem import Problem


def split_identity(problem: Problem) -> dict[str, object]:
    """Name everything that the split depends on.

    Two problems with the same identity deal a row to the same part. With another one, rows that one
    model was trained on may be test rows for the next.

    Args:
        problem: The problem.

    Returns:
        Split key and shares, the id column, the missing markers and, without an id, the columns
        whose content identifies a row.
    """
    columns, split = problem.columns, problem.split
    return {
        "split": {"key": split.key, "train": split.train, "test": split.test, "live": split.live},
        "id": columns.id,
        "identifying_columns": [] if columns.id is not None else sorted(problem.named_columns),
        "missing_values": sorted(problem.data.missing_values),
    }


def split_digest(problem: Problem) -> str:
    """Return the SHA-256 of `split_identity`, 64 hexadecimal digits.

    Args:
        problem: The problem.
    """
    text = json.dumps(split_identity(problem), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
