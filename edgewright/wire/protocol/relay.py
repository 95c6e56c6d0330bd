"""Paths, names and limits of the relay that plane, hosts and clients must spell alike (rules P30, P130 to P139).

Standard library only, Python 3.9.
"""

from __future__ import annotations

from typing import List, NamedTuple, Sequence, Tuple

from edgewright.wire.protocol import PREFIX

STREAM = PREFIX + "/clusters/{uid}/relay"
"""Where a client opens a stream to a port of a cluster, as a WebSocket (P30)."""
OWN = PREFIX + "/hosts/{uid}/tunnel"
"""Where a host brings a stream that it was asked for, as a WebSocket (P131)."""
HEADER = "Edgewright-Relay"
"""`ID:PORT` of each stream that waits for a host, with commas, in the answer to its heartbeat and its wake request."""

BRIDGED = "Edgewright-Relay-Bridged"
"""Set by a plane process that repeats a host's request at another one: it is repeated once, never on and on (P134)."""

API, SSH, LOCAL_API = 6443, 22, 5080
PORTS: Tuple[int, ...] = (API, SSH, LOCAL_API)
"""Ports of a host, at 127.0.0.1, that a stream may lead to; no other one, whoever asks for it."""
MAX_ASKED = 64
"""Streams that one answer names at most; the others follow with the next."""
ID_LENGTH = 24
"""Hex digits of the id of a stream."""

USER_STREAMS, HOST_STREAMS, HUB_STREAMS = 256, 300, 2000
"""Streams at a time: of one user, to one host, through one hub."""
WAKE_WITHIN = 20.0
"""Seconds that the host has to bring a stream when it is asked on its idle connection."""
BEAT_WITHIN = 30.0
"""Seconds that it has beyond its next heartbeat when it is asked with that."""
IDLE = 1800.0
"""Seconds without a byte of data after which a stream ends."""
PING = 30.0
"""Seconds of silence after which the plane checks that both ends are there."""
SILENT = 3.5 * PING
"""Seconds without any frame after which an end counts as lost."""

E_PORT = "RelayPort"
E_LIMIT = "RelayLimit"
E_NO_HOST = "RelayNoHost"
E_LATE = "RelayHostDidNotAnswer"
E_REFUSED = "RelayHostRefused"
E_ENDED = "RelayEnded"
E_UPGRADE = "UpgradeRequired"


class Asked(NamedTuple):
    """A stream that waits for a host."""

    id: str
    port: int


def header(streams: Sequence[Asked]) -> str:
    """Return the value of the header for streams that wait, the first `MAX_ASKED` of them."""
    return ",".join(f"{asked.id}:{asked.port}" for asked in streams[:MAX_ASKED])


def read_header(text: str) -> List[Asked]:
    """Return the streams that a header names; what is not valid is left out."""
    result = []
    for part in text[: MAX_ASKED * (ID_LENGTH + 7)].split(","):
        name, _, port = part.strip().partition(":")
        valid = len(name) == ID_LENGTH and all(character in "0123456789abcdef" for character in name)
        if valid and port.isascii() and port.isdigit() and len(port) <= 5:
            result.append(Asked(name, int(port)))
    return result
