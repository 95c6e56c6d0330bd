"""Time servers and SSH keys of a cluster on a host that booted: a real sshd and systemd-timesyncd; no Kubernetes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.install import archive
from tests.e2e.fleet import Fleet, until
from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e]

SERVER = "192.0.2.7"
TIMESYNCD = Path("/usr/lib/systemd/systemd-timesyncd")
BUS = Path("/usr/share/dbus-1/system.d/org.freedesktop.timesync1.conf")
SETTLE = """\
import json, sys
sys.path.insert(0, "/root/agent.pyz")
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.machine import settings
from edgewright.core.clusters import model
from edgewright.core.clusters.host_slice import HostSlice, Sealed
ntp, ssh, release = json.loads(sys.argv[1])
document = model.ClusterDocument(
    uid="c0ffee", name="edge", lineage="a" * 16, generation=1,
    kubernetes=model.Kubernetes(model.KUBEADM, "v1.36.3", {}), tree=model.Artefact("r/t:1", "sha256:" + "d" * 64),
    endpoint=model.Endpoint("10.0.0.100", model.VIP), network=model.Network("10.244.0.0/16", "10.96.0.0/16"),
    bootstrap=model.Bootstrap("host-1"), members=(model.Member("host-1", "n1", "control-plane", "cp", "10.0.0.11"),),
    host_settings=model.HostSettings(tuple(ntp), tuple(ssh)),
)
context = Context(Host("/"), document, HostSlice(Sealed()), "host-1", "/var/lib/edgewright")
if release:
    print(json.dumps(context.ledger.undo(lambda text: None)))
else:
    settings.settle(context)
    print(json.dumps(settings.problem(context)))
"""
"""One look of a member at its settings, and what a release takes back, by the agent's own archive."""
UNIT = """\
[Service]
AmbientCapabilities=
CapabilityBoundingSet=
PrivateTmp=no
RuntimeDirectory=systemd/timesync
[Unit]
ConditionCapability=
ConditionVirtualization=
"""
"""A container may not set the clock; the service then only asks its servers."""


@pytest.fixture(scope="module")
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    made = make_fleet("--bare", "--hosts", "1")
    archive.build(str(made.disk("edge1") / "root/agent.pyz"), str(ROOT / "edgewright"))
    made.within("edge1", "useradd", "--create-home", "--shell", "/bin/sh", "spectro")
    return made


def settle(fleet: Fleet, ntp: list[str], ssh: list[str], release: bool = False) -> Any:
    """Return the problem that a look reports, or what a release could not take back."""
    fleet.within("edge1", "rm", "-f", "/run/edgewright/settings.json")  # else it looks every minute
    printed = fleet.within("edge1", "python3", "-c", SETTLE, json.dumps([ntp, ssh, release]))
    return json.loads(printed.splitlines()[-1])


def login(fleet: Fleet, key: Path) -> bool:
    """Return whether sshd of the host lets the user in by a key."""
    (host,) = fleet.shown["hosts"]
    options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=5")
    command = ["ssh", "-i", str(key), *[word for option in options for word in ("-o", option)]]
    done = subprocess.run([*command, f"spectro@{host['address']}", "id", "-un"], capture_output=True, text=True,
                          timeout=20, check=False)  # fmt: skip
    return done.returncode == 0 and done.stdout.strip() == "spectro"


def test_the_keys_of_a_cluster_open_the_host_until_it_leaves(fleet: Fleet, tmp_path: Path) -> None:
    keys = [tmp_path / name for name in ("one", "two")]
    for key in keys:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key.name, "-f", str(key)], check=True)
    texts = [key.with_suffix(".pub").read_text().strip() for key in keys]
    until("sshd answers and knows no key", 30, lambda: not login(fleet, keys[0]))
    assert settle(fleet, [], texts[:1]) == ""
    assert [login(fleet, key) for key in keys] == [True, False]
    assert settle(fleet, [], texts[1:]) == ""
    assert [login(fleet, key) for key in keys] == [False, True], "a change takes the key of before away"
    for place, wrong, right in (("/home/spectro", "o+w", "o-w"), ("/home/spectro/.ssh", "o+w", "o-w")):
        fleet.within("edge1", "chmod", wrong, place)
        assert not login(fleet, keys[1])
        assert f"sshd refuses /home/spectro/.ssh/authorized_keys: {place} has another owner" in settle(
            fleet, [], texts[1:]
        )
        fleet.within("edge1", "chmod", right, place)
        assert settle(fleet, [], texts[1:]) == "" and login(fleet, keys[1])
    assert settle(fleet, [], texts, release=True) == []
    assert [login(fleet, key) for key in keys] == [False, False]
    assert not (fleet.disk("edge1") / "home/spectro/.ssh").exists()


def test_a_host_without_a_time_service_says_so(fleet: Fleet) -> None:
    assert "neither systemd-timesyncd nor chrony" in settle(fleet, [SERVER], [])


def test_timesyncd_asks_the_servers_of_the_cluster_until_the_host_leaves(fleet: Fleet) -> None:
    if not TIMESYNCD.is_file():
        missing("e2e", "systemd-timesyncd is not installed: apt-get install systemd-timesyncd")
    disk = fleet.disk("edge1")
    for place in (TIMESYNCD, Path("/usr/lib/systemd/system/systemd-timesyncd.service"), BUS):
        shutil.copy(place, disk / str(place)[1:])
    drop_in = disk / "etc/systemd/system/systemd-timesyncd.service.d/lab.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(UNIT)
    fleet.within("edge1", "useradd", "--system", "systemd-timesync")
    fleet.within("edge1", "systemctl", "daemon-reload")
    fleet.within("edge1", "systemctl", "reload", "dbus")
    fleet.within("edge1", "systemctl", "start", "systemd-timesyncd")

    def asked() -> list[str]:
        lines = fleet.within("edge1", "timedatectl", "show-timesync", check=False).splitlines()
        return next((line.split("=")[1].split() for line in lines if line.startswith("SystemNTPServers=")), [])

    assert asked() == []
    assert settle(fleet, [SERVER, "ntp.example"], []) == ""
    until("it has read them", 10, lambda: asked() == [SERVER, "ntp.example"])
    assert settle(fleet, [], [], release=True) == []
    until("it has forgotten them", 10, lambda: asked() == [])
    assert not (disk / "etc/systemd/timesyncd.conf.d").exists()
