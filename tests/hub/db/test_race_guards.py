"""Between the look at a row and the write to it the row may change: the write asks again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, select

from edgewright.core import times
from edgewright.hub.db import pruning, schema
from edgewright.hub.process import retention
from edgewright.hub.process.app import Hub
from edgewright.hub.resources.operations import expiry
from edgewright.wire import protocol
from tests.hub.http.test_hardening import new_host
from tests.hub_fleet import add_events

Inside = tuple[Hub, httpx.AsyncClient]


def after_the_look(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Awaitable[Any]], truth: Callable[[Any], bool]
) -> None:
    """Let `meanwhile` happen once, after the first read whose result is what the test waits for."""
    read, done = hub.read, False

    async def slow_read(query: Callable[[Connection], Any]) -> Any:
        nonlocal done
        rows = await read(query)
        if not done and truth(rows):
            done = True
            await meanwhile()
        return rows

    monkeypatch.setattr(hub, "read", slow_read)


async def test_an_event_that_became_young_after_the_look_is_not_deleted(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock was put right meanwhile, and with it the times of the rows."""
    hub, _ = inside
    table = schema.events
    add_events(hub, 2, times.now() - (hub.options.event_days + 1) * pruning.DAY)
    ids = select(table.c.id)
    with hub.readers.connect() as connection:
        first, second = sorted(connection.execute(ids).scalars())[-2:]

    async def put_right() -> None:
        await hub.write(lambda tx: tx.run(table.update().where(table.c.id == first).values(at=times.now())))

    after_the_look(hub, monkeypatch, put_right, lambda rows: isinstance(rows, list) and first in rows)
    assert (await retention.prune(hub))["events"] == 1
    with hub.readers.connect() as connection:
        left = set(connection.execute(ids).scalars())
    assert first in left and second not in left


@pytest.mark.parametrize("change", ["reported", "deadline moved"])
async def test_an_operation_that_was_reported_or_moved_after_the_look_does_not_expire(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    hub, admin = inside
    table = schema.operations
    await new_host(hub, admin, "late-1")
    made = await admin.post("/edgewright/v1/hosts/late-1/operations", json={"kind": "reset"})
    uid = made.json()["uid"]
    overdue = table.update().where(table.c.id == uid)
    await hub.write(lambda tx: tx.run(overdue.values(deadline=times.now() - 1)))
    generation = hub.state.hosts["late-1"].record.generation

    state = protocol.OP_SUCCEEDED if change == "reported" else protocol.OP_PENDING
    values = {"state": state} if change == "reported" else {"deadline": times.now() + 100}

    async def meanwhile() -> None:
        await hub.write(lambda tx: tx.run(overdue.values(**values)))

    after_the_look(hub, monkeypatch, meanwhile, lambda rows: any(getattr(row, "id", "") == uid for row in rows or ()))
    await expiry.expire_operations(hub)
    with hub.readers.connect() as connection:
        assert connection.execute(select(table.c.state).where(table.c.id == uid)).scalar() == state
    assert hub.state.hosts["late-1"].record.generation == generation
