"""A candidate on its way through the gateway, under continuous load, driven from the inside.

Given a champion behind the gateway, when a candidate is deployed and `shift_traffic` runs as a Job
under the account that the manifests give it, then every request has an answer.
"""

import json
import time

import pytest
from tests.e2e.support import ROW, until


@pytest.fixture
def champion(cluster, make_bundle, tiny_reports, tmp_path):
    """Version 1 behind the gateway with all traffic."""
    version = cluster.register(make_bundle(tmp_path / "one"), tiny_reports)
    name = cluster.deploy(version.version)
    done = cluster.run("shift_traffic", deployment=name, version=version.version)
    assert done.succeeded, done.log
    assert cluster.weights() == {name: 10_000}
    return name


@pytest.fixture
def candidate(cluster, champion, make_bundle, tiny_reports, tmp_path):
    """Version 2, registered while the champion serves."""
    assert cluster.weights()[champion] == 10_000
    return cluster.register(make_bundle(tmp_path / "two", weight=0.2), tiny_reports).version


def test_a_good_candidate_goes_90_to_10_and_then_takes_over_without_a_lost_request(
    cluster, champion, candidate, load
) -> None:
    traffic = load(cluster.host, rate=200, body=ROW)
    until(lambda: traffic.answers, what="a first answer of the champion")

    name = cluster.deploy(candidate)
    assert traffic.by_deployment().keys() == {champion}
    job = cluster.start("shift_traffic", deployment=name, version=candidate)
    until(lambda: cluster.weights().get(name) == 1_000, what="10 % for the candidate")
    assert cluster.weights() == {champion: 9_000, name: 1_000}
    done = cluster.finished(job)
    settled = time.monotonic() + 1.0
    until(lambda: traffic.by_deployment(since=settled)[name] > 100, what="answers after the end")
    traffic.stop()

    assert done.succeeded, done.log
    assert done.parameters["Output"] == "PASS", done.log
    assert {n: w for n, w in cluster.weights().items() if w} == {name: 10_000}
    assert traffic.by_deployment(since=settled).keys() == {name}
    assert (traffic.lost, traffic.failed) == (0, [])
    assert traffic.sent == len(traffic.answers)
    assert cluster.registry.by_alias(cluster.model, "champion").version == candidate


def test_a_candidate_that_answers_500_is_out_again_and_roll_back_removes_it(
    cluster, champion, make_bundle, tiny_reports, tmp_path, load
) -> None:
    version = cluster.register(make_bundle(tmp_path / "two", weight=0.2), tiny_reports)
    # The predictor inside a server that fails one request in two.
    name = cluster.deploy(version.version, command=["python", "-c", FAULTY])
    traffic = load(cluster.host, rate=200, body=ROW)

    done = cluster.run("shift_traffic", deployment=name, version=version.version)
    assert done.parameters["Output"] == "FAIL", done.log
    assert cluster.weights()[name] == 0
    out = cluster.run("roll_back", deployment=name, version=version.version)
    assert out.parameters["Output"] == "ROLLED_BACK", out.log
    traffic.stop()

    assert cluster.weights() == {champion: 10_000}
    until(lambda: not cluster.pods(name), what="the end of the candidate's pods")
    assert {who for _, _, who in traffic.failed} == {name}
    assert traffic.lost == 0


def test_a_killed_driver_leaves_nothing_on_the_candidate(cluster, candidate, load, kubectl) -> None:
    name = cluster.deploy(candidate)
    traffic = load(cluster.host, rate=50, body=ROW)
    job = cluster.start(
        "shift_traffic",
        deployment=name,
        version=candidate,
        problem=cluster.problem(min_stage_seconds=60),
    )
    until(lambda: cluster.weights().get(name) == 1_000, what="10 % for the candidate")

    kubectl(
        *("delete", "pod", "-n", cluster.namespace, "-l", f"job-name={job}"),
        *("--grace-period=0", "--force"),
    )
    kubectl("delete", "job", job, "-n", cluster.namespace, "--wait=false")
    killed = time.monotonic()
    until(lambda: cluster.weights()[name] == 0, what="weight 0 by the guard", seconds=15)

    # 4 s without a heartbeat, and half a second between two looks of the guard.
    assert time.monotonic() - killed < 8
    state = json.loads(cluster.route()["metadata"]["annotations"]["headgate.dev/state"])
    assert "guard: no heartbeat" in state["reason"]
    traffic.stop()
    assert (traffic.lost, traffic.failed) == (0, [])


FAULTY = """
import itertools, sys
from headgate.serving import argument_parser, instrumented, open_engine, predictor, serve
from headgate.serving import asgi
options = argument_parser().parse_args()
engine = open_engine(options)
app = predictor(engine, version=options.version, deployment=options.deployment)
turn = itertools.count()
async def faulty(scope, receive, send):
    if scope["method"] == "POST" and next(turn) % 2:
        await asgi.answer(send, 500, asgi.error("on purpose"))
    else:
        await app(scope, receive, send)
serve(instrumented(faulty, engine, options), options)
"""
