"""A link of few bytes a second in front of a hub on 127.0.0.1."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from tests.hub_fixture import RunningHub


@contextlib.contextmanager
def thin_link(hub: RunningHub, rate: int) -> Iterator[int]:
    """Forward connections to the hub at `rate` bytes a second towards it; yields the port. Buffers little itself."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    over = threading.Event()

    def up(client: socket.socket, plane: socket.socket) -> None:
        piece = max(1, rate // 20)
        with contextlib.suppress(OSError):
            while not over.is_set() and (data := client.recv(piece)):
                time.sleep(len(data) / rate)
                plane.sendall(data)
        with contextlib.suppress(OSError):
            plane.shutdown(socket.SHUT_WR)

    def down(client: socket.socket, plane: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := plane.recv(65536):
                client.sendall(data)
        client.close()
        plane.close()

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            plane = socket.create_connection(("127.0.0.1", int(hub.url.rpartition(":")[2])))
            plane.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for work in (up, down):
                threading.Thread(target=work, args=(client, plane), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        over.set()
        listener.close()
