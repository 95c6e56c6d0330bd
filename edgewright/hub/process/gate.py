"""The door of the hub: TLS before HTTP, and a word about those who turn back at it.

A host with the wrong CA or a wrong clock never gets as far as a request: it breaks the handshake off, and a server
normally does not report that. Here connections are taken one by one, so that the peer's address and its reason (the
TLS alert that it sent) can be reported to the operators of the fleet.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable

from edgewright.hub.http.bounds import network

log = logging.getLogger("edgewright.hub")

Report = Callable[[str, ssl.SSLError], None]
"""Called with the peer's address and the error of a handshake that the peer broke off."""

HANDSHAKE = 15.0
"""Seconds that a handshake may take, so that a silent peer occupies nothing for long."""
FAREWELL = 5.0
"""Seconds that a peer may take to end TLS in good order."""
AT_ONCE = 64
"""Connections taken in one go before those that are open get their turn."""
BREATH = 0.2
"""Seconds to wait when this process has no file descriptor left for another connection."""


class Gate:
    """Takes connections of a listening socket; `make` returns the protocol that speaks after the handshake.

    `refusal` gets a peer's address and the handshakes under way, in all and from that address, and returns why there is
    no room for another connection, or an empty text. Without room a new one is closed at once and its peer tries again
    later; those that are open continue to work, so that a flood locks out no host that is connected.
    """

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext | None,
        make: Callable[[], asyncio.BaseProtocol],
        report: Report,
        refusal: Callable[[str, int, int], str] | None = None,
    ) -> None:
        self._refusal = refusal
        self._shaking_from: Counter[str] = Counter()
        self._listener = listener
        self._context = context
        self._make = make
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._shaking: set[asyncio.Task[None]] = set()
        self._open = True
        self._number = listener.fileno()  # uvicorn closes the socket before the gate
        listener.setblocking(False)
        self._loop.add_reader(self._number, self._take)

    def close(self) -> None:
        """Take no more; handshakes under way are broken off, open connections stay."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._number)
            self._listener.close()
            for task in self._shaking:
                task.cancel()

    async def wait_closed(self) -> None:
        """Wait until the handshakes that were under way have ended."""
        await asyncio.gather(*self._shaking, return_exceptions=True)

    def _take(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, peer = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # that peer disconnected already
            except OSError as error:
                log.error("no further connection can be taken: %s", error.strerror or error)
                self._loop.remove_reader(self._number)
                self._loop.call_later(BREATH, self._again)
                return
            address = str(peer[0])
            if self._refusal is not None:
                reason = self._refusal(address, len(self._shaking), self._shaking_from[network(address)])
                if reason:
                    connection.close()
                    log.warning(reason, extra={"peer": address})
                    continue
            connection.setblocking(False)
            task = self._loop.create_task(self._welcome(connection, address))
            self._shaking.add(task)
            self._shaking_from[network(address)] += 1
            task.add_done_callback(functools.partial(self._shaken, address))

    def _shaken(self, address: str, task: asyncio.Task[None]) -> None:
        self._shaking.discard(task)
        self._shaking_from[network(address)] -= 1
        if not self._shaking_from[network(address)]:
            del self._shaking_from[network(address)]

    def _again(self) -> None:
        if self._open:
            self._loop.add_reader(self._number, self._take)

    async def _welcome(self, connection: socket.socket, address: str) -> None:
        seconds = None if self._context is None else HANDSHAKE
        try:
            await self._loop.connect_accepted_socket(
                self._make,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=None if self._context is None else FAREWELL,
            )
        except ssl.SSLError as error:
            connection.close()
            self._report(address, error)
        except OSError:
            connection.close()  # hung up, or silent for too long
        except asyncio.CancelledError:
            connection.close()
            raise
