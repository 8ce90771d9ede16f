"""Parts of the local world that need no process: parsing, counting, storing."""

import asyncio
import json

import pytest

from headgate.adapters.local import guarding
from headgate.adapters.local.connections import Answer, parse_answer
from headgate.adapters.local.envoy_files import clusters, routes
from headgate.adapters.local.labels import Ledger
from headgate.adapters.local.route_store import RouteStore
from headgate.adapters.scraping import pod_counters
from headgate.errors import BackendError, DataError, NoDataError
from headgate.ports import Backend, ConflictError, PodCounters, Route

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Headgate-Deployment: adult-v1\r\n"
PAGE = """\
# TYPE headgate_requests_total counter
headgate_requests_total{code="200"} 90
headgate_requests_total{code="400"} 6
headgate_requests_total{code="500"} 3
headgate_requests_total{code="503"} 1
# TYPE headgate_request_duration_seconds histogram
headgate_request_duration_seconds_bucket{le="0.005"} 60
headgate_request_duration_seconds_bucket{le="0.1"} 93
headgate_request_duration_seconds_bucket{le="+Inf"} 100
headgate_request_duration_seconds_sum 2.5
headgate_request_duration_seconds_count 100
"""


def scrape(page=PAGE, slow_above_ms=100.0):
    return pod_counters(page, pod="a-0", started="t", slow_above_ms=slow_above_ms)


def route(**weights):
    return Route(
        revision="", backends=tuple(Backend(deployment=n, weight=w) for n, w in weights.items())
    )


def test_an_answer_is_parsed_when_all_of_it_is_there() -> None:
    whole = HEAD + b"\r\nhello"
    assert parse_answer(whole) == Answer(200, "adult-v1", b"hello", last=False)
    assert [parse_answer(whole[:end]) for end in range(len(whole))] == [None] * len(whole)


def test_an_answer_in_chunks_is_put_together() -> None:
    whole = (
        b"HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\nconnection: close\r\n"
        b"\r\n3;note=1\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    )
    assert parse_answer(whole) == Answer(503, "", b"hello", last=True)
    assert [parse_answer(whole[:end]) for end in range(len(whole))] == [None] * len(whole)


def test_an_answer_without_a_body_is_complete_with_its_head() -> None:
    assert parse_answer(b"HTTP/1.1 204 No Content\r\n\r\n") == Answer(204, "", b"", last=False)


def test_what_is_not_http_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not an HTTP/1\.1 answer"):
        parse_answer(b"SSH-2.0-OpenSSH_9\r\n\r\n")


def test_only_5xx_are_errors_and_slow_is_above_the_bound() -> None:
    assert scrape() == PodCounters(pod="a-0", started="t", requests=100, errors=4, slow=7)
    assert scrape(slow_above_ms=5.0).slow == 40


def test_counts_of_several_label_sets_add_up() -> None:
    twice = PAGE.replace("{", '{path="/a",') + PAGE.replace("{", '{path="/b",').replace(
        "# TYPE", "#"
    )
    lines = sorted(
        twice.splitlines(), key=lambda line: ("duration" in line, not line.startswith("#"))
    )
    assert scrape("\n".join(lines) + "\n").requests == 200


def test_a_server_without_requests_counts_zero() -> None:
    page = "# TYPE headgate_requests_total counter\n"
    page += "# TYPE headgate_request_duration_seconds histogram\n"
    assert scrape(page) == PodCounters(pod="a-0", started="t", requests=0, errors=0, slow=0)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("", "lacks headgate_request_duration_seconds, headgate_requests"),
        ("<html>", "is not Prometheus text"),
        (
            PAGE.replace('le="0.1"', 'le="0.2"'),
            r"no latency bucket of 0.1 s; there are \[0.005, 0.2",
        ),
    ],
)
def test_a_page_that_does_not_answer_the_question_is_no_data(page, message) -> None:
    with pytest.raises(NoDataError, match=message):
        scrape(page)


def test_labels_count_from_their_delay_on() -> None:
    ledger = Ledger(label_delay_seconds=2.0)
    for now, wrong in ((10.0, True), (11.0, False)):
        ledger.answer("a", status=200, seconds=0.01, at=1000.0 + now)
        ledger.expect_label("a", wrong=wrong, now=now)
    counts = []
    for now in (11.9, 12.0, 13.0):
        ledger.mature(now)
        counts.append((ledger.tallies["a"].labelled, ledger.tallies["a"].wrong))
    assert counts == [(0, 0), (1, 1), (2, 1)]
    assert (ledger.tallies["a"].first_at, ledger.tallies["a"].last_at) == (1010.0, 1011.0)


def test_answers_are_counted_by_who_gave_them_and_how() -> None:
    ledger = Ledger(label_delay_seconds=0.0)
    for name, status in (("a", 200), ("a", 400), ("a", 500), ("", 503), ("b", 204)):
        ledger.answer(name, status=status, seconds=0.001, at=1.0)
    found = {name: tally.record() for name, tally in ledger.tallies.items()}
    assert (ledger.ok, ledger.lost) == (2, 1)  # what the proxy answered is lost
    assert [found["a"][key] for key in ("requests", "client_errors", "server_errors")] == [3, 1, 1]
    assert [found[""][key] for key in ("requests", "client_errors", "server_errors")] == [1, 0, 1]


def test_percentiles_are_at_most_5_percent_too_high() -> None:
    ledger = Ledger(label_delay_seconds=0.0)
    for milliseconds in range(1, 101):
        ledger.answer("a", status=200, seconds=milliseconds / 1000, at=1.0)
    tally = ledger.tallies["a"]
    assert 50 <= tally.percentile_ms(0.5) <= 50 * 1.051
    assert 95 <= tally.percentile_ms(0.95) <= 95 * 1.051
    assert Ledger(label_delay_seconds=0.0).tallies == {}


def test_a_route_survives_on_disk(tmp_path) -> None:
    path = tmp_path / "route.json"
    written = RouteStore(path).commit(
        Route(revision="", backends=route(a=1).backends, state={"x": 1})
    )
    assert written.revision == "1"
    assert RouteStore(path).route == written
    assert RouteStore(path).commit(written).revision == "2"


def test_only_the_present_revision_may_be_replaced(tmp_path) -> None:
    store = RouteStore(tmp_path / "route.json")
    store.check(route(a=10_000))
    store.commit(route(a=10_000))
    with pytest.raises(ConflictError, match="revision '' was replaced by '1'"):
        store.check(route(a=10_000))


def test_a_state_must_be_small_json(tmp_path) -> None:
    store = RouteStore(tmp_path / "route.json")
    for state, message in (
        ({"x": "y" * 200_000}, "allowed are 102400"),
        ({"x": float("nan")}, "no JSON form"),
        ({"x": {1}}, "no JSON form"),
    ):
        with pytest.raises(BackendError, match=message):
            store.check(Route(revision="", backends=route(a=10_000).backends, state=state))


def test_a_file_that_is_no_route_is_refused(tmp_path) -> None:
    path = tmp_path / "route.json"
    path.write_text(json.dumps({"revision": 3, "backends": []}))
    with pytest.raises(DataError, match="not a route"):
        RouteStore(path)


def test_the_proxy_gets_only_positive_weights_and_never_retries() -> None:
    found = routes(route(a=9_900, b=100, c=0), version="7")
    action = found["resources"][0]["virtual_hosts"][0]["routes"][0]["route"]
    assert action["weighted_clusters"]["clusters"] == [
        {"name": "a", "weight": 9_900},
        {"name": "b", "weight": 100},
    ]
    assert action["timeout"] == "5s"
    assert "retry_policy" not in action
    assert found["version_info"] == "7"


def watch(guard_step, monkeypatch, *, write):
    """Run a guard until it ended or acted; return the guard and its events."""
    monkeypatch.setattr(guarding, "guard_step", guard_step)
    monkeypatch.setattr(guarding, "STEP_SECONDS", 0.0)
    events = []

    async def run():
        done = asyncio.Event()

        async def written(route):
            answer = write(route)
            done.set()
            return answer

        guard = guarding.Guard(
            read=lambda: None, write=written, on_event=lambda *event: events.append(event)
        )
        guard.start(on_failure=done.set)
        await asyncio.wait_for(done.wait(), 5)
        failure = guard.failure
        guard.stop()
        await asyncio.sleep(0)
        assert guard.failure is failure
        return failure

    return asyncio.run(run()), events


def test_a_guard_that_cannot_write_says_so_and_tries_again(monkeypatch) -> None:
    outcomes = [OSError(28, "No space left on device")]

    def write(wanted):
        if outcomes:
            raise outcomes.pop()
        return wanted

    failure, events = watch(lambda *_, **__: route(a=10_000), monkeypatch, write=write)
    assert failure is None
    assert events[:2] == [
        ("guard", "could not act: [Errno 28] No space left on device"),
        ("guard", "rolled back"),
    ]


def test_a_guard_that_ends_by_an_unknown_error_reports_its_failure(monkeypatch) -> None:
    def broken(*_, **__):
        raise ZeroDivisionError

    failure, events = watch(broken, monkeypatch, write=lambda wanted: wanted)
    assert isinstance(failure, ZeroDivisionError)
    assert events == []


def test_each_deployment_is_a_cluster_of_its_own() -> None:
    found = clusters({"a": 1001, "b": 1002}, version="8")
    assert [cluster["name"] for cluster in found["resources"]] == ["a", "b"]
