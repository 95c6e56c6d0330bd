"""The end of the hub within 30 s of SIGTERM, whatever its disk does (rule P50).

The server answers what it can within its own times (`server.Server.shutdown`). What may still hang afterwards is a
thread in the middle of a sync or a read; nothing that was acknowledged depends on it, so the process just ends.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

from edgewright.core.errors import ExitCode
from edgewright.hub.process.runtime.again import Again

if TYPE_CHECKING:
    from edgewright.hub.process.app import Hub

log = logging.getLogger("edgewright.hub")
WITHIN = 28.0
"""Seconds after which the process ends, so that 30 s are met with some to spare."""


class Stopping:
    """The end of one hub; see `server.Stop`."""

    def __init__(self, hub: Hub, again: Again) -> None:
        self._hub, self._again = hub, again

    def begin(self) -> None:
        """Take no more writes, end the streams, and see to it that the process ends in any case."""
        log.info("the hub stops; writes that are not acknowledged yet are finished or refused")
        for seconds, end in ((WITHIN, self._end_now), (WITHIN + 1, _end_without_a_word)):
            timer = threading.Timer(seconds, end)
            timer.daemon = True
            timer.start()
        self._hub.begin_stop()

    def give_up(self) -> None:
        """Refuse the writes that the disk has not confirmed."""
        self._hub.writer.give_up()

    def _end_now(self) -> None:
        log.warning("the hub ends before its disk or database is done; everything acknowledged is stored")
        if self._again.asked:
            self._again.run()
        end_without_closing(int(ExitCode.DONE))


def _end_without_a_word() -> None:
    os._exit(int(ExitCode.DONE))  # another thread uses the log, in the middle of a write to the same disk


def end_without_closing(code: int) -> NoReturn:
    """End the process without closing the database, which would sync several times; the next start does it."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)
