"""How clusters are reached: what the plane measured as a column, and what this machine measured, by cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgewright.core import times
from edgewright.store.collections.catalogue import measured
from edgewright.store.collections.catalogue.cluster_rows import cluster_row
from edgewright.store.collections.catalogue.clusters import reach_text

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("ways", "shown"),
    [
        ({}, "-"),
        ({"relay": {"state": "unknown", "error": "no stream was opened yet"}}, "-"),
        ({"relay": {"state": "yes", "since": times.rfc3339(NOW - 180), "error": ""}}, "relay 3m"),
        ({"relay": {"state": "no", "since": times.rfc3339(NOW - 180), "error": "refused: closed"}}, "no"),
    ],
)
def test_the_column_shows_what_was_measured(ways: dict[str, Any], shown: str) -> None:
    document = {"metadata": {"uid": "c1", "name": "shop"}, "status": {"edgewright": {"reach": ways}}}
    row = cluster_row(document)
    assert row is not None and reach_text(row, NOW) == shown


def test_what_this_machine_measured_is_stored_with_since_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path))
    clock = NOW
    monkeypatch.setattr(times, "now", lambda: clock)
    assert measured.read() == {}
    measured.note("c1", direct=("no", "no route to host"), ssh=("unknown", "no target"))
    clock += 60
    measured.note("c1", direct=("no", "no route to host"))
    assert measured.read() == {"c1": {"direct": measured.Look("no", NOW, NOW + 60, "no route to host")}}
    clock += 60
    measured.note("c1", direct=("yes", ""))
    assert measured.read()["c1"]["direct"] == measured.Look("yes", NOW + 120, NOW + 120, "")
    path = tmp_path / "state" / "reach.json"
    path.write_text("{")
    assert measured.read() == {}, "what cannot be read is not known"
