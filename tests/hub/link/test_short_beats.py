"""Rule P75: the short form of a heartbeat, between the real hub, the agent's client, and the wire."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from edgewright.agent.plane.beats import since_boot
from edgewright.agent.plane.client import Client, parse_endpoint
from edgewright.agent.plane.plane import Plane
from edgewright.agent.plane.tls import make_context
from edgewright.wire import protocol
from edgewright.wire.protocol.short_beat import CLOCK_SPAN, FULL_EVERY, ShortBeat, clock_difference, read_short_beat
from tests.hub_fixture import RunningHub, running_hub

BOOT = "0f6a1c52-aaaa-bbbb-cccc-0123456789ab"


def body(seq: int, state: str = "healthy", message: str = "", **more: Any) -> dict[str, Any]:
    extension: dict[str, Any] = {
        "seq": seq, "bootId": BOOT, "observedGeneration": 1, "address": "10.0.0.7", "mac": "02:00:00:00:00:07",
        "clock": time.time(), "load1": 0.31, "cpuPercent": 4.2, "memoryUsedMB": 812 + seq % 7, "uptimeSeconds": seq,
        **more,
    }  # fmt: skip
    return {"state": state, "message": message, "agentVersion": "0.2.0", "edgewright": extension}


def make_plane(hub: RunningHub, uid: str, token: str) -> Plane:
    credential = hub.register(uid, token, "b" * 32).json()["status"]["serviceAuthToken"]
    plane = Plane(Client(parse_endpoint(hub.url), make_context(str(hub.ca))), uid)
    plane.credential = credential
    return plane


def lineage(hub: RunningHub) -> str:
    return str(hub.client().get("/edgewright/v1/status").json()["lineage"])


def stored(hub: RunningHub, uid: str) -> dict[str, Any]:
    found: dict[str, Any] = hub.client().get(f"/v1/edgehosts/{uid}").json()
    return found


def paths(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which each request of a plane adds its path."""
    seen: list[str] = []
    lean, call = plane.client.lean, plane.client.call

    def lean_seen(*request: Any) -> Any:
        seen.append("short")
        return lean(*request)

    def call_seen(method: str, path: str, *rest: Any) -> Any:
        seen.append(path.rsplit("/")[-1])
        return call(method, path, *rest)

    monkeypatch.setattr(plane.client, "lean", lean_seen)
    monkeypatch.setattr(plane.client, "call", call_seen)
    return seen


def test_p75_a_beat_with_nothing_but_vital_signs_is_short(
    hub: RunningHub, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane, name = make_plane(hub, "s-1", token), lineage(hub)
    seen = paths(plane, monkeypatch)
    first = plane.heartbeat(body(1, lineage=name))
    second = plane.heartbeat(body(2, lineage=name, cpuPercent=55.5))
    assert seen == ["health", "short"]
    assert second[:2] == first[:2] and second.lineage == first.lineage == name
    assert second.date is not None and first.date is not None and 0 <= second.date - first.date < 5
    status = stored(hub, "s-1")
    assert status["status"]["edgewright"]["heartbeats"] == 2
    vitals = status["spec"]["edgewright"]
    assert (vitals["cpuPercent"], vitals["load1"], vitals["memoryUsedMB"]) == (55.5, 0.31, 814)
    plane.heartbeat(body(3, "unhealthy", "disk / 97 %", lineage=name))  # anything else that changes is sent in full
    assert seen == ["health", "short", "health"]
    assert stored(hub, "s-1")["status"]["health"]["state"] == "unhealthy"
    plane.heartbeat(body(4, "unhealthy", "disk / 97 %", lineage=name))
    assert seen[3:] == ["short"]
    assert stored(hub, "s-1")["status"]["health"]["state"] == "unhealthy"


def test_p75_doubled_and_late_short_beats_change_nothing(hub: RunningHub, token: str) -> None:
    plane, name = make_plane(hub, "s-2", token), lineage(hub)
    plane.heartbeat(body(10, lineage=name))
    line = ShortBeat(BOOT, 11, int(time.time()), 0.1, 1.0, 5).line()
    late = ShortBeat(BOOT, 9, int(time.time()), 0.1, 1.0, 5).line()
    for sent, status in ((line, 204), (line, 409), (late, 409)):
        assert plane.client.lean(protocol.HEARTBEAT_SHORT, sent, plane.credential).status == status
    assert stored(hub, "s-2")["status"]["edgewright"]["heartbeats"] == 2


def test_p75_p39_two_machines_with_one_boot_id_are_named_both(hub: RunningHub, token: str) -> None:
    """A copy of a virtual machine that runs has its boot id: the short beats of both were taken as those of one."""
    plane = make_plane(hub, "s-copy", token)
    name = lineage(hub)
    other = Plane(Client(parse_endpoint(hub.url), make_context(str(hub.ca))), "s-copy")
    other.credential = plane.credential
    copy = {"address": "10.0.0.8", "mac": "02:00:00:00:00:08"}
    for seq in range(1, 6):
        plane.heartbeat(body(seq, lineage=name))
        other.heartbeat(body(1000 + seq, lineage=name, **copy))
    alerts = hub.client().get("/edgewright/v1/alerts").json()["items"]
    (alert,) = [item for item in alerts if item["kind"] == "duplicate-identity" and "s-copy" in item["hostUids"]]
    assert "10.0.0.7" in alert["message"] and "10.0.0.8" in alert["message"], alert["message"]


def test_p75_the_hub_asks_for_a_full_beat_when_it_does_not_know_the_rest(
    hub: RunningHub, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane, name = make_plane(hub, "s-3", token), lineage(hub)
    now = int(time.time())
    cases = {
        "no full one yet": ShortBeat(BOOT, 1, now, 0.1, 1.0, 5).line(),
        "another boot": ShortBeat("ffff", 20, now, 0.1, 1.0, 5).line(),
        "a clock that was set": ShortBeat(BOOT, 20, now + 600, 0.1, 1.0, 5).line(),
        "garbage": b"a,b,c",
        "too long": b"x" * 200,
    }
    for case, line in cases.items():
        answer = plane.client.lean(protocol.HEARTBEAT_SHORT, line, plane.credential)
        assert (answer.status, answer.json()["code"]) == (409, "FullHeartbeatNeeded"), case
        plane.heartbeat(body(10, lineage=name))
    plane.heartbeat(body(11, lineage=name))
    seen = paths(plane, monkeypatch)
    # Another lineage than the present one: what the host has applied is not known, so the full one is asked for.
    old = Plane(plane.client, "s-3")
    old.credential = plane.credential
    old.heartbeat(body(12, lineage="0" * 16))
    old.heartbeat(body(13, lineage="0" * 16))
    assert seen == ["health", "short", "health"]
    wrong = plane.client.lean(protocol.HEARTBEAT_SHORT, cases["another boot"], "ewh_00000000_" + "x" * 43)
    assert wrong.status == 401


def test_p75_news_is_in_the_answer(hub: RunningHub, token: str) -> None:
    plane, name = make_plane(hub, "s-4", token), lineage(hub)
    plane.heartbeat(body(1, lineage=name))
    assert plane.heartbeat(body(2, lineage=name)).generation == 1
    hub.client().post("/edgewright/v1/hosts/s-4/operations", json={"kind": "collect-logs", "params": {"lines": 1}})
    pulse = plane.heartbeat(body(3, lineage=name))
    assert (pulse.generation, pulse.lineage) == (2, name)


def test_p75_a_full_beat_follows_in_time(hub: RunningHub, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plane, name = make_plane(hub, "s-5", token), lineage(hub)
    later = [0.0]
    plane._short._clock = lambda: since_boot() + later[0]
    seen = paths(plane, monkeypatch)
    for seq, ahead in ((1, 0.0), (2, FULL_EVERY - 5), (3, FULL_EVERY + 1), (4, FULL_EVERY + 2)):
        later[0] = ahead
        plane.heartbeat(body(seq, lineage=name))
    assert seen == ["health", "short", "health", "short"]


def test_p75_a_plane_without_short_beats_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, hub: RunningHub, token: str
) -> None:
    plane, name = make_plane(hub, "s-6", token), lineage(hub)
    monkeypatch.setattr(protocol, "HEARTBEAT_SHORT", "/not/known")
    seen = paths(plane, monkeypatch)
    for seq in range(1, 5):
        plane.heartbeat(body(seq, lineage=name))
    assert seen == ["health", "short", "health", "health", "health"]


def test_p75_a_short_beat_and_its_answer_are_200_bytes_at_most_above_tcp(hub: RunningHub, token: str) -> None:
    """400 bytes on the wire: 3 segments have 52 bytes of IP and TCP each, two TLS records 22 each."""
    plane, name = make_plane(hub, "s-7", token), lineage(hub)
    plane.heartbeat(body(123_456_789, lineage=name))
    line = ShortBeat(BOOT, 123_456_790, int(time.time()), 10.31, 94.2, 64_812).line()
    host = "hub.example.com:8443"
    request = (
        f"POST {protocol.HEARTBEAT_SHORT} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {plane.credential}\r\n"
        f"Content-Length: {len(line)}\r\n\r\n"
    ).encode() + line
    port = int(hub.url.rsplit(":", 1)[1])
    context = make_context(str(hub.ca))
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as link,
    ):
        link.sendall(request)
        answer = link.recv(4096)
    assert answer == b"HTTP/1.1 204 No Content\r\n\r\n"
    assert len(request) + len(answer) <= 200


def test_the_line_survives_a_round_trip_and_garbage_is_no_beat() -> None:
    beat = ShortBeat("0f6a", 2**40, 17 % CLOCK_SPAN, 12.34, 99.9, 64_000)
    assert read_short_beat(beat.line()) == beat
    empty = ShortBeat("0f6a", 0, 0, None, None, None)
    assert read_short_beat(empty.line()) == empty
    for wrong in (b"", b"0f6a,1,01,1,1", b"0f6a,1,01,1,1,1,", b"0f6a,-1,01,1,1,1", b"0f6a,1,1,1,1,1", b"\xff" * 20):
        assert read_short_beat(wrong) is None, wrong
    assert read_short_beat(json.dumps([1, 2]).encode()) is None
    for off in (-600, -61, 0, 1, 61, 600):
        assert clock_difference(ShortBeat("x", 1, int(1e9 + off) % CLOCK_SPAN, None, None, None), 1e9) == off


def test_p76_a_host_with_an_operation_is_asked_for_a_beat_every_2_s(hub: RunningHub, token: str) -> None:
    plane, name = make_plane(hub, "s-8", token), lineage(hub)
    assert plane.heartbeat(body(1, lineage=name)).interval == 60
    made = hub.client().post("/edgewright/v1/hosts/s-8/operations", json={"kind": "collect-logs"})
    pulse = plane.heartbeat(body(2, lineage=name))
    assert (pulse.interval, pulse.generation) == (protocol.URGENT_INTERVAL, 2)
    applied: dict[str, Any] = {"observedGeneration": 2, "lineage": name}
    assert plane.heartbeat(body(3, **applied)).interval == protocol.URGENT_INTERVAL  # in full: another generation
    assert plane.heartbeat(body(4, **applied)).interval == protocol.URGENT_INTERVAL
    done = {"state": "succeeded", "message": "", "finishedAt": "2026-01-01T00:00:00.000Z", "generation": 2}
    assert plane.result(made.json()["uid"], done)
    pulse = plane.heartbeat(body(5, **applied))
    assert (pulse.interval, pulse.generation) == (60, 3)
    assert plane.heartbeat(body(6, **applied)).interval == 60


def test_p76_it_is_known_again_after_a_restart_and_ends_with_the_host() -> None:
    with running_hub() as hub:
        _, text = hub.token("t")
        plane, name = make_plane(hub, "s-9", text), lineage(hub)
        hub.client().post("/edgewright/v1/hosts/s-9/operations", json={"kind": "collect-logs"})
        hub.kill()
        hub.start_again()
        plane.client.close()
        plane.client.endpoint = parse_endpoint(hub.url)
        assert plane.heartbeat(body(1, lineage=name)).interval == protocol.URGENT_INTERVAL
