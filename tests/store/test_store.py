"""The store: emit, subscribe, pause, documents; subscribers hear a few times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.engine import events as kinds
from edgewright.store.engine.model import NAMES, Model, Patch
from edgewright.store.engine.store import DOCUMENTS, Store

Maker = Callable[..., dict[str, Any]]


class Ear:
    """Collects patches and says when some came."""

    def __init__(self) -> None:
        self.rounds: list[tuple[Patch, ...]] = []
        self.came = asyncio.Event()

    def __call__(self, patches: tuple[Patch, ...]) -> None:
        self.rounds.append(patches)
        self.came.set()


async def test_many_events_make_one_round(host: Maker) -> None:
    store, ear = Store(tick=0.1), Ear()
    store.subscribe(["hosts"], ear)
    for number in range(50):
        store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host(f"edge-{number % 5}")]})
    assert not store.model.hosts
    async with asyncio.timeout(5):
        await ear.came.wait()
    assert len(ear.rounds) == 1 and {patch.key for patch in ear.rounds[0]} == {f"edge-{n}" for n in range(5)}
    store.close()


async def test_a_large_log_is_reduced_in_slices_so_that_others_have_their_turn(host: Maker) -> None:
    store = Store(tick=0.1)
    done = asyncio.Event()
    store.subscribe(["hosts"], lambda _: done.set() if len(store.model.hosts) == 3000 else None)
    for first in range(0, 3000, 100):
        store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host(f"edge-{n}") for n in range(first, first + 100)]})
    turns = 0
    async with asyncio.timeout(10):
        while not done.is_set():
            await asyncio.sleep(0)
            turns += 1
    assert turns > 3


def test_without_a_loop_flush_does_it(host: Maker) -> None:
    store = Store()
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host()]})
    store.flush()
    assert list(store.model.hosts) == ["edge-1"]


def test_a_paused_subscriber_gets_one_reset_on_resume(host: Maker) -> None:
    store, heard = Store(), list[tuple[Patch, ...]]()
    subscription = store.subscribe(["hosts", "tokens"], heard.append)
    subscription.pause()
    for health in ("healthy", "unhealthy"):
        store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host(health=health)]})
        store.flush()
    assert not heard
    subscription.resume()
    assert heard == [(Patch("hosts", op="reset"),)]
    subscription.pause()
    subscription.resume()
    assert len(heard) == 1


def test_an_ended_subscriber_hears_nothing_and_ending_twice_is_no_error(host: Maker) -> None:
    store, heard = Store(), list[tuple[Patch, ...]]()
    unsubscribe = store.subscribe(["hosts"], heard.append)
    unsubscribe()
    unsubscribe()
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host()]})
    store.flush()
    assert not heard


def test_one_broken_subscriber_does_not_cut_the_others_off(host: Maker) -> None:
    store, heard = Store(), list[tuple[Patch, ...]]()

    def broken(_: tuple[Patch, ...]) -> None:
        raise RuntimeError("a screen fell over")

    store.subscribe(["hosts"], broken)
    store.subscribe(["hosts"], heard.append)
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host()]})
    store.flush()
    assert len(heard) == 1


def test_unknown_kinds_and_collections_are_refused() -> None:
    store = Store()
    with pytest.raises(ValueError, match="not a kind"):
        store.emit("plane", "hosts.seem", {})
    with pytest.raises(ValueError, match="no such collection"):
        store.subscribe(["hots"], lambda _: None)


def test_raw_documents_of_this_session_are_kept_up_to_a_number(host: Maker) -> None:
    store = Store()
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host("first")]})
    assert store.document("hosts", "first") == host("first")
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host(f"edge-{n}") for n in range(DOCUMENTS)]})
    assert store.document("hosts", "first") is None and store.document("hosts", "nobody") is None


def test_a_complete_list_in_pieces_is_complete_as_one() -> None:
    """More documents than are reduced at a time: each piece took the ones before away."""
    store = Store()
    for count in (60, 30):
        docs = [{"metadata": {"uid": f"c-{number}", "name": f"c-{number}"}} for number in range(count)]
        store.emit("plane", CLUSTERS.seen, {"docs": docs, "complete": True})
        store.flush()
        assert len(store.model.rows(CLUSTERS)) == count
    assert store.document(CLUSTERS.name, "c-29") is not None


def test_restore_resets_everybody_and_goes_on_counting(host: Maker) -> None:
    store, heard = Store(), list[tuple[Patch, ...]]()
    store.subscribe(NAMES, heard.append)
    store.restore(Model(seq=41))
    assert {patch.collection for patch in heard[0]} == NAMES
    assert store.emit("plane", kinds.HOSTS_SEEN, {"docs": []}).seq == 42


def test_messages_and_acknowledgements_are_events_too() -> None:
    store = Store(clock=lambda: 7.0)
    store.message("edge-7f3a is back\x1b[2J", "ok")
    store.acknowledge("host/a")
    store.acknowledge("host/b")
    store.acknowledge("host/b", on=False)
    store.flush()
    assert "\x1b" not in store.model.messages[0].text and store.model.messages[0].level == "ok"
    assert store.model.acknowledged == {"host/a": 7.0}
