"""One way from a committed change into memory and to readers: `Tx.changed`, `Tx.removed`, `Tx.emit`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edgewright.hub.db.records import ProjectRecord
from edgewright.hub.db.transaction import Tx
from edgewright.hub.readmodel.changes import Changes
from edgewright.hub.readmodel.memory import Follow, Memory
from tests.hub_fleet import open_hub


class Thing(msgspec.Struct, frozen=True):
    uid: str


def memory() -> tuple[Memory, Changes]:
    changes = Changes(0, lambda kind, uid: {"uid": uid})
    return Memory(changes), changes


def published(changes: Changes) -> list[tuple[str, str, str]]:
    return [(change.kind, change.op, change.uid) for change in changes.ring]


def test_a_record_is_taken_and_published_by_one_registration() -> None:
    apply, changes = memory()
    taken: list[tuple[str, Any]] = []
    put, drop = (lambda r: taken.append(("put", r))), (lambda uid: taken.append(("drop", uid)))
    apply.register(Follow(Thing, "thing", put, drop, lambda connection, uids: {}))
    for seq, op in enumerate(("put", "delete"), 1):
        entry = apply.entry(op, Thing("a"))
        entry.seq = seq
        apply.apply(entry)
        apply.apply(entry)  # a second time it changes nothing
    assert taken == [("put", Thing("a")), ("drop", "a")]
    assert published(changes) == [("thing", "put", "a"), ("thing", "delete", "a")]


def test_a_type_is_registered_once_and_an_unknown_one_is_an_error() -> None:
    apply, _ = memory()
    follow = Follow(Thing, "thing", lambda r: None, lambda uid: None, lambda connection, uids: {})
    apply.register(follow)
    with pytest.raises(ValueError, match="Thing is followed already"):
        apply.register(follow)
    with pytest.raises(KeyError):
        apply.entry("put", "text")


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


async def test_a_failure_of_the_writer_itself_is_answered_and_the_next_write_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread continues: without it no write would ever be answered, and a stop would take half a minute."""
    hub = open_hub(tmp_path / "d", sweep=1e9)
    await hub.start()
    with monkeypatch.context() as patch:

        def fails(*_batch: Any) -> None:
            raise OSError("no such clock")

        patch.setattr(hub.writer, "_batch", fails)
        with pytest.raises(OSError, match="no such clock"):
            await asyncio.wait_for(hub.writer.submit(lambda tx: None), 5)
    assert await asyncio.wait_for(hub.writer.submit(lambda tx: "stored"), 5) == "stored"
    await hub.stop()
