"""What is written on a host's disk, and how the lab shows itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from edgewright.core.errors import NotFound
from edgewright.lab import network, prepare, product, status
from edgewright.lab.base import PACKAGES, base_key
from edgewright.lab.state import Folder, LabState, Member, Slow


def a_lab(tmp_path: Path) -> tuple[Folder, LabState]:
    folder = Folder(tmp_path)
    state = LabState(folder.name, "10.66.7", "https://10.66.7.2:8443")
    state.hosts["edge1"] = Member("edge1", "10.66.7.11")
    state.hosts["edge2"] = Member("edge2", "10.66.7.12", slow=Slow(150, 10, 5, 64), clock="-50y")
    return folder, state


def test_user_data_is_what_an_installer_carries(tmp_path: Path) -> None:
    _, state = a_lab(tmp_path)
    text = prepare.user_data(state, state.hosts["edge2"], "ewt_abc", "-----BEGIN\nabc\n-----END\n")
    assert text.startswith("#cloud-config\n")
    site = yaml.safe_load(text)["stylus"]["site"]
    assert site["paletteEndpoint"] == "https://10.66.7.2:8443"
    assert site["edgeHostToken"] == "ewt_abc"
    assert site["name"] == f"{state.name}-edge2"
    assert site["tags"]["site"] == "kiel"
    assert site["caCerts"] == ["-----BEGIN\nabc\n-----END\n"]


def test_every_host_its_own_key(tmp_path: Path) -> None:
    folder, state = a_lab(tmp_path)
    keys = []
    for host in state.hosts.values():
        root = tmp_path / "disk" / host.name
        for part in ("etc/ssh", "root", "etc/systemd/system", "var/log"):
            (root / part).mkdir(parents=True)
        prepare.write_system(folder, state, host, root)
        prepare.write_system(folder, state, host, root)  # a second time changes nothing
        keys.append((root / "etc/ssh/ssh_host_ed25519_key.pub").read_text())
        assert f"Address={host.address}/24" in (root / "etc/systemd/network/10-host0.network").read_text()
        assert (root / "etc/machine-id").read_text() == ""
        scrub = root / "etc/systemd/system/e2scrub_reap.service"
        assert str(scrub.readlink()) == "/dev/null", "a unit that runs only when the machine idles keeps a boot open"
    assert keys[0] != keys[1]


def test_links_in_words(tmp_path: Path) -> None:
    _, state = a_lab(tmp_path)
    assert status.link_of(state.hosts["edge1"]) == "up"
    assert status.link_of(state.hosts["edge2"]) == "150ms ~10ms 5%lost 64kbit/s"
    state.hosts["edge2"].link_down = True
    assert status.link_of(state.hosts["edge2"]) == "cut"


def test_status_of_a_lab_that_is_off(tmp_path: Path) -> None:
    folder, state = a_lab(tmp_path)
    shown = status.document(folder, state)
    assert [host["state"] for host in shown["hosts"]] == ["off", "off"]
    lines = status.table(shown).splitlines()
    assert lines[0].split() == ["NAME", "ADDRESS", "STATE", "AGENT", "LINK", "CLOCK"]
    assert "ssh -i" in status.ways_in(shown)


def test_the_base_is_made_anew_when_its_packages_change() -> None:
    assert base_key() == base_key(packages=tuple(reversed(PACKAGES)))
    assert base_key() != base_key(packages=(*PACKAGES, "curl"))
    assert base_key() != base_key("trixie")


def test_a_subnet_that_is_in_use_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "run", lambda command: '[{"dst": "10.66.0.0/24"}, {"dst": "default"}]')
    assert network.choose_subnet("ew-000000") == "10.66.1"
    assert network.choose_subnet("ew-000500") == "10.66.5"


def test_an_agent_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no agent at"):
        product.find_agent(str(tmp_path / "none.pyz"), print)
