"""The way of one hub to PostgreSQL, which a test can cut, pause and slow: a proxy between two sockets.

Used where network namespaces do not work (`namespaces.py`).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Final

PORT: Final = ".s.PGSQL.5432"
"""How PostgreSQL names its socket in a folder."""
_SLOW: Final = 0.03
"""Seconds that a slow link adds to each piece."""


class DatabaseLink:
    """A socket in `folder` that leads to the one in `server`; `set` takes `open`, `cut`, `paused` or `slow`.

    A cut link ends its connections and refuses new ones. A paused one delivers nothing and loses nothing.
    """

    def __init__(self, folder: Path, server: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self._server = folder, server / PORT
        self._state = "open"
        self._changed = threading.Condition()
        self._pairs: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / PORT))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    prefix: tuple[str, ...] = ()
    address = "127.0.0.1"

    def url(self, database: str) -> str:
        """Return what the hub's `--db` takes."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def set(self, state: str) -> None:
        """Change what the link does from now on."""
        with self._changed:
            self._state = state
            self._changed.notify_all()
            if state in ("cut", "closed"):
                self._end_all()

    def close(self) -> None:
        """End the link for ever."""
        self.set("closed")
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _end_all(self) -> None:
        for end in self._pairs:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                if self._state in ("cut", "closed"):
                    near.close()
                    continue
                far = socket.socket(socket.AF_UNIX)
                try:
                    far.connect(str(self._server))
                except OSError:
                    near.close()
                    far.close()
                    continue
                self._pairs |= {near, far}
            back = threading.Thread(target=self._carry, args=(far, near), daemon=True)
            back.start()
            threading.Thread(target=self._serve, args=(near, far, back), daemon=True).start()

    def _serve(self, near: socket.socket, far: socket.socket, back: threading.Thread) -> None:
        self._carry(near, far)
        back.join()
        with self._changed:
            self._pairs -= {near, far}
        near.close()
        far.close()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        """Copy until one end is closed; then end both directions."""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                with self._changed:
                    self._changed.wait_for(lambda: self._state != "paused")
                    slow = self._state == "slow"
                if slow:
                    threading.Event().wait(_SLOW)
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
