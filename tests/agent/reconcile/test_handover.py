"""Requests that a reconciler does not take: a condition, a start, and a folder in the place of one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgewright.agent.reconcile import exchange, handover
from edgewright.agent.reconcile.exchange import REQUESTS, names, put
from edgewright.agent.reconcile.handover import Handover
from tests.agent.reconcile.test_reconciler import Host


def test_a_reconciler_that_takes_no_request_is_a_condition(tmp_path: Path) -> None:
    handover = Handover(str(tmp_path / "data"), "/run/nothing")
    assert handover.trouble == ""
    handover.exchange.hand_over("a" * 24, {"kind": "preflight"})
    assert handover.trouble == "", "it has just been written"
    path = tmp_path / "data/operations" / f"{'a' * 24}.json"
    os.utime(path, (path.stat().st_mtime - 300, path.stat().st_mtime - 300))
    assert handover.trouble.startswith("the reconciler has not taken a request for 5 min")
    assert "edgewright-reconciler.path" in handover.trouble
    path.unlink()
    assert handover.trouble == ""


def test_a_request_that_the_reconciler_cannot_take_starts_it_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[int] = []
    monkeypatch.setattr(Handover, "start_child", lambda self: starts.append(1))
    link = Handover(str(tmp_path))
    put(exchange.folders(str(tmp_path))[REQUESTS], "retry", {"target": "*"})
    for _ in range(5):
        link.look()
    assert len(starts) == 1
    monkeypatch.setattr(handover, "PENDING_EVERY", 0.0)
    link.look()
    assert len(starts) == 2


@pytest.mark.parametrize("name", [*exchange.SIGNALS, "op7"])
def test_a_folder_of_the_link_in_the_place_of_a_request_ends_no_reconciler(tmp_path: Path, name: str) -> None:
    host = Host(tmp_path)
    requests = exchange.folders(host.data)[REQUESTS]
    os.makedirs(os.path.join(requests, f"{name}.json", "below"))
    host.reconciler.tick()
    assert names(requests) == []
