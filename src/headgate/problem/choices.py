"""Guess each column's role from its name and its values."""

import re
from dataclasses import dataclass

from headgate.errors import DataError
from headgate.problem.facts import ColumnFacts, TableFacts

# One word of a column's name, in small letters.
TARGET_WORD = re.compile(
    "target|label|class|outcome|y|churn|churned|default|defaulted|income|fraud|survived|response|"
    "converted|approved|purchased|clicked|subscribed|deposit|readmitted|diagnosis|attrition"
)
PROTECTED_WORD = re.compile(
    "gender|sex|race|ethnicity|ethnic|age|religion|disability|disabled|nationality"
)
ID_WORD = re.compile("id|uuid|guid|key|index|rowid|rownumber")
# A whole name; "weight" alone is as often a property of what the row describes.
WEIGHT_NAMES = ("fnlwgt", "sample_weight", "survey_weight", "sampling_weight", "case_weight")
POSITIVE_WORDS = ("1", "true", "yes", "y")

FEW_NUMBERS = 10  # a whole-number column with no more values reads better as categories
MANY_CATEGORIES = 100  # more become more columns of the fit than most tables can carry
MANY_GROUPS = 50  # more groups than this are refused by the measurement of fairness
DIFFERENT_ENOUGH = 20  # rows from which on "every value is different" says something


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The roles of the columns; `left_out` says why a column has none."""

    target: ColumnFacts
    positive: str
    target_candidates: tuple[str, ...]
    numeric: tuple[ColumnFacts, ...]
    categorical: tuple[ColumnFacts, ...]
    protected: tuple[str, ...]
    too_many_groups: tuple[ColumnFacts, ...]  # protected by name, but not groups yet
    left_out: tuple[tuple[str, str], ...]


def choose(facts: TableFacts) -> Choices:
    """Guess a role for every column.

    Args:
        facts: First look at the table.

    Returns:
        A target with two values and no gap, its rarer value as the positive class, and the roles
        of the other columns.

    Raises:
        DataError: If there is no such column, or no column is left to predict it from.
    """
    target, candidates = _target(facts)
    others = [column for column in facts.columns if column is not target]
    reasons = {column.name: _why_not(column) for column in others}
    kept = [column for column in others if reasons[column.name] is None]
    if not kept:
        raise DataError(f"{facts.path}: no column is left to predict {target.name} from")
    numeric = [column for column in kept if column.is_number and not _reads_as_category(column)]
    sensitive = [column for column in kept if _says(column.name, PROTECTED_WORD)]
    nested = ((name, f"a cell is a {kind}, not one value") for name, kind in facts.nested)
    return Choices(
        target=target,
        positive=_positive(target),
        target_candidates=candidates,
        numeric=tuple(numeric),
        categorical=tuple(column for column in kept if column not in numeric),
        protected=tuple(c.name for c in sensitive if c.distinct <= MANY_GROUPS),
        too_many_groups=tuple(c for c in sensitive if c.distinct > MANY_GROUPS),
        left_out=(*((name, why) for name, why in reasons.items() if why is not None), *nested),
    )


def _says(name: str, word: re.Pattern[str]) -> bool:
    # `CustomerAge_2` has the words customer, age and 2.
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    return any(word.fullmatch(part) for part in re.findall(r"[a-z]+|[0-9]+", apart))


def _target(facts: TableFacts) -> tuple[ColumnFacts, tuple[str, ...]]:
    found = [c for c in facts.columns if c.distinct == 2 and c.missing == 0]
    if not found:
        raise DataError(
            f"{facts.path}: no column has exactly two values and no gap, so there is no target;"
            f" the columns are {', '.join(c.name for c in facts.columns)}"
        )

    # A name that says so, then anything that is no protected attribute, then the last column.
    def rank(column: ColumnFacts) -> tuple[bool, bool, int]:
        return (
            _says(column.name, TARGET_WORD),
            not _says(column.name, PROTECTED_WORD),
            facts.columns.index(column),
        )

    best = max(found, key=rank)
    return best, tuple(c.name for c in found if c is not best)


def _positive(target: ColumnFacts) -> str:
    (frequent, often), (rare, seldom) = target.frequent
    if often == seldom and frequent.lower() in POSITIVE_WORDS:
        return frequent
    return rare


def _why_not(column: ColumnFacts) -> str | None:
    different = column.distinct == column.rows and column.rows >= DIFFERENT_ENOUGH
    reasons = (
        (column.distinct == 0, "is empty"),
        (column.distinct == 1, "holds one value only"),
        (column.kind == "date", "dates are not features; make numbers of it, such as days since"),
        (
            column.name.lower() in WEIGHT_NAMES,
            "looks like a sample weight; `weight:` below would fit with it",
        ),
        (
            different and _looks_like_id(column),
            "every value is different, so it identifies a row; see `id:` below",
        ),
        (
            not column.is_number and (different or column.distinct > MANY_CATEGORIES),
            f"{column.distinct} different texts are too many for categories",
        ),
    )
    return next((reason for applies, reason in reasons if applies), None)


def _looks_like_id(column: ColumnFacts) -> bool:
    if _says(column.name, ID_WORD) or column.name.lower().endswith("id"):
        return column.kind != "number"
    # A row number under any name: whole numbers without a gap.
    if column.kind != "whole" or column.highest is None or column.lowest is None:
        return False
    return column.highest - column.lowest == column.distinct - 1


def _reads_as_category(column: ColumnFacts) -> bool:
    return column.kind == "whole" and column.distinct <= FEW_NUMBERS
