"""Open an MLflow client, with one kind of error. Importing this module costs seconds.

`headgate.adapters.mlflow_registry` imports it when a call needs it and not before.
"""

import fcntl
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy.exc
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from headgate.adapters.mlflow_quiet import quiet
from headgate.adapters.mlflow_reads import StoredVersion
from headgate.adapters.mlflow_uri import SQLITE, redacted, sqlite_file
from headgate.errors import BackendError

# A server that is down must end in an error within seconds, not after MLflow's own seven retries
# (minutes); the step's retry policy comes on top. Its links and progress bars say nothing in a log.
# Artifacts come through the server, as predictors fetch them: its bucket need not be in reach of a
# step. A value that the user has set wins.
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
}
# MLflow tells each table that it creates, and that an environment made by uv has no pip.
LOG_LEVELS = {"mlflow": logging.WARNING, "mlflow.utils.environment": logging.ERROR}


# All other codes of MLflow say that the request is wrong: asking again gives the same answer.
TRANSIENT = frozenset(
    {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED", "REQUEST_LIMIT_EXCEEDED"}
)


@contextmanager
def translated(uri: str, doing: str) -> Iterator[None]:
    """Turn the errors of MLflow, SQLAlchemy, HTTP and the file system into `BackendError`.

    Args:
        uri: Registry URI, for the message.
        doing: What was being done, for the message: `register adult`.

    Yields:
        Control to the calls to watch.

    Raises:
        BackendError: If one of them failed; retryable unless the registry refused the request.
    """
    where = f"registry {redacted(uri)}: cannot {doing}"
    try:
        with quiet():
            yield
    except MlflowException as error:
        retryable = error.error_code in TRANSIENT
        raise BackendError(f"{where}: {_one_line(error)}", retryable=retryable) from error
    except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:  # requests raises OSErrors
        raise BackendError(f"{where}: {_one_line(error)}", retryable=True) from error


def connect(uri: str) -> MlflowClient:
    """Open a client without touching MLflow's process-wide tracking URI.

    Args:
        uri: Registry URI.

    Returns:
        The client.

    Raises:
        ConfigError: If the URI is of a kind that is not supported.
        BackendError: If the database does not exist or cannot be opened. A server is not asked yet.
    """
    file = sqlite_file(uri)
    if file is not None and not file.is_file():
        # MLflow would create it, and processes that do so at the same time break each other.
        raise BackendError(
            f"registry {uri}: there is no such database; create it once with create_store"
        )
    return _open(uri)


def create(file: Path) -> None:
    """Create a database with MLflow's tables; processes that do so together wait for each other.

    MLflow's migrations of a fresh database fail when they run twice at the same time.

    Args:
        file: The database; nothing happens if it exists.

    Raises:
        BackendError: If it cannot be written.
    """
    partial = file.with_name(f".{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.with_name(f".{file.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if file.is_file():  # made by whoever held the lock before
                return
            partial.unlink(missing_ok=True)
            _open(f"{SQLITE}{partial}")
            partial.replace(file)  # readers see no database, or a complete one
    except OSError as error:
        raise BackendError(f"registry {file}: cannot be created ({_one_line(error)})") from error


def search(uri: str, name: str, condition: str) -> StoredVersion | None:
    """Look up the oldest version of a model that meets a condition.

    Args:
        uri: Registry URI.
        name: Registered model.
        condition: Further part of MLflow's filter string.

    Returns:
        The version, or None.

    Raises:
        BackendError: If the registry does not answer.
    """
    client = connect(uri)
    with translated(uri, f"look up {name}"):
        found = client.search_model_versions(f"name = '{name}' AND {condition}")
        if not found:
            return None
        oldest = min(found, key=lambda version: int(version.version))
        source = client.get_model_version_download_uri(name, str(oldest.version))
    return StoredVersion(
        name=name, version=str(oldest.version), source=source, tags=dict(oldest.tags)
    )


def aliased(uri: str, name: str, alias: str) -> str | None:
    """Look up the version that an alias points at.

    Args:
        uri: Registry URI.
        name: Registered model.
        alias: The alias.

    Returns:
        Its version, or None if the model or the alias does not exist.

    Raises:
        BackendError: If the registry does not answer.
    """
    client = connect(uri)
    with translated(uri, f"look up {name}@{alias}"):
        models = client.search_registered_models(f"name = '{name}'")
        version = models[0].aliases.get(alias) if models else None
    return None if version is None else str(version)


def download(uri: str, source: str, folder: Path) -> None:
    """Copy a folder of artifacts from the server; the folder appears complete or not at all.

    Args:
        uri: Registry URI.
        source: URI of the artifacts.
        folder: The folder to make; its parents are made, for this user only.

    Raises:
        BackendError: If the registry does not answer, or the folder cannot be written.
    """
    with translated(uri, f"download {source}"):
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".partial-") as partial:
            fetched = download_artifacts(artifact_uri=source, dst_path=partial, tracking_uri=uri)
            try:
                Path(fetched).replace(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster
                    raise


def _open(uri: str) -> MlflowClient:
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    for name, level in LOG_LEVELS.items():
        logging.getLogger(name).setLevel(level)
    with translated(uri, "open it"):
        return MlflowClient(uri, uri)


def _one_line(error: BaseException) -> str:
    return redacted(" ".join(str(error).split()))[:300]
