"""Rule P58: the hub finds the problems that a console finds, and stores messages in both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import Engine

from edgewright.core import times
from edgewright.core.roles import EVERYTHING
from edgewright.hub.db import migrations
from edgewright.hub.db.engines import open_engines
from edgewright.hub.db.records import Sender, dump
from edgewright.hub.db.transaction import Tx
from edgewright.hub.process.app import Hub
from edgewright.hub.readmodel.tokens import Tokens
from edgewright.hub.resources.alerts import evaluate, stored
from edgewright.hub.resources.alerts.incidents import Incident
from edgewright.hub.resources.tokens import document as token_document
from edgewright.sources.follow import uid_of
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.problems import problems
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine import events as kinds
from edgewright.store.engine.store import Store
from edgewright.wire import protocol
from tests.hub.http.test_hardening import new_host


async def fleet(hub: Hub, admin: httpx.AsyncClient) -> None:
    """Make a fleet with one problem of each kind."""
    now = times.now()
    hub.renderer.started = now - 10_000
    faults = {
        "link-1": "silent", "link-2": "silent", "some-1": "silent", "some-2": "", "full": "disk", "sick": "unhealthy",
        "many-1": "unit", "many-2": "unit", "many-3": "unit",
    }  # fmt: skip
    for uid, fault in faults.items():
        await new_host(hub, admin, uid)
        site = uid.partition("-")[0]
        meta = {"metadata": {"name": uid, "uid": uid, "labels": {"site": site}}}
        assert (await admin.put(f"/v1/edgehosts/{uid}/meta", json=meta)).status_code == 204
        if fault == "disk":
            part = {"mountPoint": "/var", "totalSpace": 100, "usedSpace": 97}
            entry = hub.state.hosts[uid]
            document = entry.document()
            document["spec"]["device"] = {"disks": [{"partitions": [part]}]}
            hub.state.put_host(msgspec.structs.replace(entry.record, doc=dump(document)))
        live = hub.state.hosts[uid].live
        live.at, live.count, live.state = now - (1_000 if fault == "silent" else 1), 5, "healthy"
        if fault in ("unhealthy", "unit"):
            live.state = "unhealthy"
            live.message = "clock 4 min behind the plane's" if fault == "unhealthy" else "unit failed: k3s.service"
        live.health = hub.renderer.verdict(hub.state.hosts[uid], now).health.value
    soon = {"metadata": {"name": "ends"}, "spec": {"expiry": times.rfc3339(now + 3_600)}}
    assert (await admin.post(protocol.TOKENS, json=soon)).status_code == 201
    body = {"metadata": {"uid": "box"}, "spec": {"host": {"hostAuthToken": "ewt_" + "x" * 43}}}
    assert (await admin.post(protocol.HOST_REGISTER, json=body)).status_code == 401


async def test_p58_the_hub_and_a_console_find_the_same_problems(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    await fleet(hub, admin)
    now = times.now()
    found = (await evaluate.look(hub, [""], now))[""].problems
    store = Store(clock=lambda: now)
    docs = [hub.renderer.summary(entry, now) for entry in hub.state.hosts.values()]
    tokens = [token_document.document(hub, token, secret=False) for token in hub.part(Tokens).by_uid.values()]
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": docs})
    store.emit("plane", TOKENS.seen, {"docs": tokens})
    store.emit("plane", ALERTS.seen, {"docs": hub.alerts.documents(EVERYTHING)})
    store.flush()
    shown = {problem.key: problem for problem in problems(store.model, now)}
    assert len(docs) == len({uid_of(doc) for doc in docs}) == 9
    assert set(found) == set(shown)
    assert {"site/link/link", "host/some-1/silent", "host/full/disk:/var", "host/sick/clock"} <= set(found)
    assert {"fault/units:k3s.service", "alert/rejected/box/InvalidEdgeToken"} <= set(found)
    for key, problem in found.items():
        other = shown[key]
        assert (problem.text, problem.uids, problem.harm, problem.next_step) == (
            other.text, other.uids, other.harm, other.next_step,
        )  # fmt: skip


async def test_p58_a_project_has_its_own_problems_only(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    await fleet(hub, admin)
    project = hub.state.hosts["full"].record.project_uid
    look = await evaluate.look(hub, [project, "another"], times.now())
    assert "host/full/disk:/var" in look[project].problems and not look["another"].problems


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The writer's engine of a new database."""
    url = None
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.url(postgres.create())
    engines = open_engines(tmp_path, url)
    migrations.migrate(engines[0])
    yield engines[0]
    for one in engines:
        one.dispose()


def test_p58_messages_and_incidents_are_rows_of_both_databases(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "MOST_WAITING", 2)
    problem: dict[str, Any] = {"kind": "link", "hosts": 2}
    incident = Incident("site/a", "p", "site/a/link", 1.5, problem, ("h1", "h2"), {"r": 2.5}, 3, None, 1.5)
    with engine.begin() as connection:
        tx = Tx(connection)
        assert [stored.add_message(tx, "r", f"d{n}", "k", "opened", {"n": n}) for n in range(3)] == [0, 0, 1]
        stored.add_message(tx, "other", "d9", "k", "opened", {})
        stored.store_incident(tx, incident)
        stored.store_incident(tx, incident)
    with engine.begin() as connection:
        first = stored.next_waiting(connection, "r")
        assert first is not None and (first.uid, first.doc, first.attempts) == ("d1", '{"n":1}', 0)
        assert stored.counts(connection) == {"r": 2, "other": 1}
        assert stored.load_incidents(connection) == [incident]
        tx = Tx(connection)
        stored.delay_message(tx, first, 1, 99.0)
        again = stored.next_waiting(connection, "r")
        assert again is not None and (again.uid, again.attempts, again.next_try) == ("d1", 1, 99.0)
        assert stored.delete_message(tx, first) == 1 and stored.delete_message(tx, first) == 0
        assert stored.delete_messages_of(tx, "r") == 1
        stored.delete_incident(tx, incident)
        assert stored.load_incidents(connection) == [] and stored.counts(connection) == {"other": 1}


async def test_p58_a_gateway_is_the_place_when_nobody_behind_it_responds(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    await fleet(hub, admin)
    for uid, entry in hub.state.hosts.items():
        entry.live.sender = Sender("203.0.113.7" if uid.startswith(("link", "some")) else "203.0.113.8")
    look = (await evaluate.look(hub, [""], times.now()))[""]
    link = look.problems["site/link/link"]
    assert look.gateway(link) == "", "some-2 responds"
    assert not look.late_near(link, "link")
    some = hub.state.hosts["some-2"].live
    some.at = times.now() - 300
    look = (await evaluate.look(hub, [""], times.now()))[""]
    assert look.late_near(look.problems["site/link/link"], "link"), "the last one behind it may follow"
    some.at, some.health = times.now() - 1_000, "unhealthy"
    look = (await evaluate.look(hub, [""], times.now()))[""]
    assert look.gateway(look.problems["site/link/link"]) == "203.0.113.7"
