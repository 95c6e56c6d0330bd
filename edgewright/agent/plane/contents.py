"""Fetches the blobs that this host's documents name (P80), beside the heartbeats, on a connection of its own.

A thread works only while something is missing: a piece of 1 MiB takes minutes on a slow link, and no heartbeat waits
for it. It has one piece in memory at a time.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Callable, List, Optional, Set

from edgewright.agent.kernel import agent_log
from edgewright.agent.plane.blobs import FOLDER, BlobFolder, NoRoom
from edgewright.agent.plane.plane import Plane
from edgewright.agent.plane.refusals import PlaneRefusal, retryable
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, Failed

AGAIN = 60.0
"""Seconds after a failure until what is missing is asked for again."""


class Contents:
    """The blobs of one host. `wanted` returns the digests that its documents name, `arrived` is called after each."""

    def __init__(
        self,
        data: str,
        wanted: Callable[[], Set[str]],
        arrived: Callable[[], None],
        report: agent_log.AgentLog,
        folder: Optional[BlobFolder] = None,
    ) -> None:
        self.folder = folder or BlobFolder(os.path.join(data, FOLDER))
        self._wanted = wanted
        self._arrived = arrived
        self._report = report
        self._thread: Optional[threading.Thread] = None
        self._not_before = 0.0
        self._retained: Optional[Set[str]] = None

    def look(self, connect: Callable[[], Plane]) -> None:
        """Begin to fetch what is missing, unless that is under way or was tried just now; never waits.

        Blobs that no document names any more are removed as soon as all others are here, or where these need the room.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        wanted = self._wanted()
        missing = [digest for digest in sorted(wanted) if not os.path.exists(self.folder.path(digest))]
        if not missing:
            if wanted != self._retained:
                self.folder.retain(wanted)
                self._retained = wanted
            return
        if time.monotonic() >= self._not_before:
            self._thread = threading.Thread(target=self._fetch, args=(connect(), missing), daemon=True, name="blobs")
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until what is under way has ended."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _fetch(self, plane: Plane, digests: List[str]) -> None:
        problem = ""
        try:
            for digest in digests:
                try:
                    self._get(digest, plane)
                except (Failed, PlaneRefusal) as error:  # of this blob: the others may belong to another document
                    if isinstance(error, PlaneRefusal) and retryable(error.status):
                        raise
                    problem = problem or error.message
                    continue
                self._report(agent_log.INFO, f"Blob {digest[:12]} is here.")
                self._arrived()
        except EdgewrightError as error:
            problem = error.message
        except Exception as error:  # an unexpected end of a thread is reported
            problem = f"Fetching blobs hit an unexpected {type(error).__name__}: {error}."
        finally:
            plane.client.close()
        if problem:
            self._failed(problem)
        else:
            self._report.over("blobs")

    def _get(self, digest: str, plane: Plane) -> None:
        try:
            self.folder.fetch(digest, plane.blob)
        except NoRoom:
            if not self.folder.retain(self._wanted()):
                raise
            self.folder.fetch(digest, plane.blob)

    def _failed(self, message: str) -> None:
        self._not_before = time.monotonic() + AGAIN
        self._report.once("blobs", agent_log.WARNING, message, times.now())
