"""The reading script by a real shell in a folder: what stays on the host, and what is read in any case."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edgewright.clients.ssh.network.read_script import read_script
from edgewright.clients.ssh.network.reading import parse, printed
from tests.clients.ssh.network.samples import NETWORKD


def read(root: Path) -> bytes:
    return subprocess.run(
        ["sh", "-s"], input=read_script(str(root)), capture_output=True, check=True, timeout=30
    ).stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("etc/systemd/network", "etc/netplan", "etc/NetworkManager/system-connections", "run/systemd/system"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/environment").write_text("TZ=UTC\n")
    return tmp_path


def test_files_that_are_replaced_as_a_whole_are_read_however_many_others_there_are(root: Path) -> None:
    for number in range(70):
        (root / f"etc/NetworkManager/system-connections/{number}.nmconnection").write_text("[connection]\n")
        (root / f"etc/systemd/network/{number}.network").write_text("[Match]\n")
    assert printed(read(root)).texts["/etc/environment"] == "TZ=UTC\n"


def test_keys_of_tunnels_stay_on_the_host(root: Path) -> None:
    (root / "etc/systemd/network/wg0.netdev").write_text(
        "[NetDev]\nName=wg0\n[WireGuard]\nPrivateKey=canary1\n[WireGuardPeer]\nPresharedKey=canary2\n"
    )
    (root / "etc/netplan/50.yaml").write_text(
        "network:\n  tunnels:\n    wg0:\n      key: canary3\n      keys:\n        private: canary4\n"
        "      peers:\n      - keys: {public: x}\n        shared: canary5\n"
    )
    (root / "etc/NetworkManager/system-connections/wg").write_text(
        "[wireguard]\nprivate-key=canary6\n[wireguard-peer.x]\npreshared-key=canary7\n"
    )
    output = read(root)
    assert b"canary" not in output and output.count(b"***") == 7


def test_a_file_that_is_not_utf_8_is_not_changed() -> None:
    host = parse(NETWORKD.replace(b'|PATH="/usr/bin"', b"|NAME=K\xf6ln"))
    assert "not in UTF-8" in host.locked["proxy"] and "name" not in host.locked
    host = parse(NETWORKD.replace(b"|Name=host0", b"|Name=host0 # K\xf6ln"))
    assert "not in UTF-8" in host.adapters[0].locked
