"""Network namespaces: one for PostgreSQL, one for each hub, with a cable to the database and one to the clients.

The cable to the database is cut (each packet is answered with a reset), paused (packets are lost and sent again) or
slow (a token bucket), while the clients still reach the hub. Needs root, `ip` and `nft`; `network()` returns why not.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Final

_RESET, _DROP = "meta l4proto tcp reject with tcp reset", "drop"
_RULES: Final = """
table inet fault {{
  chain in {{ type filter hook input priority 0; iifname "db0" {verdict}; }}
  chain out {{ type filter hook output priority 0; oifname "db0" {verdict}; }}
}}"""
_SLOW: Final = ("tbf", "rate", "512kbit", "burst", "4kb", "latency", "500ms")
_PORT: Final = 5432


def _run(*command: str, text: str | None = None) -> None:
    done = subprocess.run(command, input=text, check=False, capture_output=True, text=True, timeout=20)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def inside(name: str) -> tuple[str, ...]:
    """Return the words in front of a command that runs in a namespace."""
    return ("nsenter", f"--net=/run/netns/{name}")


class Network:
    """The namespaces of one test run, all with the same prefix; `server` is PostgreSQL's."""

    def __init__(self) -> None:
        self.prefix = f"ew{os.getpid()}"
        self.server = f"{self.prefix}-pg"
        self._octet = os.getpid() % 256
        self._count = 0
        self._make(self.server)

    def _make(self, name: str) -> None:
        _run("ip", "netns", "add", name)
        _run("ip", "-n", name, "link", "set", "lo", "up")

    def hub(self) -> HubCables:
        """Return the cables of one more hub, in a new namespace."""
        number, self._count = self._count, self._count + 1
        assert number < 64, "one address range of a run has room for 64 hubs"
        name, cable = f"{self.prefix}-h{number}", f"{self.prefix}c{number}"
        self._make(name)
        here, there = (f"198.18.{self._octet}.{4 * number + end}" for end in (1, 2))
        _run("ip", "link", "add", cable, "type", "veth", "peer", "name", "c0", "netns", name)
        _run("ip", "addr", "add", f"{here}/30", "dev", cable)
        _run("ip", "link", "set", cable, "up")
        _run("ip", "-n", name, "addr", "add", f"{there}/30", "dev", "c0")
        _run("ip", "-n", name, "link", "set", "c0", "up")
        database, own = (f"10.0.{number}.{end}" for end in (1, 2))
        _run("ip", "-n", name, "link", "add", "db0", "type", "veth", "peer", "name", f"d{number}", "netns", self.server)
        _run("ip", "-n", self.server, "addr", "add", f"{database}/30", "dev", f"d{number}")
        _run("ip", "-n", self.server, "link", "set", f"d{number}", "up")
        _run("ip", "-n", name, "addr", "add", f"{own}/30", "dev", "db0")
        _run("ip", "-n", name, "link", "set", "db0", "up")
        return HubCables(name, there, database)


class HubCables:
    """The namespace of one hub; `set` takes `open`, `cut`, `paused` or `slow` for the cable to the database."""

    def __init__(self, name: str, address: str, database: str) -> None:
        self.address = address
        """Where clients reach the hub."""
        self.prefix = inside(name)
        self._name, self._database = name, database
        self._state = "open"

    def url(self, database: str) -> str:
        """Return what the hub's `--db` takes."""
        return f"postgresql+psycopg://postgres@{self._database}:{_PORT}/{database}"

    def set(self, state: str) -> None:
        """Change what the cable does from now on."""
        if self._state == state:
            return
        if self._state == "slow":
            _run("tc", "-n", self._name, "qdisc", "del", "dev", "db0", "root")
        elif self._state != "open":
            _run(*self.prefix, "nft", "delete table inet fault")
        self._state = state
        if state == "slow":
            _run("tc", "-n", self._name, "qdisc", "add", "dev", "db0", "root", *_SLOW)
        elif state != "open":
            rules = _RULES.format(verdict=_RESET if state == "cut" else _DROP)
            _run(*self.prefix, "nft", "-f", "-", text=rules)

    def close(self) -> None:
        """Remove the namespace, and with it both cables."""
        with contextlib.suppress(OSError):
            _run("ip", "netns", "del", self._name)


@contextlib.contextmanager
def network() -> Iterator[Network | str]:
    """Make the namespace of PostgreSQL for as long as the block lasts; yields the reason where it does not work."""
    programs = [name for name in ("ip", "nft", "tc", "nsenter") if shutil.which(name) is None]
    if os.geteuid() != 0 or programs:
        yield f"{', '.join(programs)} not installed" if programs else "it needs root"
        return
    guard = _guard(f"ew{os.getpid()}-")
    try:
        try:
            made: Network | str = Network()
        except OSError as error:
            made = str(error)
        yield made
    finally:
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait(timeout=60)


def _guard(prefix: str) -> subprocess.Popen[bytes]:
    """Start a process that removes the namespaces when this one ends, also when it is killed."""
    script = 'cat; ls /run/netns 2>/dev/null | grep "^$0" | while read -r name; do ip netns del "$name"; done'
    return subprocess.Popen(
        ["sh", "-c", script, prefix], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
