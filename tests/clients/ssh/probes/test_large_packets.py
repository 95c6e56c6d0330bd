"""Large packets on the way to the plane: a small tunnel with a router that says so, and one that swallows them."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from edgewright.clients.ssh.probes.catalogue.shared import SHARED
from edgewright.clients.ssh.probes.sets import CATALOGUE

HOST, ROUTER, PLANE = "host", "router", "plane"
LISTEN = """
import socket
s = socket.socket(); s.bind(("0.0.0.0", 8443)); s.listen(5); print("ready", flush=True)
while True: s.accept()[0].close()
"""

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("ip") or not shutil.which("nft"), reason="needs root, iproute2 and nft"
)


def call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=20)


@pytest.fixture
def name() -> Iterator[str]:
    """Make a host, a router with a small packet size behind it, and a plane; return the begin of their names."""
    begin = f"ew{secrets.token_hex(3)}"
    places = {place: f"{begin}{place}" for place in (HOST, ROUTER, PLANE)}
    try:
        for place in places.values():
            call("ip", "netns", "add", place)
        for number, (place, size) in enumerate(((HOST, "1500"), (PLANE, "1400"))):
            near, far = f"{begin}{number}a", f"{begin}{number}b"
            peer = ("peer", "name", far, "netns", places[ROUTER])
            call("ip", "link", "add", near, "netns", places[place], "type", "veth", *peer)
            for space, card, address in ((place, near, 2), (ROUTER, far, 1)):
                call("ip", "-n", places[space], "addr", "add", f"10.99.{number}.{address}/24", "dev", card)
                call("ip", "-n", places[space], "link", "set", card, "up", "mtu", size)
            call("ip", "-n", places[place], "route", "add", "default", "via", f"10.99.{number}.1")
        call("ip", "netns", "exec", places[ROUTER], "sysctl", "-qw", "net.ipv4.ip_forward=1")
        yield begin
    finally:
        for place in places.values():
            subprocess.run(["ip", "netns", "del", place], check=False, capture_output=True)


@pytest.mark.parametrize(
    ("swallows", "late", "lines"),
    [
        (False, 0.0, []),
        (True, 0.0, ["mtu 1500 1400"]),
        (True, 10.5, ["mtu 1500 84"]),  # no time to try sizes: 84 was answered
        (True, 12.0, []),
    ],
    ids=["says so", "swallows", "late", "too late"],
)
def test_packets_are_lost_only_where_no_router_names_the_size_that_passes(
    name: str, swallows: bool, late: float, lines: list[str]
) -> None:
    (script,) = [probe.script for probe in CATALOGUE if probe.id == "network.plane"]
    program = re.search(r"python3 -I -c \"\$PY\"'(.*?)' \"\$plane_host\"", script, re.DOTALL)
    begin = re.search(r"^PY='(.*?)'", SHARED, re.DOTALL | re.MULTILINE)
    assert begin is not None and program is not None and program[1].count("began=time.monotonic()") == 1
    source = begin[1] + program[1].replace("began=time.monotonic()", f"began=time.monotonic()-{late}")
    if swallows:
        nft = ("ip", "netns", "exec", f"{name}{ROUTER}", "nft")
        call(*nft, "add table ip t; add chain ip t o { type filter hook output priority 0; }")
        call(*nft, "add rule ip t o icmp type destination-unreachable drop")
    inside = ("ip", "netns", "exec")
    server = subprocess.Popen(
        [*inside, f"{name}{PLANE}", sys.executable, "-I", "-c", LISTEN], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None and server.stdout.readline() == "ready\n"
        command = [*inside, f"{name}{HOST}", sys.executable, "-I", "-c", source, "10.99.1.2", "8443"]
        environment = {**os.environ, "EW_X": "", "EW_N": ""}
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, env=environment)
        shown = done.stdout.splitlines()
    finally:
        server.kill()
        server.communicate()
    assert shown[:2] == ["plane 10.99.1.2 8443 open", "at 10.99.1.2"]
    assert [line for line in shown if line.startswith("mtu")] == lines
