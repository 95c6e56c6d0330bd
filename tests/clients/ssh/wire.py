"""A link of two tunnel devices with a delay, a rate and losses: TCP on it is that of the kernel. Needs root.

The far end is in a network namespace of its own, where a server may be started. A process of its own carries the
packets, so that who measures is not slowed; not every kernel has netem.
"""

from __future__ import annotations

import argparse
import fcntl
import heapq
import os
import random
import secrets
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
MOST = 2000
"""Packets that wait in one direction; what comes then is lost."""


def unusable() -> str:
    """Return why there can be no such link here, "" where there can."""
    if os.getuid() != 0:
        return "only root makes network namespaces"
    if not os.access("/dev/net/tun", os.W_OK):
        return "there is no /dev/net/tun"
    done = subprocess.run(["ip", "-V"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "iproute2 is not installed"


class Wire:
    """One link. `delay`: seconds in each direction; `rate`: bytes a second, 0 for any; `loss`: share of the packets."""

    def __init__(self, *, delay: float = 0.15, rate: float = 0.0, loss: float = 0.0, seed: int = 1) -> None:
        self.name = f"ew{secrets.token_hex(4)}"
        self.inside = ["ip", "netns", "exec", self.name]
        """Words before a command that runs at the far end."""
        self._claim, network = _free_network()
        self.here, self.there = f"{network}.1", f"{network}.2"
        """Addresses of the two ends."""
        values = {"delay": delay, "rate": rate, "loss": loss, "seed": seed}
        self._words = [word for name, value in values.items() for word in (f"--{name}", f"{value:g}")]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Wire:
        _ip("netns", "add", self.name)
        try:
            command = [sys.executable, str(Path(__file__)), f"{self.name}a", f"{self.name}b", *self._words]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=ROOT)
            assert self._process.stdout is not None
            assert self._process.stdout.readline() == b"ready\n"
            _ip("addr", "add", self.here, "peer", self.there, "dev", f"{self.name}a")
            _ip("link", "set", f"{self.name}a", "up")
            _ip("link", "set", f"{self.name}b", "netns", self.name)
            for words in (
                ("addr", "add", self.there, "peer", self.here, "dev", f"{self.name}b"),
                ("link", "set", f"{self.name}b", "up"),
                ("link", "set", "lo", "up"),
            ):
                _ip("-n", self.name, *words)
        except BaseException:
            self.__exit__()
            raise
        return self

    def pause(self) -> None:
        """Carry nothing until `resume`: a link that is silent, and not cut."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Carry packets again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.resume()
            self._process.terminate()
            self._process.wait(5)
            assert self._process.stdout is not None
            self._process.stdout.close()
        self._end_inside()
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)
        self._claim.close()

    def _end_inside(self) -> None:
        """End what is still at the far end: a session of sshd would wait for hours for a link that does not return."""
        pids = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, check=False).stdout
        for pid in pids.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def _free_network() -> tuple[socket.socket, str]:
    """Return the first three numbers of addresses that no other link of this machine has, and what claims them."""
    for number in range(77, 255):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0edgewright-wire-{number}")
        except OSError:
            claim.close()
        else:
            return claim, f"10.213.{number}"
    raise AssertionError("each network of test links is taken")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def device(name: str) -> int:
    """Return the descriptor of a new tunnel device."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


def carry(ends: tuple[int, int], delay: float, rate: float, loss: float, seed: int) -> None:
    """Carry packets between two devices until the process is ended."""
    chance, poll = random.Random(seed), select.poll()
    waiting: dict[int, list[tuple[float, int, bytes]]] = {end: [] for end in ends}
    free = dict.fromkeys(ends, 0.0)
    number = 0
    for end in ends:
        poll.register(end, select.POLLIN)
    while True:
        due = min((heap[0][0] for heap in waiting.values() if heap), default=None)
        patience = None if due is None else max(0.0, due - time.monotonic()) * 1000
        for end, _ in poll.poll(patience):
            packet = os.read(end, 65_536)
            now, number = time.monotonic(), number + 1
            free[end] = max(free[end], now) + (len(packet) / rate if rate else 0.0)
            if chance.random() >= loss and len(waiting[end]) < MOST:
                heapq.heappush(waiting[end], (free[end] + delay, number, packet))
        now = time.monotonic()
        for end, other in (ends, ends[::-1]):
            while waiting[end] and waiting[end][0][0] <= now:
                try:
                    os.write(other, heapq.heappop(waiting[end])[2])
                except OSError:
                    pass  # the other end is not up yet


def main() -> None:
    """Make the devices and carry packets."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs=2)
    for name, kind in (("delay", float), ("rate", float), ("loss", float), ("seed", int)):
        parser.add_argument(f"--{name}", type=kind)
    options = parser.parse_args()
    ends = (device(options.names[0]), device(options.names[1]))
    print("ready", flush=True)
    carry(ends, options.delay, options.rate, options.loss, options.seed)


if __name__ == "__main__":
    main()
