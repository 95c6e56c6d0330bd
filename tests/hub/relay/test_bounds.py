"""Bounds of the relay: how many streams, for how long, and what becomes of silent ends (P132, P133)."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from starlette.datastructures import Headers

from edgewright.hub.clusters.index import ClusterIndex
from edgewright.hub.http import upgrade
from edgewright.hub.http.auth import Actor
from edgewright.hub.http.problems import Problem
from edgewright.hub.readmodel.pace import Turns
from edgewright.hub.relay.tables import ReachRecord, StreamRecord
from edgewright.hub.relay.waiting import Reaches, Waiting
from edgewright.hub.resources.relay import bridge, routes
from edgewright.hub.resources.relay.streams import End, Stream
from edgewright.hub.resources.relay.table import Streams
from edgewright.store.collections.catalogue.cluster_rows import cluster_row
from edgewright.wire import websocket
from edgewright.wire.protocol import relay


class Link:
    """A transport that remembers what was done with it."""

    def __init__(self) -> None:
        self.written = b""
        self.reads = True
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close


def record(number: int = 1, host: str = "h") -> StreamRecord:
    return StreamRecord(f"{number:024x}", "c" * 24, host, 22, "hub", "https://hub", 1e12)


def opened() -> tuple[Stream, Link, Link, list[str]]:
    ended: list[str] = []
    actor = Actor("operator", "u", "u", "127.0.0.1")
    stream = Stream(record(), actor, lambda _: None, lambda _, reason: ended.append(reason))
    client, host = Link(), Link()
    stream.client.made(cast(Any, client))
    stream.host.made(cast(Any, host))
    assert stream.opened is not None
    return stream, client, host, ended


def test_p133_the_number_of_streams_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "USER_STREAMS", 2)
    monkeypatch.setattr(relay, "HOST_STREAMS", 3)
    streams = Streams(cast(Any, None))
    for number, user in enumerate(("a", "a", "b")):
        streams.admit(user, "h")
        actor = Actor("operator", user, user, "127.0.0.1")
        streams.add(Stream(record(number), actor, lambda _: None, lambda _, __: None))
    for user, host, whose in (("a", "other", "You have 2"), ("c", "h", "'h' has 3")):
        with pytest.raises(Problem, match=whose) as refused:
            streams.admit(user, host)
        assert (refused.value.status, refused.value.code) == (429, relay.E_LIMIT)
    streams.admit("c", "other")


async def test_p133_an_end_that_does_not_read_stops_the_other_one() -> None:
    stream, client, host, _ = opened()
    stream.client.paused()
    assert (host.reads, client.reads) == (False, True)
    stream.client.resumed()
    assert (host.reads, client.reads) == (True, True)


async def test_p133_silent_ends_and_idle_streams_end() -> None:
    stream, client, host, ended = opened()
    before = len(client.written)
    stream.look(monotonic() + relay.PING + 1)
    assert client.written[before:] == websocket.frame(websocket.PING, b"", False) and not ended
    stream.client.paused()  # the host is not read now, so that its silence shows nothing
    stream.host.last_frame -= 1e6
    stream.client.last_frame = monotonic()
    stream.look(monotonic() + 1)
    assert not ended
    stream.client.resumed()
    stream.host.last_frame -= 1e6
    stream.look(monotonic() + 1)
    assert ended == [f"the host did not answer for {1_000_001} s"] and host.closed
    stream, _, _, ended = opened()
    stream.look(monotonic() + relay.IDLE + 1)
    assert ended == ["nothing was sent for 30 minutes"]


@pytest.mark.parametrize("data", [b"\xff\xff", websocket.frame(websocket.BINARY, b"x", False)])
async def test_p133_a_peer_that_breaks_the_protocol_ends_its_stream(data: bytes) -> None:
    stream, _, _, ended = opened()
    stream.host.received(data)
    assert len(ended) == 1 and "the host broke the protocol" in ended[0]


async def test_bytes_of_a_stream_are_noted_here_and_at_a_hub_between() -> None:
    """The event loop does not sleep between heartbeats meanwhile."""
    noted: list[str] = []
    actor = Actor("operator", "u", "u", "127.0.0.1")
    stream = Stream(record(), actor, lambda _: None, lambda _, __: None, lambda: noted.append("stream"))
    stream.client.made(cast(Any, Link()))
    stream.host.made(cast(Any, Link()))
    stream.client.received(websocket.frame(websocket.BINARY, b"x", True))
    stream.host.received(websocket.frame(websocket.BINARY, b"x", True))
    far = bridge.Far()
    between = bridge.Bridge(far, lambda: noted.append("bridge"))
    between.received(b"x")
    between.send(b"x")
    assert noted == ["stream", "stream", "bridge", "bridge"]


async def test_bytes_before_the_stream_is_open_end_it() -> None:
    ended: list[str] = []
    actor = Actor("operator", "u", "u", "127.0.0.1")
    stream = Stream(record(), actor, lambda _: None, lambda _, reason: ended.append(reason))
    stream.client.made(cast(Any, Link()))
    stream.client.received(websocket.frame(websocket.BINARY, b"x", True))
    assert ended == ["the client sent bytes before the stream was open"]


def test_p131_a_stream_is_named_to_its_host_until_it_waits_no_more() -> None:
    waiting, woken = Waiting(), list[str]()
    waiting.asked = woken.append
    waiting.put(record(1))
    waiting.put(record(2, "other"))
    assert woken == ["h", "other"] and waiting.header("h") == f"{1:024x}:22" and waiting.unnamed("h")
    waiting.name("h")
    assert not waiting.unnamed("h") and waiting.header("h"), "a heartbeat names it again: an answer may be lost"
    waiting.drop(f"{1:024x}")
    assert not waiting.header("h") and not waiting.unnamed("h")


def test_p135_reach_is_unknown_until_it_is_measured() -> None:
    reaches = Reaches()
    assert {way["state"] for way in reaches.document("c").values()} == {"unknown"}
    reaches.put(ReachRecord("c", "no", 1.0, "late"))
    assert reaches.document("c")["relay"] == {"state": "no", "since": "1970-01-01T00:00:01.000Z", "error": "late"}
    assert reaches.document("c")["direct"]["state"] == "unknown"


def test_p135_clients_show_each_way_with_its_state_since_and_error() -> None:
    reaches = Reaches([ReachRecord("c", "no", 1.0, "late")])
    document = {"metadata": {"uid": "c"}, "status": {"edgewright": {"reach": reaches.document("c")}}}
    row = cluster_row(document)
    assert row is not None
    direct, ssh, way = row.reach
    assert way == "relay: no since 1970-01-01T00:00:01.000Z: late"
    assert direct.startswith("direct: unknown: measured by each client") and ssh.startswith("ssh: unknown")


async def test_p133_many_small_frames_are_passed_on_as_one() -> None:
    stream, _, host, _ = opened()
    before = len(host.written)
    stream.client.received(websocket.frame(websocket.BINARY, b"x", True) * 5000)
    assert host.written[before:] == websocket.frame(websocket.BINARY, b"x" * 5000, False) and stream.sent == 5000
    stream.host.received(websocket.frame(websocket.CLOSE, b"", True) + websocket.frame(websocket.BINARY, b"x", True))
    assert stream.over and stream.received == 0


async def test_p133_a_peer_that_pings_and_does_not_read_fills_no_memory() -> None:
    stream, client, _, ended = opened()
    before = len(client.written)
    stream.client.received(websocket.frame(websocket.PING, b"a", True) + websocket.frame(websocket.PING, b"b", True))
    answer = websocket.frame(websocket.PONG, b"b", False)
    assert client.written[before:] == answer
    stream.client.paused()
    stream.client.received(websocket.frame(websocket.PING, b"c", True) * 1000)
    assert client.written[before:] == answer and not ended


async def test_p133_an_end_that_does_not_read_is_not_lost_while_the_other_one_does() -> None:
    stream, _, _, ended = opened()
    stream.host.paused()
    stream.client.paused()
    stream.client.resumed()
    stream.client.last_frame = monotonic()
    stream.host.last_frame -= 1e6
    stream.look(monotonic() + 1)
    assert not ended


async def test_p134_a_request_is_repeated_at_another_hub_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Mapping[str, str]] = []

    async def connect(_data: Any, _address: str, _target: str, headers: Mapping[str, str], _passed: Any) -> None:
        sent.append(headers)

    async def ask(headers: Mapping[str, str], until: float) -> None:
        request = SimpleNamespace(
            headers=Headers(headers), query_params={"stream": record().uid, "port": "22"}, method="GET",
            scope={upgrade.SCOPE: None},
        )  # fmt: skip
        waiting = Waiting([msgspec.structs.replace(record(), until=until)])
        membership = SimpleNamespace(id="the hub after a restart, at the same address", shared=False)
        hub = SimpleNamespace(part=lambda _: waiting, membership=membership, data="", turns=Turns())
        await routes.host(cast(Any, SimpleNamespace(request=request, uid="h", hub=hub)))

    monkeypatch.setattr(bridge, "connect", connect)
    key = {"upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": websocket.new_key()}
    await ask(key, 1e12)
    for headers, until in ((sent[0], 1e12), (key, 1.0)):
        with pytest.raises(Problem) as refused:
            await ask(headers, until)
        assert refused.value.status == 404
    assert len(sent) == 1


def test_p133_a_look_that_fails_at_one_stream_ends_the_others_all_the_same() -> None:
    def may_continue(actor: Actor) -> bool:
        if actor.uid == "first":
            raise RuntimeError
        return False

    hub = SimpleNamespace(authenticator=SimpleNamespace(may_continue=may_continue), state=SimpleNamespace(hosts={"h"}))
    streams, ended = Streams(cast(Any, hub)), list[str]()
    for number, user in enumerate(("first", "second")):
        actor = Actor("operator", user, user, "127.0.0.1")
        streams.add(Stream(record(number), actor, lambda _: None, lambda _, why: ended.append(why)))
    streams.look()
    assert ended == ["the credential or the rights of the user ended"]


async def test_p131_another_port_fails_a_stream_whose_client_is_at_another_hub() -> None:
    removed: list[StreamRecord] = []
    tx = SimpleNamespace(run=lambda _: 1, removed=removed.append)

    async def write(job: Any) -> None:
        job(tx)

    key = {"upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": websocket.new_key()}
    request = SimpleNamespace(
        headers=Headers(key), query_params={"stream": record().uid, "port": "6443"}, method="GET",
        scope={upgrade.SCOPE: None},
    )  # fmt: skip
    parts: dict[Any, Any] = {Waiting: Waiting([record()]), Streams: Streams(cast(Any, None))}
    parts[ClusterIndex] = SimpleNamespace(by_uid={})
    hub = SimpleNamespace(part=parts.__getitem__, membership=SimpleNamespace(id="this hub", shared=False))
    call = SimpleNamespace(request=request, uid="h", hub=hub, write=write, audit=lambda *_: None)
    with pytest.raises(Problem) as refused:
        await routes.host(cast(Any, call))
    assert refused.value.status == 403 and removed == [record()]


def test_p131_a_stream_that_a_host_took_and_never_brought_ends() -> None:
    authenticator = SimpleNamespace(may_continue=lambda _: True)
    streams = Streams(cast(Any, SimpleNamespace(authenticator=authenticator, state=SimpleNamespace(hosts={"h"}))))
    ended: list[str] = []
    late = msgspec.structs.replace(record(), until=1.0)
    stream = Stream(late, Actor("operator", "u", "u", "127.0.0.1"), lambda _: None, lambda _, why: ended.append(why))
    stream.taken = True
    streams.add(stream)
    streams.look()
    assert ended == [
        "The host h did not bring the stream in time. Its agent may be older than the relay, or its link is down."
    ], "no seconds: the reason is stored, and one that differs each time enters the change log each time"


def test_an_end_without_a_connection_takes_nothing() -> None:
    actor = Actor("operator", "u", "u", "127.0.0.1")
    end: End = Stream(record(), actor, lambda _: None, lambda _, __: None).host
    end.write(websocket.BINARY, b"x")
    end.reading(on=True)
