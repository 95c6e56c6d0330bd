"""Registrations in any order, doubled, lost or late, end in one record with one credential that works (P8 to P10)."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import httpx
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.records import TokenRecord, dump
from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.readmodel.tokens import Tokens
from edgewright.hub.security.secretbox import digest, new_uid
from tests.hub_fleet import open_hub, used_directory

TOKEN = "ewt_" + "t" * 43
UID = "host-1"

step = st.one_of(
    st.tuples(st.just("register"), st.sampled_from(["a", "b"]), st.booleans()),  # id, whether the answer arrives
    st.tuples(st.just("twice"), st.sampled_from(["a", "b"]), st.booleans()),  # at the same time
    st.tuples(st.just("beat"), st.just(""), st.booleans()),
    st.tuples(st.just("old beat"), st.just(""), st.booleans()),
    st.tuples(st.just("delete"), st.just(""), st.booleans()),
)


class Agent:
    """One host as the protocol describes it, and what the test knows to be true of the plane."""

    def __init__(self, client: httpx.AsyncClient, admin: str) -> None:
        self.client, self.admin = client, {"ApiKey": admin}
        self.registered = ""
        """The registration id that the plane accepted; empty without a record."""
        self.held: list[str] = []
        """Credentials whose answer arrived, newest last, of the present record."""
        self.used = -1
        """Index of the newest one that has been used."""

    async def register(self, identity: str, arrives: bool) -> None:
        """Try once; `arrives` is whether the answer does."""
        document = {
            "metadata": {"uid": UID},
            "spec": {"host": {"hostUid": UID, "hostAuthToken": TOKEN}, "edgewright": {"registrationId": identity * 32}},
        }
        answer = await self.client.post("/v1/edgehosts/register", json=document)
        if self.registered not in ("", identity):
            assert (answer.status_code, answer.json()["code"]) == (409, "DuplicateEdgeHostUid")
            return
        assert answer.status_code == 200
        self.registered = identity
        if arrives:
            self.held.append(answer.json()["status"]["serviceAuthToken"])
        else:
            self.held.append("")

    async def beat(self, credential: str) -> int:
        """Send a heartbeat; returns the status."""
        body = {"state": "healthy"}
        headers = {"Authorization": credential}
        return (await self.client.patch(f"/v1/edgehosts/{UID}/health", json=body, headers=headers)).status_code

    async def check(self) -> None:
        """The newest credential that arrived works unless a newer answer was lost and never used."""
        newest = len(self.held) - 1
        if newest >= 0 and self.held[newest]:
            assert await self.beat(self.held[newest]) == 204
            for older in self.held[:newest]:
                assert not older or await self.beat(older) == 401  # ended by the first use of the newer
            self.used = newest
        elif newest >= 0 and self.used >= 0:
            assert await self.beat(self.held[self.used]) == 204  # the lost one was never used


async def fresh(folder: Path) -> Hub:
    hub = open_hub(used_directory(folder), sweep=1e9)
    project = next(iter(hub.state.projects))
    now = times.now()
    token = TokenRecord(
        new_uid(), "t", digest(TOKEN), hub.box.seal(TOKEN), project, True, None,
        dump({"metadata": {}, "spec": {}}), now, now,
    )  # fmt: skip
    with hub.engine.begin() as connection:
        connection.execute(schema.tokens.insert().values(**msgspec.structs.asdict(token)))
    hub.part(Tokens).put(token)
    await hub.start()
    return hub


async def play(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        hub = await fresh(Path(scratch) / "d")
        transport = httpx.ASGITransport(app=make_app(hub))
        admin = (hub.data / "admin-api-key").read_text().strip()
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            agent = Agent(client, admin)
            for what, identity, arrives in steps:
                if what == "register":
                    await agent.register(identity, arrives)
                elif what == "twice" and agent.registered in ("", identity):
                    await asyncio.gather(agent.register(identity, False), agent.register(identity, False))
                    await agent.register(identity, True)  # which of the two the plane kept last nobody can know
                elif what == "beat":
                    await agent.check()
                elif what == "old beat" and agent.used >= 0:
                    newest_used = agent.held[agent.used]
                    assert await agent.beat(newest_used) == (204 if newest_used else 401)
                elif what == "delete" and agent.registered:
                    gone = await client.delete(f"/v1/edgehosts/{UID}", headers=agent.admin)
                    assert gone.status_code == 204
                    for credential in filter(None, agent.held):
                        assert await agent.beat(credential) == 401
                    agent.registered, agent.held, agent.used = "", [], -1
            await agent.register(agent.registered or "a", True)
            await agent.check()
        with hub.readers.connect() as connection:
            rows = connection.execute(schema.hosts.select()).all()
        assert [row.uid for row in rows] == [UID] and list(hub.state.hosts) == [UID]
        assert (
            rows[0].generation == 1 and rows[0].credential_hash == digest(agent.held[-1]) and not rows[0].pending_hash
        )
        live = {held for held, entry in hub.state.credentials.items() if entry.record.uid == UID}
        assert live == {digest(agent.held[-1])}
        await hub.stop()


@settings(deadline=None, max_examples=40)
@given(st.lists(step, max_size=10))
def test_any_order_of_registrations_ends_in_one_record(steps: list[Any]) -> None:
    asyncio.run(play(steps))
