"""The addresses of one plane: several names, each with several IP addresses, and any of them answers.

Hubs on one database are one plane. A connection is tried at one address after the other, each for a few seconds, and
the one that answered is used until it fails; a hub that answers 503 has failed, too.
"""

from __future__ import annotations

import random
import socket
from typing import Any, Callable, Dict, List, Sequence, Tuple

EACH = 5.0
"""Seconds for one of several addresses to accept a connection; the only one has the entire time."""
MAX_ADDRESSES = 8
"""Addresses of one name that are tried."""

Info = Tuple[Any, ...]


class Addresses:
    """Which name and which IP address of it are in use."""

    def __init__(
        self,
        resolve: Callable[..., Sequence[Info]] = socket.getaddrinfo,
        shuffle: Callable[[List[Info]], None] = random.shuffle,
    ) -> None:
        self._resolve = resolve
        self._shuffle = shuffle
        self._turn = 0
        self._good: Dict[str, Any] = {}
        self._failed: Dict[str, List[Any]] = {}

    def name(self, endpoints: Sequence[str]) -> str:
        """Return the endpoint whose turn it is; `endpoints` has at least one."""
        return endpoints[self._turn % len(endpoints)]

    def avoid(self, host: str) -> None:
        """Begin elsewhere next time: the address in use did not answer, or its hub cannot serve."""
        good = self._good.pop(host, None)
        if good is not None:
            self._failed.setdefault(host, []).append(good)
        self._turn += 1

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Return a connection to one of the addresses of a name. Raises the `OSError` of the last one."""
        order = self._order(host, port)
        problem: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
        for info in order:
            family, kind, protocol, _, address = info
            link = socket.socket(family, kind, protocol)
            link.settimeout(timeout if len(order) == 1 else min(timeout, EACH))
            try:
                link.connect(address)
            except OSError as error:
                link.close()
                problem = error
                continue
            link.settimeout(timeout)
            self._good[host] = address
            return link
        raise problem

    def _order(self, host: str, port: int) -> List[Info]:
        """Return the addresses of a name: the one that worked, then the others, those that failed last."""
        infos = list(self._resolve(host, port, 0, socket.SOCK_STREAM))[:MAX_ADDRESSES]
        # All hosts of a fleet get the same order from the resolver; they are to spread over the hubs.
        self._shuffle(infos)
        failed = self._failed.get(host, [])
        if len(failed) >= len(infos):
            failed.clear()
        good = self._good.get(host)
        return sorted(infos, key=lambda info: (info[4] != good, info[4] in failed))
