"""Kinds of value in a problem file: each one reads a value and describes itself as JSON Schema."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, Protocol

from headgate.errors import ConfigError


class Kind(Protocol):
    """What a key may hold."""

    @property
    def empty(self) -> object:
        """What an empty key (null) means; None if a value is needed."""

    def read(self, value: object, key: str) -> object:
        """Return the value in its own type, or raise ConfigError naming `key`."""

    def schema(self) -> dict[str, object]:
        """Return the JSON Schema of the kind."""


def refuse(key: str, value: object, allowed: str) -> NoReturn:
    """Raise the one message about a wrong value.

    Args:
        key: Dotted key, such as `rollout.alpha`.
        value: The value seen.
        allowed: What is needed, as a phrase: "a number from 0 to 1".

    Raises:
        ConfigError: Always.
    """
    seen = "nothing" if value is None else _short(repr(value))
    raise ConfigError(f"{key}: got {seen}; needed: {allowed}")


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A finite number in a range; whole numbers may arrive as floats (KFP, JSON)."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False  # whether `low` itself is refused
    open_high: bool = False
    whole: bool = False

    @property
    def empty(self) -> object:
        """Return None: a number is needed."""
        return None

    def read(self, value: object, key: str) -> float | int:
        """Return an int if the kind is whole, else a float."""
        # bool is an int in Python; `min_rows: true` is a mistake
        if isinstance(value, bool) or not isinstance(value, int | float):
            refuse(key, value, self.allowed)
        if not self._inside(value) or (self.whole and value != int(value)):
            refuse(key, value, self.allowed)
        return int(value) if self.whole else float(value)

    def _inside(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    @property
    def allowed(self) -> str:
        """The range in words."""
        noun = "a whole number" if self.whole else "a number"
        parts = []
        if math.isfinite(self.low):
            parts.append(f"{'above' if self.open_low else 'at least'} {self.low:g}")
        if math.isfinite(self.high):
            parts.append(f"{'below' if self.open_high else 'at most'} {self.high:.10g}")
        return " ".join([noun, " and ".join(parts)]).strip()

    def schema(self) -> dict[str, object]:
        """Return type and bounds."""
        record: dict[str, object] = {"type": "integer" if self.whole else "number"}
        if math.isfinite(self.low):
            record["exclusiveMinimum" if self.open_low else "minimum"] = self.low
        if math.isfinite(self.high):
            record["exclusiveMaximum" if self.open_high else "maximum"] = self.high
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string that is not empty; `pattern` must match the whole of it."""

    pattern: str | None = None
    allowed: str = "text"

    @property
    def empty(self) -> object:
        """Return None: a text is needed."""
        return None

    def read(self, value: object, key: str) -> str:
        """Return the string."""
        if not isinstance(value, str) or re.fullmatch(self.pattern or r"(?s:.+)", value) is None:
            refuse(key, value, self.allowed)
        return value

    def schema(self) -> dict[str, object]:
        """Return type and pattern."""
        if self.pattern is None:
            return {"type": "string", "minLength": 1}
        return {"type": "string", "pattern": f"^{self.pattern}$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name or a value as it stands in the data; `1` and `true` need no quotes in YAML."""

    may_be_blank: bool = False

    @property
    def empty(self) -> object:
        """Return None: a value is needed."""
        return None

    def read(self, value: object, key: str) -> str:
        """Return the text of the value, as the table has it after it was read."""
        if not isinstance(value, str | int | float) or (value == "" and not self.may_be_blank):
            refuse(key, value, "text, or a value as it stands in the data")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def schema(self) -> dict[str, object]:
        """Return the three types of a scalar."""
        shape: dict[str, object] = {"type": ["string", "number", "boolean"]}
        return shape if self.may_be_blank else {**shape, "minLength": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]

    @property
    def empty(self) -> object:
        """Return None: a choice is needed."""
        return None

    def read(self, value: object, key: str) -> str:
        """Return the word."""
        if value not in self.options or not isinstance(value, str):
            refuse(key, value, f"one of {', '.join(self.options)}")
        return value

    def schema(self) -> dict[str, object]:
        """Return the words."""
        return {"enum": list(self.options)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list without repetition, or of exactly `length` items that may repeat."""

    item: Kind
    at_least: int = 0
    length: int | None = None

    @property
    def empty(self) -> object:
        """Return an empty list, if that will do: every line under the key is commented out."""
        return None if self.at_least or self.length else []

    def read(self, value: object, key: str) -> tuple[object, ...]:
        """Return the items in their order."""
        if not isinstance(value, list | tuple):
            refuse(key, value, f"a list of {self._count}")
        items = tuple(self.item.read(entry, f"{key}[{i}]") for i, entry in enumerate(value))
        if len(items) != self.length if self.length is not None else len(items) < self.at_least:
            refuse(key, value, f"a list of {self._count}")
        repeated = [entry for i, entry in enumerate(items) if entry in items[:i]]
        if repeated and self.length is None:
            refuse(key, repeated[0], "every item once")
        return items

    @property
    def _count(self) -> str:
        if self.length is not None:
            return f"{self.length} items"
        return f"{self.at_least} or more items"

    def schema(self) -> dict[str, object]:
        """Return the items and their number."""
        record: dict[str, object] = {"type": "array", "items": self.item.schema()}
        if self.length is not None:
            return {**record, "minItems": self.length, "maxItems": self.length}
        record["uniqueItems"] = True
        return {**record, "minItems": self.at_least} if self.at_least else record


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOf:
    """A value for each column that is named."""

    item: Kind

    @property
    def empty(self) -> object:
        """Return an empty map: every line under the key is commented out."""
        return {}

    def read(self, value: object, key: str) -> dict[str, object]:
        """Return the values by column."""
        if not isinstance(value, Mapping):
            refuse(key, value, "a value for each column, as `column: value`")
        return {
            Label().read(name, f"{key} (column)"): self.item.read(entry, f"{key}.{name}")
            for name, entry in value.items()
        }

    def schema(self) -> dict[str, object]:
        """Return the kind of the values."""
        return {"type": "object", "additionalProperties": self.item.schema()}
