"""What this hub saw of causes of alerts goes into the database, where every hub follows it (rule P39)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from edgewright.hub.db.alerts import store_alerts
from edgewright.hub.http.problems import Problem
from edgewright.hub.readmodel.alert_board import STORE_EVERY

if TYPE_CHECKING:
    from edgewright.hub.services import Services

log = logging.getLogger("edgewright.hub")
PAUSE: Final = 0.1
"""Seconds between two stores: a flood of rejections is stored together."""
AGAIN: Final = 2.0
"""Seconds before what the storage did not take is tried again."""


async def store(hub: Services) -> None:
    """Store what waits, in one transaction. Raises `Problem` with nothing lost."""
    board = hub.alerts
    ended, seen = board.begin_storing()
    try:
        await hub.write(partial(store_alerts, hub.state, ended=ended, seen=seen))
    except BaseException:
        board.not_stored()
        raise
    board.stored()


async def run(hub: Services) -> None:
    """Store what was seen until cancelled: what is new at once, counts every few seconds."""
    board = hub.alerts
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STORE_EVERY / 2):
                await board.due.wait()
        pause = PAUSE
        try:
            if board.waits:
                await store(hub)
        except Problem as problem:
            log.info("alerts are stored later: %s", problem.message)
            pause = AGAIN
        except Exception:
            log.exception("alerts could not be stored and are tried again")
            pause = AGAIN
        await asyncio.sleep(pause)
