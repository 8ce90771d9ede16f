"""Taking a candidate out for good, from wherever it stands."""

from dataclasses import replace

import pytest

from headgate.errors import BackendError
from headgate.ports import Backend, ConflictError
from headgate.rollout import Phase, state_from_json
from headgate.usecases import Target

from .conftest import CANARY, STABLE  # noqa: TID252 - tests have no package name


@pytest.fixture
def half_way(world, plan):
    """A rollout whose driver died at the first stage."""

    def crash(_world):
        raise RuntimeError("killed")

    world.script = [(0.5, crash)]
    with pytest.raises(RuntimeError):
        world.run(plan)
    assert world.weight() == 1000
    return world


def test_a_rollout_in_progress_is_ended_and_cleaned_up(half_way):
    assert half_way.roll_back(reason="aborted by a person") is Phase.ROLLED_BACK
    route = half_way.router.route
    assert [backend.deployment for backend in route.backends] == ["m-1"]
    state = state_from_json(route.state)
    assert (state.phase, state.reason) == (Phase.ROLLED_BACK, "aborted by a person")
    assert "m-2" not in half_way.deployments.running
    assert half_way.registry.aliases == {("m", "champion"): "1"}


def test_twice_is_as_good_as_once(half_way):
    half_way.roll_back()
    writes = len(half_way.router.history)
    assert half_way.roll_back() is Phase.ROLLED_BACK
    assert len(half_way.router.history) == writes


def test_epochs_grow_over_a_roll_back(half_way):
    half_way.roll_back()
    epochs = [r.state["epoch"] for r in half_way.router.history if r.state is not None]
    assert epochs == sorted(set(epochs))


def test_a_rollout_that_is_rolled_back_already_is_only_cleaned_up(world, plan):
    world.behaviour["m-2"].errors = 0.9
    world.run(plan)
    reason = world.router.route.state["reason"]
    world.roll_back()
    assert world.router.route.state["reason"] == reason
    assert "m-2" not in world.deployments.running


def test_a_champion_is_not_touched(world, plan):
    world.run(plan)
    assert world.roll_back() is Phase.PROMOTED
    assert world.weight() == 10_000
    assert "m-2" in world.deployments.running


def test_a_candidate_that_never_had_traffic_is_removed(world):
    assert world.roll_back() is Phase.ROLLED_BACK
    assert world.router.route.state is None
    assert world.deployments.status("m-2") is None


def test_a_candidate_is_removed_where_there_is_no_route(world):
    world.router.route = None
    assert world.roll_back() is Phase.ROLLED_BACK


def test_an_idle_backend_of_a_route_without_a_record_is_forgotten(world):
    backends = (*world.router.route.backends, Backend(deployment="m-2", weight=0))
    world.router.write(replace(world.router.route, backends=backends))
    world.roll_back()
    assert [backend.deployment for backend in world.router.route.backends] == ["m-1"]


def test_the_alias_of_another_candidate_stays(world):
    world.registry.register("m", "3")
    world.registry.set_alias("m", "candidate", "3")
    world.roll_back()
    assert world.registry.aliases["m", "candidate"] == "3"


@pytest.mark.parametrize("recorded", [True, False])
def test_traffic_that_no_rollout_gave_is_not_taken(half_way, recorded):
    backends = (Backend(deployment="m-1", weight=7000), Backend(deployment="m-2", weight=3000))
    state = half_way.router.route.state if recorded else None
    half_way.router.write(replace(half_way.router.route, backends=backends, state=state))
    with pytest.raises(BackendError, match="m-2 has a weight of 3000 of 10000"):
        half_way.roll_back()
    assert half_way.weight() == 3000


def test_the_route_of_another_rollout_is_left_alone(world, plan):
    world.deployments.deploy(replace(world.deployments.specs["m-2"], name="m-3", version="3"))
    world.behaviour["m-3"] = world.behaviour["m-2"]
    world.metrics.add("m-3", requests=1)
    world.registry.register("m", "3")
    backends = (*world.router.route.backends, Backend(deployment="m-2", weight=0))
    world.router.write(replace(world.router.route, backends=backends))
    other = replace(CANARY, deployment="m-3", version="3")

    def remove_the_old_one(w):
        w.roll_back()

    world.script = [(0.5, remove_the_old_one)]
    record = world.run(plan, Target(model="m", canary=other, stable=STABLE))
    assert record["phase"] == "PROMOTED"
    assert "m-2" not in world.deployments.running


def test_a_deployment_that_the_route_of_another_rollout_names_is_not_removed(world, plan):
    def crash(_world):
        raise RuntimeError("killed")

    other = replace(CANARY, deployment="m-3", version="3")
    world.deployments.deploy(replace(world.deployments.specs["m-2"], name="m-3", version="3"))
    world.behaviour["m-3"] = world.behaviour["m-2"]
    world.metrics.add("m-3", requests=1)
    world.script = [(0.5, crash)]
    with pytest.raises(RuntimeError):
        world.run(plan, Target(model="m", canary=other, stable=STABLE))
    route = world.router.route
    idle = Backend(deployment="m-2", weight=0)
    world.router.write(replace(route, backends=(*route.backends, idle)))
    assert world.roll_back() is Phase.ROLLED_BACK
    assert idle in world.router.route.backends
    assert "m-2" in world.deployments.running


def test_a_canary_beside_traffic_of_somebody_else_is_taken_out(half_way):
    # Somebody gives a third to a page of theirs: 9000 and 1000 of 10,000 became 6000 and 667.
    weights = {"m-1": 6000, "m-2": 667, "service/page": 3333}
    backends = tuple(Backend(deployment=name, weight=weight) for name, weight in weights.items())
    half_way.behaviour["service/page"] = half_way.behaviour["m-1"]
    half_way.router.write(replace(half_way.router.route, backends=backends))
    assert half_way.roll_back() is Phase.ROLLED_BACK
    found = {b.deployment: b.weight for b in half_way.router.route.backends}
    assert found == {"m-1": 6667, "service/page": 3333}


def test_a_faster_writer_is_followed(half_way):
    half_way.router.faults = [None, None, ConflictError("the guard was faster")]
    assert half_way.roll_back() is Phase.ROLLED_BACK


def test_a_writer_that_is_always_faster_is_an_error(half_way):
    half_way.router.faults = [None, *[None, ConflictError("again")] * 5]
    with pytest.raises(ConflictError, match="again"):
        half_way.roll_back()


def test_the_deployment_stays_until_its_requests_have_stopped(half_way):
    late = [5, 3]

    def flow(_seconds):
        if late:
            half_way.metrics.add("m-2", requests=late.pop())

    half_way.clock.on_sleep = flow
    began = half_way.clock.elapsed
    half_way.roll_back()
    assert half_way.clock.elapsed - began == pytest.approx(0.75)


def test_a_server_that_is_gone_is_not_waited_for(half_way):
    half_way.metrics.pods.pop("m-2")
    assert half_way.roll_back() is Phase.ROLLED_BACK


def test_requests_that_do_not_stop_are_an_error(half_way):
    half_way.clock.on_sleep = lambda _seconds: half_way.metrics.add("m-2", requests=1)
    with pytest.raises(BackendError, match="still gets requests 30 s after"):
        half_way.roll_back()
    assert "m-2" in half_way.deployments.running


def test_the_candidate_goes_only_after_it_was_silent_for_as_long_as_the_proxy_may_take(half_way):
    begin = half_way.clock.monotonic()
    asked = [begin + 1.0]  # a last request, after four equal looks

    def sleeping(_seconds):
        if asked and half_way.clock.monotonic() >= asked[0]:
            asked.pop()
            half_way.metrics.add("m-2", requests=1)

    half_way.clock.on_sleep = sleeping
    half_way.roll_back(settle_seconds=3.0)
    assert half_way.clock.monotonic() - begin >= 1.0 + 3.0
    assert "m-2" not in half_way.deployments.running


def test_a_scrape_that_was_missed_is_not_silence(half_way):
    half_way.metrics.add("m-2", requests=1)
    known = half_way.metrics.pods["m-2"]
    looks = []

    def sleeping(_seconds):
        looks.append(half_way.clock.monotonic())
        half_way.metrics.pods["m-2"] = () if len(looks) == 1 else known

    half_way.clock.on_sleep = sleeping
    half_way.roll_back(settle_seconds=1.0)
    assert looks[-1] - looks[0] >= 1.0


def test_a_promotion_that_was_undone_by_hand_is_taken_out(world, plan):
    world.run(plan)
    route = world.router.route
    undone = (Backend(deployment="m-1", weight=10_000), Backend(deployment="m-2", weight=0))
    world.router.write(replace(route, backends=undone))
    assert world.roll_back() is Phase.ROLLED_BACK
    assert "m-2" not in world.deployments.running
