"""P76: hosts of a cluster that changes report every 2 s, and as always when nothing moves any more."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from edgewright.core.clusters.actions import OPERATOR
from edgewright.hub.process.app import Hub
from edgewright.hub.readmodel import pending_work
from edgewright.wire import protocol
from tests.hub.clusters.inside import InsideSite

Inside = tuple[Hub, httpx.AsyncClient]
NORMAL, SHORT = 60.0, protocol.URGENT_INTERVAL


class Beats:
    """Heartbeats of one host, with the interval that each is answered with."""

    def __init__(self, site: InsideSite) -> None:
        self._site, self._seq = site, 1

    async def __call__(self, progress: dict[str, Any] | None = None) -> float:
        self._seq += 1
        own: dict[str, Any] = {"seq": self._seq, "bootId": "b"} | ({"progress": progress} if progress else {})
        path = protocol.path(protocol.HOST_HEALTH, uid=self._site.host)
        body = {"state": "healthy", "agentVersion": "0.1.0", "edgewright": own}
        answer = (await self._site.agent.patch(path, json=body)).raise_for_status()
        return float(answer.headers[protocol.H_INTERVAL])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(pending_work, "monotonic", lambda: now[0])
    return now


async def test_p76_a_cluster_that_changes(inside: Inside, clock: list[float]) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    beat = Beats(site)
    assert await beat() == NORMAL
    await site.create()
    assert await beat() == SHORT, "its work has not begun yet"
    clock[0] += pending_work.MOVING + 1
    assert await beat() == NORMAL, "a host that does nothing with the document is not asked for ever"
    step = {"step": "cluster-1-init-1", "attempt": 1, "n": 3, "of": 9}
    assert await beat(step) == SHORT
    clock[0] += pending_work.MOVING - 1
    assert await beat({**step, "attempt": 2}) == SHORT
    clock[0] += pending_work.MOVING - 1
    assert await beat({**step, "attempt": 2, "percent": 50}) == SHORT, "counted from the last thing that moved"
    clock[0] += 2
    assert await beat({**step, "attempt": 2, "percent": 60}) == NORMAL
    assert await beat({**step, "attempt": 3}) == SHORT
    assert await beat({**step, "attempt": 3, "waitingFor": OPERATOR}) == NORMAL
    assert await beat({**step, "attempt": 4}) == SHORT
    assert await beat() == SHORT, "the next step may begin in a moment"
    clock[0] += pending_work.ENDING + 1
    assert await beat() == NORMAL
