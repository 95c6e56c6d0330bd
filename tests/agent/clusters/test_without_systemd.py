"""A host that systemd did not start gets no unit of a cluster, and no folder that would make it look like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.agent.clusters import host as module
from edgewright.agent.clusters.host import Host
from edgewright.core.errors import Failed


def test_the_folder_of_units_is_never_made_on_the_running_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    units = tmp_path / "systemd" / "system"
    monkeypatch.setattr(module, "UNITS", str(units))
    with pytest.raises(Failed, match="not started by systemd"):
        Host("/").write(f"{units}/edgewright-peer.service", b"[Unit]\n")
    assert not units.exists()
    units.mkdir(parents=True)
    assert Host("/").write(f"{units}/edgewright-peer.service", b"[Unit]\n")
