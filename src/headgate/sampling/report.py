"""Whether the parts came out as asked: sizes and class shares."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from headgate.errors import DataError
from headgate.problem import Problem, Verdict
from headgate.sampling.parts import PARTS

# Both must be exceeded for FAIL: a large table makes a harmless deviation significant, and a small
# one makes a large deviation likely. 0.001 keeps false alarms of the two tests below 1 in 500 runs.
SIGNIFICANCE = 0.001
LARGEST_DEVIATION = 0.02
# Below this the chi-square distribution is not good enough (Cochran 1954, doi:10.2307/3001616).
SMALLEST_EXPECTED_COUNT = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the table."""

    rows: int
    positive_share: float  # share of the rows in the positive class, in [0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """The parts and what they are good for."""

    parts: dict[str, Part]
    verdict: Verdict
    reason: str

    def record(self) -> dict[str, object]:
        """Return the report as a JSON object."""
        return asdict(self)


def part_report(
    table: pd.DataFrame, parts: npt.NDArray[np.str_], *, problem: Problem
) -> PartReport:
    """Count the parts and judge them.

    The hash deals rows by chance, so two chi-square tests (Pearson 1900,
    doi:10.1080/14786440009463897) ask whether chance explains what came out: the parts' sizes
    against the shares, and the classes against the parts. A deviation counts only if it is also
    larger than 0.02.

    Args:
        table: Typed table; the target has no missing value.
        parts: Part of each row, as `assign_parts` returns it, shape (rows,).
        problem: Names the target, its positive class and the shares asked for.

    Returns:
        PASS; FAIL if a size or a class share is further off than chance explains; INSUFFICIENT if
        a part has too few rows of a class to tell.

    Raises:
        DataError: If a part has no row, or the train or the test part has one class only.
    """
    positive = (table[problem.target.column] == problem.target.positive).to_numpy(dtype=bool)
    counts = np.array(
        [[int(np.sum(positive[parts == n])), int(np.sum(~positive[parts == n]))] for n in PARTS]
    )
    _require_usable(counts)
    rows = counts.sum(axis=1)
    found: dict[str, Part] = {
        name: Part(rows=int(n), positive_share=float(p / n))
        for name, n, p in zip(PARTS, rows, counts[:, 0], strict=True)
    }
    split = problem.split
    verdict, reason = _judge(counts, np.array([split.train, split.test, split.live]))
    return PartReport(parts=found, verdict=verdict, reason=reason)


def _require_usable(counts: npt.NDArray[np.int_]) -> None:
    for name, (positives, negatives) in zip(PARTS, counts.tolist(), strict=True):
        if positives + negatives == 0:
            raise DataError(f"the {name} part has no row; give more rows or a larger split.{name}")
        if name != "live" and 0 in (positives, negatives):
            absent = "positive" if positives == 0 else "negative"
            raise DataError(f"the {name} part has no row of the {absent} class; give more rows")


def _judge(counts: npt.NDArray[np.int_], shares: npt.NDArray[np.float64]) -> tuple[Verdict, str]:
    rows, total = counts.sum(axis=1), int(counts.sum())
    expected = np.outer(rows, counts.sum(axis=0)) / total
    if expected.min() < SMALLEST_EXPECTED_COUNT:
        part = PARTS[int(np.argmin(expected.min(axis=1)))]
        return Verdict.INSUFFICIENT, (
            f"the {part} part is too small: {expected.min():.1f} rows of the rarer class are"
            f" expected in it, {SMALLEST_EXPECTED_COUNT:g} are needed"
        )
    size_off = float(np.max(np.abs(rows / total - shares)))
    size_p = _chi_square_p(rows, shares / shares.sum() * total, degrees=len(rows) - 1)
    class_off = float(np.max(np.abs(counts[:, 0] / rows - counts[:, 0].sum() / total)))
    class_p = _chi_square_p(counts, expected, degrees=len(rows) - 1)
    for what, off, p in (("size", size_off, size_p), ("positive share", class_off, class_p)):
        if off > LARGEST_DEVIATION and p < SIGNIFICANCE:
            return Verdict.FAIL, (
                f"a part's {what} is off by {off:.3f}, more than {LARGEST_DEVIATION:g} and more"
                f" than chance explains (p = {p:.1g}); many rows may share one id"
            )
    return Verdict.PASS, (
        f"sizes are off by at most {size_off:.4f} (p = {size_p:.2g}),"
        f" positive shares by at most {class_off:.4f} (p = {class_p:.2g})"
    )


def _chi_square_p(seen: npt.ArrayLike, expected: npt.ArrayLike, *, degrees: int) -> float:
    # Pearson's test by itself: scipy.stats takes a second to import, and this is a step's start.
    observed, wanted = np.asarray(seen, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    return float(special.chdtrc(degrees, ((observed - wanted) ** 2 / wanted).sum()))
