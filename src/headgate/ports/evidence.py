"""Where live evidence is counted: answers per pod, labels per deployment. All counts cumulate."""

from typing import Protocol

from headgate.rollout.counters import LabelCounters, PodCounters

__all__ = ["LabelCounters", "LabelSource", "MetricSource", "PodCounters"]


class MetricSource(Protocol):
    """Counters of answers, scraped from each pod, never through the Service."""

    def counters(self, deployment: str) -> tuple[PodCounters, ...]:
        """Scrape all pods of a deployment.

        Args:
            deployment: Name of the deployment.

        Returns:
            One entry per pod that answered.

        Raises:
            NoDataError: If no pod of the deployment can be scraped.
            BackendError: If the source itself cannot be reached.
        """


class LabelSource(Protocol):
    """Counters of matured labels."""

    def labels(self, deployment: str) -> LabelCounters:
        """Count the labelled answers of a deployment.

        Args:
            deployment: Name of the deployment.

        Returns:
            The counts; zeros for a deployment without any label yet.

        Raises:
            BackendError: If the source cannot be reached.
        """
