"""Counters of a deployment, scraped from each of its pods and never through the Service."""

from concurrent.futures import ThreadPoolExecutor

from headgate.adapters.kubernetes.api import DEPLOYMENT, POD, KubernetesApi, Manifest
from headgate.adapters.kubernetes.http_route import annotations
from headgate.adapters.kubernetes.pod_status import container_status, takes_requests
from headgate.adapters.kubernetes.predictor_objects import NAME, SLOW_ABOVE, predictor_port
from headgate.adapters.scraping import MissingBucketError, pod_counters, process_start
from headgate.errors import ConfigError, NoDataError
from headgate.ports import PodCounters

SCRAPES_AT_ONCE = 8  # a pod that is gone costs its whole time-out; the others must not wait for it


class PodMetrics:
    """Implements `headgate.ports.MetricSource`."""

    def __init__(
        self, api: KubernetesApi, *, namespace: str, slow_above_ms: float | None = None
    ) -> None:
        """Keep the settings; nothing is asked yet.

        Args:
            api: The cluster.
            namespace: Where the deployments are.
            slow_above_ms: Bound above which an answer is slow, one for all deployments that are
                compared; None takes the bound that each was deployed with.
        """
        self._api, self._namespace, self._slow_above_ms = api, namespace, slow_above_ms

    def counters(self, deployment: str) -> tuple[PodCounters, ...]:
        """Scrape all pods of a deployment.

        All or nothing: without one of the pods that take requests, its answers would look missing
        now and new later, and a pod that hangs would hide behind one that does not. Nothing is
        lost by a look that is missed, because the counters are cumulative.

        Args:
            deployment: Its name.

        Returns:
            One entry per pod that answered. A pod that is going away, or is not ready, counts as
            long as it answers: what it answers last belongs to the deployment as well.

        Raises:
            NoDataError: If no pod answers, or one does not that is ready and stays.
            ConfigError: If a server does not count by the bound.
        """
        if "/" in deployment:  # a backend of somebody else, behind a route that we share
            raise NoDataError(f"{deployment} is not ours and counts nothing for us")
        bound = self._bound(deployment)
        pods = self._api.list(POD, namespace=self._namespace, labels={NAME: deployment})
        started = [pod for pod in pods if container_status(pod).get("state", {}).get("running")]
        if not started:
            raise NoDataError(f"no pod of {deployment} runs; it has {len(pods)}")
        with ThreadPoolExecutor(min(len(started), SCRAPES_AT_ONCE)) as threads:
            scraped = list(threads.map(lambda pod: self._scrape(pod, bound), started))
        found = tuple(counters for counters in scraped if isinstance(counters, PodCounters))
        silent = [
            str(error)
            for pod, error in zip(started, scraped, strict=True)
            if isinstance(error, NoDataError) and (takes_requests(pod) or not found)
        ]
        if silent:
            raise NoDataError(f"not all pods of {deployment} can be scraped: {'; '.join(silent)}")
        return found

    def _bound(self, deployment: str) -> float:
        if self._slow_above_ms is not None:
            return self._slow_above_ms
        found = self._api.get(DEPLOYMENT, deployment, namespace=self._namespace)
        if found is None or SLOW_ABOVE not in annotations(found):
            raise NoDataError(f"there is no deployment {deployment} of ours")
        return float(annotations(found)[SLOW_ABOVE])

    def _scrape(self, pod: Manifest, bound: float) -> PodCounters | NoDataError:
        """Scrape one pod; return the error if it does not answer, for others may."""
        name = pod["metadata"]["name"]
        try:
            page = self._api.pod_get(pod, port=predictor_port(pod), path="/metrics")
            return pod_counters(
                page,
                pod=name,
                started=process_start(page) or _container_start(pod),
                slow_above_ms=bound,
            )
        except MissingBucketError as error:
            raise ConfigError(
                f"{error}; its deployment was made for another rollout.slow_above_ms, and a"
                " champion keeps its own: set it to 1000 times one of these"
            ) from error
        except NoDataError as error:
            return error


def _container_start(pod: Manifest) -> str:
    status = container_status(pod)
    return f"{status['state']['running']['startedAt']}#{status['restartCount']}"
