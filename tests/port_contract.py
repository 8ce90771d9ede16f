"""What every place that serves a model promises, whatever it is made of.

Not collected by itself: a test module of a place derives its test classes from these, and has three
fixtures: `site`, a place where everything of `RUNNING` was deployed and what can become ready is;
`empty`, such a place without a route; and `again`, another client of the place of `site`. Tests of
one module may share a site, so none of them counts on the route that it finds.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

import pytest

from headgate.adapters.clock import SystemClock
from headgate.errors import BackendError, HeadgateError, NoDataError
from headgate.ports import (
    WEIGHT_PARTS,
    Backend,
    ConflictError,
    Deployments,
    DeploymentSpec,
    GuardStatus,
    Heartbeat,
    MetricSource,
    Route,
    TrafficRouter,
)
from headgate.usecases.deploy import deploy_and_wait

GOOD, FAILING, STUCK = "good", "failing", "stuck"  # answers 200, answers 500, is never ready
# What runs on a site. The canary never gets a request; `leaving` is removed by one test.
RUNNING = {"stable": GOOD, "canary": GOOD, "failing": FAILING, "leaving": GOOD, "stuck": STUCK}
WRITERS = 4
REQUESTS = 20
STATE = {"epoch": 7, "sums": [0.25, 1e-300], "note": "größer", "nothing": None}


class Place(TrafficRouter, MetricSource, Heartbeat, GuardStatus, Deployments, Protocol):
    """The ports of a place; labels have no source on a cluster."""


class Site(Protocol):
    """A place, and what a test cannot say through its ports."""

    @property
    def place(self) -> Place:
        """The place."""

    def spec(self, name: str, behaviour: str = GOOD) -> DeploymentSpec:
        """Say how a server of that name and behaviour is started here; twice the same is equal."""

    def send(self, deployment: str, requests: int) -> None:
        """Send requests along the route until the deployment has answered that many."""


def start(site: Site, running: Mapping[str, str], *, timeout_seconds: float = 60.0) -> None:
    """Deploy servers, all at once, and wait for those that become ready."""
    specs = {name: site.spec(name, behaviour) for name, behaviour in running.items()}
    for spec in specs.values():
        site.place.deploy(spec)
    for name, spec in specs.items():
        if running[name] != STUCK:
            deploy_and_wait(
                spec,
                deployments=site.place,
                clock=SystemClock(),
                timeout_seconds=timeout_seconds,
            )


def name_of(site: Site, name: str) -> str:
    return site.spec(name, RUNNING.get(name, GOOD)).name


def backends(site: Site, weights: Mapping[str, int]) -> tuple[Backend, ...]:
    return tuple(
        Backend(deployment=name_of(site, name), weight=weight) for name, weight in weights.items()
    )


def split(site: Site, state: Mapping[str, object] | None = None, /, **weights: int) -> Route:
    """Write weights onto the route that is there, if there is one."""
    found = site.place.read()
    revision = "" if found is None else found.revision
    return site.place.write(Route(revision=revision, backends=backends(site, weights), state=state))


def content(route: Route | None) -> tuple[dict[str, int], Mapping[str, object] | None] | None:
    """What a route says; its revision may change without it where others write, too."""
    if route is None:
        return None
    return {backend.deployment: backend.weight for backend in route.backends}, route.state


def totals(site: Site, name: str) -> tuple[int, int]:
    """Requests and errors of all pods of a deployment."""
    pods = site.place.counters(name_of(site, name))
    return sum(pod.requests for pod in pods), sum(pod.errors for pod in pods)


def outcomes(writes: list[Callable[[], Route]]) -> list[Route | HeadgateError]:
    """Let several write at the same time."""
    begin = threading.Barrier(len(writes))
    found: list[Route | HeadgateError] = []

    def write(one: Callable[[], Route]) -> None:
        begin.wait(10)
        try:
            found.append(one())
        except HeadgateError as error:
            found.append(error)

    threads = [threading.Thread(target=write, args=(one,)) for one in writes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def exactly_one_wins(site: Site, other: Place, *, revision: str) -> None:
    """Have writers of two clients replace the same revision, each by another route."""

    def wanted(number: int) -> Route:
        weights = {"stable": WEIGHT_PARTS - number, "canary": number}
        return Route(revision=revision, backends=backends(site, weights), state={"by": number})

    places = [site.place if number % 2 else other for number in range(WRITERS)]
    found = outcomes(
        [lambda p=place, n=number: p.write(wanted(n)) for number, place in enumerate(places)]
    )
    won = [one for one in found if isinstance(one, Route)]
    lost = [one for one in found if not isinstance(one, Route)]
    assert len(won) == 1, found
    assert all(isinstance(one, ConflictError) for one in lost), lost
    assert content(site.place.read()) == content(won[0])
    assert content(won[0]) == content(wanted(int(won[0].state["by"])))


class RouterContract:
    """`TrafficRouter`."""

    def test_before_the_first_write_there_is_no_route(self, empty: Site) -> None:
        assert empty.place.read() is None

    def test_a_route_is_created_with_an_empty_revision(self, empty: Site) -> None:
        written = empty.place.write(
            Route(revision="", backends=backends(empty, {"stable": WEIGHT_PARTS}))
        )
        assert written.revision
        assert content(written) == ({name_of(empty, "stable"): WEIGHT_PARTS}, None)
        assert content(empty.place.read()) == content(written)

    def test_no_route_has_no_revision_to_replace(self, empty: Site) -> None:
        proposed = Route(revision="1", backends=backends(empty, {"stable": WEIGHT_PARTS}))
        with pytest.raises(ConflictError) as caught:
            empty.place.write(proposed)
        assert caught.value.retryable
        assert empty.place.read() is None

    def test_a_write_returns_a_new_revision_that_the_next_one_replaces(self, site: Site) -> None:
        first = split(site, stable=WEIGHT_PARTS)
        wanted = backends(site, {"stable": 9_000, "canary": 1_000})
        second = site.place.write(replace(first, backends=wanted))
        third = site.place.write(replace(second, backends=first.backends))
        assert len({first.revision, second.revision, third.revision}) == 3

    def test_weights_and_state_are_read_as_written(self, site: Site, again: Place) -> None:
        written = split(site, STATE, canary=1, stable=9_999)
        for found in (written, site.place.read(), again.read()):
            assert content(found) == (
                {name_of(site, "canary"): 1, name_of(site, "stable"): 9_999},
                STATE,
            )
        assert [b.weight for b in written.backends] == [b.weight for b in again.read().backends]

    def test_a_deployment_may_stand_behind_the_route_without_weight(self, site: Site) -> None:
        split(site, stable=WEIGHT_PARTS, canary=0)
        assert content(site.place.read())[0] == {
            name_of(site, "stable"): WEIGHT_PARTS,
            name_of(site, "canary"): 0,
        }

    def test_a_state_that_is_not_written_again_is_gone(self, site: Site) -> None:
        split(site, STATE, stable=WEIGHT_PARTS)
        split(site, None, stable=WEIGHT_PARTS)
        assert site.place.read().state is None

    def test_the_revision_that_was_read_may_be_replaced_by_another_client(
        self, site: Site, again: Place
    ) -> None:
        split(site, {"by": "one"}, stable=WEIGHT_PARTS)
        again.write(replace(again.read(), state={"by": "the other"}))
        assert site.place.read().state == {"by": "the other"}

    @pytest.mark.parametrize("created", [True, False])
    def test_a_stale_revision_is_a_conflict_and_changes_nothing(
        self, site: Site, *, created: bool
    ) -> None:
        stale = split(site, {"epoch": 1}, stable=WEIGHT_PARTS)
        written = site.place.write(replace(stale, state={"epoch": 2}))
        with pytest.raises(ConflictError) as caught:
            site.place.write(replace(stale, revision="" if created else stale.revision))
        assert caught.value.retryable
        assert content(site.place.read()) == content(written)

    @pytest.mark.parametrize(
        "weights",
        [
            {"stable": 0, "canary": 0},
            {"stable": 9_999},
            {"stable": 9_000, "canary": 999},
            {"stable": 9_000, "canary": 1_001},
            {"stable": 10_001, "canary": -1},
            {},
        ],
    )
    def test_weights_that_do_not_sum_to_all_of_the_traffic_are_refused(
        self, site: Site, weights: Mapping[str, int]
    ) -> None:
        before = split(site, {"epoch": 1}, stable=WEIGHT_PARTS)
        with pytest.raises(BackendError, match=r"sum to 10000") as caught:
            split(site, {"epoch": 2}, **weights)
        assert not caught.value.retryable
        assert content(site.place.read()) == content(before)

    def test_a_deployment_that_stands_twice_is_refused(self, site: Site) -> None:
        before = split(site, {"epoch": 1}, stable=WEIGHT_PARTS)
        twice = backends(site, {"stable": 5_000}) * 2
        with pytest.raises(HeadgateError, match="stands twice"):  # the port does not say which
            site.place.write(Route(revision=site.place.read().revision, backends=twice))
        assert content(site.place.read()) == content(before)

    @pytest.mark.parametrize(
        "state", [{"note": "x" * 100 * 1024}, {"rate": float("nan")}, {"set": {1}}]
    )
    def test_a_state_that_is_no_small_json_is_refused(
        self, site: Site, state: Mapping[str, object]
    ) -> None:
        before = split(site, {"epoch": 1}, stable=WEIGHT_PARTS)
        with pytest.raises(HeadgateError):  # the port does not say which
            split(site, state, stable=WEIGHT_PARTS)
        assert content(site.place.read()) == content(before)

    def test_of_several_writers_of_one_revision_exactly_one_wins(
        self, site: Site, again: Place
    ) -> None:
        found = split(site, {"epoch": 1}, stable=WEIGHT_PARTS)
        exactly_one_wins(site, again, revision=found.revision)

    def test_of_several_creators_of_a_route_exactly_one_wins(self, empty: Site) -> None:
        exactly_one_wins(empty, empty.place, revision="")


class DeploymentsContract:
    """`Deployments`."""

    def test_an_unknown_deployment_has_no_status(self, site: Site) -> None:
        assert site.place.status(name_of(site, "nobody")) is None

    def test_a_deployment_becomes_ready(self, site: Site) -> None:
        spec = site.spec("stable")
        status = site.place.status(spec.name)
        assert (status.name, status.version, status.ready) == (spec.name, spec.version, True)
        assert (status.restarts, status.reason) == (0, "")

    def test_a_second_call_attaches_to_what_runs(self, site: Site, again: Place) -> None:
        spec = site.spec("stable")
        before = site.place.counters(spec.name)
        for place in (site.place, again):
            assert place.deploy(spec) == place.status(spec.name)
        assert site.place.status(spec.name).ready
        assert [(pod.pod, pod.started) for pod in site.place.counters(spec.name)] == [
            (pod.pod, pod.started) for pod in before
        ]

    @pytest.mark.parametrize("change", [{"version": "99"}, {"sha256": "0" * 64}])
    def test_a_name_that_is_taken_by_another_specification_is_refused(
        self, site: Site, change: Mapping[str, str]
    ) -> None:
        spec = site.spec("stable")
        before = site.place.status(spec.name)
        with pytest.raises(BackendError, match=spec.name):
            site.place.deploy(replace(spec, **change))
        assert site.place.status(spec.name) == before

    def test_removing_what_does_not_exist_is_fine(self, site: Site) -> None:
        site.place.remove(name_of(site, "nobody"))

    def test_a_deployment_with_weight_is_not_removed(self, site: Site) -> None:
        split(site, stable=WEIGHT_PARTS)
        with pytest.raises(ConflictError, match="still has weight 10000"):
            site.place.remove(name_of(site, "stable"))
        assert site.place.status(name_of(site, "stable")).ready

    def test_a_removed_deployment_is_gone(self, site: Site) -> None:
        name = name_of(site, "leaving")
        split(site, stable=WEIGHT_PARTS, leaving=0)
        site.place.remove(name)
        assert site.place.status(name) is None
        with pytest.raises(NoDataError):
            site.place.counters(name)
        site.place.remove(name)


class MetricsContract:
    """`MetricSource`."""

    def test_what_is_ready_and_answered_nothing_yet_counts_zeros(self, site: Site) -> None:
        assert totals(site, "canary") == (0, 0)

    def test_counters_grow_by_the_answered_requests(self, site: Site) -> None:
        split(site, stable=WEIGHT_PARTS, canary=0)
        requests, errors = totals(site, "stable")
        site.send(name_of(site, "stable"), REQUESTS)
        assert totals(site, "stable") == (requests + REQUESTS, errors)
        assert totals(site, "canary") == (0, 0)

    def test_bad_answers_count_as_errors(self, site: Site) -> None:
        split(site, failing=WEIGHT_PARTS)
        requests, errors = totals(site, "failing")
        site.send(name_of(site, "failing"), REQUESTS)
        assert totals(site, "failing") == (requests + REQUESTS, errors + REQUESTS)

    @pytest.mark.parametrize("name", ["nobody", "stuck"])
    def test_what_does_not_exist_or_does_not_answer_is_no_data(self, site: Site, name: str) -> None:
        with pytest.raises(NoDataError):
            site.place.counters(name_of(site, name))


class WatchContract:
    """`Heartbeat` and `GuardStatus`."""

    def test_beats_are_accepted(self, site: Site) -> None:
        for rollout_id, epoch in (("one", 1), ("one", 1), ("one", 2), ("two", 1)):
            site.place.beat(rollout_id, epoch=epoch)

    def test_a_guard_watches(self, site: Site) -> None:
        assert site.place.ready()


class PlaceContract:
    """What the ports promise together."""

    @pytest.mark.parametrize("name", ["nobody", "stuck"])
    def test_what_is_not_ready_gets_no_weight(self, site: Site, name: str) -> None:
        before = split(site, {"epoch": 1}, stable=WEIGHT_PARTS)
        with pytest.raises(BackendError, match="is not ready and cannot take weight") as caught:
            split(site, {"epoch": 2}, **{"stable": 9_900, name: 100})
        assert caught.value.retryable
        assert content(site.place.read()) == content(before)
