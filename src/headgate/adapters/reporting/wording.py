"""Numbers and names as a reader wants to see them; shared by the report and the terminal."""

import math
from datetime import datetime
from typing import Any

from headgate.adapters.reporting.records import Json

NO_VALUE = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
FINE_SPREAD = 0.001  # an interval of shares that three decimals would hide
NEGLIGIBLE_EVIDENCE = 0.01
SMALLEST_P_VALUE = 1e-4
SMALLEST_PLAIN_P_VALUE = 0.01  # below it two decimals would hide the first digit
LONGEST_WITH_TENTHS = 9.95  # seconds
LARGEST_PLAIN = 10_000  # from here on an e-value is easier to read as a power of ten
NAMES = {
    "accuracy": "Accuracy",
    "average_precision": "Average precision",
    "brier": "Brier score",
    "errors": "Errors",
    "export_parity": "Export parity",
    "f1": "F1",
    "improvement": "Improvement",
    "latency_p95_ms": "Latency, 95th percentile",
    "lightgbm": "LightGBM",
    "log_loss": "Log loss",
    "majority_class": "Majority class",
    "pr_auc": "PR AUC",
    "roc_auc": "ROC AUC",
    "slow_answers": "Slow answers",
    "wrong_answers": "Wrong answers",
}


def name_of(key: str) -> str:
    """Turn a key of a report into words.

    Args:
        key: E.g. `latency_p95_ms` or `equalized_odds_difference:gender`.

    Returns:
        E.g. "Latency, 95th percentile" or "Equalized odds difference by gender".
    """
    base, _, column = key.partition(":")
    words = NAMES.get(base) or base.replace("_", " ").replace("-", " ")
    words = words[:1].upper() + words[1:]
    return f"{words} by {column.strip()}" if column.strip() else words


def sentence(text: str) -> str:
    """Start with a capital letter and end with a full stop; an empty text stays empty."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def count(value: float | None) -> str:
    """Write a whole number with thousands separators; None is a dash."""
    return NO_VALUE if value is None else f"{value:,.0f}"


def number(value: float | None, decimals: int = 3) -> str:
    """Write a number with a fixed number of decimals; very small ones keep their first digits.

    Args:
        value: Any finite number, or None for no value.
        decimals: Digits after the point.

    Returns:
        The number; a minus sign is U+2212, so that columns of figures align.
    """
    if value is None:
        return NO_VALUE
    if value != 0 and abs(value) < 0.5 * 10**-decimals:
        text = f"{value:.1e}"
    else:
        text = f"{value:,.{decimals}f}"
        if float(text.replace(",", "")) == 0:
            text = text.lstrip("-")
    return "\N{MINUS SIGN}" + text[1:] if text.startswith("-") else text


def percent(share: float | None, decimals: int = 1) -> str:
    """Write a share in [0, 1] as a percentage; None is a dash."""
    return NO_VALUE if share is None else f"{number(100 * share, decimals)}\N{NO-BREAK SPACE}%"


def weight(value: float) -> str:
    """Write a traffic weight that is already in percent, e.g. "1 %" or "2.5 %"."""
    return f"{value:g}\N{NO-BREAK SPACE}%"


def decimals_for(*values: float | None) -> int:
    """Choose digits so that the spread of the values shows.

    Args:
        *values: A value and the ends of its interval; None is ignored.

    Returns:
        Digits after the point, 0 to 4; 3 or 4 for shares, so that a column of them lines up.
    """
    known = [v for v in values if v is not None]
    if not known:
        return 3
    largest, spread = max(abs(v) for v in known), max(known) - min(known)
    scale = spread or largest / 100 or 1.0
    if largest <= 1:
        return 3 if scale >= FINE_SPREAD else 4
    return max(0, min(4, 1 - math.floor(math.log10(scale))))


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """Write a value with its interval, e.g. "0.874 [0.868, 0.881]".

    Args:
        value: The estimate; None if undefined.
        low: Lower end, or None.
        high: Upper end, or None.

    Returns:
        The text; without brackets if there is no interval.
    """
    digits = decimals_for(value, low, high)
    if low is None or high is None:
        return number(value, digits)
    return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


def interval_of(measured: Json | None) -> str:
    """Write an interval object of a report; see `interval`."""
    if measured is None:
        return NO_VALUE
    return interval(measured.get("value"), measured.get("low"), measured.get("high"))


def unit(key: str) -> str:
    """Return the unit that a key carries in its name: " ms", " s" or nothing."""
    base = key.partition(":")[0]
    for suffix, text in (("_ms", "ms"), ("_seconds", "s")):
        if base.endswith(suffix):
            return f"\N{NO-BREAK SPACE}{text}"
    return ""


def limit(gate: Json) -> str:
    """Write the limit of a gate, e.g. "≥ 0.85" or "≤ 100 ms"; nothing if it has none."""
    sign = {"min": "≥", "max": "≤"}.get(str(gate.get("limit_kind")))
    if sign is None or gate.get("limit") is None:
        return ""
    return f"{sign}\N{NO-BREAK SPACE}{gate['limit']:g}{unit(str(gate['name']))}"


def evidence(value: float | None) -> str:
    """Write an e-value: three digits, a power of ten when large, "< 0.01" when negligible."""
    if value is None:
        return NO_VALUE
    if value < NEGLIGIBLE_EVIDENCE:
        return f"< {NEGLIGIBLE_EVIDENCE}"
    if value < LARGEST_PLAIN:
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    exponent = math.floor(math.log10(value))
    return f"{value / 10**exponent:.1f} {TIMES} 10{str(exponent).translate(SUPERSCRIPT)}"


def share_of_threshold(value: float, threshold: float) -> float:
    """Say how far an e-value is on its way to the threshold, on a log scale.

    Args:
        value: An e-value.
        threshold: Above 1.

    Returns:
        0 for no evidence (1 or less), 1 at the threshold and above.
    """
    if value <= 1:
        return 0.0
    return min(1.0, math.log(value) / math.log(threshold))


def p_value(value: float | None, sign: str = "") -> str:
    """Write a p-value; below 0.0001 only that fact.

    Args:
        value: In [0, 1], or None.
        sign: What to write before an exact one, e.g. "= ".

    Returns:
        The text.
    """
    if value is None:
        return NO_VALUE
    if value < SMALLEST_P_VALUE:
        return f"< {SMALLEST_P_VALUE:.4f}"
    return sign + (f"{value:.2f}" if value >= SMALLEST_PLAIN_P_VALUE else f"{value:.2g}")


def duration(seconds: float | None) -> str:
    """Write a span of time, e.g. "0.4 s", "38 s" or "2 min 5 s"."""
    if seconds is None:
        return NO_VALUE
    if seconds < LONGEST_WITH_TENTHS:
        return f"{seconds:.1f}\N{NO-BREAK SPACE}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}\N{NO-BREAK SPACE}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}\N{NO-BREAK SPACE}min {rest}\N{NO-BREAK SPACE}s"


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Return the seconds between two ISO 8601 times; None if one is missing."""
    if start is None or end is None:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def moment(text: str | None) -> str:
    """Write an ISO 8601 time of a report, e.g. "2026-08-24 09:30:12 UTC"; None is a dash."""
    if text is None:
        return NO_VALUE
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S %Z").strip()


def scalar(value: Any) -> str:  # noqa: ANN401 - a JSON scalar of any kind
    """Write a JSON value of a check or a setting."""
    match value:
        case None:
            return NO_VALUE
        case bool():
            return "yes" if value else "no"
        case int():
            return count(value)
        case float():
            return f"{value:.6g}"
        case list() | tuple():
            return ", ".join(scalar(v) for v in value)
        case _:
            return str(value)
