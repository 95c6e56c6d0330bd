"""How a port is tried, in bounded time, and the way to the plane by a proxy: the programs of the probes themselves."""

from __future__ import annotations

import base64
import os
import re
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

import pytest

from edgewright.clients.ssh.probes.catalogue.shared import SHARED
from edgewright.clients.ssh.probes.parsing import network
from edgewright.clients.ssh.probes.sets import CATALOGUE

_BEGIN = re.search(r"^PY='(.*?)'", SHARED, re.DOTALL | re.MULTILINE)
assert _BEGIN is not None
PY = _BEGIN[1]


class Clock:
    """Time that passes only while a connection is waited for."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


class Sockets(types.SimpleNamespace):
    """Addresses that answer as their name says."""

    gaierror, timeout = socket.gaierror, socket.timeout

    def __init__(self, clock: Clock, *answers: str) -> None:
        super().__init__()
        self.clock, self.answers = clock, answers

    def getaddrinfo(self, *_: object) -> list[tuple[int, int, int, str, str]]:
        return [(2, 1, 0, "", answer) for answer in self.answers]

    def socket(self, *_: object) -> Any:
        seconds: list[float] = []

        def connect(answer: str) -> None:
            if answer == "silent":
                self.clock.now += seconds[0]
                raise TimeoutError
            if answer != "open":
                raise OSError({"refused": 111, "reset": 104, "no-route": 113, "full": 105}[answer], answer)

        return types.SimpleNamespace(settimeout=seconds.append, connect=connect)


@pytest.mark.parametrize(
    ("answers", "state", "most"),
    [
        (("open",), "open", 0.0),
        (("silent",), "silent", 3.7),
        (("silent", "silent"), "silent", 3.7),
        (("silent",) * 40, "silent", 4.0),
        (("silent", "open"), "open", 1.9),
        (("refused", "no-route"), "refused", 0.0),
        (("no-route", "refused"), "refused", 0.0),
        (("no-route", "silent", "no-route"), "silent", 3.7),
        (("reset",), "refused", 0.0),
        (("full",), "error 105", 0.0),
    ],
)
def test_a_port_with_many_addresses_is_tried_in_the_time_of_one(
    answers: tuple[str, ...], state: str, most: float
) -> None:
    clock = Clock()
    space: dict[str, Any] = {}
    exec(PY, space)
    space["socket"], space["time"] = Sockets(clock, *answers), clock
    try:
        space["dial"]("plane.example", 443, 3.6)
        found = "open"
    except OSError as error:
        found = space["state"](error)
    assert found == state and clock.now - 100.0 <= most


class Proxy:
    """A proxy on 127.0.0.1 that answers CONNECT with a status, and keeps what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.server.getsockname()[1])
        self.answer, self.asked = answer, b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            while True:
                client, _ = self.server.accept()
                with client:
                    self.asked = client.recv(4096)
                    if self.answer == b"silent":
                        client.recv(1)
                    client.sendall(self.answer)
                    client.settimeout(5)
                    client.recv(4096)  # the begin of TLS, which nobody answers
        except OSError:
            pass


@pytest.fixture
def proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    found = Proxy(request.param)
    yield found
    found.server.close()


def shown(way: str, spared: str = "") -> list[str]:
    """Return what the program of the probe prints about a plane that does not resolve, by a proxy."""
    (script,) = [probe.script for probe in CATALOGUE if probe.id == "network.plane"]
    program = re.search(r"python3 -I -c \"\$PY\"'(.*?)' \"\$plane_host\"", script, re.DOTALL)
    assert program is not None and program[1].count("s.settimeout(4)") == 2
    source = PY + program[1].replace("s.settimeout(4)", "s.settimeout(.4)")
    done = subprocess.run(
        [sys.executable, "-I", "-c", source, "plane.invalid", "8443"],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "EW_X": way, "EW_N": spared},
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("proxy", "says"),
    [
        (b"HTTP/1.1 200 Connection established\r\n\r\n", "200"),
        (b"HTTP/1.0 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "407"),
        (b"HTTP/1.1 503 no\r\n\r\n", "503"),
        (b"SSH-2.0-x\r\n\r\n", "closed"),
        (b"\xff" * 9999, "closed"),
        (b"silent", "silent"),
    ],
    indirect=["proxy"],
)
def test_the_proxy_is_asked_for_the_plane_with_its_login(proxy: Proxy, says: str) -> None:
    lines = shown(f"http://site:p%40ss@127.0.0.1:{proxy.port}/ # the proxy", "10.0.0.0/8, other.invalid")
    assert lines[:2] == [f"proxy 127.0.0.1 {proxy.port} open", f"answer {says}"]
    assert ("plane plane.invalid 8443 open" in lines) == (says == "200")
    assert proxy.asked.startswith(b"CONNECT plane.invalid:8443 HTTP/1.1\r\nHost: plane.invalid:8443\r\n")
    assert base64.b64encode(b"site:p@ss") in proxy.asked and not any("ss@" in line for line in lines)
    facts = network.plane(lines)
    assert (facts["proxy"].state, facts["proxy_answer"]) == ("open", says)
    assert facts["plane_at"] == "", "the address of the proxy is not the plane's"


@pytest.mark.parametrize(
    ("way", "spared", "line"),
    [
        ("http://127.0.0.1:1", "", "proxy 127.0.0.1 1 refused"),
        ("127.0.0.1:1", "*.invalid.example,invalidx", "proxy 127.0.0.1 1 refused"),
        ("http://127.0.0.1:1", "10.0.0.0/8,.invalid", "plane plane.invalid 8443 name"),
        ("http://127.0.0.1:1", "*", "plane plane.invalid 8443 name"),
        ("http://127.0.0.1:1", "PLANE.invalid", "plane plane.invalid 8443 name"),
        ("http://a b", "", "proxy a 3128 name"),
        ("http://$(reboot):1", "", "proxy - 1 name"),
        ("http://x:99999", "", "proxy - 1 name"),
        ("", "", "plane plane.invalid 8443 name"),
    ],
)
def test_which_way_is_tried(way: str, spared: str, line: str) -> None:
    assert shown(way, spared) == [line]


def test_sizes_that_a_host_cannot_have_measured_are_none() -> None:
    for text in ("mtu 99999999999999999999 x", "mtu 1500 x", "mtu 1400 1500", "mtu 0 0", "mtu 1500", "mtu a b c"):
        facts = network.plane(["plane hub.example 443 open", text])
        assert (facts["lost_size"], facts["passed_size"]) == (None, None)
    facts = network.plane(["plane hub.example 443 open", "mtu 1500 1400"])
    assert (facts["lost_size"], facts["passed_size"]) == (1500, 1400)
