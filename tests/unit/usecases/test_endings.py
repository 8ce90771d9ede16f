"""How a rollout ends when its driver, its route or its registry does not do what it should."""

from dataclasses import replace

import pytest

from headgate.errors import BackendError, DataError
from headgate.ports import Backend, DeploymentSpec
from headgate.rollout import Verdict, recompute, state_from_json
from headgate.usecases import Target, find_target

from .conftest import CANARY, STABLE  # noqa: TID252 - tests have no package name

OUTAGE = BackendError("connection refused", retryable=True)


def move(world, **weights):
    """Somebody else writes the weights and leaves the state."""
    backends = tuple(
        Backend(deployment=name.replace("_", "-"), weight=weight)
        for name, weight in weights.items()
    )
    world.router.write(replace(world.router.route, backends=backends))


def guard_acts(world):
    """The guard has not heard of the driver for long."""
    world.beat_at, world.seen_beats = -100.0, len(world.heartbeat.beats)
    world.guard_looks()


def refuse_writes(world):
    """Every read works, every write fails."""
    world.router.faults = [None, OUTAGE] * 5000


def crash(_world):
    """The driver dies without any last act."""
    raise RuntimeError("killed")


def then(*actions, error=None):
    """Several things happen at once; the last may be an exception in the driver."""

    def act(world):
        world.router.faults = []
        for action in actions:
            action(world)
        if error is not None:
            raise error

    return act


# A promotion that somebody took back


def test_a_promotion_that_was_taken_back_is_judged_anew(world, plan):
    assert world.run(plan)["phase"] == "PROMOTED"
    move(world, m_2=0, m_1=10_000)
    world.registry.set_alias("m", "champion", "1")
    world.behaviour["m-2"].errors = 0.9
    again = world.run(plan)
    assert (again["verdict"], again["phase"]) == ("FAIL", "ROLLED_BACK")
    assert again["looks"]
    assert world.registry.aliases["m", "champion"] == "1"
    epochs = [route.state["epoch"] for route in world.router.history if route.state is not None]
    assert epochs == sorted(epochs)


def test_after_a_promotion_was_taken_back_the_champion_is_who_has_the_traffic(world, plan):
    world.run(plan)
    spec = DeploymentSpec(name="m-3", model="m", version="3", uri="", sha256="")
    world.deployments.deploy(spec)
    move(world, m_2=0, m_3=10_000)
    found = find_target("m", CANARY, router=world.router, deployments=world.deployments)
    assert (found.stable.deployment, found.stable.version) == ("m-3", "3")


def test_a_retry_in_the_middle_of_a_rollout_finds_its_champion(world, plan):
    world.script = [(0.5, crash)]
    with pytest.raises(RuntimeError):
        world.run(plan)
    found = find_target("m", CANARY, router=world.router, deployments=world.deployments)
    assert found.stable == STABLE


# The heart


def test_the_heart_stands_still_while_the_route_cannot_be_read(world, plan):
    world.script = [(0.5, lambda w: setattr(w.router, "faults", [OUTAGE] * 8))]
    record = world.run(plan)
    assert record["verdict"] == "PASS"
    # One beat for every look, none for the eight reads that failed.
    assert len(world.heartbeat.beats) == len(record["looks"])


# A verdict that was reached stays


@pytest.mark.parametrize(
    ("action", "phase"),
    [
        (then(lambda w: move(w, m_1=7000, m_2=3000)), "CONTESTED"),
        (then(guard_acts), "ROLLED_BACK"),
    ],
)
def test_a_fail_that_could_not_be_written_stays_a_fail_whoever_acts_next(
    world, plan, action, phase
):
    world.behaviour["m-2"].errors = 0.9
    world.script = [(0.0, refuse_writes), (3.0, action)]
    record = world.run(plan)
    assert (record["verdict"], record["phase"]) == ("FAIL", phase)
    assert record["reason"].startswith("errors: ")
    assert recompute(record) is Verdict.FAIL


def test_a_fail_that_could_not_be_written_stays_a_fail_after_an_interruption(world, plan):
    records = []
    world.behaviour["m-2"].errors = 0.9
    world.script = [(0.0, refuse_writes), (3.0, then(error=KeyboardInterrupt()))]
    with pytest.raises(KeyboardInterrupt):
        world.run(plan, on_record=records.append)
    state = state_from_json(world.router.route.state)
    assert (state.verdict, world.weight()) == (Verdict.FAIL, 0)
    assert state.reason.endswith("(interrupted)")
    assert recompute(records[0]) is Verdict.FAIL


def test_an_end_between_two_drivers_is_never_overwritten(world, plan):
    world.script = [(0.5, crash)]
    with pytest.raises(RuntimeError):
        world.run(plan)

    def ready():
        guard_acts(world)  # after the second driver has read the route
        return True

    world.guard.ready = ready
    record = world.run(plan)
    assert record["phase"] == "ROLLED_BACK"
    assert record["reason"].startswith("guard: no heartbeat")
    assert world.router.route.state["phase"] == "ROLLED_BACK"


def test_a_roll_back_that_cannot_be_written_ends_with_an_error_at_last(world, plan):
    records = []
    world.behaviour["m-2"].errors = 0.9
    world.script = [(0.0, refuse_writes)]
    with pytest.raises(BackendError, match="could not be written until 10 s after") as caught:
        world.run(replace(plan, heartbeat_timeout_seconds=10.0), on_record=records.append)
    assert caught.value.retryable
    assert 70.0 <= world.clock.elapsed < 71.0
    assert world.clock.elapsed > len(world.heartbeat.beats) + 60
    (record,) = records
    assert (record["verdict"], record["phase"]) == ("FAIL", "PROGRESSING")
    assert record["reason"].endswith("that is left to the guard")


# The record survives


def test_the_record_is_handed_over_once_before_the_aliases_move(world, plan):
    seen = []

    def keep(record):
        seen.append((record, dict(world.registry.aliases)))

    first = world.run(plan, on_record=keep)
    again = world.run(plan, on_record=keep)
    assert [record for record, _ in seen] == [first, again]
    assert seen[0][1]["m", "champion"] == "1"


def test_the_record_says_promoted_when_only_the_alias_could_not_move(world, plan):
    records = []
    world.registry.faults = [OUTAGE]
    with pytest.raises(BackendError, match="connection refused"):
        world.run(plan, on_record=records.append)
    (record,) = records
    assert (record["verdict"], record["phase"]) == ("PASS", "PROMOTED")
    assert recompute(record) is Verdict.PASS


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DataError("no such bucket")])
def test_the_record_is_handed_over_before_an_exception_leaves(world, plan, error):
    records = []
    world.script = [(1.3, then(error=error))]
    with pytest.raises(type(error)):
        world.run(plan, on_record=records.append)
    (record,) = records
    assert (record["verdict"], record["phase"]) == ("INSUFFICIENT", "ROLLED_BACK")
    assert record["looks"]
    assert recompute(record) is Verdict.INSUFFICIENT


@pytest.mark.parametrize(
    ("action", "phase", "reason"),
    [
        (lambda w: move(w, m_1=7000, m_2=3000), "CONTESTED", "somebody else changed the route"),
        (guard_acts, "ROLLED_BACK", "guard: no heartbeat"),
    ],
)
def test_an_interrupted_driver_records_what_others_made_of_the_route(
    world, plan, action, phase, reason
):
    records = []
    world.script = [(0.5, then(action, error=KeyboardInterrupt()))]
    with pytest.raises(KeyboardInterrupt):
        world.run(plan, on_record=records.append)
    (record,) = records
    assert record["phase"] == world.router.route.state["phase"] == phase
    assert record["reason"].startswith(reason)


def test_an_interruption_in_the_middle_of_the_commit_is_recorded_as_promoted(world, plan):
    records, write = [], world.router.write

    def interrupted(route):
        written = write(route)
        if written.weight("m-2") == 10_000:
            raise KeyboardInterrupt
        return written

    world.router.write = interrupted
    with pytest.raises(KeyboardInterrupt):
        world.run(plan, on_record=records.append)
    (record,) = records
    assert (record["verdict"], record["phase"]) == ("PASS", "PROMOTED")
    assert world.weight() == 10_000


def test_an_interruption_after_the_commit_is_recorded_also_if_the_route_is_gone(world, plan):
    records = []

    def interrupt(event):
        if event["event"] == "promoted":
            world.router.faults = [OUTAGE] * 3
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.run(plan, on_event=interrupt, on_record=records.append)
    assert [record["phase"] for record in records] == ["PROMOTED"]
    assert records[0]["reason"].startswith("every metric is below its limit")


@pytest.mark.parametrize("stored", [True, False])
def test_a_first_model_whose_write_got_no_answer_has_a_record_if_it_was_stored(world, plan, stored):
    records = []
    world.router.route = None
    if stored:
        world.router.lost_answers = [OUTAGE]
    else:
        world.router.faults = [None, OUTAGE]  # read, write
    with pytest.raises(BackendError, match="connection refused"):
        world.run(plan, Target(model="m", canary=CANARY, stable=None), on_record=records.append)
    assert [record["phase"] for record in records] == (["PROMOTED"] if stored else [])


def test_a_rollout_that_never_started_has_no_record(world, plan):
    records = []
    world.guard.is_ready = False
    with pytest.raises(BackendError, match="no guard"):
        world.run(plan, on_record=records.append)
    assert records == []


def test_nobody_has_to_take_the_record_of_an_interrupted_rollout(world, plan):
    world.script = [(0.5, then(error=KeyboardInterrupt()))]
    with pytest.raises(KeyboardInterrupt):
        world.run(plan)
    target = Target(model="m", canary=CANARY, stable=STABLE, run_id="r1")
    assert world.run(plan, target)["reason"] == "interrupted"
