"""Look at the world: counters of both arms, labels, the canary's servers."""

from collections.abc import Callable
from dataclasses import dataclass

from headgate.errors import BackendError, NoDataError
from headgate.ports.clock import Clock
from headgate.ports.cluster import Deployments
from headgate.ports.evidence import LabelSource, MetricSource
from headgate.rollout.counters import LabelCounters, PodCounters
from headgate.rollout.observation import ArmReading, Observation
from headgate.rollout.plan import Plan
from headgate.rollout.state import Arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The sources of live evidence."""

    metrics: MetricSource
    labels: LabelSource
    deployments: Deployments
    clock: Clock

    def look(
        self,
        plan: Plan,
        *,
        canary: Arm,
        stable: Arm | None,
        between: Callable[[], None] | None = None,
    ) -> Observation:
        """Take one look. A source that fails is reported as unknown, never as good.

        Args:
            plan: The plan; labels are read only if they are judged.
            canary: The candidate.
            stable: The champion; None reads as unknown.
            between: Called before each arm is asked, for an arm may take seconds.

        Returns:
            What was seen.
        """
        ready, restarts, reason = self._servers(canary)
        now, readings = self.clock.now(), []
        for arm in (canary, stable):
            if between is not None:
                between()
            readings.append(self._arm(plan, arm))
        return Observation(
            now=now,
            canary=readings[0],
            stable=readings[1],
            canary_ready=ready,
            canary_restarts=restarts,
            canary_reason=reason,
        )

    def _arm(self, plan: Plan, arm: Arm | None) -> ArmReading:
        if arm is None:
            return ArmReading(pods=None)
        return ArmReading(
            pods=self._pods(arm), labels=self._labels(arm) if plan.needs_labels() else None
        )

    def _pods(self, arm: Arm) -> tuple[PodCounters, ...] | None:
        try:
            return self.metrics.counters(arm.deployment)
        except NoDataError:
            return ()
        except BackendError:
            return None

    def _labels(self, arm: Arm) -> LabelCounters | None:
        try:
            return self.labels.labels(arm.deployment)
        except (NoDataError, BackendError):
            return None

    def _servers(self, arm: Arm) -> tuple[bool | None, int | None, str]:
        try:
            status = self.deployments.status(arm.deployment)
        except BackendError:
            return None, None, ""
        if status is None:
            return False, None, f"the deployment {arm.deployment} is gone"
        return status.ready, status.restarts, status.reason
