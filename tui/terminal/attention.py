"""The window's title and the bell: they reach who looks at another window. A bell rings for a new fault only.

A fault is new when its key (`store.collections.problems`), or a host under the same key, was not there before. The
faults of the first load are not new, and acknowledged and silenced ones do not ring.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from edgewright.core.problems import DISK_FULL
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.problems import is_handled, problems_in_slices
from edgewright.store.engine import model as names
from tui.terminal import osc

if TYPE_CHECKING:
    from edgewright.core.problems import Problem
    from edgewright.store.engine.model import Patch
    from tui.session import Session

BELL_EVERY = 10.0
"""Seconds between two bells at least: a storm rings once."""
LOOK_EVERY = 1.0
"""Seconds between two looks at the problems."""
SHARE = 0.01
"""Share of the time that looks may take: one looks at the entire fleet."""
PIECE, BREATH = 1000, 0.01
"""Hosts that are looked at in one go (half a millisecond), and the seconds for keys between two pieces."""
TELLING = frozenset({"health", "state", "who", "reason", "site", "tags"})
"""Fields of a healthy host that can begin or end a problem; its heartbeats change other fields all the time."""
COLLECTIONS = frozenset({names.HOSTS, ALERTS.name, names.SOURCE})


class Attention:
    """Writes title and bell; `look` is called once a second and does nothing while nothing changed."""

    def __init__(
        self,
        session: Session,
        write: Callable[[str], object],
        *,
        title: bool = True,
        bell: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make it; what the terminal cannot do is never written."""
        self._session = session
        self._write = write
        self._has_title = title and osc.has_osc(os.environ)
        self._has_bell = bell
        self._clock = clock
        self._known: set[tuple[str, str]] | None = None
        self._faulty: set[str] = set()
        self._slices: Iterator[list[Problem] | None] | None = None
        self._spent = 0.0
        self._shown = ""
        self._rung = float("-inf")
        self._changed = True
        self._next = float("-inf")

    @property
    def active(self) -> bool:
        """Whether there is anything to write on this terminal."""
        return self._has_title or self._has_bell

    @property
    def restore(self) -> str:
        """What gives the window its old title back."""
        return osc.RESTORE_TITLE if self._shown else ""

    def patched(self, patches: tuple[Patch, ...]) -> None:
        """Take note of what changed: heartbeats of healthy hosts are not worth a look."""
        self._changed = self._changed or any(map(self._is_notable, patches))

    def _is_notable(self, patch: Patch) -> bool:
        if patch.collection != names.HOSTS or patch.op != "put" or patch.new or not TELLING.isdisjoint(patch.fields):
            return True
        row = self._session.store.model.hosts.get(patch.key)
        if row is None or row.health == "unhealthy" or patch.key in self._faulty:
            return True
        return (row.disk_percent or 0.0) >= DISK_FULL

    def set_again(self) -> None:
        """Write the title again: another program may have set its own."""
        if self._shown:
            self._write(osc.title(self._shown))

    def look(self) -> None:
        """Write what changed since the last look."""
        if self._slices is not None or not self._changed or self._clock() < self._next:
            return
        self._changed = False
        session = self._session
        if self._has_title:
            self._set_title(title_text(session))
        source = session.store.model.source
        if self._has_bell and not source.away and source.state != "loading":
            self._spent = 0.0
            self._slices = problems_in_slices(session.store.model, session.now(), PIECE)
            self._look_on()

    def _look_on(self) -> None:
        """Look at one piece of the fleet, and at the next one a little later; a small fleet is one piece."""
        slices = self._slices
        if slices is None:
            return
        if self._session.store.deferred:
            asyncio.get_running_loop().call_later(BREATH, self._look_on)
            return
        began = self._clock()
        result = next(slices)
        if result is None and len(self._session.store.model.hosts) <= PIECE:
            result = next(each for each in slices if each is not None)
        if result is not None:
            self._slices = None
            self._ring_for_new(result)
        self._spent += self._clock() - began
        if result is None:
            asyncio.get_running_loop().call_later(BREATH, self._look_on)
        else:
            self._next = self._clock() + self._spent / SHARE

    def _ring_for_new(self, problems: Iterable[Problem]) -> None:
        model, now = self._session.store.model, self._session.now()
        matches = {(item.key, uid) for item in problems for uid in item.uids or ("",)}
        new = matches - self._known if self._known is not None else set()
        self._known, self._faulty = matches, {uid for _, uid in matches}
        new = {fault for fault in new if not is_handled(model, fault[0], now)}
        if new and self._clock() - self._rung >= BELL_EVERY:
            self._rung = self._clock()
            self._write(osc.BELL)

    def _set_title(self, text: str) -> None:
        if text == self._shown:
            return
        self._write(("" if self._shown else osc.SAVE_TITLE) + osc.title(text))
        self._shown = text


def title_text(session: Session) -> str:
    """Return the window's title: what is wrong first, for a tab of few letters, then the context."""
    model = session.store.model
    place = f"edgewright {session.context_name}".strip()
    if model.source.state in ("lost", "refused"):
        return f"plane unreachable - {place}"
    return f"{model.tally.unhealthy:,} unhealthy - {place}" if model.tally.unhealthy else place
