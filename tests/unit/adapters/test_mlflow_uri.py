from pathlib import Path

import pytest

from headgate.adapters.mlflow_uri import redacted, sqlite_file
from headgate.errors import ConfigError


def test_a_database_is_named_by_its_absolute_path() -> None:
    assert sqlite_file("sqlite:////var/lib/mlflow.db") == Path("/var/lib/mlflow.db")


@pytest.mark.parametrize("uri", ["http://mlflow:5000", "https://mlflow.example.org"])
def test_a_server_has_no_file(uri) -> None:
    assert sqlite_file(uri) is None


@pytest.mark.parametrize("uri", ["", "mlruns", "sqlite:///relative.db", "file:///tmp/mlruns"])
def test_other_uris_are_refused_with_what_is_allowed(uri) -> None:
    with pytest.raises(ConfigError, match=r"sqlite:////absolute/path\.db, http://host"):
        sqlite_file(uri)


def test_credentials_stay_out_of_messages() -> None:
    uri = "postgresql://me:secret@db/mlflow"
    assert redacted(f"cannot reach {uri} now") == "cannot reach postgresql://***@db/mlflow now"
    with pytest.raises(ConfigError, match="postgresql://") as caught:
        sqlite_file(uri)
    assert "secret" not in str(caught.value)
