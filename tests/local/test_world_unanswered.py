"""What a server does not answer is an error of its deployment, and lost to the users."""

import asyncio
import os
import signal
from collections import Counter

import httpx
import pytest

from headgate.errors import NoDataError
from headgate.rollout.counters import new_answers

pytestmark = pytest.mark.live


def ask(playground, requests: int) -> Counter[int]:
    """Ask through the proxy, all at once; count the answers by status."""

    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=20, trust_env=False) as users:
            url = f"{playground.world.proxy_url}/predict"
            return await asyncio.gather(*(users.post(url, json={}) for _ in range(requests)))

    return Counter(answer.status_code for answer in asyncio.run(all_at_once()))


def proxy_counts(playground, name: str) -> list[tuple[int, int, int]]:
    _, *proxies = playground.cluster.counters(name)
    return [(pod.requests, pod.errors, pod.slow) for pod in proxies]


@pytest.mark.parametrize(
    ("fault", "status"), [("hang", 504), ("reset", 503), ("garbage", 502)], ids=str
)
def test_each_request_that_the_server_left_without_an_answer_is_one_error(
    playground, fault, status
) -> None:
    playground.serve(fault, f"--{fault}-share", "1")
    playground.split(**{fault: 10_000})
    assert proxy_counts(playground, fault) == []
    assert ask(playground, 7) == {status: 7}
    server, proxy = playground.cluster.counters(fault)
    assert (server.requests, server.errors) == (0, 0)
    assert (proxy.requests, proxy.errors, proxy.slow) == (7, 7, 7)


def test_requests_that_wait_behind_hanging_ones_are_errors_too(playground) -> None:
    playground.serve("queue", "--hang-share", "1")
    playground.split(queue=10_000)
    # More than the proxy's connections to one server.
    assert ask(playground, 40) == {504: 40}
    assert proxy_counts(playground, "queue") == [(40, 40, 40)]


def test_a_server_that_answers_all_has_no_entry_of_the_proxy(playground) -> None:
    playground.serve("good", "--fail-share", "0.5")
    playground.split(good=10_000)
    ask(playground, 30)
    (server,) = playground.cluster.counters("good")
    assert server.requests == 30


def test_a_killed_champion_loses_requests_and_each_of_them_is_counted(playground) -> None:
    playground.serve("champion", "--fail-share", "0.2")
    playground.split(champion=10_000)
    playground.traffic(200)
    playground.until(lambda: playground.cluster.traffic()["ok"] > 50)
    os.kill(playground.pids()["champion"], signal.SIGKILL)
    playground.until(lambda: not playground.cluster.status("champion").ready)
    with pytest.raises(NoDataError, match="champion-0 cannot be scraped"):
        playground.cluster.counters("champion")
    playground.until(lambda: playground.cluster.status("champion").ready)
    totals = playground.quiet()
    assert totals["lost"] > 0
    assert totals["lost"] == totals["deployments"][""]["requests"]
    errors = totals["deployments"]["champion"]["server_errors"]
    assert errors > 0
    assert totals["sent"] == totals["ok"] + totals["lost"] + totals["in_flight"] + errors
    assert proxy_counts(playground, "champion") == [(totals["lost"],) * 3]


def test_every_request_under_load_is_answered_lost_or_in_flight(playground) -> None:
    playground.traffic(300)
    for _ in range(50):
        totals = playground.cluster.traffic()
        named = [tally for name, tally in totals["deployments"].items() if name]
        errors = sum(tally["client_errors"] + tally["server_errors"] for tally in named)
        assert totals["sent"] == totals["ok"] + totals["lost"] + totals["in_flight"] + errors
    playground.quiet()


def test_a_proxy_that_begins_again_is_no_restart_of_the_server(playground) -> None:
    playground.serve("patient", "--reset-share", "1")
    playground.split(patient=10_000)
    ask(playground, 5)
    first, used = new_answers({}, playground.cluster.counters("patient"))
    restarts = playground.cluster.processes()["proxy_restarts"]
    os.kill(playground.pids()["proxy"], signal.SIGKILL)
    playground.until(lambda: playground.cluster.processes()["proxy_restarts"] > restarts)
    playground.until(lambda: _answers(playground))
    asked = ask(playground, 2)[503]
    later, _ = new_answers(used, playground.cluster.counters("patient"))
    assert (first.errors, first.restarted) == (5, ())
    assert later.restarted == ()
    assert asked == 2
    assert later.errors >= 2  # and those by which the test saw that the proxy was back


def test_a_server_that_the_proxy_forgot_meanwhile_is_counted_on(playground) -> None:
    playground.serve("forgotten", "--reset-share", "1")
    playground.split(forgotten=10_000)
    ask(playground, 5)
    _, used = new_answers({}, playground.cluster.counters("forgotten"))
    os.kill(playground.pids()["forgotten"], signal.SIGKILL)
    playground.until(lambda: not playground.cluster.status("forgotten").ready)
    playground.serve("newcomer")  # makes the proxy forget who is down
    playground.until(lambda: playground.cluster.status("forgotten").ready)
    ask(playground, 2)
    server, proxy = playground.cluster.counters("forgotten")
    later, _ = new_answers(used, (proxy,))
    assert server.pod == "forgotten-1"
    assert later.restarted == ()
    assert later.errors == 2


def _answers(playground) -> bool:
    try:
        return 503 in ask(playground, 1)
    except httpx.TransportError:
        return False
