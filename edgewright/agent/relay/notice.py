"""How the link hands streams that the plane asks for to the relay: one datagram, which never waits.

The relay is a process of its own, started by systemd at the first datagram: no stream can take memory or time of the
link, and the link needs to know nothing of streams.
"""

from __future__ import annotations

import json
import socket
from typing import List, Sequence

from edgewright.core.text import integer
from edgewright.wire.protocol.relay import MAX_ASKED, Asked

SOCKET = "/run/edgewright-relay.sock"
"""Where the relay listens; only root may send to it."""
MAX_DATAGRAM = 16_384


def notify(streams: Sequence[Asked], path: str = SOCKET) -> str:
    """Hand streams to the relay; return why that failed, empty when it did not. Never waits."""
    body = json.dumps({"streams": [[asked.id, asked.port] for asked in streams[:MAX_ASKED]]}).encode()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            sender.sendto(body, path)
    except (FileNotFoundError, ConnectionRefusedError):
        return f"the relay does not listen at {path}: install the agent as a service"
    except OSError as error:
        return f"the relay takes no request: {(error.strerror or str(error)).lower()}"
    return ""


def read_notice(data: bytes) -> List[Asked]:
    """Return the streams of a datagram; what is not valid is left out."""
    try:
        body = json.loads(data)
        listed = body["streams"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return []
    result = []
    for entry in listed[:MAX_ASKED] if isinstance(listed, list) else []:
        if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str):
            port = integer(str(entry[1]))
            if port is not None:
                result.append(Asked(entry[0], port))
    return result
