"""What a hostile host, an unlucky moment or a jumping clock must not do to the rest of the fleet."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest

from edgewright.core import times
from edgewright.core.roles import EVERYTHING
from edgewright.hub.db.hosts import raise_generation
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.process.runtime.again import Again
from edgewright.hub.process.server import make_server
from edgewright.hub.process.stopping import Stopping
from edgewright.hub.resources.operations import routes as routes_operations
from tests.hub_fleet import sweep_once


async def new_host(hub: Hub, admin: httpx.AsyncClient, uid: str) -> dict[str, str]:
    """Register a host; returns the headers with its credential."""
    project = next(iter(hub.state.projects))
    spec = {"defaultProjectUid": project, "expiry": times.rfc3339(times.now() + 3600)}
    made = await admin.post("/v1/edgehosts/tokens", json={"metadata": {"name": f"for-{uid}"}, "spec": spec})
    token = (await admin.get(f"/v1/edgehosts/tokens/{made.json()['uid']}")).json()["spec"]["token"]
    body = {"metadata": {"uid": uid}, "spec": {"host": {"hostAuthToken": token}}}
    answer = await admin.post("/v1/edgehosts/register", json=body)
    assert answer.status_code == 200, answer.text
    return {"Authorization": answer.json()["status"]["serviceAuthToken"]}


def bare(hub: Hub) -> httpx.AsyncClient:
    """Return a client without a credential of its own."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=make_app(hub)), base_url="http://hub")


async def fast(hub: Hub, uid: str, own: dict[str, str], body: Any) -> int:
    """Send a heartbeat in one piece, as an agent's TLS connection does; returns the status."""
    content = json.dumps(body).encode()
    headers = [(b"authorization", own["Authorization"].encode()), (b"content-length", b"%d" % len(content))]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "PATCH",
        "path": f"/v1/edgehosts/{uid}/health",
        "headers": headers,
    }
    scope.update(query_string=b"", client=("127.0.0.1", 1), server=("hub", 80), scheme="http", root_path="")
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await make_app(hub)(scope, receive, send)
    return statuses[0]


def beat(seq: int, boot: str = "b1", **more: Any) -> dict[str, Any]:
    return {"state": "healthy", "edgewright": {"seq": seq, "bootId": boot, **more}}


async def test_p17_a_number_too_large_for_the_database_harms_no_other_host(
    inside: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, admin = inside
    bad, good = await new_host(hub, admin, "bad"), await new_host(hub, admin, "good")
    refused, taken = await asyncio.gather(fast(hub, "bad", bad, beat(2**63)), fast(hub, "good", good, beat(1)))
    assert taken == 204
    assert refused == 422


async def test_a_user_is_noted_and_a_host_is_not(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    """While users ask, the event loop does not sleep between heartbeats (docs/hub.md, limits)."""
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    hub.turns._user = 0.0
    async with bare(hub) as client:
        assert (await client.patch("/v1/edgehosts/h/health", json=beat(1), headers=own)).status_code == 204
        assert (await client.get("/v1/edgehosts/h", headers=own)).status_code < 500
    assert not hub.turns.attended
    assert (await admin.get("/v1/edgehosts/tokens")).status_code == 200
    assert hub.turns.attended


async def test_p17_a_beat_of_a_new_boot_that_was_not_stored_may_come_again(
    inside: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    live = hub.state.hosts["h"].live
    async with bare(hub) as client:
        assert (await client.patch("/v1/edgehosts/h/health", json=beat(5000), headers=own)).status_code == 204
        with monkeypatch.context() as patch:

            def full(row: object) -> asyncio.Future[None]:
                future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                future.set_exception(StorageProblem(507, "StorageFull", "The disk is full."))
                return future

            patch.setattr(hub.writer, "beat", full)
            before = live.count
            lost = await client.patch("/v1/edgehosts/h/health", json=beat(1, "b2"), headers=own)
            assert lost.status_code == 507
        assert (await client.patch("/v1/edgehosts/h/health", json=beat(1, "b2"), headers=own)).status_code == 204
    assert (live.boot_id, live.seq, live.count) == ("b2", 1, before + 1)


async def test_p22_an_operation_that_comes_while_the_answer_is_made_is_not_lost(
    inside: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    real = routes_operations.pending_operations

    async def overtaken(of: Hub, uid: str) -> list[dict[str, Any]]:
        found = await real(of, uid)
        await of.write(lambda tx: raise_generation(tx, uid))
        return found

    before = hub.state.hosts["h"].record.generation
    monkeypatch.setattr(routes_operations, "pending_operations", overtaken)
    async with bare(hub) as client:
        answer = await client.get("/v1/edgehosts/h/config", headers=own)
    assert answer.headers["etag"] == f'"{hub.lineage.value}-{before}"'
    assert answer.json()["edgewright"]["generation"] == before


async def test_a_failure_in_memory_after_one_commit_leaves_nobody_else_waiting(
    inside: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, _ = inside

    def broken(tx: Tx) -> None:
        tx.after(lambda: dict[str, None]()["gone"])

    first, second = hub.writer.submit(broken), hub.writer.submit(lambda tx: "done")
    assert await asyncio.wait_for(second, 5) == "done"
    with pytest.raises(KeyError):
        await asyncio.wait_for(first, 5)


async def test_a_stream_ends_with_the_key_that_opened_it(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    made = (await admin.post("/v1/apiKeys", json={"metadata": {"name": "for-a-wall"}})).json()
    uid = made["uid"]
    read: list[bytes] = []
    key = hub.state.keys[uid]
    stream = hub.changes.stream(None, EVERYTHING, lambda: hub.authenticator.still_valid(key))

    async def follow() -> None:
        async for piece in stream:
            read.append(piece)

    reader = asyncio.create_task(follow())
    await asyncio.sleep(0)
    assert (await admin.put(f"/v1/apiKeys/{uid}/state", json={"isActive": False})).status_code == 204
    await admin.post("/v1/edgehosts", json={"metadata": {"uid": "secret-1"}})
    await asyncio.wait_for(reader, 5)
    assert b"secret-1" not in b"".join(read)
    assert hub.changes.readers.total() == 0


async def test_p18_a_clock_that_jumps_turns_no_host_unhealthy(
    inside: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    async with bare(hub) as client:
        await client.patch("/v1/edgehosts/h/health", json=beat(1), headers=own)
    entry = hub.state.hosts["h"]
    now = times.now()
    await sweep_once(hub)
    for jump in (30 * 86_400.0, -400 * 86_400.0):
        monkeypatch.setattr(times, "now", lambda at=now + jump: at)
        await sweep_once(hub)
        assert entry.live.health == "healthy", jump
        # and silence is still found, counted from the jump on
        monkeypatch.setattr(times, "now", lambda at=now + jump + hub.options.silence_limit + 1: at)
        verdict = hub.renderer.verdict(entry, times.now())
        assert verdict.health.value == "unhealthy", jump


async def test_a_scope_holds_for_the_events_that_are_deleted_and_the_audit_that_is_read(
    inside: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, admin = inside
    await new_host(hub, admin, "h")
    other = (await admin.post("/v1/projects", json={"metadata": {"name": "other"}})).json()["uid"]
    scope = {"ProjectUid": other}
    path = "/v1/events/components/edgehost/h"
    audit = next(
        item for item in (await admin.get("/v1/audits")).json()["items"] if item["spec"]["resource"]["uid"] == "h"
    )
    assert (await admin.get(path)).json()["items"]
    assert (await admin.delete(path, headers=scope)).status_code == 204
    assert (await admin.get(path)).json()["items"]
    assert (await admin.get(f"/v1/audits/{audit['metadata']['uid']}", headers=scope)).status_code == 404
    assert (await admin.get(f"/v1/audits/{audit['metadata']['uid']}")).status_code == 200


@pytest.mark.parametrize("header", ["Last-Event-ID", "Edgewright-Page-Limit"])
async def test_a_digit_that_is_none_is_no_failure_of_the_hub(
    inside: tuple[Hub, httpx.AsyncClient], header: str
) -> None:
    _, admin = inside
    path = "/edgewright/v1/changes" if header == "Last-Event-ID" else "/v1/audits"
    answer = await admin.get(path, headers=[(header.encode(), b"\xb2")])
    assert answer.status_code in (200, 400)
    many = await admin.get("/edgewright/v1/changes", params={"since": "9" * 5000})
    assert many.status_code == 400


def test_no_peer_may_say_that_it_calls_from_elsewhere(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, _ = inside
    with socket.socket() as sock:
        server = make_server(
            make_app(hub), hub.options, str(hub.data / "server.crt"), str(hub.data / "server.key"),
            Stopping(hub, Again(sock)), lambda address, error: None,
        )  # fmt: skip
    assert not server.config.proxy_headers


async def test_p13_a_pairing_key_cannot_be_guessed_at_speed(
    inside: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = inside
    moment = times.now() // 60 * 60 + 20
    monkeypatch.setattr(times, "now", lambda: moment)  # no minute ends meanwhile
    for uid in ("h", "other"):
        spec = {"hostPairingKey": "000999"}
        assert (await admin.post("/v1/edgehosts", json={"metadata": {"uid": uid}, "spec": spec})).status_code == 201

    async def guess(uid: str, key: str) -> httpx.Response:
        body = {"metadata": {"uid": uid}, "spec": {"host": {"hostPairingKey": key}}}
        return await admin.post("/v1/edgehosts/register", json=body)

    answers = [(await guess("h", f"{number:06}")).status_code for number in range(40)]
    assert answers[:10] == [401] * 10 and 429 in answers
    right = await guess("h", "000999")
    assert (right.status_code, right.json()["code"]) == (429, "TooManyRequests")
    assert 1 <= int(right.headers["retry-after"]) <= 60
    assert (await guess("other", "000999")).status_code == 200  # the brake is that of one host


async def test_p8_a_host_that_is_deleted_while_it_registers_may_try_again(
    inside: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    write = hub.write

    async def then_deleted(job: Any) -> Any:
        outcome = await write(job)
        hub.state.hosts.pop("brief", None)
        return outcome

    monkeypatch.setattr(hub, "write", then_deleted)
    with pytest.raises(AssertionError, match="was deleted while it registered"):
        await new_host(hub, admin, "brief")
