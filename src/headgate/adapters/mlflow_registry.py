"""The model registry on MLflow 3: versions, aliases (never stages), idempotent registration.

MLflow costs seconds to import, so this module does it when a call needs it and not before: over
SQLite the look-ups read the file (`mlflow_reads`), only writes need MLflow itself.
"""

import logging
import os
import re
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

from headgate.adapters.bundles import bundle_sha256
from headgate.adapters.mlflow_quiet import quiet
from headgate.adapters.mlflow_reads import SqliteReader, StoredVersion
from headgate.adapters.mlflow_uri import sqlite_file
from headgate.adapters.registration import KEY, SHA256, Registration
from headgate.errors import BackendError, DataError
from headgate.ports.registry import ModelVersion

CHAMPION = "champion"
CANDIDATE = "candidate"
LOG = logging.getLogger(__name__)


def create_store(uri: str) -> None:
    """Create the SQLite store once, before any step runs; a server is left alone.

    Args:
        uri: Registry URI.

    Raises:
        ConfigError: If the URI is of a kind that is not supported.
        BackendError: If the database cannot be written.
    """
    file = sqlite_file(uri)
    if file is not None and not file.is_file():
        _mlflow().create(file)


class MlflowRegistry:
    """Implements `headgate.ports.registry.ModelRegistry`, and registers."""

    def __init__(self, uri: str, *, cache: Path | None = None) -> None:
        """Name the registry; nothing is opened yet.

        Args:
            uri: `sqlite:////absolute/path.db`, `http://…` or `https://…`.
            cache: Folder for bundles downloaded from a server; None takes one under the system's
                folder for temporary files.

        Raises:
            ConfigError: If the URI is of another kind.
        """
        self.uri = uri
        self.cache = cache or Path(tempfile.gettempdir()) / f"headgate-bundles-{os.getuid()}"
        self._file = sqlite_file(uri)

    def version(self, name: str, version: str) -> ModelVersion:
        """Look up one version and check that its bundle is the registered one.

        Args:
            name: Registered model.
            version: Its version.

        Returns:
            The version; `uri` is a local folder with the bundle, `source` where the server keeps
            it.

        Raises:
            BackendError: If there is no such version, its bundle is gone or changed, or the
                registry does not answer.
        """
        found = self._numbered(name, version)
        if found is None:
            raise BackendError(f"registry: {name} has no version {version!r}")
        return self._verified(found)

    def by_alias(self, name: str, alias: str) -> ModelVersion | None:
        """Look up the version that an alias points at.

        Args:
            name: Registered model.
            alias: `champion` or `candidate`.

        Returns:
            The version, or None if the model or the alias does not exist.

        Raises:
            BackendError: If its bundle is gone or changed, or the registry does not answer.
        """
        found = self._aliased(name, alias)
        return None if found is None else self._verified(found)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Point an alias at a version; doing it twice changes nothing.

        Args:
            name: Registered model.
            alias: `champion` or `candidate`.
            version: The version.

        Raises:
            BackendError: If there is no such version, or the registry does not answer.
        """
        try:
            self._point(name, alias, version)
        except BackendError:
            # Two processes that point a new alias at the same time both insert it and one is
            # refused. By now the alias is there, and a second try updates it.
            if self._aliased(name, alias) is None:
                raise
            self._point(name, alias, version)
        LOG.info("%s@%s is version %s", name, alias, version)

    def _point(self, name: str, alias: str, version: str) -> None:
        mlflow = _mlflow()
        client = mlflow.connect(self.uri)
        with mlflow.translated(self.uri, f"point {name}@{alias} at version {version}"):
            client.set_registered_model_alias(name, alias, version)

    def delete_alias(self, name: str, alias: str) -> None:
        """Drop an alias; one that does not exist is fine.

        Args:
            name: Registered model.
            alias: `champion` or `candidate`.

        Raises:
            BackendError: If the registry does not answer.
        """
        if self._aliased(name, alias) is None:
            return
        mlflow = _mlflow()
        client = mlflow.connect(self.uri)
        with mlflow.translated(self.uri, f"delete {name}@{alias}"):
            client.delete_registered_model_alias(name, alias)
        LOG.info("%s@%s is gone", name, alias)

    def register(self, entry: Registration) -> ModelVersion:
        """Register a model once: the same bundle, data and problem give the existing version.

        The version is written last, so a run that dies before leaves no half version. Two
        processes that register the same at the same time both write one, then both see the lower
        number, keep it, and the other one deletes its own.

        Args:
            entry: What to register.

        Returns:
            The version, new or existing; the alias `candidate` points at it unless it is the
            champion.

        Raises:
            BackendError: If the registry does not answer or refuses.
        """
        name, key = entry.problem.name, entry.tags()[KEY]
        registered = self._keyed(name, key) or self._create(entry, key)
        aliased = [self._aliased(name, alias) for alias in (CHAMPION, CANDIDATE)]
        if all(found is None or found.version != registered.version for found in aliased):
            self.set_alias(name, CANDIDATE, registered.version)
        return self._verified(registered)

    def _create(self, entry: Registration, key: str) -> StoredVersion:
        name = entry.problem.name
        mlflow, log_version = _mlflow(), _mlflow_writes().log_version
        client = mlflow.connect(self.uri)
        # Beside the database: MLflow's own default is ./mlruns of whatever process comes first.
        root = None if self._file is None else (self._file.parent / "artifacts").as_uri()
        with mlflow.translated(self.uri, f"register {name}"):
            made = log_version(client, entry, artifact_root=root)
        first: StoredVersion | None = self._keyed(name, key)
        if first is None:
            raise BackendError(f"registry: {name} {made} was deleted while it was registered")
        if first.version != made:
            with mlflow.translated(self.uri, f"delete the duplicate {name} {made}"):
                client.delete_model_version(name, made)
        else:
            LOG.info("registered %s version %s", name, made)
        return first

    def _reader(self) -> SqliteReader | None:
        reader = None if self._file is None else SqliteReader(self._file)
        return reader if reader is not None and reader.usable() else None

    def _numbered(self, name: str, version: str) -> StoredVersion | None:
        if not version.isdecimal():
            return None
        reader = self._reader()
        if reader is not None:
            return reader.version(name, version)
        return _searched(self.uri, name, f"version_number = {version}")

    def _aliased(self, name: str, alias: str) -> StoredVersion | None:
        reader = self._reader()
        if reader is not None:
            return reader.by_alias(name, alias)
        version = _mlflow().aliased(self.uri, name, alias)
        return None if version is None else self._numbered(name, version)

    def _keyed(self, name: str, key: str) -> StoredVersion | None:
        reader = self._reader()
        if reader is not None:
            return reader.by_tag(name, KEY, key)
        return _searched(self.uri, name, f"tags.`{KEY}` = '{key}'")

    def _verified(self, found: StoredVersion) -> ModelVersion:
        wanted = found.tags.get(SHA256, "")
        if re.fullmatch("[0-9a-f]{64}", wanted) is None:  # it becomes the name of a folder
            raise BackendError(
                f"registry: {found.name} {found.version} has the tag {SHA256} = {wanted!r}, needed"
                " are 64 hexadecimal digits; register the model with register_model"
            )
        folder = self._local_folder(found.source, wanted)
        try:
            seen = bundle_sha256(folder)
        except DataError as error:
            seen = f"none ({error})"
        if seen != wanted:
            if folder.is_relative_to(self.cache):
                shutil.rmtree(folder)  # the next try downloads anew
            raise BackendError(
                f"registry: the bundle of {found.name} {found.version} in {folder} has sha256"
                f" {seen}, registered was {wanted}"
            )
        return ModelVersion(
            name=found.name,
            version=found.version,
            uri=str(folder),
            sha256=wanted,
            source="" if self._file is not None else found.source,
            tags=found.tags,
        )

    def _local_folder(self, source: str, sha256: str) -> Path:
        parts = urlsplit(source)
        if parts.scheme in {"", "file"}:
            return Path(unquote(parts.path))
        folder = self.cache / sha256
        if not folder.is_dir():
            _mlflow().download(self.uri, source, folder)
        return folder


def _searched(uri: str, name: str, condition: str) -> StoredVersion | None:
    found: StoredVersion | None = _mlflow().search(uri, name, condition)
    return found


def _mlflow() -> ModuleType:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read by MLflow when it is imported
    with quiet():
        from headgate.adapters import mlflow_client  # noqa: PLC0415 - costs seconds
    return mlflow_client


def _mlflow_writes() -> ModuleType:
    with quiet():
        from headgate.adapters import mlflow_writes  # noqa: PLC0415 - costs seconds
    return mlflow_writes
