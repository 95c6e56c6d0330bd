"""Time servers of a cluster with the real chrony: it asks those of the file, and no longer when the file is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.agent.clusters.machine import settings
from tests.agent.clusters.support import FakeHost
from tests.agent.clusters.test_settings import runs, settle
from tests.support import missing

OWN = "127.0.0.250"
"""A server of the host's own configuration, which stays."""


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Run chronyd over a folder of sources, without setting a clock; yields what runs chronyc."""
    daemon = shutil.which("chronyd", path="/usr/sbin:/usr/bin")
    if daemon is None or os.getuid() != 0:
        missing("chrony", "apt-get install chrony, as root")
    run = Path(tempfile.mkdtemp(prefix="chrony-"))  # short: the path of a socket
    conf, socket = run / "conf", run / "socket"
    folder = tmp_path / "host/etc/chrony/sources.d"
    folder.mkdir(parents=True)
    conf.write_text(f"sourcedir {folder}\nserver {OWN} offline\nbindcmdaddress {socket}\npidfile {run}/pid\n"
                    "port 0\ncmdport 0\n")  # fmt: skip
    started = subprocess.Popen([daemon, "-x", "-d", "-u", "root", "-f", str(conf)], stderr=subprocess.DEVNULL)

    def client(*command: str) -> list[str]:
        lines = subprocess.run(
            ["chronyc", "-n", "-c", "-h", str(socket), *command], capture_output=True, text=True, timeout=10, check=True
        ).stdout.splitlines()
        return sorted(line.split(",")[2] for line in lines if line.count(",") > 2)

    try:
        end = time.monotonic() + 10
        while not socket.exists():
            assert started.poll() is None and time.monotonic() < end, "chronyd runs"
            time.sleep(0.02)
        yield client
    finally:
        started.terminate()
        started.wait(10)
        shutil.rmtree(run)


def test_chrony_asks_the_servers_of_the_cluster_beside_its_own(asked: Callable[..., list[str]], tmp_path: Path) -> None:
    host = FakeHost(tmp_path / "host")
    runs(host, settings.CHRONY[0])
    host.write("/etc/chrony/chrony.conf", b"sourcedir /etc/chrony/sources.d\n")
    assert asked("sources") == [OWN]
    for servers in (["127.0.0.9", "127.0.0.10"], ["127.0.0.11"], []):
        assert settle(host, servers) == ""
        asked(*host.ran("chronyc")[-1][1:])
        assert asked("sources") == sorted([OWN, *servers])
        host.time += settings.EVERY
