"""Who handles a problem, in the store: rows, the reducer, and what another plane does to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgewright.store.collections.handling import HANDLING, HandlingRow
from edgewright.store.engine import cache
from edgewright.store.engine import events as kinds
from edgewright.store.engine.store import Store

NOW = 1_700_000_000.0


def record(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "acknowledgedBy": "ana", "acknowledgedAt": "2023-11-14T22:13:20.000Z", "note": "on it", **more}


def following(*docs: dict[str, Any]) -> Store:
    store = Store(clock=lambda: NOW)
    store.emit("plane", kinds.SOURCE_STATE, {"state": "live", "plane": "hub"})
    store.emit("plane", HANDLING.seen, {"docs": list(docs), "complete": True})
    store.flush()
    return store


def test_p57_records_come_change_and_go() -> None:
    store = following(record("host/a"), record("host/b"))
    assert store.model.source.handling
    assert store.model.rows(HANDLING)["host/a"] == HandlingRow("host/a", "ana", NOW, note="on it")
    store.emit("plane", HANDLING.seen, {"docs": [record("host/a", silencedUntil="2023-11-14T23:13:20.000Z")]})
    store.emit("plane", HANDLING.removed, {"uids": ["host/b"]})
    store.flush()
    assert list(store.model.rows(HANDLING)) == ["host/a"]
    row = store.model.rows(HANDLING)["host/a"]
    assert row.silenced(NOW) and not row.silenced(NOW + 3600)


def test_p57_a_plane_that_stores_nothing_is_known_as_such() -> None:
    store = Store(clock=lambda: NOW)
    store.emit("plane", kinds.SOURCE_STATE, {"state": "polling", "plane": "palette"})
    store.flush()
    assert not store.model.source.handling
    store = following(record("host/a"))
    store.emit("plane", kinds.SOURCE_STATE, {"state": "lost"})
    store.flush()
    assert store.model.source.handling, "the same plane, out of reach"
    store.emit("plane", kinds.SOURCE_STATE, {"state": "polling", "plane": "palette"})
    store.flush()
    assert not store.model.source.handling


def test_p57_odd_records_harm_nothing() -> None:
    odd: list[dict[str, Any]] = [{}, {"key": 7}, {"key": "x", "note": ["y"], "silencedUntil": "soon"}]
    store = following(*odd, record("a\x1b[31m", assignee="\u202eana"))
    assert "\x1b" not in "".join(store.model.rows(HANDLING)) and store.model.rows(HANDLING)["x"].silenced_until is None
    assert "\u202e" not in "".join(row.assignee for row in store.model.rows(HANDLING).values())


def test_p57_records_are_in_the_cache(tmp_path: Path) -> None:
    store = following(record("host/a"))
    cache.save(tmp_path / "f", store.model)
    loaded = cache.load(tmp_path / "f").model
    assert loaded is not None and loaded.rows(HANDLING) == store.model.rows(HANDLING)
