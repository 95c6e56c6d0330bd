"""Rules P36 to P38 at the hub: the lineage of its database, and hosts that are ahead of it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from edgewright.core import times
from edgewright.core.errors import InvalidInput
from edgewright.hub.db import lineage, schema
from edgewright.hub.db.hosts import get_host_or_404, save_host
from edgewright.hub.db.records import HostRecord
from edgewright.hub.db.transaction import Tx
from edgewright.hub.process.app import Hub
from edgewright.hub.process.backup import backup, restore
from edgewright.wire.protocol.generations import MAX_GENERATION, read_lineage
from tests.hub.http.test_hardening import bare, new_host
from tests.hub_fixture import running_hub
from tests.hub_fleet import open_hub
from tests.support import ROOT


async def beat(hub: Hub, own: dict[str, str], seq: int, **extension: Any) -> httpx.Response:
    body = {"state": "healthy", "edgewright": {"bootId": "b", "seq": seq, **extension}}
    async with bare(hub) as client:
        answer = await client.patch("/v1/edgehosts/h/health", content=json.dumps(body), headers=own)
    await hub.write(lambda tx: None)  # whatever the heartbeat caused is written
    await asyncio.sleep(0)
    return answer


def events(hub: Hub, reason: str = lineage.CHANGED) -> list[dict[str, Any]]:
    with hub.readers.connect() as connection:
        rows = connection.execute(select(schema.events.c.doc).where(schema.events.c.reason == reason)).scalars()
        return [json.loads(row) for row in rows]


def set_generation(hub: Hub, number: int) -> Callable[[Tx], HostRecord]:
    return lambda tx: save_host(tx, get_host_or_404(tx, "h"), generation=number)


async def test_p36_answers_name_the_lineage(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    name = hub.lineage.value
    assert read_lineage(name) == name != ""
    assert (await beat(hub, own, 1)).headers["edgewright-lineage"] == name
    async with bare(hub) as client:
        answer = await client.get("/v1/edgehosts/h/config", headers=own)
        assert answer.json()["edgewright"]["lineage"] == name
        tag = answer.headers["etag"]
        assert (await client.get("/v1/edgehosts/h/config", headers={**own, "If-None-Match": tag})).status_code == 304
        for other in ('"1"', f'"{"0" * 16}-1"'):
            again = await client.get("/v1/edgehosts/h/config", headers={**own, "If-None-Match": other})
            assert again.status_code == 200, "a number of another lineage is another state"
    assert (await admin.get("/edgewright/v1/status")).json()["lineage"] == name


def test_p36_a_lineage_belongs_to_a_database_and_stays(tmp_path: Path) -> None:
    first = open_hub(tmp_path / "d")
    name = first.lineage.value
    first.engine.dispose()
    again = open_hub(tmp_path / "d")
    assert again.lineage.value == name
    again.engine.dispose()
    assert open_hub(tmp_path / "other").lineage.value != name


def test_p36_a_database_of_v0_1_0_gets_one(tmp_path: Path) -> None:
    open_hub(tmp_path / "d").engine.dispose()
    with closing(sqlite3.connect(tmp_path / "d" / "hub.db")) as database:
        database.execute("delete from settings where key like 'lineage%'")
        database.commit()
    assert open_hub(tmp_path / "d").lineage.value


def test_p36_a_backup_of_v0_1_0_is_restored_with_one(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "fixtures" / "v0_1_0" / "hub", tmp_path / "old")
    backup(tmp_path / "old", tmp_path / "b.tgz")
    restore(tmp_path / "b.tgz", tmp_path / "new")
    restored = open_hub(tmp_path / "new")
    assert restored.lineage.value and len(events(restored)) == 1


async def test_p36_restore_renews_it_and_reports_it(inside: tuple[Hub, httpx.AsyncClient], tmp_path: Path) -> None:
    hub, _ = inside
    backup(hub.data, tmp_path / "b.tgz")
    names = {hub.lineage.value}
    for folder in ("one", "two"):
        restore(tmp_path / "b.tgz", tmp_path / folder)
        restored = open_hub(tmp_path / folder)
        names.add(restored.lineage.value)
        (event,) = events(restored)
        assert "restored from the backup b.tgz" in event["message"] and event["severity"] == "Warning"
        restored.engine.dispose()
        restored.readers.dispose()
    assert len(names) == 3, "each restore is a history of its own"


def test_p36_a_start_after_a_restore_by_other_means_renews_it(tmp_path: Path) -> None:
    with running_hub(data=tmp_path / "d") as hub:
        before = hub.client().get("/edgewright/v1/status").json()["lineage"]
    with running_hub("--new-lineage", data=tmp_path / "d") as hub:
        assert hub.client().get("/edgewright/v1/status").json()["lineage"] != before
        (event,) = hub.client().get("/v1/events/components").json()["items"]
        assert event["reason"] == "LineageChanged" and "--new-lineage" in event["message"]


def test_restore_of_a_database_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_bytes(b"SQLite format 3\0" + b"x" * 4096)
    with pytest.raises(InvalidInput, match="cannot be used"):
        lineage.renew_restored(tmp_path / "hub.db", "b.tgz")


async def test_p38_a_host_ahead_within_the_lineage_renews_it_once(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    name = hub.lineage.value
    hub.state.settings[lineage.SINCE] = repr(times.now() - 2 * lineage.RENEW_EVERY)
    assert (await beat(hub, own, 1, lineage=name, observedGeneration=10)).status_code == 204
    renewed = hub.lineage.value
    assert renewed != name
    (event,) = events(hub)
    assert "h reports generation 10" in event["message"] and "set back" in event["message"]
    assert (await beat(hub, own, 2, lineage=name, observedGeneration=10)).headers["edgewright-lineage"] == renewed
    hub.lineage._tried = float("-inf")  # the pause after a try is over; the hour is not
    await beat(hub, own, 3, lineage=renewed, observedGeneration=99)
    assert hub.lineage.value == renewed and len(events(hub)) == 1, "one host that lies causes one renewal an hour"
    with hub.readers.connect() as connection:
        table = schema.settings
        stored = connection.execute(select(table.c.value).where(table.c.key == lineage.SETTING)).scalar()
    assert stored == renewed
    entry = hub.state.hosts["h"]
    assert entry.live.observed_generation == 0 and entry.record.generation == 1


@pytest.mark.parametrize("number", [2**70, 2**63, MAX_GENERATION + 1, -1, 0, True, "7", 2.5, [1]])
async def test_p37_an_odd_report_is_not_believed(inside: tuple[Hub, httpx.AsyncClient], number: Any) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    name = hub.lineage.value
    hub.state.settings[lineage.SINCE] = "0.0"
    for seq, extension in enumerate(({"lineage": name}, {}, {"lineage": "x"}), 1):
        assert (await beat(hub, own, seq, observedGeneration=number, **extension)).status_code == 204
    assert hub.lineage.value == name and not events(hub)
    entry = hub.state.hosts["h"]
    assert (entry.live.observed_generation, entry.record.generation, entry.live.count) == (0, 1, 3)


async def test_p37_a_generation_of_another_lineage_does_not_count_as_applied(
    inside: tuple[Hub, httpx.AsyncClient],
) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    await hub.write(set_generation(hub, 5))
    await beat(hub, own, 1, lineage="0" * 16, observedGeneration=4)
    assert hub.state.hosts["h"].live.observed_generation == 0
    await beat(hub, own, 2, lineage=hub.lineage.value, observedGeneration=4)
    assert hub.state.hosts["h"].live.observed_generation == 4


async def test_p38_an_agent_without_lineage_is_lifted_over(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    name = hub.lineage.value
    answer = await beat(hub, own, 1, observedGeneration=10)
    assert answer.status_code == 204
    assert hub.state.hosts["h"].record.generation == 11, "so that an agent v0.1.0 is not deaf to this hub"
    assert hub.lineage.value == name and len(events(hub)) == 1
    await beat(hub, own, 2, observedGeneration=500_000)
    assert hub.state.hosts["h"].record.generation == 11, "once an hour, whatever it claims"


async def test_p38_a_claim_near_the_bound_cannot_use_a_hosts_counter_up(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    await beat(hub, own, 1, observedGeneration=MAX_GENERATION)
    assert hub.state.hosts["h"].record.generation == 1


@pytest.mark.parametrize("generation", [2**40, -1, True, 2**70])
async def test_p28_an_intents_base_is_bounded(inside: tuple[Hub, httpx.AsyncClient], generation: Any) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    body = {"id": "a" * 24, "field": "metadata.labels", "base": {"generation": generation}, "value": 1}
    async with bare(hub) as client:
        answer = await client.post("/edgewright/v1/hosts/h/intents", json=body, headers=own)
    assert answer.status_code == 422


async def test_p28_an_intent_based_on_another_lineage_is_a_conflict(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    states = []
    for digit, name in (("a", hub.lineage.value), ("b", "0" * 16)):
        base = {"generation": 1, "lineage": name}
        body = {"id": digit * 24, "field": "metadata.labels", "base": base, "value": 1}
        async with bare(hub) as client:
            states.append((await client.post("/edgewright/v1/hosts/h/intents", json=body, headers=own)).json()["state"])
    assert states == ["offered", "conflict"]
