"""What peers without a credential may cost the history of the fleet."""

from __future__ import annotations

import time

import httpx
import pytest
from sqlalchemy import func, select

from edgewright.hub.db import schema
from edgewright.hub.http.limiter import Bucket
from edgewright.hub.http.problems import Problem
from edgewright.hub.process.app import Hub
from edgewright.hub.resources.hosts import rejections
from edgewright.hub.resources.hosts.rejections import Rejections
from edgewright.wire import protocol


async def test_made_up_names_cannot_fill_the_events(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, _ = inside
    refusal = Problem(401, protocol.E_INVALID_TOKEN, "This registration token is not known here.")
    for number in range(3 * rejections.STRANGERS):
        hub.part(Rejections).registration(f"made-up-{number}", f"192.0.2.{number % 250}", refusal)
    await hub.write(lambda tx: None)
    count = select(func.count()).select_from(schema.events)
    rows = await hub.read(lambda connection: connection.execute(count).scalar())
    assert rejections.STRANGERS <= int(rows or 0) <= rejections.STRANGERS + 5


def test_a_bucket_refills_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    bucket = Bucket(3, 10)
    assert [bucket.take() for _ in range(5)] == [True] * 3 + [False] * 2
    now[0] += 21
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now[0] += 1e6
    assert sum(bucket.take() for _ in range(10)) == 3
