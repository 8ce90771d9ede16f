"""Look up model versions in MLflow's SQLite file without importing MLflow.

Most steps only ask "which version is the champion". Through MLflow that answer takes seconds of
imports, from the file milliseconds. The tables are MLflow's own, so the file is read only if its
schema is one that the tests compare with MLflow's answers; any other goes through MLflow.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from headgate.errors import BackendError

KNOWN_SCHEMAS = frozenset({"dc11669786a5"})  # alembic revision of MLflow 3.17
DELETED = "Deleted_Internal"  # MLflow keeps the row of a deleted version
BUSY_SECONDS = 10.0  # a writer of MLflow holds the file for milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """A model version as the registry holds it; `source` is a URI of MLflow."""

    name: str
    version: str
    source: str
    tags: Mapping[str, str]


class SqliteReader:
    """Read-only queries on one database file."""

    def __init__(self, file: Path) -> None:
        """Name the file; nothing is opened yet.

        Args:
            file: Database of MLflow.
        """
        self.file = file

    def usable(self) -> bool:
        """Say whether the schema is known.

        Returns:
            True if this class reads it as MLflow does.

        Raises:
            BackendError: If the file is missing or no such database.
        """
        found = self._rows("SELECT version_num FROM alembic_version")
        return {row[0] for row in found} <= KNOWN_SCHEMAS

    def version(self, name: str, version: str) -> StoredVersion | None:
        """Look up one version.

        Args:
            name: Registered model.
            version: Its version.

        Returns:
            The version, or None.

        Raises:
            BackendError: If the file cannot be read.
        """
        rows = self._rows(
            "SELECT version, source FROM model_versions"
            " WHERE name = ? AND version = ? AND current_stage != ?",
            name,
            version,
            DELETED,
        )
        return self._stored(name, rows)

    def by_alias(self, name: str, alias: str) -> StoredVersion | None:
        """Look up the version that an alias points at.

        Args:
            name: Registered model.
            alias: The alias.

        Returns:
            The version, or None.

        Raises:
            BackendError: If the file cannot be read.
        """
        rows = self._rows(
            "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?", name, alias
        )
        return self.version(name, str(rows[0][0])) if rows else None

    def by_tag(self, name: str, key: str, value: str) -> StoredVersion | None:
        """Look up the oldest version that carries a tag.

        Args:
            name: Registered model.
            key: Key of the tag.
            value: Its value.

        Returns:
            The version, or None.

        Raises:
            BackendError: If the file cannot be read.
        """
        rows = self._rows(
            "SELECT v.version, v.source FROM model_versions v JOIN model_version_tags t"
            " ON t.workspace = v.workspace AND t.name = v.name AND t.version = v.version"
            " WHERE v.name = ? AND t.key = ? AND t.value = ? AND v.current_stage != ?"
            " ORDER BY v.version LIMIT 1",
            name,
            key,
            value,
            DELETED,
        )
        return self._stored(name, rows)

    def _stored(self, name: str, rows: list[tuple[str, ...]]) -> StoredVersion | None:
        if not rows:
            return None
        version, source = rows[0]
        tags = {
            tag[0]: tag[1]
            for tag in self._rows(
                "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?",
                name,
                str(version),
            )
        }
        return StoredVersion(name=name, version=str(version), source=source, tags=tags)

    def _rows(self, query: str, *values: str) -> list[tuple[str, ...]]:
        if not self.file.is_file():
            raise BackendError(
                f"registry {self.file}: there is no such database; create it once with create_store"
            )
        try:
            with closing(
                sqlite3.connect(f"{self.file.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
            ) as base:
                return base.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise BackendError(
                f"registry {self.file}: cannot be read ({error})",
                retryable=isinstance(error, sqlite3.OperationalError),  # locked, or a disk error
            ) from error
