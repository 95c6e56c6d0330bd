"""A reader of the hub's change stream, for tests."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx


class Stream:
    """Reads server-sent events in a thread."""

    def __init__(self, client: httpx.Client, path: str, **headers: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.grew = threading.Condition()
        self._opened = threading.Event()
        self._client, self._path, self._headers = client, path, headers
        self._stopped = False
        threading.Thread(target=self._read, daemon=True).start()
        assert self._opened.wait(10)

    def _read(self) -> None:
        with (
            contextlib.suppress(httpx.HTTPError, RuntimeError),
            self._client.stream("GET", self._path, headers=self._headers) as answer,
        ):
            event: dict[str, Any] = {}
            for line in answer.iter_lines():
                self._opened.set()
                name, _, value = line.partition(": ")
                if line == "":
                    if "event" in event:  # else the number alone, where the stream begins
                        with self.grew:
                            self.events.append(event)
                            self.grew.notify_all()
                    event = {}
                elif name in ("event", "id"):
                    event[name] = value
                elif name == "data":
                    event.update(json.loads(value))

    def wait(self, kind: str, uid: str, seconds: float = 10) -> dict[str, Any]:
        with self.grew:
            found = self.grew.wait_for(
                lambda: [e for e in self.events if (e["event"], e["uid"]) == (kind, uid)], seconds
            )
        assert found, f"no {kind} of {uid} in {[(e['event'], e['uid']) for e in self.events]}"
        last: dict[str, Any] = found[-1]
        return last

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 10) -> dict[str, Any]:
        """Return the first event that is wanted."""
        with self.grew:
            found = self.grew.wait_for(lambda: next((e for e in self.events if wanted(e)), None), seconds)
        assert found, [(event["event"], event["uid"]) for event in self.events]
        return dict(found)
