"""A bad link in user space: delay, jitter, loss and rate between two ports of the lab's switch.

Many kernels come without netem, so two TAP interfaces replace the cable of a host and this program carries the
frames from one to the other, late, lossy and slow as asked. Run by the lab as
`python -m edgewright.lab.emulator PORT BRIDGE PORT BRIDGE DELAY_MS JITTER_MS LOSS_PERCENT RATE_KBIT`
in the switch's namespace; it ends with its ports when it is killed.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time
from dataclasses import dataclass

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
QUEUE_SECONDS = 0.6
"""A slow link buffers this much traffic; what comes on top is dropped, as a modem does."""


@dataclass(frozen=True)
class Quality:
    """One direction of a link: seconds, seconds, share 0..1, bytes per second (0 = unlimited)."""

    delay: float
    jitter: float
    loss: float
    rate: float


class Line:
    """When frames arrive: a pure model of one direction, which gets the time."""

    def __init__(self, quality: Quality, chance: random.Random) -> None:
        self._quality = quality
        self._chance = chance
        self._free_at = 0.0

    def arrival(self, now: float, size: int) -> float | None:
        """Return when a frame of `size` bytes sent `now` arrives; None when it is lost."""
        quality = self._quality
        if quality.loss and self._chance.random() < quality.loss:
            return None
        leaves = max(now, self._free_at)
        if quality.rate:
            if leaves - now > QUEUE_SECONDS:
                return None
            leaves += size / quality.rate
            self._free_at = leaves
        late = self._chance.gauss(0.0, quality.jitter) if quality.jitter else 0.0
        return leaves + max(0.0, quality.delay + late)


def open_port(name: str, bridge: str) -> int:
    """Make a TAP interface on a bridge and return its file descriptor, non-blocking."""
    port = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(port, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    subprocess.run(["ip", "link", "set", name, "master", bridge, "up"], check=True)
    return port


def carry(first: int, second: int, quality: Quality) -> None:
    """Carry frames between two ports for ever."""
    lines = {first: Line(quality, random.Random()), second: Line(quality, random.Random())}
    other = {first: second, second: first}
    waiting: list[tuple[float, int, int, bytes]] = []
    count = 0
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([first, second], [], [], pause)
        for port in readable:
            for frame in _frames(port):
                arrives = lines[port].arrival(time.monotonic(), len(frame))
                if arrives is not None:
                    count += 1
                    heapq.heappush(waiting, (arrives, count, other[port], frame))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, port, frame = heapq.heappop(waiting)
            try:
                os.write(port, frame)
            except OSError:
                continue  # the port is down or full: the frame is lost, as on a cable


def _frames(port: int) -> list[bytes]:
    """Return the frames that wait on a port, 64 at most, so that the other direction gets its turn."""
    frames = []
    for _ in range(64):
        try:
            frames.append(os.read(port, 65536))
        except OSError:
            break
    return frames


def main(text: list[str]) -> int:
    """Open both ports and carry."""
    first, first_bridge, second, second_bridge = text[:4]
    delay, jitter, loss, rate = (float(word) for word in text[4:8])
    ports = open_port(first, first_bridge), open_port(second, second_bridge)
    print("carrying", flush=True)
    carry(*ports, Quality(delay / 1000, jitter / 1000, loss / 100, rate * 125))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
