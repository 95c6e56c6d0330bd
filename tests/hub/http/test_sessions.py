"""A session of a user ends on time, and what it opened ends with it: by its clock, its key, its role."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from edgewright.core import times
from edgewright.core.roles import EVERYTHING, Grants
from edgewright.hub.http.problems import Problem
from edgewright.hub.process.app import Hub
from edgewright.hub.readmodel.changes import Changes
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.resources.meta import routes as routes_meta
from edgewright.hub.security.secretbox import SESSION_SECONDS
from tests.hub.http.test_hardening import bare
from tests.hub_fixture import RunningHub

Inside = tuple[Hub, httpx.AsyncClient]
INFO = "/v1/users/info"


class Clock:
    """The hub's clock, moved by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = times.now()
        monkeypatch.setattr(times, "now", lambda: self.at)


async def login(hub: Hub, admin: httpx.AsyncClient) -> str:
    """Return a session token of the admin."""
    email = next(iter(hub.state.users.values())).email
    body = {"emailId": email, "password": admin.headers["ApiKey"]}
    answer = await admin.post("/v1/auth/authenticate?setCookie=false", json=body)
    return str(answer.json()["Authorization"])


async def test_p6_a_session_ends_after_15_minutes_to_the_second(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    clock = Clock(monkeypatch)
    began = clock.at
    token = await login(hub, admin)
    async with bare(hub) as client:
        for seconds, status in ((0, 200), (SESSION_SECONDS - 1, 200), (SESSION_SECONDS + 1, 401), (1e9, 401)):
            clock.at = began + seconds
            assert (await client.get(INFO, headers={"Authorization": token})).status_code == status, seconds
        clock.at = began + SESSION_SECONDS - 1
        fresh = (await client.get(f"/v1/auth/refresh/{token}?setCookie=false")).json()["Authorization"]
        clock.at = began + SESSION_SECONDS + 1
        assert (await client.get(f"/v1/auth/refresh/{token}")).status_code == 401
        assert (await client.get(INFO, headers={"Authorization": fresh})).status_code == 200
        clock.at = began + 2 * SESSION_SECONDS
        assert (await client.get(INFO, headers={"Authorization": fresh})).status_code == 401


class Reader:
    """Reads the change stream of a credential as the route opens it."""

    def __init__(self, hub: Hub, **headers: str) -> None:
        auth = hub.authenticator
        actor = auth.actor({name.lower(): value for name, value in headers.items()}, "127.0.0.1")
        stream = hub.changes.stream(None, EVERYTHING, lambda: auth.may_continue(actor), auth.end(actor))
        self.read = b""
        self.task = asyncio.create_task(self._follow(stream))

    async def _follow(self, stream: AsyncIterator[bytes]) -> None:
        async for piece in stream:
            self.read += piece


async def until(truth: Callable[[], object]) -> None:
    """Wait until something is so; fails after some seconds."""
    async with asyncio.timeout(20):
        while not truth():
            await asyncio.sleep(0.01)


async def revoke(hub: Hub, admin: httpx.AsyncClient, uid: str) -> None:
    assert (await admin.delete(f"/v1/apiKeys/{uid}")).status_code == 204


async def deactivate(hub: Hub, admin: httpx.AsyncClient, uid: str) -> None:
    assert (await admin.put(f"/v1/apiKeys/{uid}/state", json={"isActive": False})).status_code == 204


async def lower(hub: Hub, admin: httpx.AsyncClient, uid: str) -> None:
    hub.state.put_key(msgspec.structs.replace(hub.state.keys[uid], role="viewer"))


@pytest.mark.parametrize("end", [revoke, deactivate, lower])
@pytest.mark.parametrize("session", [False, True])
async def test_p46_a_stream_ends_at_once_when_its_key_does_or_its_role_is_lowered(
    inside: Inside, end: Callable[[Hub, httpx.AsyncClient, str], Awaitable[None]], session: bool
) -> None:
    hub, admin = inside
    spec = {"edgewright": {"role": "admin"}}
    made = (await admin.post("/v1/apiKeys", json={"metadata": {"name": "wall"}, "spec": spec})).json()
    headers = {"ApiKey": made["apiKey"]}
    if session:
        user = hub.state.keys[made["uid"]].user_uid
        headers = {"Authorization": hub.box.sign_session(made["uid"], user, times.now())}
    other, reader = Reader(hub, ApiKey=admin.headers["ApiKey"]), Reader(hub, **headers)
    await asyncio.sleep(0)
    assert hub.changes.readers.total() == 2
    await end(hub, admin, made["uid"])
    await asyncio.wait_for(reader.task, 5)
    await admin.post("/v1/edgehosts", json={"metadata": {"uid": "secret-1"}})
    await until(lambda: b"secret-1" in other.read)
    assert b"secret-1" not in reader.read
    other.task.cancel()


async def test_p46_a_stream_ends_when_its_session_does(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, admin = inside
    clock = Clock(monkeypatch)
    token = await login(hub, admin)
    reader = Reader(hub, Authorization=token)
    await asyncio.sleep(0)
    clock.at += SESSION_SECONDS - 2
    await admin.post("/v1/edgehosts", json={"metadata": {"uid": "seen-1"}})
    await until(lambda: b"seen-1" in reader.read)
    assert not reader.task.done()
    clock.at += 3
    await admin.post("/v1/edgehosts", json={"metadata": {"uid": "secret-1"}})
    await asyncio.wait_for(reader.task, 5)
    assert b"secret-1" not in reader.read


async def test_p46_an_idle_stream_ends_on_time_without_a_change(inside: Inside) -> None:
    hub, _ = inside
    key = next(iter(hub.state.keys.values()))
    began = time.monotonic()
    token = hub.box.sign_session(key.uid, key.user_uid, times.now() - SESSION_SECONDS + 2)
    await asyncio.wait_for(Reader(hub, Authorization=token).task, 14)
    assert time.monotonic() - began < 12  # before the next comment line, after 15 s


async def test_a_key_whose_end_was_moved_is_read_on_without_spinning(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    clock = Clock(monkeypatch)
    spec = {"expiry": times.rfc3339(clock.at + 100)}
    made = (await admin.post("/v1/apiKeys", json={"metadata": {"name": "wall"}, "spec": spec})).json()
    reader = Reader(hub, ApiKey=made["apiKey"])
    await asyncio.sleep(0)
    later = {"metadata": {"name": "wall"}, "spec": {"expiry": times.rfc3339(clock.at + 1000)}}
    assert (await admin.put(f"/v1/apiKeys/{made['uid']}", json=later)).status_code == 204
    clock.at += 200
    hub.changes.wake()
    await asyncio.sleep(0.1)
    assert not reader.task.done() and b"ping" not in reader.read
    reader.task.cancel()


def test_p46_over_the_wire_the_answer_ends(hub: RunningHub) -> None:
    admin = hub.client()
    made = admin.post("/v1/apiKeys", json={"metadata": {"name": "wire"}}).json()
    with hub.client(ApiKey=made["apiKey"]).stream("GET", "/edgewright/v1/changes") as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": edgewright changes"
        admin.delete(f"/v1/apiKeys/{made['uid']}").raise_for_status()
        began = time.monotonic()
        assert not [line for line in lines if line.startswith("data")]
        assert time.monotonic() - began < 12  # before the next comment line
    assert not [line for line in hub.log() if line["level"] == "ERROR"]


async def test_p46_the_streams_of_one_key_are_bounded(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, admin = inside
    monkeypatch.setattr(routes_meta, "MAX_STREAMS", 3)
    made = (await admin.post("/v1/apiKeys", json={"metadata": {"name": "wall"}})).json()
    owner = f"key {made['uid']}"
    streams = [hub.changes.stream(None, EVERYTHING, pace=Pace(hub.turns, owner)) for _ in range(3)]
    for stream in streams:
        await anext(stream)
    async with bare(hub) as client:
        one_more = client.get("/edgewright/v1/changes", headers={"ApiKey": made["apiKey"]})
        refused = await asyncio.wait_for(one_more, 10)  # a stream that was opened would never end
    assert (refused.status_code, refused.json()["code"]) == (429, "TooManyRequests")
    assert refused.headers["Retry-After"] == "30" and "3 streams" in refused.json()["message"]
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]
    assert hub.changes.readers == {}


def test_p33_the_ring_is_bounded_in_bytes_and_a_reader_behind_it_is_sent_to_the_lists() -> None:
    changes = Changes(1000, lambda kind, uid: None, size=100, most_bytes=10_000)
    first = changes.seq
    for number in range(50):
        with changes.taking(first + 1 + number):
            changes.publish("event", "put", str(number), "", {"message": "x" * 1000})
    assert sum(change.size for change in changes.ring) <= 10_000 and len(changes.ring) == 9

    async def begin(since: int) -> list[bytes]:
        stream = changes.stream(since, EVERYTHING)
        pieces = [await anext(stream), await anext(stream)]
        await stream.aclose()  # type: ignore[attr-defined]
        return pieces

    assert b"event: resync" in asyncio.run(begin(first))[1]
    assert b"event: resync" not in asyncio.run(begin(changes.seq - 9))[1]
    changes.publish("event", "put", "big", "", {"message": "x" * 50_000})
    assert [change.uid for change in changes.ring] == ["big"]


def test_a_problem_is_never_raised_to_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """`may_continue` answers for credentials that are refused by now, whatever the reason."""
    from edgewright.hub.db.records import KeyRecord, UserRecord
    from edgewright.hub.http.auth import Actor, Authenticator
    from edgewright.hub.http.limiter import FailureLimiter
    from edgewright.hub.readmodel.state import State
    from edgewright.hub.security.secretbox import SecretBox

    state = State()
    auth = Authenticator(state, SecretBox(b"A" * 43 + b"="), FailureLimiter(5))
    record = KeyRecord("k", "n", "h", "admin", "u", True, None, "{}", 0.0, 0.0)
    state.put_key(record)
    state.put_user(UserRecord("u", "n", "", "", "admin", 0.0))
    actor = Actor("admin", "u", "n", "", key=record, grants=Grants("admin"))
    assert auth.may_continue(actor)

    def refuse(*_: Any) -> Actor:
        raise Problem(429, "TooManyRequests", "later")

    monkeypatch.setattr(auth, "_of_key", refuse)
    assert not auth.may_continue(actor)
    assert not auth.may_continue(Actor("", "", "", ""))
