"""A section of a problem file: a frozen dataclass, its keys, and what an absent key means."""

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from headgate.errors import ConfigError
from headgate.problem.kinds import Kind, refuse

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ShapeT_co = TypeVar("ShapeT_co", bound="DataclassInstance", covariant=True)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section; its default is the default of the dataclass field."""

    name: str
    kind: "Kind | Section[DataclassInstance]"
    description: str  # one line; ends up in the published schema
    nullable: bool = False  # whether null is a value of its own ("not this one")


@dataclass(frozen=True, slots=True)
class Section(Generic[ShapeT_co]):
    """A mapping with known keys that becomes one frozen dataclass."""

    shape: type[ShapeT_co]
    keys: tuple[Key, ...]

    @property
    def names(self) -> list[str]:
        """The valid keys."""
        return [key.name for key in self.keys]

    def read(self, value: object, key: str, default: object = None) -> ShapeT_co:
        """Return the dataclass.

        Args:
            value: The mapping; None is an empty mapping, because that is what YAML makes of a
                section whose every line is commented out.
            key: Dotted key of the section, "" for the whole file.
            default: Instance whose values stand for absent keys; None means the dataclass's own.

        Raises:
            ConfigError: If a key is unknown, missing, or its value is not allowed.
        """
        value = {} if value is None else value
        if not isinstance(value, Mapping):
            refuse(key or "problem", value, f"a section with the keys {', '.join(self.names)}")
        for name in value:
            self._known(name, key)
        return self.shape(**{k.name: self._field(k, value, key, default) for k in self.keys})

    def _known(self, name: object, key: str) -> None:
        if name in self.names:
            return
        close = difflib.get_close_matches(str(name), self.names, n=1)
        hint = f" did you mean {close[0]}?" if close else ""
        raise ConfigError(
            f"{_join(key, name)}: unknown key;{hint} valid keys: {', '.join(self.names)}"
        )

    def _field(
        self, key: Key, values: Mapping[object, object], path: str, parent: object
    ) -> object:
        full, default = _join(path, key.name), self._default(key.name, parent)
        if key.name not in values:
            if default is dataclasses.MISSING:
                raise ConfigError(f"{full}: is missing; needed: {key.description}")
            return default
        value = values[key.name]
        if value is None and key.nullable:
            return None
        if isinstance(key.kind, Section):
            return key.kind.read(value, full, None if default is dataclasses.MISSING else default)
        return key.kind.read(key.kind.empty if value is None else value, full)

    def _default(self, name: str, parent: object) -> object:
        if parent is not None:
            return getattr(parent, name)
        field = next(f for f in dataclasses.fields(self.shape) if f.name == name)
        if field.default_factory is not dataclasses.MISSING:
            return field.default_factory()
        return field.default

    def schema(self, default: object = None) -> dict[str, object]:
        """Return the JSON Schema of the section.

        Args:
            default: As for `read`.
        """
        required = [
            key.name for key in self.keys if self._default(key.name, default) is dataclasses.MISSING
        ]
        record: dict[str, object] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {key.name: self._property(key, default) for key in self.keys},
        }
        return {**record, "required": required} if required else record

    def _property(self, key: Key, parent: object) -> dict[str, object]:
        default = self._default(key.name, parent)
        known = None if default is dataclasses.MISSING else default
        if isinstance(key.kind, Section):
            shape = key.kind.schema(known)
            null_allowed = key.nullable or "required" not in shape
        else:
            shape = key.kind.schema()
            null_allowed = key.nullable or key.kind.empty is not None
        record = {"anyOf": [shape, {"type": "null"}]} if null_allowed else shape
        record = {"description": key.description, **record}
        if default is dataclasses.MISSING or isinstance(key.kind, Section):
            return record
        return {**record, "default": list(default) if isinstance(default, tuple) else default}


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
