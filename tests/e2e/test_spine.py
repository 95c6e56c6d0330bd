"""The spine, end to end: real hosts register with a real hub and are watched in a real terminal, through faults.

One lab of three booted hosts with the agent archive. The hub calls a host unhealthy after 24 s of silence instead of
600, and asks for a heartbeat every 8 s instead of 60, so that limits can be waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.console import Console
from tests.e2e.fleet import Fleet, Plane, epoch, until

pytestmark = pytest.mark.e2e

LIMIT, BEAT = 24.0, 8.0
NAMES = ("edge1", "edge2", "edge3")


@pytest.fixture(scope="module")
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet("--hosts", "3", "--silence-limit", f"{LIMIT:g}", "--heartbeat", f"{BEAT:g}")


@pytest.fixture(scope="module")
def plane(fleet: Fleet) -> Plane:
    return fleet.plane()


@pytest.fixture(scope="module")
def console(fleet: Fleet, tmux: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """The console on the lab's hub, with its Hosts screen open."""
    hub = fleet.shown["hub"]
    opened = Console(tmp_path_factory.mktemp("console"), hub["url"], Path(hub["ca"]), Path(hub["apiKeyFile"]))
    try:
        opened.wait("Pulse", patience=20)
        opened.press("2")
        opened.wait("Hosts", "HEALTH", patience=20)
        yield opened
    finally:
        opened.close()


@pytest.fixture(autouse=True)
def healed(fleet: Fleet, plane: Plane) -> Iterator[None]:
    """Take back every fault after each test, and let all hosts be healthy before the next."""
    yield
    fleet.lab("fault", "clear")
    until("all hosts are healthy", 30, lambda: all(health(fleet, plane, name) == "healthy" for name in NAMES), 0.3)


def health(fleet: Fleet, plane: Plane, name: str) -> str:
    return str(plane.judgement(fleet.uid(name)).get("healthState", ""))


def when_registered(fleet: Fleet, plane: Plane, name: str) -> str:
    return str(plane.judgement(fleet.uid(name)).get("registeredAt") or "")


def has_more_beats(fleet: Fleet, plane: Plane, name: str, than: int) -> bool:
    return bool(plane.judgement(fleet.uid(name))["heartbeats"] > than)


@pytest.mark.core
def test_hosts_register_within_ten_seconds_of_boot(fleet: Fleet, plane: Plane) -> None:
    for name in NAMES:
        registered = epoch(until(f"{name} is registered", 15, partial(when_registered, fleet, plane, name)))
        took = registered - fleet.booted_at(name)
        print(f"{name}: registered {took:.2f} s after its first process started")
        assert 0 < took <= 10
    assert set(plane.hosts()) == {fleet.uid(name) for name in NAMES}


@pytest.mark.core
def test_what_the_hub_knows_of_a_host(fleet: Fleet, plane: Plane) -> None:
    document = plane.host(fleet.uid("edge1"))
    device = document["spec"]["device"]
    assert document["metadata"]["labels"]["site"] == "berlin"
    assert document["status"]["state"] == "ready"
    assert device["cpu"]["cores"] >= 1
    assert device["memory"]["sizeInMB"] > 0
    assert "debian" in str(device["os"]).lower()
    assert any(nic.get("nicName") == "host0" for nic in device["nics"])
    key = fleet.within("edge1", "cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    assert key in str(document["spec"]["edgewright"]["sshHostKeys"])
    judged = document["status"]["edgewright"]
    assert judged["address"] == fleet.shown["hosts"][0]["address"]
    assert judged["tokenName"].startswith("lab-")


@pytest.mark.core
def test_the_console_shows_all_three(fleet: Fleet, console: Console) -> None:
    console.wait(*NAMES)
    for name in NAMES:
        console.wait_row(name, "•")


@pytest.mark.core
def test_a_cut_link_is_told_with_reason_and_clock_and_not_before_the_limit(
    fleet: Fleet, plane: Plane, console: Console
) -> None:
    uid = fleet.uid("edge1")
    fleet.lab("fault", "link", "down", "edge1")
    time.sleep(1.0)  # a beat that was on its way has arrived by now
    last = epoch(plane.judgement(uid)["lastHeartbeat"])
    while health(fleet, plane, "edge1") == "healthy":
        assert time.time() < last + LIMIT + 6, "silent past the limit and still healthy"
        time.sleep(0.1)
    judged = plane.judgement(uid)
    late = time.time() - (last + LIMIT)
    print(f"unhealthy {late:+.2f} s after the limit of {LIMIT:g} s: {judged['reason']}")
    assert judged["healthState"] == "unhealthy"
    assert judged["lastHeartbeat"] == plane.judgement(uid)["lastHeartbeat"]
    assert late >= -0.2, "unhealthy before the limit"
    assert judged["reason"].endswith(".")
    assert epoch(judged["since"]) >= last
    console.wait_row("edge1", "unhealthy")
    row = console.row("edge1")
    assert row.lstrip()[0] in "▲‼", row
    console.wait_row("edge2", "•")
    healed_at = time.time()
    fleet.lab("fault", "link", "up", "edge1")
    until("edge1 is healthy again", 2 * BEAT + 3, lambda: health(fleet, plane, "edge1") == "healthy")
    print(f"healthy {time.time() - healed_at:.2f} s after the link was healed")
    assert time.time() - healed_at <= 2 * BEAT + 1
    console.wait_row("edge1", "•")


@pytest.mark.core
def test_a_slow_and_lossy_link_is_no_sickness(fleet: Fleet, plane: Plane) -> None:
    fleet.lab("fault", "delay", "300", "edge3", "--loss", "5", "--jitter", "50")
    beats = plane.judgement(fleet.uid("edge3"))["heartbeats"]
    until("two more beats", 25, lambda: plane.judgement(fleet.uid("edge3"))["heartbeats"] >= beats + 2)
    assert health(fleet, plane, "edge3") == "healthy"


@pytest.mark.core
def test_a_power_cut_of_a_host_loses_nothing(fleet: Fleet, plane: Plane, console: Console) -> None:
    uid = fleet.uid("edge2")
    before = plane.host(uid)
    fleet.lab("fault", "power-cut", "edge2")
    fleet.lab("fault", "power-on", "edge2")
    judged = before["status"]["edgewright"]
    until("edge2 beats again", 15, lambda: plane.judgement(uid)["heartbeats"] > judged["heartbeats"])
    after = plane.host(uid)
    assert after["status"]["edgewright"]["registeredAt"] == judged["registeredAt"]
    assert after["metadata"]["creationTimestamp"] == before["metadata"]["creationTimestamp"]
    assert set(plane.hosts()) == {fleet.uid(name) for name in NAMES}
    shown = console.screen()
    assert sum("edge2" in line for line in shown.splitlines()) <= 2  # its row, and perhaps a message about it


@pytest.mark.core
def test_the_hub_killed_in_mid_write_keeps_what_it_acknowledged(fleet: Fleet, plane: Plane, console: Console) -> None:
    """Rule P1 `durable`: writers run until the hub dies; each write it acknowledged is there after its restart."""
    acknowledged: list[str] = []
    stop = threading.Event()

    def write(number: int) -> None:
        mine, count = fleet.plane(), 0
        while not stop.is_set():
            try:
                acknowledged.append(mine.make_token(f"write-{number}-{count}")[0])
            except (OSError, AssertionError):
                return  # the hub is gone: what it did not acknowledge may be lost
            count += 1

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    try:
        until("more than 20 writes are acknowledged", 60, lambda: len(acknowledged) > 20)
        fleet.lab("fault", "power-cut", "hub")
    finally:
        stop.set()
    for writer in writers:
        writer.join(15)
    assert sum(name in console.screen() for name in NAMES) == 3, "the last known fleet stays on the screen"
    fleet.lab("fault", "power-on", "hub")
    kept = {token["metadata"]["uid"] for token in all_tokens(plane)}
    print(f"{len(acknowledged)} writes acknowledged before the kill, {len(set(acknowledged) - kept)} lost")
    assert not set(acknowledged) - kept
    for name in NAMES:
        assert health(fleet, plane, name) in ("healthy", "unknown"), "an outage of the hub turned a host red"
    beats = {name: plane.judgement(fleet.uid(name))["heartbeats"] for name in NAMES}
    for name in NAMES:
        until(f"{name} beats", 20, partial(has_more_beats, fleet, plane, name, beats[name]))


def all_tokens(plane: Plane) -> list[dict[str, dict[str, str]]]:
    """Return every token, page by page where the plane has pages of them."""
    status, page = plane.ask("GET", "/v1/edgehosts/tokens")
    assert status == 200, page
    return list(page["items"])


def test_a_frozen_host_is_told_and_comes_back(fleet: Fleet, plane: Plane) -> None:
    fleet.lab("fault", "freeze", "edge3")
    until("edge3 is unhealthy", LIMIT + 10, lambda: health(fleet, plane, "edge3") == "unhealthy", 0.3)
    fleet.lab("fault", "thaw", "edge3")
    until("edge3 is healthy", 2 * BEAT + 3, lambda: health(fleet, plane, "edge3") == "healthy")


@pytest.mark.core
def test_an_outage_of_the_hub_longer_than_the_limit_turns_nobody_red(
    fleet: Fleet, plane: Plane, console: Console
) -> None:
    fleet.lab("fault", "power-cut", "hub")
    console.wait("unreachable", patience=25)
    time.sleep(LIMIT + 1)
    fleet.lab("fault", "power-on", "hub")
    for _ in range(10):
        for name in NAMES:
            assert health(fleet, plane, name) != "unhealthy"
        time.sleep(0.2)
    console.press("C-r")  # at once, instead of at the end of the countdown that it shows
    console.wait("live", patience=15)
