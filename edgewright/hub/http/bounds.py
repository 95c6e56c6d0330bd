"""What a peer may make the hub store before it has shown a credential: sizes, times, and one budget for all of them."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import struct
from collections import Counter
from typing import Any

MAX_HEAD = 65_536
"""Bytes of a request line and its header lines; more gets 431."""
MAX_LINES = 100
"""Header lines of a request, and of the trailers of a chunked body; more gets 431."""
PIECE = 16_384
"""Bytes that the parser gets at once, so that no bound is exceeded by more than this."""
MAX_REST = 1_048_576
"""Bytes of a body that are read and dropped after the response, so that its sender reads the response."""
LINGER = 2.0
"""Seconds in which a refused peer can read why, before the connection is cut."""
STALLED_RESPONSE = 120.0
"""Seconds in which a peer must read some of a response that waits for it."""
SLOWEST = 256
"""Bytes a second that a body must bring on average, after a grace time; a modem of 2400 bit/s reaches it."""

BUDGET = 67_108_864
"""Bytes of unfinished requests without a credential, over all connections."""
ADDRESS_SHARE = 4
"""One address may use this fraction of the budget."""

_TCP_BYTES_RECEIVED = 128
"""Offset of `tcpi_bytes_received` in `struct tcp_info` of Linux (since 4.1)."""


class Budget:
    """Memory that unfinished requests of strangers share: in total, and for each address."""

    def __init__(self, total: int = BUDGET) -> None:
        self._total = total
        self._share = total // ADDRESS_SHARE
        self.used = 0
        self._by_address: Counter[str] = Counter()

    def take(self, address: str, size: int) -> bool:
        """Reserve `size` bytes; returns whether there was room, and reserves nothing when there was none."""
        address = network(address)
        if self.used + size > self._total or self._by_address.get(address, 0) + size > self._share:
            return False
        self.used += size
        self._by_address[address] += size
        return True

    def give(self, address: str, size: int) -> None:
        """Return what `take` reserved."""
        address = network(address)
        self.used -= size
        self._by_address[address] -= size
        if not self._by_address[address]:
            del self._by_address[address]


@functools.lru_cache(maxsize=4096)
def network(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 one, which belongs to one site."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))


def wire_bytes(transport: asyncio.BaseTransport) -> int | None:
    """Return the bytes that TCP has received on a connection; `None` where the kernel does not report it.

    What the application sees grows in steps of up to 16 KB, the size of a TLS record, and on a thin link one step takes
    longer than the time without progress that is allowed.
    """
    link: Any = transport.get_extra_info("socket")
    try:
        info: bytes = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return int(struct.unpack_from("Q", info, _TCP_BYTES_RECEIVED)[0])
    except (AttributeError, OSError, struct.error):
        return None
