"""Two hubs write to one PostgreSQL at the same moment: rows, unique names and counts stay right (rule P65)."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import Connection, event, select

from edgewright.hub.db import schema
from edgewright.hub.db.changelog import tables
from edgewright.hub.db.shared.replay import TRIES
from edgewright.hub.db.shared.unique import constraint_of
from edgewright.hub.db.transaction import Tx
from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.readmodel.tokens import Tokens
from edgewright.wire import protocol
from tests.hub_fleet import open_hub
from tests.postgres import Cluster

pytestmark = pytest.mark.e2e
OVERLAP = 0.06
"""Seconds that each commit of a test waits, so that the other hub's transaction surely runs meanwhile."""


class Pair(NamedTuple):
    """Two hubs in this process on one database, and an admin's client of each."""

    hubs: tuple[Hub, Hub]
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient]

    async def both(self, method: str, path: str, bodies: tuple[Any, Any], **options: Any) -> list[httpx.Response]:
        """Send one request to each hub at the same time; returns both answers, in order of the hubs."""
        calls = (
            client.request(method, path, json=body, **options)
            for client, body in zip(self.clients, bodies, strict=True)
        )
        return list(await asyncio.gather(*calls))

    def rows(self, statement: Any) -> list[Any]:
        with self.hubs[0].readers.connect() as connection:
            return list(connection.execute(statement).all())


@pytest.fixture
async def pair(tmp_path: Path, postgres: Cluster) -> AsyncIterator[Pair]:
    url = postgres.url(postgres.create())
    first = open_hub(tmp_path / "a", sweep=1e9, db=url)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    hubs = (first, open_hub(tmp_path / "b", sweep=1e9, db=url))
    key = (first.data / "admin-api-key").read_text().strip()
    for hub in hubs:
        await hub.start()

        @event.listens_for(hub.engine, "commit")
        def _wait(_connection: Connection) -> None:
            time.sleep(OVERLAP)

    clients = [
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=make_app(hub)), base_url="http://hub", headers={"ApiKey": key}
        )
        for hub in hubs
    ]
    yield Pair(hubs, (clients[0], clients[1]))
    for client in clients:
        await client.aclose()
    for hub in hubs:
        await hub.stop()


def codes(answers: list[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def named(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6xVbnF0gW0mV6Xb0o7m1Dkq1nZ1pJ5m8pKk4kQ1J5e a"

TAG = {"key": "site", "negation": False, "operator": "eq", "values": ["a"]}
REGISTRY = {"endpoint": "https://a.example", "auth": {"type": "noAuth"}, "createOption": {"skipSync": True}}
GROUP = {"conjunction": "and", "filters": [TAG]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (protocol.TOKENS, named("same")),
        (protocol.API_KEYS, named("same")),
        ("/v1/projects", named("same")),
        (protocol.USERS, {"spec": {"emailId": "same@example.org"}}),
        (protocol.TAG_FILTERS, named("same", filterGroup=GROUP)),
        (protocol.SSH_KEYS, named("same", publicKey=KEY)),
        (protocol.HOSTS, {"metadata": {"uid": "same"}}),
        (protocol.HELM_REGISTRIES, named("same", **REGISTRY)),
        (protocol.RECEIVERS, {"name": "same", "kind": "webhook", "webhook": {"url": "https://example.org/h"}}),
    ],
    ids=["token", "API key", "project", "user", "filter", "SSH key", "host", "registry", "receiver"],
)
async def test_one_name_is_given_once(pair: Pair, path: str, body: dict[str, Any]) -> None:
    """The second one gets a sentence, and never an internal error (rule P51)."""
    answers = await pair.both("POST", path, (body, body))
    assert codes(answers) == [201, 409], [answer.text for answer in answers]
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["message"].endswith(".") and "exists already" in refused["message"]) or "registered" in str(refused)


async def test_a_generation_rises_with_each_change(pair: Pair) -> None:
    """P7: by one with each change, whichever hub makes it; nothing that one hub wrote is lost."""
    assert (await pair.clients[0].post(protocol.HOSTS, json={"metadata": {"uid": "g"}})).status_code == 201
    await _load(pair, "g")
    for number in range(3):
        labels = {"metadata": {"labels": {"n": str(number)}}}
        tunnel = {"remoteSsh": "enabled" if number % 2 == 0 else "disabled"}
        answers = await asyncio.gather(
            pair.clients[0].put("/v1/edgehosts/g/meta", json=labels),
            pair.clients[1].patch("/v1/edgehosts/g/tunnelConfig", json=tunnel),
        )
        assert codes(list(answers)) == [204, 204], [answer.text for answer in answers]
    row = pair.rows(select(schema.hosts).where(schema.hosts.c.uid == "g"))[0]
    assert row.generation == 7
    assert '"n":"2"' in row.doc and '"remoteSsh":"enabled"' in row.doc


async def _load(pair: Pair, uid: str) -> None:
    """Take a host that the first hub stored into the second one's memory."""
    pair.hubs[1].state.put_host(pair.hubs[0].state.hosts[uid].record)


async def test_the_last_two_admins_cannot_both_go(pair: Pair) -> None:
    """P59: no call leaves the plane without an admin, decided in the transaction of the change."""
    made = await pair.clients[0].post(protocol.API_KEYS, json=named("second"))
    assert made.status_code == 201
    record = pair.hubs[0].state.keys[made.json()["uid"]]
    pair.hubs[1].state.put_key(record)
    first = next(uid for uid in pair.hubs[0].state.keys if uid != record.uid)
    paths = (f"/v1/apiKeys/{first}", f"/v1/apiKeys/{record.uid}")
    answers = await asyncio.gather(*(client.delete(path) for client, path in zip(pair.clients, paths, strict=True)))
    assert codes(list(answers)) == [204, 400]
    assert len(pair.rows(select(schema.api_keys.c.uid))) == 1


async def test_a_project_is_not_deleted_under_a_token(pair: Pair) -> None:
    made = await pair.clients[0].post("/v1/projects", json=named("p"))
    uid = made.json()["uid"]
    pair.hubs[1].state.put_project(pair.hubs[0].state.projects[uid])
    created, deleted = await asyncio.gather(
        pair.clients[0].post(protocol.TOKENS, json=named("t", defaultProjectUid=uid)),
        pair.clients[1].delete(f"/v1/projects/{uid}"),
    )
    assert (created.status_code, deleted.status_code) in [(201, 409), (404, 204)]


def registration(uid: str, token: str, registration_id: str = "a" * 32) -> dict[str, Any]:
    host = {"hostUid": uid, "hostAuthToken": token}
    return {"metadata": {"uid": uid}, "spec": {"host": host, "edgewright": {"registrationId": registration_id}}}


async def _token(pair: Pair, name: str) -> tuple[str, str]:
    project = next(iter(pair.hubs[0].state.projects))
    uid = (await pair.clients[0].post(protocol.TOKENS, json=named(name, defaultProjectUid=project))).json()["uid"]
    pair.hubs[1].part(Tokens).put(pair.hubs[0].part(Tokens).by_uid[uid])
    return uid, (await pair.clients[0].get(f"/v1/edgehosts/tokens/{uid}")).json()["spec"]["token"]


async def test_a_registration_that_arrives_at_both_is_one(pair: Pair) -> None:
    """P9: the same id for the same uid is the same registration, also at the same time."""
    _, token = await _token(pair, "r")
    body = registration("r-1", token)
    answers = await pair.both("POST", protocol.HOST_REGISTER, (body, body))
    assert codes(answers) == [200, 200], [answer.text for answer in answers]
    other = registration("r-1", token, "b" * 32)
    assert codes(await pair.both("POST", protocol.HOST_REGISTER, (other, other))) == [409, 409]


async def test_a_token_that_another_hub_revoked_lets_no_host_in(pair: Pair) -> None:
    """The row decides, and not what this hub has in memory (rule P11)."""
    uid, token = await _token(pair, "v")
    assert (await pair.clients[0].put(f"/v1/edgehosts/tokens/{uid}/state", json={"isActive": False})).status_code == 204
    answer = await pair.clients[1].post(protocol.HOST_REGISTER, json=registration("v-1", token))
    assert (answer.status_code, answer.json()["code"]) == (401, "EdgeTokenRevoked")


async def test_an_event_is_stored_once(pair: Pair) -> None:
    """P21: one uid, one event, and both answers have it."""
    body = {
        "metadata": {"uid": "e" * 24},
        "relatedObject": {"kind": "edgehost", "uid": "x", "name": "x"},
        "involvedObject": {"kind": "edgehost", "uid": "x", "name": "x"},
        "message": "m", "reason": "R", "severity": "Info", "source": {"component": "c", "host": "h"},
    }  # fmt: skip
    answers = await pair.both("POST", protocol.EVENTS, (body, body))
    assert codes(answers) == [201, 201], [answer.text for answer in answers]
    logged = select(tables.changes.c.seq).where(tables.changes.c.uid == "e" * 24, tables.changes.c.kind == "event")
    assert len(pair.rows(logged)) == 1  # readers get it once, too
    assert len(pair.rows(select(schema.events.c.id).where(schema.events.c.uid == "e" * 24))) == 1


async def test_one_idempotency_key_makes_one_operation(pair: Pair) -> None:
    """P23: at the same time at two hubs as well."""
    _, token = await _token(pair, "o")
    made = await pair.clients[0].post(protocol.HOST_REGISTER, json=registration("o-1", token))
    assert made.status_code == 200
    await _load(pair, "o-1")
    path, body = "/edgewright/v1/hosts/o-1/operations", {"kind": "collect-logs", "params": {"lines": 5}}
    answers = await pair.both("POST", path, (body, body), headers={protocol.H_IDEMPOTENCY: "k"})
    assert codes(answers) == [201, 201] and answers[0].json() == answers[1].json()
    other = await pair.both("PUT", "/v1/edgehosts/o-1/reset", (None, None))
    assert codes(other) == [204, 204]
    resets = select(schema.operations.c.id).where(schema.operations.c.kind == protocol.OP_RESET)
    assert len(pair.rows(resets)) == 1  # P26: while one is pending no second is made


async def test_a_problem_is_handled_by_both(pair: Pair) -> None:
    """P57: what one hub wrote is not lost when another one writes at the same time."""
    path = f"{protocol.HANDLING}/site%2Fberlin"
    answers = await pair.both("PATCH", path, ({"assignee": "ann"}, {"note": "called"}))
    assert codes(answers) == [200, 200], [answer.text for answer in answers]
    row = pair.rows(select(schema.handling))[0]
    assert (row.assignee, row.note) == ("ann", "called")


async def test_a_write_behind_another_hubs_change_is_answered_at_a_stop(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P50: it is stored, so its sender gets the answer; a hub that stops follows until its writer has ended."""
    hub, gate = pair.hubs[0], threading.Event()
    follower = hub.follower._log
    assert follower is not None
    catch_up = follower._catch_up
    monkeypatch.setattr(follower, "_catch_up", lambda: catch_up() if gate.is_set() else None)
    assert (await pair.clients[1].post(protocol.HOSTS, json={"metadata": {"uid": "theirs"}})).status_code == 201
    mine = asyncio.create_task(pair.clients[0].post(protocol.HOSTS, json={"metadata": {"uid": "mine"}}))
    stored = select(schema.hosts.c.uid).where(schema.hosts.c.uid == "mine")
    while not pair.rows(stored):
        await asyncio.sleep(0.02)
    hub.begin_stop()
    gate.set()
    assert (await asyncio.wait_for(mine, 10)).status_code == 201


async def test_a_write_behind_another_hubs_change_is_answered_while_its_hub_does_not_follow(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender must not wait for ever; memory takes it in order once the hub follows again."""
    hub, gate = pair.hubs[0], threading.Event()
    follower = hub.follower._log
    assert follower is not None
    catch_up = follower._catch_up
    monkeypatch.setattr(follower, "_catch_up", lambda: catch_up() if gate.is_set() else None)
    monkeypatch.setattr("edgewright.hub.db.writer.BEHIND", 0.3)
    assert (await pair.clients[1].post(protocol.HOSTS, json={"metadata": {"uid": "theirs"}})).status_code == 201
    mine = await asyncio.wait_for(pair.clients[0].post(protocol.HOSTS, json={"metadata": {"uid": "mine"}}), 10)
    assert (mine.status_code, mine.json()["code"]) == (503, protocol.E_BEHIND), mine.text
    assert pair.rows(select(schema.hosts.c.uid).where(schema.hosts.c.uid == "mine")) and "mine" not in hub.state.hosts
    gate.set()
    async with asyncio.timeout(10):
        while "mine" not in hub.state.hosts:
            await asyncio.sleep(0.02)
    assert "theirs" in hub.state.hosts
    assert (await pair.clients[0].post(protocol.HOSTS, json={"metadata": {"uid": "more"}})).status_code == 201


async def test_a_deadlock_is_replayed(pair: Pair) -> None:
    """Two batches that lock in opposite order: PostgreSQL rolls one back, and its jobs run again."""
    table, ran, both = schema.settings, [], threading.Barrier(2)

    def moves(first: str, second: str) -> Any:
        def job(tx: Tx) -> None:
            again = first in ran
            ran.append(first)
            for key in (first, second):
                row = tx.first(select(table.c.value).where(table.c.key == key).with_for_update())
                tx.run(table.update().where(table.c.key == key).values(value=str(int(row.value) + 1)))
                if key == first and not again:
                    both.wait(30)  # each has the row that the other one wants

        return job

    def make(tx: Tx) -> None:
        tx.connection.execute(table.insert(), [{"key": "x", "value": "0"}, {"key": "y", "value": "0"}])

    await pair.hubs[0].write(make)
    await asyncio.gather(pair.hubs[0].write(moves("x", "y")), pair.hubs[1].write(moves("y", "x")))
    values = pair.rows(select(table.c.value).where(table.c.key.in_(("x", "y"))))
    assert [row.value for row in values] == ["2", "2"]
    assert len(ran) >= 3, "no deadlock happened, so nothing was shown"


async def test_a_job_that_never_gets_its_turn_is_answered(pair: Pair) -> None:
    """Bounded tries: 503 with Retry-After, and the storage is not reported as failing."""
    tries = []

    def job(tx: Tx) -> None:
        tries.append(1)
        tx.connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$")

    with pytest.raises(Exception, match="at the same time") as failure:
        await pair.hubs[0].write(job)
    assert getattr(failure.value, "status", 0) == 503 and len(tries) == 1 + TRIES
    assert pair.hubs[0].storage.since is None


async def test_the_name_of_a_constraint_is_found_in_both_databases(pair: Pair, tmp_path: Path) -> None:
    other = open_hub(tmp_path / "sqlite", sweep=1e9)
    for engine in (pair.hubs[0].engine, other.engine):
        for table, index, extra in (
            (schema.tokens, "tokens_name", {"secret_hash": "1", "secret_encrypted": "", "active": True}),
            (schema.users, "users_email_lower", {"first_name": "", "last_name": "", "role": ""}),
        ):
            row = {"name": "n", "doc": "{}", "created": 0.0, "modified": 0.0, "email": "A@b", **extra}
            first = {name: value for name, value in row.items() if name in table.c}
            second = {**first, "secret_hash": "2", "email": "a@B"}
            with pytest.raises(Exception, match=r"(?i)unique") as failure, engine.begin() as connection:
                connection.execute(table.insert().values(uid="1", **first))
                connection.execute(
                    table.insert().values(uid="2", **{name: v for name, v in second.items() if name in table.c})
                )
            assert constraint_of(failure.value) == index  # type: ignore[arg-type]
    other.engine.dispose()
    other.readers.dispose()
