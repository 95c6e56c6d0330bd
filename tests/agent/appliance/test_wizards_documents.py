"""What the wizard writes, done by the appliance: cards, users and modes come out as they were meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.agent.appliance import stages
from edgewright.agent.appliance.documents import read_document
from edgewright.agent.appliance.install_spec import read_install_spec
from edgewright.core.installer.answers import complete
from edgewright.core.installer.document import user_data
from edgewright.forge.userdata.text import dump
from tests.agent.appliance.helpers import Recorder
from tests.core.installer import samples


@pytest.mark.parametrize("name", samples.ALL)
def test_the_install_block_is_understood_whole(name: str) -> None:
    wish = read_install_spec(read_document(dump(user_data(complete(samples.ALL[name])))))
    assert wish.notices == () and wish.by_itself
    assert wish.reboot == (name not in ("local", "static_vlan_proxy"))
    if name == "local":
        assert wish.device == "/dev/disk/by-id/nvme-1" and wish.parts["persistent"].size == 20480
        extra = [(part.name, part.size, part.label) for part in wish.extra]
        assert extra == [("data", 4096, "DATA"), ("rest", 0, "rest")]


def test_a_bond_is_written_so_that_networkd_can_read_it(tmp_path: Path) -> None:
    said: list[str] = []
    document = read_document(dump(user_data(complete(samples.BOND))))
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/bash\n")
    stages.run_stage(document, "initramfs", Recorder(), said.append, root=str(tmp_path))
    files = {path.name: path for path in (tmp_path / "etc/systemd/network").iterdir()}
    assert {"05-bond0.netdev", "05-eno1.network", "06-bond0.20.network"} <= set(files)
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o644}
    assert "Mode=802.3ad" in files["05-bond0.netdev"].read_text()


def test_a_mode_is_meant_as_yip_means_it(tmp_path: Path) -> None:
    text = "#cloud-config\nstages:\n  boot:\n    - files:\n        - {path: /a, permissions: 0600}\n"
    text += "        - {path: /b, permissions: 420}\n        - {path: /c, permissions: '0755'}\n        - {path: /d}\n"
    told: list[str] = []
    stages.run_stage(read_document(text), "boot", Recorder(), told.append, root=str(tmp_path))
    assert [tmp_path.joinpath(name).stat().st_mode & 0o777 for name in "abcd"] == [0o600, 0o644, 0o755, 0o644]
