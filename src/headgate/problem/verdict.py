"""The three verdicts of everything that is judged."""

from enum import StrEnum


class Verdict(StrEnum):
    """How a check or a gate ends; only PASS lets a candidate on."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    INSUFFICIENT = "INSUFFICIENT"  # the evidence cannot tell; never counts as a pass
