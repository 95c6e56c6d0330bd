"""The change stream over a restart and a change of hub: its numbers are those of the log (rules P33, P63, P64)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest

from edgewright.core.roles import EVERYTHING, Scope
from edgewright.hub.controllers.change_log import prune_change_log
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.process.app import Hub
from edgewright.hub.readmodel import changes
from edgewright.hub.readmodel.changes import Changes
from tests.hub.db.test_changelog import follow, second
from tests.hub_fleet import open_hub

Inside = tuple[Hub, httpx.AsyncClient]
Event = tuple[int, str, str]
"""Number, kind and uid."""


async def read(stream: AsyncIterator[bytes], until: str) -> list[Event]:
    """Return the events of a stream up to the one about `until`."""
    events: list[Event] = []
    async with aclosing(stream), asyncio.timeout(20):  # type: ignore[type-var]
        async for piece in stream:
            for block in piece.decode().split("\n\n"):
                lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
                if "data" in lines:
                    data = json.loads(lines["data"])
                    kinds = (data["doc"] or {}).get("kinds") if lines["event"] == "resync" else None
                    events.append((int(lines["id"]), lines["event"], data["uid"] if kinds is None else str(kinds)))
                    if data["uid"] == until:
                        return events
    return events


def events_named(*names: str) -> Callable[[Tx], None]:
    def job(tx: Tx) -> None:
        for name in names:
            tx.emit("operation", "delete", name, "")

    return job


async def test_p33_a_reader_continues_over_a_restart_without_gap_or_double(tmp_path: Path) -> None:
    hub = open_hub(tmp_path / "d", sweep=1e9)
    await hub.start()
    await hub.write(events_named("a"))
    before = await read(hub.changes.stream(hub.changes.seq - 1, EVERYTHING), "a")
    await hub.write(events_named("b", "c"))
    await hub.stop()
    again = open_hub(tmp_path / "d", sweep=1e9)
    await again.start()
    await again.write(events_named("d"))
    after = await read(again.changes.stream(before[-1][0], EVERYTHING), "d")
    # P63: alerts are in the memory of one process, so their list is read again, and nothing else.
    # It has the number that was asked for: a reader that is cut off behind it misses nothing.
    assert after[0] == (before[-1][0], "resync", "['alert']")
    assert [event for event in after if event[1] == "operation"] == [
        (before[-1][0] + number, "operation", uid) for number, uid in ((1, "b"), (2, "c"), (3, "d"))
    ]
    assert [event[1] for event in await read(again.changes.stream(again.changes.seq - 1, EVERYTHING), "d")] == [
        "operation"
    ]
    await again.stop()


async def test_p64_another_hub_continues_the_stream_and_waits_for_a_number_that_it_has_not_yet(inside: Inside) -> None:
    hub, admin = inside
    other = second(hub)
    begin = hub.changes.seq
    made = [(await admin.post("/v1/projects", json={"metadata": {"name": f"p{n}"}})).json()["uid"] for n in range(3)]
    here = await read(hub.changes.stream(begin, EVERYTHING), made[1])

    async def newest() -> int:
        return hub.changes.seq

    other.changes.newest = newest
    stream = other.changes.stream(here[-1][0], EVERYTHING)
    reading = asyncio.create_task(read(stream, made[2]))
    await asyncio.sleep(0.05)
    assert not reading.done(), "the other hub is behind, which is no reason to read the lists again"
    follow(other)
    there = await reading
    numbers = [event[0] for event in (*here, *there)]
    assert numbers == list(range(begin + 1, hub.changes.seq + 1)), "no gap and no double"
    nothing = other.changes.stream(hub.changes.seq + 1000, EVERYTHING)
    async with asyncio.timeout(5):
        assert [await anext(nothing), b"event: resync" in await anext(nothing)][1]


@pytest.mark.parametrize("why", ["behind", "unreadable"])
async def test_p64_a_hub_that_cannot_follow_to_a_number_ends_the_stream_and_shows_nothing_older(
    inside: Inside, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of this hub, or `resync` at its own number, would set the reader back before what it saw."""
    hub, admin = inside
    other = second(hub)
    assert (await admin.post("/v1/projects", json={"metadata": {"name": "p"}})).status_code == 201

    async def newest() -> int:
        if why == "unreadable":
            raise StorageProblem(503, "StorageUnreachable", "The hub's database does not answer.")
        return hub.changes.seq

    other.changes.newest = newest
    monkeypatch.setattr(changes, "FOLLOWS_WITHIN", 0.1)
    async with asyncio.timeout(5):
        pieces = [piece async for piece in other.changes.stream(hub.changes.seq, EVERYTHING)]
    assert pieces == [b": edgewright changes\n\n"]


async def test_p33_a_reader_that_the_ring_has_overtaken_continues_from_the_log(inside: Inside) -> None:
    hub, admin = inside
    hub.changes.ring._size = 5
    begin = hub.changes.seq
    token = {"metadata": {"name": "t"}, "spec": {}}
    assert (await admin.post("/v1/edgehosts/tokens", json=token)).status_code == 201
    await hub.write(events_named(*(f"e{number}" for number in range(450))))
    events = await read(hub.changes.stream(begin, EVERYTHING), "e449")
    assert [event[0] for event in events] == list(range(begin + 1, hub.changes.seq + 1))
    assert {"audit", "token"} <= {event[1] for event in events}, "documents are read from their tables"
    scoped = await read(hub.changes.stream(begin, Scope.of("p")), "e449")
    assert {"audit", "token"} & {event[1] for event in scoped} == set(), "P35 applies to what is read from the log"


async def test_p62_a_number_older_than_the_log_gets_resync(inside: Inside) -> None:
    hub, _ = inside
    hub.changes.ring._size = 5
    begin = hub.changes.seq
    await hub.write(events_named(*(f"e{number}" for number in range(1_500))))
    object.__setattr__(hub.options, "max_changes", 1_000)
    await prune_change_log(hub)
    for since, kept in ((begin, False), (begin + 499, False), (begin + 500, True)):
        stream = hub.changes.stream(since, EVERYTHING)
        async with aclosing(stream), asyncio.timeout(5):  # type: ignore[type-var]
            pieces = [await anext(stream), await anext(stream)]
        assert (b"event: resync" not in pieces[1]) == kept, since


async def test_p64_a_document_is_rendered_once_for_all_readers_and_again_when_it_changes() -> None:
    rendered: list[str] = []

    def render(_kind: str, uid: str) -> dict[str, Any]:
        rendered.append(uid)
        return {"uid": uid, "number": len(rendered)}

    changes = Changes(0, render)
    scopes = [EVERYTHING] * 10 + [Scope.of("p")] * 10
    streams = [changes.stream(None, scope) for scope in scopes]
    for stream in streams:
        await anext(stream)
    for uid in ("a", "b", "a"):
        changes.publish("host", "put", uid, "p")
    pieces = [await anext(stream) for stream in streams]
    assert len(set(pieces)) == 1 and sorted(rendered) == ["a", "b"], "and only the newest change of a thing"
    changes.publish("host", "put", "a", "p")
    again = [await anext(stream) for stream in streams]
    assert all(b'"number":3' in piece for piece in again)
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]
