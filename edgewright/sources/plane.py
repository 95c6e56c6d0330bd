"""The feed of a plane: follows a hub's change stream, polls a Palette within its budget, survives both going away.

No failure of the plane leaves this module as an exception. It becomes a source state with a sentence and the time of
the next try; what the store knows stays there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from edgewright.clients import ports
from edgewright.clients.palette.client import Caller, Features
from edgewright.clients.ports import Plane
from edgewright.core import times
from edgewright.core.backoff import Backoff
from edgewright.core.errors import EdgewrightError, ExitCode
from edgewright.sources.base import Emit
from edgewright.sources.follow import Follower
from edgewright.sources.pace import Pace
from edgewright.sources.poll import Poller
from edgewright.store.engine import events as kinds

log = logging.getLogger(__name__)

NAME: Final = "plane"
REFUSED_RETRY: Final = 60.0
"""Seconds between two tries with a credential that the plane refuses: an operator must act, and it counts them."""

LOOK_AGAIN: Final = 3600.0
"""Seconds between two questions for the plane's certificates."""
CONTACT_EVERY: Final = 5.0
"""Seconds between two events that report only that the plane still answers."""
MOVE_WITHIN: Final = 2.0
"""Seconds for another hub of the plane to answer before the plane is reported as lost."""


class PlaneSource:
    """Feeds the store from one plane until it is cancelled."""

    def __init__(
        self,
        client: Plane,
        emit: Emit,
        *,
        pace: Pace | None = None,
        clock: Callable[[], float] = times.now,
        backoff: Backoff | None = None,
        refused_retry: float = REFUSED_RETRY,
    ) -> None:
        self._client = client
        self._emit = emit
        self._pace = pace or Pace()
        self._clock = clock
        self._backoff = backoff or Backoff(base=1.0, cap=15.0)
        self._refused_retry = refused_retry
        self._wake = asyncio.Event()
        self._state = ""
        self._reported_at = float("-inf")
        self._features = Features()
        self._caller = Caller()
        self._away_since: float | None = None
        self._peer = ""
        self._move: asyncio.TimerHandle | None = None
        self._follower = Follower(client, self)
        self._poller = Poller(client, self, self._pace)

    async def run(self) -> None:
        """Feed until cancelled; only cancellation comes out."""
        try:
            while True:
                try:
                    await self._attempt()
                except EdgewrightError as error:
                    if self._moves(error):
                        continue
                    wait = self._failed(error)
                except Exception as error:  # a bug here must not take the console down
                    log.exception("the feed of the plane failed")
                    text = f"The feed of the plane failed: {type(error).__name__}; see the log."
                    wait = self._failed(EdgewrightError(text))
                await self._pause(wait)
        finally:
            self._moved()

    def retry_now(self) -> None:
        """Try again at once, if it is waiting for its next try."""
        self._backoff.reset()
        self._wake.set()

    # What follower and poller report.

    def emit(self, kind: str, payload: dict[str, Any]) -> None:
        """Pass one event on."""
        self._emit(NAME, kind, payload)

    def state(self, state: str, message: str = "", done: int = 0, total: int = 0) -> None:
        """Report that the plane answers; the first time after an outage, with how long it lasted."""
        self._moved()
        before, self._peer = self._peer, self._client.peer
        if self._away_since is not None:
            removed = times.duration(self._clock() - self._away_since)
            self._away_since = None
            self.emit(kinds.MESSAGE, {"level": "ok", "text": f"The plane is back after {removed}."})
        elif before not in ("", self._peer):
            self.emit(kinds.MESSAGE, {"level": "ok", "text": f"{before} does not answer; continuing at {self._peer}."})
        self._backoff.reset()
        now = self._clock()
        if state == self._state and not total and 0 <= now - self._reported_at < CONTACT_EVERY:
            return
        self._state, self._reported_at = state, now
        self._emit_state(state, message, done=done, total=total)

    def note(self, text: str, level: str = "warn") -> None:
        """Put one line on the message line."""
        self.emit(kinds.MESSAGE, {"level": level, "text": text})

    async def _attempt(self) -> None:
        if self._state in ("", "loading"):
            self._emit_state("loading", "asking the plane what it can do")
        features = await self._client.features(fresh=True)
        self._features = features
        self._caller = await self._client.caller() if features.hub else Caller()
        renewal = asyncio.create_task(self._look_again())
        try:
            if features.hub and features.stream:
                await self._follower.run(features)
            else:
                await self._poller.run()
        finally:
            renewal.cancel()

    async def _look_again(self) -> None:
        """Ask a hub for its certificates now and then: it renews them while a console is open for months."""
        while self._features.hub:
            await asyncio.sleep(LOOK_AGAIN)
            try:
                self._features = await self._client.features(fresh=True)
            except EdgewrightError:
                continue  # the feed notices that the plane does not respond

    def _moves(self, error: EdgewrightError) -> bool:
        """Return whether to try again at once: a plane that answered until now may have another hub that does."""
        if self._move is not None or self._state not in ("live", "polling") or error.exit_code == ExitCode.REFUSED:
            return False
        self._move = asyncio.get_running_loop().call_later(MOVE_WITHIN, self._failed, error)
        return True

    def _moved(self) -> None:
        if self._move is not None:
            self._move.cancel()
            self._move = None

    def _failed(self, error: EdgewrightError) -> float:
        """Report a failure; return the seconds until the next try."""
        self._moved()
        refused = error.exit_code == ExitCode.REFUSED
        state = "refused" if refused else "lost"
        wait = self._refused_retry if refused else self._backoff.next(at_least=0.5)
        if self._state != state:
            text = " ".join(filter(None, (error.message, error.hint)))
            self.emit(kinds.MESSAGE, {"level": "bad", "text": text})
        if self._away_since is None:
            self._away_since = self._clock()
        self._state = state
        self._emit_state(state, error.message, next_try=self._clock() + wait)
        return wait

    def _emit_state(
        self, state: str, message: str, next_try: float | None = None, done: int = 0, total: int = 0
    ) -> None:
        payload: dict[str, Any] = {"state": state, "message": message, "done": done, "total": total}
        if next_try is not None:
            payload["next_try"] = next_try
        if state not in ("lost", "refused") and self._features.version:
            payload["version"] = self._features.version
        if state in ("live", "polling") or (state == "loading" and total):
            payload["plane"] = self._features.kind
            payload["certificates"] = [list(entry) for entry in self._features.certificates]
            payload["missing"] = list(ports.names(ports.missing(self._features.kind)))
            payload["role"], payload["caller"] = self._caller.role, self._caller.via
        self.emit(kinds.SOURCE_STATE, payload)

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
