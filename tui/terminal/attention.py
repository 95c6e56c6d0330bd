"""The window's title and the bell: they reach who looks at another window. A bell rings for a new fault only.

A fault is new when its key (`store.collections.problems`), or a host under the same key, was not there before. The
faults of the first load are not new, and acknowledged and silenced ones do not ring.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from edgewright.store.engine import model as names
from tui.terminal import osc

if TYPE_CHECKING:
    from edgewright.store.engine.model import Patch
    from tui.session import Session

BELL_EVERY = 10.0
"""Seconds between two bells at least: a storm rings once."""
LOOK_EVERY = 1.0
"""Seconds between two looks at the problems."""
SHARE = 0.01
"""Share of the time that looks may take: one walks the whole fleet, 40 ms with 30,000 hosts."""
COLLECTIONS = frozenset({names.HOSTS, names.ALERTS, names.SOURCE})


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
        """Note that a look is worth its time."""
        self._changed = True

    def set_again(self) -> None:
        """Write the title again: another program may have set its own."""
        if self._shown:
            self._write(osc.title(self._shown))

    def look(self) -> None:
        """Write what changed since the last look."""
        began = self._clock()
        if not self._changed or began < self._next:
            return
        self._changed = False
        session = self._session
        source = session.store.model.source
        if self._has_bell and not source.away and source.state != "loading":
            self._ring_for_new()
        if self._has_title:
            self._set_title(title_text(session))
        ended = self._clock()
        self._next = ended + (ended - began) / SHARE

    def _ring_for_new(self) -> None:
        from edgewright.store.collections.problems import is_handled, problems

        model, now = self._session.store.model, self._session.now()
        found = {(item.key, uid) for item in problems(model, now) for uid in item.uids or ("",)}
        new = found - self._known if self._known is not None else set()
        self._known = found
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
