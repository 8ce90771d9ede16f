"""Read registry URIs, without importing MLflow."""

import re
from pathlib import Path

from headgate.errors import ConfigError

SQLITE = "sqlite:///"


def sqlite_file(uri: str) -> Path | None:
    """Return the database file that a registry URI names.

    Args:
        uri: `sqlite:////absolute/path.db`, `http://…` or `https://…`.

    Returns:
        The file, or None for a server.

    Raises:
        ConfigError: If the URI is of another kind, or its path is relative (each step has a
            working directory of its own).
    """
    if uri.startswith(("http://", "https://")):
        return None
    path = Path(uri.removeprefix(SQLITE))
    if not uri.startswith(SQLITE) or not path.is_absolute():
        raise ConfigError(
            f"registry_uri: {redacted(uri)!r} is not supported; allowed are"
            " sqlite:////absolute/path.db, http://host and https://host"
        )
    return path


def redacted(uri: str) -> str:
    """Return a text without the user names and passwords of its URIs, fit for a message.

    Args:
        uri: A URI, or a text that holds some.

    Returns:
        The same text, credentials replaced by `***`.
    """
    return re.sub(r"//[^/@\s]*@", "//***@", uri)
