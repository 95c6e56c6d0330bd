"""Delivery: one task for each receiver, in order, repeated until it succeeds. A dead receiver delays no other.

A message is deleted once its receiver has accepted it. When the hub dies between the two, the message is sent again
with the same delivery id: on the wire it is at least once, and the id makes it once for a receiver that compares it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import shlex
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from edgewright.core import times
from edgewright.hub.controllers.membership import ALERTS
from edgewright.hub.db import schema
from edgewright.hub.http.problems import Problem
from edgewright.hub.readmodel.alert_board import Alert
from edgewright.hub.resources.alerts import mail, stored, webhook
from edgewright.hub.resources.alerts.failure import DeliveryFailed
from edgewright.hub.resources.alerts.receivers import WEBHOOK, Receiver, note
from edgewright.hub.resources.alerts.stored import Waiting

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")
BASE, CAP = 2.0, 300.0
"""Seconds before the second attempt, and at most between two attempts."""
REJECTED_TRIES = 5
"""Attempts of a message that the receiver rejects as such; then it is given up, so that the next ones get through."""
MAX_AGE = 7 * 86_400.0
"""Seconds for which a message is tried; an older one is given up."""
REPORT_AFTER = 300.0
"""Seconds of failing deliveries after which the receiver is a problem."""


def alert_uid(receiver_uid: str) -> str:
    """Return the uid of the alert about a receiver that fails."""
    return f"receiver/{receiver_uid}"


class Courier:
    """The delivery to one receiver."""

    def __init__(self, hub: Services, receiver: Receiver) -> None:
        self._hub = hub
        self.receiver = receiver
        self._poke = asyncio.Event()
        self._accepted: set[int] = set()
        """Messages that the receiver has, and that could not be deleted yet: they are not sent again."""
        self._failing_since: float | None = None
        self._task = asyncio.create_task(self._run())

    def poke(self, receiver: Receiver | None = None) -> None:
        """Look at the queue at once; `receiver` is its newer record."""
        self.receiver = receiver or self.receiver
        self._poke.set()

    def stop(self) -> None:
        """End the task; a delivery under way is sent again at the next start, with the same id."""
        self._task.cancel()

    def healthy(self) -> None:
        """Note that the receiver took a message."""
        self._failing_since = None
        self._hub.alerts.drop(alert_uid(self.receiver.uid))

    async def _run(self) -> None:
        while True:
            self._poke.clear()
            try:
                wait = await self._next()
            except Problem as problem:  # the storage fails: nothing can be read or stored now
                log.warning("alerts for %s wait: %s", self.receiver.name, problem.message)
                wait = 10.0
            except Exception:
                log.exception("the delivery to %s failed and is tried again", self.receiver.name)
                wait = 60.0
            try:
                async with asyncio.timeout(wait):
                    await self._poke.wait()
            except TimeoutError:
                pass

    async def _next(self) -> float | None:
        """Deliver what is due; returns the seconds until the next attempt, `None` when nothing waits."""
        while self.receiver.active:
            waiting = await self._hub.read(partial(stored.next_waiting, receiver_uid=self.receiver.uid))
            if waiting is None:
                return None
            if not self._hub.membership.has(ALERTS):
                return 1.0  # another hub delivers, or this one is about to learn that
            now = times.now()
            if 0 < waiting.next_try - now <= CAP:  # beyond the cap: the clock was set back
                return waiting.next_try - now
            await self._attempt(waiting)
        return None

    async def _attempt(self, waiting: Waiting) -> None:
        receiver = self.receiver
        if waiting.id in self._accepted:
            await self._delivered(waiting)
            return
        try:
            await deliver(self._hub, receiver, msgspec.json.decode(waiting.doc))
        except DeliveryFailed as failure:
            await self._failed(waiting, failure)
            return
        await self._delivered(waiting)

    async def _delivered(self, waiting: Waiting) -> None:
        self._accepted.add(waiting.id)
        await self._hub.write(lambda tx: self._store(tx, waiting, last_success=tx.now, last_error=""))
        self._accepted.discard(waiting.id)
        self.healthy()

    async def _failed(self, waiting: Waiting, failure: DeliveryFailed) -> None:
        self._hub.look_at_clock()
        attempts, now = waiting.attempts + 1, times.now()
        too_old = now - waiting.created > MAX_AGE and self._hub.clock.may_delete
        given_up = too_old or (failure.rejected and attempts >= REJECTED_TRIES)
        self._report(failure, now)
        if attempts == 1 or given_up:
            log.warning("alert %s for %s: %s%s", waiting.uid, self.receiver.name, failure.message,
                        " It is given up." if given_up else "")  # fmt: skip
        pause = min(CAP, BASE * 2 ** min(attempts - 1, 16)) * random.uniform(0.75, 1.0)  # noqa: S311

        def job(tx: Tx) -> None:
            self._hub.membership.fence(tx, ALERTS)
            if given_up:
                dropped = schema.alert_receivers.c.dropped + 1
                self._store(tx, waiting, last_failure=tx.now, last_error=failure.message, dropped=dropped)
                return
            stored.delay_message(tx, waiting, attempts, tx.now + pause)
            self._note(tx, last_failure=tx.now, last_error=failure.message)

        await self._hub.write(job)

    def _report(self, failure: DeliveryFailed, now: float) -> None:
        """Make a receiver that fails for long a problem that every console shows."""
        since = self._failing_since = self._failing_since if self._failing_since is not None else now
        if not 0 <= now - since < REPORT_AFTER:
            receiver = self.receiver
            message = f"Alerts are not delivered to receiver {receiver.name}: {failure.message}"
            hint = f"Check the receiver; then: edgewright alert receiver test {shlex.quote(receiver.name)}"
            self._hub.alerts.report(
                Alert(
                    uid=alert_uid(receiver.uid), kind="receiver", subject=receiver.name, text="alerts not delivered",
                    message=message, hint=hint, code="ReceiverFailing", project_uid=receiver.project_uid, host_uids=(),
                    since=since, last=now, quiet=None,
                )
            )  # fmt: skip

    def _store(self, tx: Tx, waiting: Waiting, **changes: Any) -> None:
        stored.delete_message(tx, waiting)
        self._note(tx, **changes)

    def _note(self, tx: Tx, **changes: Any) -> None:
        note(tx, self.receiver.uid, **changes)


async def deliver(hub: Services, receiver: Receiver, doc: dict[str, Any]) -> None:
    """Send one document to a receiver; raises `DeliveryFailed`."""
    secret = receiver.secrets(hub.box)
    send = webhook.send if receiver.kind == WEBHOOK else mail.send
    try:
        await send(receiver.config, secret, doc)
    except DeliveryFailed:
        raise
    except Exception as error:  # a bug in here is not a reason to send nothing more, and shows in the list
        log.exception("the delivery to %s failed", receiver.name)
        raise DeliveryFailed(f"Internal error ({type(error).__name__}); see hub.log.") from None
