"""The relay through a real hub over TLS: streams to a host's ports, who may open them, what is refused (P30)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator

import pytest

from edgewright.agent.relay.pump import Ready
from edgewright.clients.relay import Waiting, open_stream
from edgewright.core.errors import EdgewrightError, Failed, Refused
from edgewright.core.roles import OPERATOR, VIEWER
from edgewright.wire import protocol, websocket
from edgewright.wire.protocol import clusters as wire
from edgewright.wire.protocol import relay
from tests.hub.clusters.plane import Site
from tests.hub.people import person
from tests.hub.relay.rig import HostSide, client_of, echo, host_side, until
from tests.hub_fixture import RunningHub

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": websocket.new_key(),
    "Sec-WebSocket-Version": "13",
}


class Bench:
    """A hub with a cluster of one host, which brings streams to stand-ins."""

    def __init__(self, hub: RunningHub, ports: dict[int, int]) -> None:
        self.hub = hub
        self.site = Site(hub, 2)
        self.uid = self.site.create(controls=1)
        self.host = self.site.hosts[0]
        self.side: HostSide = host_side(self.site, self.host, ports)
        self.path = protocol.path(relay.STREAM, uid=self.uid)
        self.tunnel = protocol.path(relay.OWN, uid=self.host)

    def audits(self) -> list[str]:
        items = self.hub.client().get(protocol.AUDITS, params={"limit": 50}).json()["items"]
        messages = [str(item["spec"]["actionMsg"]) for item in items]
        return [message for message in messages if message.startswith(("Relay", "The host"))]


@pytest.fixture(scope="module")
def bench(hub: RunningHub) -> Iterator[Bench]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(hub.data / "server.crt", hub.data / "server.key")
    with echo() as plain, echo(context) as secure:
        bench = Bench(hub, {relay.API: secure, relay.SSH: plain})
        with bench.side:
            yield bench


async def exchange(bench: Bench, data: bytes, port: int = relay.SSH, key: str = "") -> tuple[bytes, list[Waiting]]:
    """Open a stream, send bytes to the echo and return what comes back, with what was reported meanwhile."""
    reports: list[Waiting] = []
    transport = client_of(bench.hub, key)
    stream = await open_stream(transport, bench.uid, port, report=reports.append)
    try:
        sending = asyncio.create_task(stream.write(data))
        back = b""
        while len(back) < len(data):
            part = await asyncio.wait_for(stream.read(), 20)
            assert part, "the stream ended early"
            back += part
        await sending
        return back, reports
    finally:
        stream.close()
        await transport.aclose()


async def test_bytes_pass_both_ways_and_the_opening_is_audited(bench: Bench) -> None:
    """P30: opened over the idle connection; who, which port, how many bytes and how long are in the audit log."""
    data = bytes(range(256)) * 2000
    back, reports = await exchange(bench, data)
    assert back == data and [(each.by, each.host) for each in reports] == [("wake", bench.host)]
    until(lambda: any(f"{len(data)} bytes sent, {len(data)} received" in text for text in bench.audits()))
    ended = next(text for text in bench.audits() if "bytes sent" in text)
    assert f"to port 22 of the host {bench.host} ended after" in ended


async def test_tls_is_end_to_end(bench: Bench) -> None:
    """P30: the client verifies the certificate of what listens on the host; the hub passes bytes on."""
    context = ssl.create_default_context(cafile=str(bench.hub.ca))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    transport = client_of(bench.hub)
    stream = await open_stream(transport, bench.uid)
    answered = b""
    while not answered:
        try:
            if not tls.version():
                tls.do_handshake()
                tls.write(b"GET /version")
            answered = tls.read(100)
        except ssl.SSLWantReadError:
            if outgoing.pending:
                await stream.write(outgoing.read())
            incoming.write(await asyncio.wait_for(stream.read(), 10))
    assert answered == b"GET /version"
    stream.close()
    await transport.aclose()
    reach = bench.site.admin.get(bench.path).json()["reach"]
    until(lambda: bench.site.admin.get(bench.path).json()["reach"]["relay"]["state"] == "yes")
    assert reach["direct"]["state"] == reach["ssh"]["state"] == "unknown"


async def test_only_the_fixed_ports_are_relayed(bench: Bench) -> None:
    """P130: a client, and a plane that asks for another port, are refused."""
    answer = bench.site.admin.get(bench.path, params={"port": 2379}, headers=UPGRADE)
    assert (answer.status_code, answer.json()["code"]) == (422, relay.E_PORT)
    with pytest.raises(Failed, match="port 2379 is refused"):
        bench.side.bring(relay.Asked("a" * 24, 2379))


def test_roles(bench: Bench) -> None:
    """P30: an operator of the project may open streams; a viewer, a stranger and a host may not."""
    viewer = person(bench.hub, "", {bench.site.project: VIEWER})
    operator = person(bench.hub, "", {bench.site.project: OPERATOR})
    other = Site(bench.hub, 0).project
    stranger = person(bench.hub, "", {other: OPERATOR})
    elsewhere = person(bench.hub, "", {bench.site.project: VIEWER, other: OPERATOR})
    for caller, status in ((viewer, 403), (elsewhere, 403), (operator, 200), (stranger, 404)):
        assert caller.client.get(bench.path).status_code == status
    assert viewer.client.get(bench.path, headers=UPGRADE).status_code == 403
    host = bench.site.agents[bench.host]
    assert host.get(bench.path, headers=UPGRADE).status_code == 403
    assert operator.client.get(bench.tunnel).status_code == 403
    assert host.get(bench.tunnel).json() == {"streams": []}
    wrong = {**UPGRADE, "Sec-WebSocket-Version": "8"}
    assert bench.site.admin.get(bench.path, headers=wrong).status_code == 426
    assert bench.site.admin.head(bench.path, headers=UPGRADE).status_code == 426


async def test_a_viewer_is_refused_by_the_client_too(bench: Bench) -> None:
    viewer = person(bench.hub, "", {bench.site.project: VIEWER})
    with pytest.raises(Refused, match="role viewer"):
        await exchange(bench, b"x", key=viewer.key)


async def _opened(bench: Bench, brings: str) -> EdgewrightError:
    """Open a stream that the host answers wrongly; return the client's error."""
    taken: list[relay.Asked] = []
    normal, bench.side.relay._bring = bench.side.relay._bring, _silent(taken)
    transport = client_of(bench.hub)
    opening = asyncio.create_task(open_stream(transport, bench.uid, relay.SSH))
    try:
        await asyncio.to_thread(until, lambda: taken)
        (asked,) = taken
        headers = {**UPGRADE, "Authorization": bench.side.credential}
        query: dict[str, str | int]
        if brings == "port":
            query = {"stream": asked.id, "port": relay.API}
            answer = bench.hub.client(**headers).get(bench.tunnel, params=query)
        elif brings == "other":
            other = bench.site.hosts[1]
            headers["Authorization"] = bench.site.agents[other].headers["Authorization"]
            query = {"stream": asked.id, "port": asked.port}
            path = protocol.path(relay.OWN, uid=other)
            answer = bench.hub.client(**headers).get(path, params=query)
            assert answer.status_code == 403
            opening.cancel()
            return Failed("refused")
        else:
            body = {"stream": asked.id, "port": asked.port, "reason": "nothing answers at 127.0.0.1:22"}
            answer = bench.site.agents[bench.host].post(bench.tunnel, json=body)
        assert answer.status_code == (403 if brings == "port" else 204), answer.text
        with pytest.raises(EdgewrightError) as error:
            await opening
        return error.value
    finally:
        bench.side.relay._bring = normal
        await transport.aclose()


def _silent(taken: list[relay.Asked]) -> Callable[[relay.Asked], Ready]:
    def bring(asked: relay.Asked) -> Ready:
        taken.append(asked)
        raise Failed("not brought")

    return bring


async def test_a_host_that_lies_about_its_port_is_refused(bench: Bench) -> None:
    """P131: the host must bring the port that was asked for; the client gets the reason, the audit log has it."""
    error = await _opened(bench, "port")
    assert error.code == relay.E_REFUSED and "answered the request for port 22 with port 6443" in error.message
    until(lambda: any("with port 6443; it is refused" in text for text in bench.audits()))


async def test_another_host_cannot_bring_the_stream(bench: Bench) -> None:
    """P131: a stream is for one host."""
    await _opened(bench, "other")
    until(lambda: any("a stream of another host; it is refused" in text for text in bench.audits()))


async def test_what_the_host_cannot_open_is_shown_at_once(bench: Bench) -> None:
    """P132: the reason of the host reaches the client."""
    error = await _opened(bench, "reason")
    assert error.code == relay.E_REFUSED and "nothing answers at 127.0.0.1:22" in error.message


async def test_p133_a_stream_ends_with_the_credential_of_its_user(bench: Bench) -> None:
    """A key that is revoked carries nothing more."""
    operator = person(bench.hub, "", {bench.site.project: OPERATOR})
    transport = client_of(bench.hub, operator.key)
    stream = await open_stream(transport, bench.uid, relay.SSH)
    await stream.write(b"x")
    assert await asyncio.wait_for(stream.read(), 10) == b"x"
    path = protocol.path(protocol.API_KEY, uid=operator.key_uid)
    assert bench.hub.client().delete(path).status_code == 204
    assert await asyncio.wait_for(stream.read(), 5) == b""
    until(lambda: any("the credential or the rights of the user ended" in text for text in bench.audits()))
    stream.close()
    await transport.aclose()


async def test_a_simulated_cluster_has_no_api(hub: RunningHub, bench: Bench) -> None:
    site = Site(hub, 1, simulated=True)
    answer = site.admin.get(protocol.path(relay.STREAM, uid=site.create()))
    assert (answer.status_code, answer.json()["code"]) == (409, wire.E_SIMULATED)


async def test_a_client_that_ends_ends_the_hosts_side(bench: Bench) -> None:
    """P30: no stream is left over."""
    transport = client_of(bench.hub)
    stream = await open_stream(transport, bench.uid, relay.SSH)
    assert stream.host == bench.host
    await asyncio.to_thread(until, lambda: len(bench.side.relay.pump) == 1)
    stream.close()
    await asyncio.to_thread(until, lambda: len(bench.side.relay.pump) == 0)
    await transport.aclose()
