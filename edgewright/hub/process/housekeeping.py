"""What the hub does for itself every hour: renew its certificate in time, and throw away what is too old."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from edgewright.hub.controllers import clock_alert, fleet_clock
from edgewright.hub.controllers.integrity_watch import check_database
from edgewright.hub.controllers.membership import SWEEPS
from edgewright.hub.controllers.runtime import Controller, Work
from edgewright.hub.process import clock, retention
from edgewright.hub.security import pki

if TYPE_CHECKING:
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")


async def watch_clock(hub: Services) -> None:
    """Look at the clock every second until cancelled; the certificate and `clock.json` follow a change of doubt."""
    doubt, counted = "", 0.0
    await asyncio.to_thread(hub.clock.save, hub.data)
    while True:
        try:
            hub.look_at_clock()
            if clock.boottime() - counted >= fleet_clock.EVERY:
                counted = clock.boottime()
                fleet_clock.count(hub)
            if hub.clock.doubt != doubt:
                doubt = hub.clock.doubt
                clock_alert.report(hub)
                await renew_certificate(hub)  # hosts may see either time
                await asyncio.to_thread(hub.clock.save, hub.data)
        except Exception as error:
            log.exception("the clock could not be followed: %s", error)
        await asyncio.sleep(clock.TICK)


async def run_housekeeping(hub: Services) -> None:
    """Do every task once an hour until cancelled; a task that fails is tried again the next hour.

    Events in large numbers are pruned to their shares at once.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + hub.options.housekeeping
    while True:
        tasks: tuple[Callable[[Services], Awaitable[object]], ...] = (_prune_shares,)
        if not await _crowded(hub, due - loop.time()):
            tasks, due = (renew_certificate, _note_time, check_database), loop.time() + hub.options.housekeeping
        for task in tasks:
            try:
                await task(hub)
            except Exception as error:
                log.exception("a task of housekeeping failed and is tried again: %s", error)


async def _crowded(hub: Services, seconds: float) -> bool:
    """Wait until so many events were stored that they may be too many; `False` when the time is over first."""
    try:
        async with asyncio.timeout(seconds):
            await hub.intake.crowded.wait()
    except TimeoutError:
        return False
    hub.intake.crowded.clear()
    return True


async def _prune_shares(hub: Services) -> None:
    if not hub.membership.has(SWEEPS):
        return  # another hub has the same events, and deletes them
    count = await retention.prune_shares(hub)
    if count:
        log.info("too many and deleted: %d events", count)


async def renew_certificate(hub: Services) -> bool:
    """Renew the server certificate when its end is near, and use it for every handshake from now on.

    Connections that are open stay; the CA stays, so no host and no console needs anything. Returns whether it is new.
    The clock is looked at first, and one renewal waits for another: one by a clock that was set a moment ago, and is
    not in doubt yet, would be valid for no host until the next hour.
    """
    data = hub.options.data
    async with hub.renewing:
        hub.look_at_clock()
        also_at = hub.clock.expected()  # also without doubt: the clock may be set while the certificate is made
        seen = hub.clock.seen.at
        names = hub.options.names
        if not await asyncio.to_thread(pki.ensure_certificates, data, names, also_at, seen, first_start=False):
            return False
        if hub.tls is not None:
            hub.tls.load_cert_chain(data / pki.SERVER_CERT, data / pki.SERVER_KEY)
    log.info("the server certificate is renewed; it ends within %d days", pki.LEAF_DAYS)
    return True


async def _note_time(hub: Services) -> None:
    await asyncio.to_thread(hub.clock.save, hub.data)


async def _prune(work: Work) -> None:
    removed = {name: count for name, count in (await retention.prune(work.services)).items() if count}
    if removed:
        log.info("too old and deleted: %s", ", ".join(f"{count} {name}" for name, count in removed.items()))


PRUNE = Controller("prune", _prune, lambda hub: float(hub.options.housekeeping))
"""Deletes what is too old, on one hub at a time."""


class Meter:
    """Counts a second, over the last minute."""

    SPAN = 60.0

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque([(clock.boottime(), 0)])

    def note(self, now: float, count: int) -> None:
        """Take a sample of a counter that only rises."""
        self._samples.append((now, count))
        while len(self._samples) > 2 and now - self._samples[1][0] >= self.SPAN:
            self._samples.popleft()

    def rate(self, now: float, count: int) -> float:
        """Return how much the counter rose a second."""
        began, before = self._samples[0]
        return max(0.0, (count - before) / max(1.0, now - began))
