"""Of many heartbeats several share a commit; a single one does not wait for others, and neither does a job."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from edgewright.hub.db.transaction import Tx
from edgewright.hub.db.writer import GATHER, PAUSE


async def test_heartbeats_that_come_close_together_share_a_commit(inside: Any) -> None:
    hub, admin = inside
    uids = [f"h{number}" for number in range(30)]
    for uid in uids:
        assert (await admin.post("/v1/edgehosts", json={"metadata": {"uid": uid}})).status_code == 201
    live = [hub.state.hosts[uid].live for uid in uids]

    def beat(number: int) -> asyncio.Future[None]:
        return hub.writer.beat(live[number].beat(uids[number], number + 1, 1, force=0))  # type: ignore[no-any-return]

    await asyncio.gather(beat(0), beat(1))
    before, futures = hub.writer.batches, []
    for number in range(2, 30):
        futures.append(beat(number))
        await asyncio.sleep(0.001)
    await asyncio.gather(*futures)
    assert hub.writer.batches - before <= 12, "28 of them, in 28 ms or more"


async def test_few_senders_that_wait_for_each_answer_wait_for_a_pause_only(inside: Any) -> None:
    hub, admin = inside
    uids = ["a", "b", "c"]
    for uid in uids:
        assert (await admin.post("/v1/edgehosts", json={"metadata": {"uid": uid}})).status_code == 201
    live, took = [hub.state.hosts[uid].live for uid in uids], []
    for seq in range(12):
        began = time.perf_counter()
        await asyncio.gather(*(hub.writer.beat(live[at].beat(uid, seq + 1, 1, force=0)) for at, uid in enumerate(uids)))
        took.append(time.perf_counter() - began)
    assert min(took[1:]) < (PAUSE + GATHER) / 2, "all three have come at once, and no other is due"


async def test_a_single_heartbeat_and_a_job_wait_for_nothing(inside: Any) -> None:
    hub, admin = inside
    assert (await admin.post("/v1/edgehosts", json={"metadata": {"uid": "h"}})).status_code == 201
    live, took = hub.state.hosts["h"].live, []
    for number in range(12):
        began = time.perf_counter()
        await hub.writer.beat(live.beat("h", number + 1, 1, force=0))
        took.append(time.perf_counter() - began)
    assert min(took) < GATHER
    hub.writer.crowded, hub.writer._began = True, time.monotonic() + 60  # heartbeats would wait for a minute
    async with asyncio.timeout(10):
        assert await hub.write(_now) > 0


def _now(tx: Tx) -> float:
    return tx.now
