"""A small fleet and a client that know every address of a plane, and what was acknowledged to them."""

from __future__ import annotations

import ssl
import threading
import time
from pathlib import Path
from typing import Any, Final

import httpx

from edgewright.wire import protocol

PATIENCE: Final = 3.0
"""Seconds that a request waits at one address before the next one is tried."""


class Load:
    """Hosts that send heartbeats and a client that writes, in threads, from `start` to `stop`."""

    def __init__(self, addresses: list[str], ca: Path, admin_key: str, hosts: dict[str, str], every: float) -> None:
        """`hosts` gives the credential by uid; each sends a heartbeat every `every` seconds."""
        self._addresses, self._hosts, self._every = addresses, hosts, every
        self._context = ssl.create_default_context(cafile=str(ca))
        self._admin = {"ApiKey": admin_key}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.beats = dict.fromkeys(hosts, 0)
        self.created: list[str] = []
        self.labels: dict[str, str] = {}
        self.wrong: list[str] = []
        self.gaps: dict[str, float] = {}
        """The longest time between two acknowledgements, by writer, in seconds."""

    def start(self) -> None:
        """Begin; the hosts share a few threads."""
        names = list(self._hosts)
        for part in range(4):
            self._run(self._beat, names[part::4], f"hosts {part}")
        self._run(self._write, names, "client")

    def stop(self) -> None:
        """End all of it; a request that waits is finished."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)
            assert not thread.is_alive(), f"{thread.name} did not end"

    def reset_gaps(self) -> dict[str, float]:
        """Return the longest gaps so far and measure new ones."""
        gaps, self.gaps = self.gaps, {}
        return gaps

    def _run(self, work: Any, names: list[str], name: str) -> None:
        thread = threading.Thread(target=work, args=(names,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _note(self, who: str, last: float) -> float:
        now = time.monotonic()
        self.gaps[who] = max(self.gaps.get(who, 0.0), now - last)
        return now

    def _send(self, clients: list[httpx.Client], first: int, *request: Any, **more: Any) -> tuple[int, int]:
        """Send to one address after the other; returns the status (0: no answer, 503: none took it) and the address."""
        code = 0
        for turn in range(len(clients)):
            number = (first + turn) % len(clients)
            try:
                answer = clients[number].request(*request, **more)
            except httpx.ConnectError:
                continue  # it reached no one
            except httpx.HTTPError:
                return 0, number + 1  # it may be stored or not
            code = answer.status_code
            if code != 503:
                if code >= 400:
                    self.wrong.append(f"{request} {code} {answer.text[:200]}")
                return code, number
        return code, first + 1

    def _clients(self) -> list[httpx.Client]:
        return [httpx.Client(base_url=url, verify=self._context, timeout=PATIENCE) for url in self._addresses]

    def _beat(self, names: list[str]) -> None:
        clients, address, seq, last = self._clients(), 0, 0, dict.fromkeys(names, time.monotonic())
        while not self._stop.wait(self._every):
            seq += 1
            for uid in names:
                body = {"state": "healthy", "message": "m", "edgewright": {"seq": seq, "bootId": "b"}}
                path, own = f"/v1/edgehosts/{uid}/health", {"Authorization": self._hosts[uid]}
                code, address = self._send(clients, address, "PATCH", path, json=body, headers=own)
                if code == 204:
                    self.beats[uid] += 1
                    last[uid] = self._note("heartbeats", last[uid])

    def _write(self, names: list[str]) -> None:
        clients, address, number, last = self._clients(), 0, 0, time.monotonic()
        while not self._stop.wait(0.15):
            number += 1
            uid = names[number % (len(names) - 1)]  # of the last one the test itself changes the tags
            body: Any = {"metadata": {"uid": f"made-{number}"}}
            code, address = self._send(clients, address, "POST", protocol.HOSTS, json=body, headers=self._admin)
            if code == 201:
                self.created.append(f"made-{number}")
                last = self._note("writes", last)
            body, path = {"metadata": {"labels": {"n": str(number)}}}, f"/v1/edgehosts/{uid}/meta"
            code, address = self._send(clients, address, "PUT", path, json=body, headers=self._admin)
            if code == 204:
                self.labels[uid] = str(number)
            else:
                self.labels.pop(uid, None)  # it may be stored or not
