"""Write the first problem file of a table, with a comment for every guess."""

import json
import math
import re
from collections.abc import Iterable

from headgate.problem.choices import Choices, choose
from headgate.problem.facts import TableFacts
from headgate.problem.sections import Checks

WIDTH = 96


def draft_problem(facts: TableFacts, *, duplicate_share: float = 0.0) -> str:
    """Return a commented problem file for a table.

    Args:
        facts: First look at the table.
        duplicate_share: Share of rows that repeat an earlier row, over the columns that
            `choose(facts)` keeps; a share above the default limit becomes the limit.

    Returns:
        YAML text that parses and names columns of the table only.

    Raises:
        DataError: If no column can be the target or a feature.
    """
    choices = choose(facts)
    parts = (
        _head(facts),
        _target(choices),
        _columns(choices),
        _checks(facts, choices, duplicate_share),
        _split_and_training(),
        _gates(choices),
        _rollout(),
    )
    return "\n".join("\n".join(part) for part in parts) + "\n"


def model_name(path: str) -> str:
    """Return a valid model name made of a file's name.

    Args:
        path: Path of the table.
    """
    stem = re.split(r"[/\\]", path)[-1].split(".")[0]
    slug = re.sub(r"[^a-z0-9]+", "-", stem.lower())[:63].strip("-")
    return slug if len(slug) >= 2 else "model"


def _head(facts: TableFacts) -> list[str]:
    markers = facts.markers
    note = "  # these stand in the table; drop what is a real value of yours" if markers else ""
    return [
        "# Written by `headgate init` from a first look at the table: every line is a guess.",
        f"# {facts.rows:,} rows, {len(facts.columns) + len(facts.nested)} columns.",
        f"name: {_quoted(model_name(facts.path))}  # of the registered model",
        "",
        "data:",
        f"  path: {_quoted(facts.path)}  # starts at this file's folder",
        f"  missing_values: {_listed(markers)}{note}",
        "",
    ]


def _target(choices: Choices) -> list[str]:
    (one, n_one), (two, n_two) = choices.target.frequent
    others = choices.target_candidates
    also = [f"  # Also two-valued and so possible: {_listed(others)}"] if others else []
    return [
        "target:",
        *also,
        f"  column: {_quoted(choices.target.name)}  # {one!r}: {n_one:,} rows, {two!r}: {n_two:,}",
        f"  positive: {_quoted(choices.positive)}  # the rarer class; its probability is predicted",
        "",
    ]


def _columns(choices: Choices) -> list[str]:
    left = [f"  # * {_quoted(name)}: {why}" for name, why in choices.left_out]
    few = [c.name for c in choices.categorical if c.is_number]
    few_note = f"  # Numbers with few values, read as categories: {_listed(few)}"
    return [
        "columns:",
        *(["  # Not named, so never read:", *left] if left else []),
        *_block("numeric", (c.name for c in choices.numeric)),
        *([few_note] if few else []),
        *_block("categorical", (c.name for c in choices.categorical)),
        *_protected(choices),
        "  # weight: NAME  # a column with sample weights, if there is one",
        "  # id: NAME  # a column that names a row for good; without it a row's whole content does",
        "",
    ]


def _protected(choices: Choices) -> list[str]:
    grouped = [
        f"  # {_quoted(c.name)} has {c.distinct} values: cut it into groups, in a new column."
        for c in choices.too_many_groups
    ]
    return [
        "  # Guessed by name: groups of these columns are compared. Add what the law or your users",
        "  # protect; take a column out of the features above if the model must not see it.",
        *grouped,
        *_block("protected", choices.protected),
    ]


def _checks(facts: TableFacts, choices: Choices, duplicate_share: float) -> list[str]:
    usual = Checks()
    used = (*choices.numeric, *choices.categorical, choices.target)
    missing = sum(column.missing for column in used) / (facts.rows * len(used))
    rows = [f"  min_rows: {usual.min_rows}  # below this the gates can hardly decide"]
    if facts.rows < usual.min_rows:
        rows.append(f"  # The table has {facts.rows} rows: no candidate can pass before it grows.")
    return [
        "checks:  # also possible: ranges, categories, max_missing_share_by_column",
        *rows,
        _limit("max_missing_share", usual.max_missing_share, missing, "of all cells are missing"),
        _limit(
            "max_duplicate_share",
            usual.max_duplicate_share,
            duplicate_share,
            "of the rows repeat an earlier row",
        ),
        "",
    ]


def _limit(key: str, usual: float, seen: float, what: str) -> str:
    limit = usual if seen <= usual else min(1.0, math.ceil(seen * 20) / 20)
    return f"  {key}: {limit:g}  # {seen:.1%} {what} now"


def _split_and_training() -> list[str]:
    return [
        "split:  # dealt by a keyed hash: a row keeps its part when the table grows",
        "  train: 0.6",
        "  test: 0.2  # judged by the gates",
        "  live: 0.2  # replayed as traffic in local runs; no gate sees these rows",
        "",
        "training:",
        "  families: [logistic_regression, lightgbm]  # they compete in a cross-validation",
        "  metric: roc_auc",
        "",
    ]


def _gates(choices: Choices) -> list[str]:
    majority = choices.target.frequent[0][1] / choices.target.rows
    floor = min(0.99, math.ceil(majority * 100) / 100)
    column = choices.protected[0] if choices.protected else "COLUMN"
    fairness = f"{{column: {_quoted(column)}, max: 0.2, min_support: 100}}"
    return [
        "gates:  # what is not named here is measured and reported, not judged",
        f"  accuracy: {{min: {floor:g}}}  # always answering the larger class gives {majority:.1%}",
        "  latency_p95_ms: {max: 100}",
        "  improvement: {min: 0}  # over the champion; for a first model over the larger class",
        f"  # equalized_odds_difference: {fairness}",
        f"  # demographic_parity_difference: {fairness}",
        "",
    ]


def _rollout() -> list[str]:
    return [
        "rollout:  # `headgate rollout plan` shows how long each stage takes and what it can see",
        "  stages_percent: [1, 5, 10, 25, 50]",
        "  slow_above_ms: 100  # an answer slower than this counts against the canary",
    ]


def _block(key: str, names: Iterable[str]) -> list[str]:
    items = [_quoted(name) for name in names]
    line = f"  {key}: [{', '.join(items)}]"
    return [line] if len(line) <= WIDTH else [f"  {key}:", *(f"    - {item}" for item in items)]


def _listed(values: Iterable[str]) -> str:
    return f"[{', '.join(_quoted(value) for value in values)}]"


def _quoted(text: str) -> str:
    # Plain where YAML cannot read anything else into it; else a JSON string, which is YAML as well
    # once the characters that end a line or are not allowed in YAML are escaped.
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) and text.lower() != "null":
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", quoted)
