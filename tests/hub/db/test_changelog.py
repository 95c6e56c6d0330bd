"""The change log: what a hub commits, another one takes into memory from the log as a fresh start would."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, func, select

from edgewright.core import times
from edgewright.hub.controllers.change_log import prune_change_log
from edgewright.hub.db import lineage, migrations
from edgewright.hub.db.changelog import follower, tables
from edgewright.hub.db.records import HostEntry
from edgewright.hub.db.transaction import Tx
from edgewright.hub.process import compose
from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.readmodel.state import State
from edgewright.hub.readmodel.tokens import Tokens
from edgewright.hub.resources.alerts.engine import Alerting
from edgewright.hub.resources.alerts.handling import Handling
from edgewright.hub.security import pki
from edgewright.hub.security.secretbox import SecretBox
from edgewright.hub.security.seed import seed
from edgewright.wire import protocol
from tests.hub.people import ssh_key
from tests.postgres import Cluster

Inside = tuple[Hub, httpx.AsyncClient]


def second(hub: Hub) -> Hub:
    """Return another hub on the same database as it is now; it reads and follows, and writes nothing."""
    with hub.readers.connect() as connection:
        state = compose.load(connection)
    return compose.make_hub(hub.options, (hub.engine, hub.readers), hub.box, state)


def follow(other: Hub, most: int = 7) -> int:
    """Let a hub take what is new in the log, in small pieces; returns how many changes it took."""
    taken = 0
    while True:
        with other.readers.connect() as connection:
            result = follower.read(connection, other.memory, other.memory.seq, "other", most)
        assert result is not None
        if not result.entries:
            return taken
        for entry in result.entries:
            other.memory.apply(entry)
            taken += 1


def _entry(entry: HostEntry) -> Any:
    live = entry.live
    beat = {name: getattr(live, name) for name in ("at", "count", "boot_id", "seq", "state", "message", "vitals")}
    return entry.record, entry.facts, beat


def content(hub: Hub) -> dict[str, Any]:
    """Return all that a hub has in memory of its database, in a form that can be compared."""
    state: State = hub.state
    plain = {
        name: getattr(state, name)
        for name in (
            "settings", "projects", "users", "project_roles", "ssh_keys", "filters", "keys", "keys_by_hash",
            "keys_by_user", "revoked", "hosts_by_token", "by_address",
        )
    }  # fmt: skip
    return {
        **plain,
        "hosts": {uid: _entry(entry) for uid, entry in state.hosts.items()},
        "credentials": {hash_: entry.record.uid for hash_, entry in state.credentials.items()},
        "tokens": (hub.part(Tokens).by_uid, hub.part(Tokens).by_secret),
        "receivers": hub.part(Alerting).receivers,
        "handling": hub.part(Handling).records,
        "seq": hub.changes.seq,
    }


class Writes:
    """Random writes of all resources through the API."""

    def __init__(self, hub: Hub, admin: httpx.AsyncClient, seed: int) -> None:
        self.hub, self.admin, self.random = hub, admin, random.Random(seed)
        self.numbers = iter(range(10_000))
        self.lanes = {name: asyncio.Lock() for name in ("filter", "ssh_key", "receiver", "handling", "")}
        """Kinds of which one is written at a time: what two writes of one row do to each other does not matter here."""
        self.done: Counter[tuple[str, bool]] = Counter()
        """How many requests of a method were accepted, and how many refused."""

    def one_of(self, mapping: Any) -> str:
        """Return one of a mapping's uids: by its place in the order of their making, since uids are random."""
        return str(self.random.choice(list(mapping) or ["none"]))

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        answer = await self.admin.request(method, path, json=body, headers=headers)
        assert answer.status_code < 500, (method, path, answer.text)
        self.done[method, answer.status_code < 300] += 1
        return answer

    async def step(self) -> None:
        names = [name for name in dir(self) if name.startswith("do_")]
        name = self.random.choice(names)
        if "delete" not in name or self.random.random() < 0.5:
            async with self.lanes[next((lane for lane in self.lanes if lane in name), "")]:
                await getattr(self, name)()

    def name(self, kind: str) -> str:
        return f"{kind}-{next(self.numbers)}"

    async def do_project(self) -> None:
        await self.send("POST", "/v1/projects", {"metadata": {"name": self.name("p")}})

    async def do_change_project(self) -> None:
        uid = self.one_of(self.hub.state.projects)
        await self.send("PUT", f"/v1/projects/{uid}", {"metadata": {"name": self.name("p"), "labels": {"a": "b"}}})

    async def do_delete_project(self) -> None:
        others = [uid for uid, project in self.hub.state.projects.items() if project.name != "Default"]
        await self.send("DELETE", f"/v1/projects/{self.one_of(others)}")

    async def do_token(self) -> None:
        spec = {"defaultProjectUid": self.one_of(self.hub.state.projects)}
        await self.send("POST", "/v1/edgehosts/tokens", {"metadata": {"name": self.name("t")}, "spec": spec})

    async def do_change_token(self) -> None:
        uid, active = self.one_of(self.hub.part(Tokens).by_uid), self.random.random() < 0.5
        await self.send("PUT", f"/v1/edgehosts/tokens/{uid}/state", {"isActive": active})

    async def do_delete_token(self) -> None:
        await self.send("DELETE", f"/v1/edgehosts/tokens/{self.one_of(self.hub.part(Tokens).by_uid)}")

    async def do_register(self) -> None:
        token = self.hub.part(Tokens).by_uid.get(self.one_of(self.hub.part(Tokens).by_uid))
        uid = f"h-{self.random.randrange(12)}"
        text = "" if token is None else self.hub.box.unseal(token.secret_encrypted)
        document = {
            "metadata": {"uid": uid, "name": uid, "labels": {"site": "berlin"}},
            "spec": {
                "device": {"archType": "amd64", "cpu": {"cores": 4}, "memory": {"sizeInMB": 8192}},
                "host": {"hostUid": uid, "hostAuthToken": text},
                "edgewright": {"registrationId": f"{self.random.randrange(2)}" * 32},
            },
        }
        answer = await self.send("POST", "/v1/edgehosts/register", document)
        if answer.status_code == 200 and self.random.random() < 0.8:
            await self.beat(uid, answer.json()["status"]["serviceAuthToken"])

    async def beat(self, uid: str, credential: str) -> None:
        state = self.random.choice(["healthy", "unhealthy"])
        body = {"state": state, "message": "m", "edgewright": {"seq": next(self.numbers), "bootId": "b"}}
        await self.send("PATCH", f"/v1/edgehosts/{uid}/health", body, Authorization=credential)

    async def do_meta(self) -> None:
        uid = self.one_of(self.hub.state.hosts)
        await self.send("PUT", f"/v1/edgehosts/{uid}/meta", {"labels": {"rack": str(self.random.randrange(9))}})

    async def do_operation(self) -> None:
        uid = self.one_of(self.hub.state.hosts)
        await self.send("POST", f"/edgewright/v1/hosts/{uid}/operations", {"kind": "collect-logs"})

    async def do_reset(self) -> None:
        await self.send("PUT", f"/v1/edgehosts/{self.one_of(self.hub.state.hosts)}/reset")

    async def do_delete_host(self) -> None:
        await self.send("DELETE", f"/v1/edgehosts/{self.one_of(self.hub.state.hosts)}")

    async def do_key(self) -> None:
        body: dict[str, Any] = {
            "metadata": {"name": self.name("k")},
            "spec": {"userUid": self.one_of(self.hub.state.users)},
        }
        await self.send("POST", "/v1/apiKeys", body)

    async def do_change_key(self) -> None:
        others = [uid for uid, key in self.hub.state.keys.items() if key.name != "admin"]
        await self.send("PATCH", f"/v1/apiKeys/{self.one_of(others)}", {"isActive": self.random.random() < 0.5})

    async def do_delete_key(self) -> None:
        others = [uid for uid, key in self.hub.state.keys.items() if key.name != "admin"]
        await self.send("DELETE", f"/v1/apiKeys/{self.one_of(others)}")

    async def do_user(self) -> None:
        email = f"{self.name('u')}@example.com"
        await self.send("POST", "/v1/users", {"spec": {"firstName": "A", "lastName": "B", "emailId": email}})

    async def do_roles(self) -> None:
        users = [uid for uid, user in self.hub.state.users.items() if user.first_name != "Admin"]
        projects = [self.one_of(self.hub.state.projects)] if self.random.random() < 0.7 else []
        body = {"projects": [{"projectUid": uid, "roles": ["viewer"]} for uid in projects]}
        await self.send("PUT", f"/v1/users/{self.one_of(users)}/projects", body)

    async def do_delete_user(self) -> None:
        users = [uid for uid, user in self.hub.state.users.items() if user.first_name != "Admin"]
        await self.send("DELETE", f"/v1/users/{self.one_of(users)}")

    async def do_filter(self) -> None:
        spec = {"filterGroup": {"conjunction": "and", "filters": [{"key": "site", "operator": "eq", "values": ["x"]}]}}
        await self.send("POST", "/v1/filters/tag", {"metadata": {"name": self.name("f")}, "spec": spec})

    async def do_delete_filter(self) -> None:
        await self.send("DELETE", f"/v1/filters/tag/{self.one_of(self.hub.state.filters)}")

    async def do_ssh_key(self) -> None:
        spec = {"publicKey": ssh_key(next(self.numbers))}
        await self.send("POST", "/v1/users/assets/sshkeys", {"metadata": {"name": self.name("s")}, "spec": spec})

    async def do_delete_ssh_key(self) -> None:
        await self.send("DELETE", f"/v1/users/assets/sshkeys/{self.one_of(self.hub.state.ssh_keys)}")

    async def do_handling(self) -> None:
        key = self.random.choice(["host/h-1/silent", "host/h-2/silent", "site/x"])
        body = self.random.choice(
            [{"note": self.name("n")}, {"acknowledged": True}, {"note": "", "acknowledged": False}]
        )
        await self.send("PATCH", f"/edgewright/v1/handling/{key.replace('/', '%2F')}", body)

    async def do_receiver(self) -> None:
        body = {"name": self.name("r"), "kind": "webhook", "active": False, "webhook": {"url": "https://a.example/x"}}
        await self.send("POST", protocol.RECEIVERS, body)

    async def do_change_receiver(self) -> None:
        uid = self.one_of(self.hub.part(Alerting).receivers)
        await self.send("PATCH", f"{protocol.RECEIVERS}/{uid}", {"active": False})

    async def do_delete_receiver(self) -> None:
        await self.send("DELETE", f"{protocol.RECEIVERS}/{self.one_of(self.hub.part(Alerting).receivers)}")


@pytest.mark.parametrize("seed", range(2))
async def test_p61_memory_that_follows_the_log_equals_a_fresh_start(inside: Inside, seed: int) -> None:
    hub, admin = inside
    writes, other = Writes(hub, admin, seed), second(hub)
    for step in range(500):
        await writes.step()
        if step % 40 == 39:
            follow(other)
    await hub.write(lambda tx: None)  # behind the events that no request waits for
    follow(other)
    fresh, here = content(second(hub)), content(hub)
    assert content(other) == fresh
    assert here == {**fresh, "hosts": here["hosts"]}
    assert all(here["hosts"][uid][:2] == fresh["hosts"][uid][:2] for uid in fresh["hosts"]), "heartbeats are in no log"
    tables = ("revoked", "hosts", "tokens", "handling", "receivers", "project_roles", "ssh_keys", "filters")
    assert [name for name in tables if not fresh[name]] == [], "this seed shows nothing of those"
    assert all(writes.done[method, True] > 5 for method in ("POST", "PUT", "PATCH", "DELETE")), writes.done


async def hub_on(database: str, data: Path) -> tuple[Hub, httpx.AsyncClient]:
    """Start one of several hubs on one PostgreSQL, in this process and without the lock of a single hub."""
    engines = create_engine(database, pool_size=1, max_overflow=0), create_engine(database, pool_size=4)
    migrations.migrate(engines[0])
    data.mkdir()
    pki.ensure_certificates(data, ("127.0.0.1",))
    seed(engines[0], data, new_key=True)
    lineage.ensure(engines[0])
    box = SecretBox(b"A" * 43 + b"=")
    with engines[1].connect() as connection:
        state = compose.load(connection)
    hub = compose.make_hub(ServeOptions(data=data, sweep=1e9), engines, box, state)
    await hub.start()
    key = (data / "admin-api-key").read_text().strip()
    transport = httpx.ASGITransport(app=make_app(hub))
    return hub, httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"ApiKey": key})


async def reached(hub: Hub, seq: int, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while hub.memory.seq < seq:
            await asyncio.sleep(0.01)


@pytest.mark.e2e
async def test_p61_two_hubs_that_write_side_by_side_follow_each_other(postgres: Cluster, tmp_path: Path) -> None:
    database = postgres.create()
    url = postgres.url(database)
    one, admin = await hub_on(url, tmp_path / "a")
    two, other = await hub_on(url, tmp_path / "b")
    await reached(one, two.memory.seq)
    assert (await admin.get("/v1/users/info")).status_code == 401, "the second start has replaced the key of the first"
    admin.headers["ApiKey"] = other.headers["ApiKey"]
    writers = Writes(one, admin, 1), Writes(two, other, 2)
    writers[1].lanes = writers[0].lanes
    writers[1].numbers = iter(range(10_000, 20_000))

    async def write(writes: Writes) -> None:
        for _ in range(150):
            await writes.step()

    lanes = [write(writes) for writes in (*writers, *writers)]
    await asyncio.gather(*lanes)
    newest = int(postgres.psql(database, "SELECT seq FROM change_head"))
    for hub in (one, two):
        await reached(hub, newest)
        assert hub.follower.state.newest == newest and hub.follower.state.age < 5
        numbers = [change.seq for change in hub.changes.ring if change.logged]
        assert numbers == sorted(set(numbers)), "each number is taken once and in order"
    fresh = content(second(one))
    for hub in (one, two):
        here = content(hub)
        assert {name: here[name] for name in here if name != "hosts"} == {n: fresh[n] for n in fresh if n != "hosts"}
        assert {uid: e[:2] for uid, e in here["hosts"].items()} == {uid: e[:2] for uid, e in fresh["hosts"].items()}
    rows = postgres.psql(database, "SELECT count(*), max(seq) - min(seq) + 1 FROM changes")
    assert len(set(rows.split("|"))) == 1, "the numbers have no gap"
    for hub in (one, two):
        await hub.stop()


@pytest.mark.e2e
async def test_p61_a_change_reaches_the_other_hub_by_a_notice(postgres: Cluster, tmp_path: Path) -> None:
    url = postgres.url(postgres.create())
    one, _ = await hub_on(url, tmp_path / "a")
    two, other = await hub_on(url, tmp_path / "b")
    waits = []
    for number in range(20):
        name = f"n{number}"
        (await other.post("/v1/projects", json={"metadata": {"name": name}})).raise_for_status()
        began = asyncio.get_running_loop().time()
        while one.state.project_named(name) is None:
            await asyncio.sleep(0.002)
        waits.append(asyncio.get_running_loop().time() - began)
    print(f"the other hub has a change after {sorted(waits)[10] * 1000:.0f} ms, at most {max(waits) * 1000:.0f} ms")
    assert sorted(waits)[10] < 0.3, "the poll alone takes up to a second"
    for hub in (one, two):
        await hub.stop()


async def test_p62_the_log_is_pruned_by_age_and_number_and_continues_with_its_numbers(inside: Inside) -> None:
    hub, _ = inside

    def logged(count: int) -> Callable[[Tx], None]:
        def job(tx: Tx) -> None:
            for number in range(count):
                tx.emit("alert", "put", str(number), "", {})

        return job

    async def numbers() -> tuple[int, int, int]:
        table = tables.changes
        query = select(func.count(), func.min(table.c.seq), func.max(table.c.seq))
        count, oldest, newest = await hub.read(lambda connection: connection.execute(query).one())
        return int(count), int(oldest or 0), int(newest or 0)

    began = hub.memory.seq
    await hub.write(logged(1_700))
    hub.options = dataclasses.replace(hub.options, max_changes=1_000)
    assert await prune_change_log(hub) == 702, "with two of the first start"
    assert await numbers() == (1_000, began + 701, began + 1_700)
    with hub.engine.begin() as connection:
        connection.execute(
            tables.changes.update().values(at=times.now() - 4_000).where(tables.changes.c.seq < began + 900)
        )
    assert await prune_change_log(hub) == 199 and (await numbers())[0] == 801
    with hub.engine.begin() as connection:
        connection.execute(tables.changes.update().values(at=times.now() - 4_000))
    await prune_change_log(hub)
    await hub.write(logged(1))
    assert await numbers() == (1, began + 1_701, began + 1_701), "an empty log does not begin again"
