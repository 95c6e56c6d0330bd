"""The link's side of the reconciler: requests and documents go out as files, results and progress come back as files.

Where systemd has the reconciler's units, a path unit starts it. Elsewhere (containers, a host without systemd) it is a
child process that the link does not wait for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any, Dict, List, Mapping, Optional, Set

from edgewright.agent.kernel.operations import Exchange
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.observed import Observed
from edgewright.agent.reconcile.store import Answer, DocumentStore
from edgewright.core import times
from edgewright.core.clusters.model import ABSENT
from edgewright.core.text import clean
from edgewright.wire.protocol.trial import blobs_of

TAKEN_WITHIN = 120.0
"""Seconds within which a request is taken, however busy the host is."""
PENDING_EVERY = 60.0
"""Seconds after which a reconciler that left a waiting step is started again, where no timer does it."""
LOCAL_EVERY = 5.0
"""Seconds between two looks for a request made on this host (`retry`, `accept`), where no path unit does it."""


class Handover:
    """Files and start of the reconciler of `data`; `run` is where its units, if there are any, report."""

    def __init__(self, data: str, run: str = "", root: str = "/") -> None:
        self._places = exchange.folders(data)
        self._root = root
        self._run = exchange.run_folder(data, run)
        self._command = [*program(), "reconcile", "--data", data, "--root", root]
        self._units = bool(run)
        self._child: "Optional[subprocess.Popen[bytes]]" = None
        self._started = -PENDING_EVERY
        self.store = DocumentStore(self._places[exchange.DOCUMENTS])
        self.observed = Observed(self._run)

    @property
    def exchange(self) -> Exchange:
        """Return the two folders for operations."""
        return Exchange(self._hand_over, lambda name: exchange.get(self._places[exchange.RESULTS], name))

    def offer(self, document: Mapping[str, Any]) -> Answer:
        """Store a document of the plane and wake the reconciler. Raises `OSError`."""
        answer = self.store.offer(document)
        if answer in (Answer.TAKEN, Answer.ADOPTED):
            exchange.put(self._places[exchange.REQUESTS], exchange.WAKE, {})
            self.wake()
        return answer

    def wake(self) -> None:
        """Start the reconciler where no unit does it. Never raises: what waits is looked at again."""
        if not self._units and (self._child is None or self._child.poll() is not None):
            self._started = time.monotonic()
            self.start_child()

    def ask_clock(self, body: Mapping[str, Any]) -> None:
        """Ask for the clock to be set (P138). Raises `OSError`."""
        exchange.put(self._places[exchange.REQUESTS], exchange.CLOCK, body, durable=False)
        self.wake()

    def clock(self, boot: str) -> Dict[str, Any]:
        """Return what became of that in this boot."""
        body = exchange.get(self._places[exchange.OWN], exchange.CLOCK) or {}
        return body if body.get("boot") == boot else {}

    @property
    def look_every(self) -> Optional[float]:
        """Return after how many seconds to look again at the latest, `None` where a path unit does it."""
        return None if self._units else LOCAL_EVERY

    def look(self) -> None:
        """Start it again for what waits: a request that is still there, or a step whose time has come.

        A request that was made after its last start does not wait for `PENDING_EVERY`; one that it could not take does.
        """
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        ages = exchange.ages(self._places[exchange.REQUESTS])
        since = time.monotonic() - self._started
        waits = bool(ages) or os.path.exists(os.path.join(self._run, exchange.PENDING))
        if (waits and since >= PENDING_EVERY) or (ages and min(ages) < since):
            self.wake()

    @property
    def trouble(self) -> str:
        """Return why no work is done: what the reconciler reports, or that it has not taken a request for minutes."""
        if self.observed.trouble:
            return self.observed.trouble
        waiting = exchange.oldest(self._places[exchange.REQUESTS])
        if waiting is None or waiting < TAKEN_WITHIN:
            return ""
        look = "systemctl status edgewright-reconciler.path" if self._units else "the log of the agent"
        return f"the reconciler has not taken a request for {times.duration(waiting)} ({look})"

    def start_child(self) -> None:
        """Start it as a process of its own session, which outlives the link."""
        try:
            self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError:
            self._child = None

    def _hand_over(self, name: str, request: Mapping[str, Any]) -> None:
        exchange.put(self._places[exchange.REQUESTS], name, request)
        self.wake()

    def documents(self, host_uid: str = "") -> List[Dict[str, Any]]:
        """Return what is reported of each document, with the one of another lineage that waits for an operator.

        That of a cluster has its name and the role of `host_uid`, or that it is to leave: the plane may not have it.
        """
        items = {str(item.get("uid")): dict(item) for item in self.observed.documents()}
        for stored in self.store.documents():
            if stored.uid in items and isinstance(stored.document.get("name"), str):
                members = stored.document.get("members")
                listed = [m for m in (members if isinstance(members, list) else []) if isinstance(m, dict)]
                own = next((m for m in listed if m.get("hostUid") == host_uid), {})
                item = items[stored.uid]
                item.update(name=clean(stored.document["name"], 63), role=clean(own.get("role") or "", 20))
                if own.get("state") == ABSENT:
                    item["leaving"] = True
        for stored in self.store.offered():
            item = items.setdefault(stored.uid, {"uid": stored.uid, "kind": stored.kind})
            item["offered"] = stored.wanted
        return list(items.values())

    def digests(self) -> Set[str]:
        """Return the digests of the blobs that documents of this host name, in force or waiting for an operator."""
        documents = [stored for stored in self.store.documents() if not stored.released] + self.store.offered()
        return {digest for stored in documents for digest in blobs_of(stored.document)}

    def content_arrived(self) -> None:
        """Let the reconciler look again: a step may wait for a blob."""
        exchange.put(self._places[exchange.REQUESTS], exchange.WAKE, {})
        self.wake()

    def changes(self, after: int) -> List[Dict[str, Any]]:
        """Return transitions of steps with a number above `after`."""
        return self.observed.transitions(after)


def program() -> List[str]:
    """Return the words that start this agent again: the binary, the archive, or the package."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    if sys.argv[0].endswith(".pyz"):
        return [sys.executable, os.path.abspath(sys.argv[0])]
    return [sys.executable, "-m", "edgewright.agent"]
