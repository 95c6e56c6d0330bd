"""The cached fleet: back as it was, private, and never in the way when its file is spoilt."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright.store.engine import cache
from edgewright.store.engine import events as kinds
from edgewright.store.engine.model import Model
from edgewright.store.engine.store import Store

Maker = Callable[..., dict[str, Any]]


def filled(host: Maker) -> Model:
    store = Store(clock=lambda: 100.0)
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host("a"), host("b", "unhealthy", "")]})
    store.emit("plane", kinds.SOURCE_STATE, {"state": "live", "plane": "hub"})
    store.message("not kept")
    store.flush()
    return store.model


def test_the_fleet_comes_back_with_its_age(host: Maker, tmp_path: Path) -> None:
    model, path = filled(host), tmp_path / "deep" / "fleet.cache"
    cache.save(path, model)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = cache.load(path)
    assert loaded.model is not None and loaded.problem == ""
    assert loaded.model.hosts == model.hosts and loaded.model.tally == model.tally and not loaded.model.messages
    assert loaded.model.source.state == "cache" and loaded.model.source.contact == 100.0


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    assert cache.load(tmp_path / "none") == cache.Loaded(None, "")


def test_a_file_of_another_shape_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "fleet.cache"
    path.write_bytes(b"{}")
    loaded = cache.load(path)
    assert loaded.model is None and "not complete" in loaded.problem


def test_a_file_of_an_older_version_is_called_so(host: Maker, tmp_path: Path) -> None:
    path = tmp_path / "fleet.cache"
    cache.save(path, filled(host))
    path.write_bytes(b"EWCACHE2" + path.read_bytes()[len(cache.MAGIC) :])
    loaded = cache.load(path)
    assert loaded.model is None and "another version" in loaded.problem


def test_a_folder_in_its_place_is_told_of(tmp_path: Path) -> None:
    assert "cannot be read" in cache.load(tmp_path).problem


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(where=st.integers(0, 10_000), byte=st.integers(1, 255), cut=st.booleans())
def test_a_spoilt_file_never_gives_a_wrong_fleet(host: Maker, tmp_path: Path, where: int, byte: int, cut: bool) -> None:
    path = tmp_path / "fleet.cache"
    cache.save(path, filled(host))
    data = bytearray(path.read_bytes())
    where %= len(data)
    if cut:
        del data[where:]
    else:
        data[where] ^= byte
    path.write_bytes(data)
    loaded = cache.load(path)
    assert loaded.model is None and loaded.problem.endswith("left out.")


async def test_the_writer_writes_after_changes_but_not_more_often_than_told(host: Maker, tmp_path: Path) -> None:
    path, store = tmp_path / "fleet.cache", Store()
    writer = cache.CacheWriter(store, path, every=3600)
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host("a")]})
    store.flush()
    async with asyncio.timeout(5):
        while not path.exists():
            await asyncio.sleep(0.01)
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host("b")]})
    store.flush()
    await asyncio.sleep(0.05)
    first = cache.load(path).model
    assert first is not None and list(first.hosts) == ["a"]
    await writer.close()
    last = cache.load(path).model
    assert last is not None and list(last.hosts) == ["a", "b"]


async def test_a_disk_that_takes_nothing_is_told_once_and_nothing_stops(host: Maker, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store()
    writer = cache.CacheWriter(store, tmp_path / "file" / "fleet.cache", every=0.0)
    for uid in ("a", "b"):
        store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host(uid)]})
        store.flush()
        await asyncio.sleep(0.05)
    await writer.close()
    store.flush()
    told = [line.text for line in store.model.messages]
    assert len(told) == 1 and "cannot be written" in told[0]
