"""Read numbers out of the measurements' reports, or say exactly what is missing."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from headgate.errors import DataError
from headgate.problem import Verdict
from headgate.promotion.gates import Measured


class Report(NamedTuple):
    """A report and its name for messages; the content is JSON."""

    name: str
    content: Mapping[str, Any]

    def at(self, *path: str) -> Any:  # noqa: ANN401 - JSON: the typed readers below check
        """Return what stands at a path of keys.

        Args:
            path: Keys from the outside in.

        Raises:
            DataError: If a key is not there.
        """
        found: Any = self.content
        for key in path:
            if not isinstance(found, Mapping) or key not in found:
                raise DataError(f"the {self.name} report has no {'.'.join(path)}")
            found = found[key]
        return found

    def inside(self, content: Mapping[str, Any]) -> "Report":
        """Return a part of the report under the same name.

        Args:
            content: The part.
        """
        return Report(self.name, content)

    def number(self, *path: str) -> float | None:
        """Return a number, or None where the report says that it is undefined.

        Args:
            path: Keys from the outside in.

        Raises:
            DataError: If it is not there or not a number.
        """
        found = self.at(*path)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise DataError(
                f"{'.'.join(path)} of the {self.name} report is {found!r}, not a number"
            )
        return float(found)

    def count(self, *path: str) -> int:
        """Return a count.

        Args:
            path: Keys from the outside in.

        Raises:
            DataError: If it is not there or not a number.
        """
        found = self.number(*path)
        if found is None:
            raise DataError(f"{'.'.join(path)} of the {self.name} report is null, not a count")
        return int(found)

    def interval(self, *path: str) -> Measured:
        """Return a number with its bounds.

        Args:
            path: Keys from the outside in.

        Raises:
            DataError: If a part is not there or not a number.
        """
        value, low, high = (self.number(*path, key) for key in ("value", "low", "high"))
        return Measured(value, low, high, self.at(*path).get("reason", "no reason was given"))

    def verdict(self, *path: str) -> Verdict:
        """Return a verdict that a measurement of pass or fail brought with it.

        Args:
            path: Keys from the outside in.

        Raises:
            DataError: If it is not there or not one of the three.
        """
        found = self.at(*path)
        if found not in list(Verdict):
            raise DataError(
                f"{'.'.join(path)} of the {self.name} report is {found!r}, "
                "PASS, FAIL or INSUFFICIENT is allowed"
            )
        return Verdict(found)
