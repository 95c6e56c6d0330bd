"""The agent as one self-contained binary, on a booted host that has no Python at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet, until

pytestmark = [pytest.mark.e2e, pytest.mark.core]


def test_a_host_without_python_registers_and_beats(make_fleet: Callable[..., Fleet], agent_binary: Path) -> None:
    fleet = make_fleet("--hosts", "1", "--no-python", "--agent", str(agent_binary), "--heartbeat", "3")
    plane, uid = fleet.plane(), fleet.uid("edge1")
    assert fleet.within("edge1", "sh", "-c", "ls /usr/bin | grep -c python || true").strip() == "0"
    until("the host beats", 25, lambda: plane.judgement(uid).get("heartbeats", 0) >= 2, 0.3)
    assert plane.judgement(uid)["healthState"] == "healthy"
    # a small starter waits for the program that it unpacked: both count
    resident = sum(map(int, fleet.within("edge1", "ps", "-C", "edgewright-agent", "-o", "rss=").split()))
    print(f"resident {resident} kB")
    assert 10_000 < resident <= 40 * 1024
