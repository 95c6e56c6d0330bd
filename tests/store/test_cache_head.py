"""The head of a cached fleet: it says what the whole says, and the rest comes after it without a wrong word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.store.collections import problems
from edgewright.store.engine import cache, cache_head
from edgewright.store.engine import events as kinds
from edgewright.store.engine.model import Model, Patch
from edgewright.store.engine.store import Store

Maker = Callable[..., dict[str, Any]]
NOW = 100_000.0


@pytest.fixture
def fleet(host: Maker, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A fleet of 300 with a site cut off, a single silent host, one that waits; heads are made from 60 hosts on."""
    monkeypatch.setattr(cache_head, "LIMIT", 60)
    monkeypatch.setattr(cache_head, "FIRST_LINES", 20)
    monkeypatch.setattr(cache, "PIECE", 7)
    docs = [host(f"e{index:03}", site=f"s{index // 3}") for index in range(300)]
    docs += [host(f"x{index}", "unhealthy", "kiel", reason="silent") for index in range(3)]
    docs += [
        host("y0", "unhealthy", "ulm"),
        host("y1", "healthy", "ulm"),
        host("z", None, "", "unpaired", who="person"),
    ]
    store = Store(clock=lambda: NOW)
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": docs})
    store.emit("plane", kinds.SOURCE_STATE, {"state": "live", "plane": "hub"})
    store.flush()
    return store.model


def head_on_disk(fleet: Model, path: Path) -> tuple[Model, cache.Rest]:
    cache.save(path, fleet)
    loaded = cache.load_head(path)
    assert loaded.model is not None and loaded.rest is not None and loaded.problem == ""
    return loaded.model, loaded.rest


def test_the_head_is_small_and_says_what_the_whole_says(fleet: Model, tmp_path: Path) -> None:
    head, _ = head_on_disk(fleet, tmp_path / "fleet")
    assert len(head.hosts) < 60 and not head.complete and fleet.complete
    assert head.tally == fleet.tally and head.source.state == "cache" and head.source.contact == NOW
    assert problems.problems(head, NOW) == problems.problems(fleet, NOW)
    assert problems.explain(head, head.hosts["y0"], NOW) == problems.explain(fleet, fleet.hosts["y0"], NOW)
    assert {f"e{index:03}" for index in range(10)} <= set(head.hosts)


def test_the_whole_comes_back_in_its_order(fleet: Model, tmp_path: Path) -> None:
    cache.save(tmp_path / "fleet", fleet)
    loaded = cache.load(tmp_path / "fleet").model
    assert loaded is not None and list(loaded.hosts.items()) == list(fleet.hosts.items())


def test_a_small_fleet_and_one_that_is_all_unwell_have_no_head(
    fleet: Model, host: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(fleet, clock=lambda: NOW)
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host(f"e{index:03}", "unhealthy", "") for index in range(300)]})
    store.flush()
    assert cache_head.head_of(store.model) is None
    monkeypatch.setattr(cache_head, "LIMIT", 1000)
    assert cache_head.head_of(fleet) is None


async def test_the_rest_completes_the_fleet_and_is_told_of(fleet: Model, tmp_path: Path) -> None:
    head, rest = head_on_disk(fleet, tmp_path / "fleet")
    store, told = Store(head), list[Patch]()
    store.subscribe(["hosts"], told.extend)
    store.message("meanwhile")
    await cache.complete(store, head, rest)
    assert list(store.model.hosts.items()) == list(fleet.hosts.items()) and store.model.complete
    assert store.model.messages[-1].text == "meanwhile"
    assert [(patch.collection, patch.op) for patch in told] == [("hosts", "reset")]


async def test_what_came_meanwhile_stays_and_is_counted(fleet: Model, host: Maker, tmp_path: Path) -> None:
    head, rest = head_on_disk(fleet, tmp_path / "fleet")
    store = Store(head, clock=lambda: NOW)
    changed = [host("e299", "unhealthy", "s99"), host("new"), host("e000", "unhealthy", "s0")]
    gone = {"uids": ["e001"]}
    for kept in (store, whole := Store(fleet, clock=lambda: NOW)):
        kept.emit("plane", kinds.HOSTS_SEEN, {"docs": changed})
        kept.emit("plane", kinds.HOSTS_REMOVED, gone)
        kept.flush()
    await cache.complete(store, head, rest)
    assert store.model.hosts == whole.model.hosts and store.model.tally == whole.model.tally


async def test_the_rest_of_a_plane_that_was_left_is_dropped(fleet: Model, tmp_path: Path) -> None:
    head, rest = head_on_disk(fleet, tmp_path / "fleet")
    store = Store(head)
    store.restore(Model())
    await cache.complete(store, head, rest)
    assert not store.model.hosts


async def test_a_spoilt_rest_takes_the_head_with_it_and_is_told_of(fleet: Model, tmp_path: Path) -> None:
    path = tmp_path / "fleet"
    cache.save(path, fleet)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    assert cache.load(path).model is None
    loaded = cache.load_head(path)
    assert loaded.model is not None and loaded.rest is not None
    store = Store(loaded.model)
    await cache.complete(store, loaded.model, loaded.rest)
    store.flush()
    assert not store.model.hosts and store.model.messages[-1].text.endswith("not complete and was left out.")


def test_a_rest_that_is_cut_short_is_seen_at_once(fleet: Model, tmp_path: Path) -> None:
    path = tmp_path / "fleet"
    cache.save(path, fleet)
    path.write_bytes(path.read_bytes()[:-1])
    assert cache.load_head(path).model is None


async def test_a_head_is_never_written_over_the_whole(fleet: Model, tmp_path: Path) -> None:
    path = tmp_path / "fleet"
    head, _ = head_on_disk(fleet, path)
    store, before = Store(head), path.read_bytes()
    writer = cache.CacheWriter(store, path, every=0.0)
    store.emit("plane", kinds.SOURCE_STATE, {"state": "lost"})
    store.flush()
    await writer.close()
    assert path.read_bytes() == before
