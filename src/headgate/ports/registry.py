"""The registry of model versions. Aliases point at versions; there are no stages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One registered version of a model."""

    name: str
    version: str
    uri: str  # folder of the bundle
    sha256: str  # of the bundle
    # Where others can fetch it: `mlflow-artifacts:/…`; "" if the registry serves no artifacts.
    source: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


class ModelRegistry(Protocol):
    """Look up versions and move aliases."""

    def version(self, name: str, version: str) -> ModelVersion:
        """Look up one version.

        Args:
            name: Registered model.
            version: Its version.

        Returns:
            The version.

        Raises:
            BackendError: If there is no such version, or the registry does not answer.
        """

    def by_alias(self, name: str, alias: str) -> ModelVersion | None:
        """Look up the version that an alias points at.

        Args:
            name: Registered model.
            alias: `champion` or `candidate`.

        Returns:
            The version, or None if the model or the alias does not exist.

        Raises:
            BackendError: If the registry does not answer.
        """

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Point an alias at a version; doing it twice changes nothing.

        Args:
            name: Registered model.
            alias: `champion` or `candidate`.
            version: The version.

        Raises:
            BackendError: If there is no such version, or the registry does not answer.
        """

    def delete_alias(self, name: str, alias: str) -> None:
        """Drop an alias; one that does not exist is fine.

        Args:
            name: Registered model.
            alias: `champion` or `candidate`.

        Raises:
            BackendError: If the registry does not answer.
        """
