"""One way from a committed change into memory and to readers: `Tx.changed`, `Tx.removed`, `Tx.emit`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edgewright.core import times
from edgewright.hub.db.records import ProjectRecord
from edgewright.hub.db.transaction import Tx
from edgewright.hub.readmodel.changes import Changes
from edgewright.hub.readmodel.memory import Follow, Memory
from tests.hub_fleet import open_hub


class Thing(msgspec.Struct, frozen=True):
    uid: str


def memory() -> tuple[Memory, Changes]:
    changes = Changes(times.now(), lambda kind, uid: {"uid": uid})
    return Memory(changes), changes


def published(changes: Changes) -> list[tuple[str, str, str]]:
    return [(change.kind, change.op, change.uid) for change in changes._ring]


def test_a_record_is_taken_and_published_by_one_registration() -> None:
    apply, changes = memory()
    taken: list[tuple[str, Any]] = []
    apply.register(Follow(Thing, lambda r: taken.append(("put", r)), lambda r: taken.append(("drop", r)), "thing"))
    apply.put(Thing("a"))
    apply.drop(Thing("a"))
    assert taken == [("put", Thing("a")), ("drop", Thing("a"))]
    assert published(changes) == [("thing", "put", "a"), ("thing", "delete", "a")]


def test_a_type_is_registered_once_and_an_unknown_one_is_an_error() -> None:
    apply, _ = memory()
    follow = Follow(Thing, lambda r: None, lambda r: None)
    apply.register(follow)
    with pytest.raises(ValueError, match="Thing is followed already"):
        apply.register(follow)
    with pytest.raises(KeyError):
        apply.put("text")


async def test_nothing_is_followed_that_was_not_committed(tmp_path: Path) -> None:
    hub = open_hub(tmp_path / "d", sweep=1e9)
    await hub.start()
    before, seq = len(hub.state.projects), hub.changes.seq

    def job(tx: Tx) -> None:
        tx.changed(ProjectRecord("p", "p", "{}", tx.now, tx.now))
        tx.emit("event", "put", "e", "", {})
        raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError):
        await asyncio.wait_for(hub.writer.submit(job), 5)
    assert (len(hub.state.projects), hub.changes.seq) == (before, seq)
    await hub.stop()
