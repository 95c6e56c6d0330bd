"""Two hubs on one PostgreSQL: clusters, reports, claims and adoptions of one are those of the other (P102 to P106)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edgewright.hub.clusters.index import ClusterIndex, Reports
from edgewright.hub.profiles.index import ProfileIndex
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.inside import InsideSite
from tests.hub.clusters.test_adoption import desired, facts, hand_over, lost
from tests.hub.db.test_row_safety import Pair, codes, pair

__all__ = ["pair"]
pytestmark = pytest.mark.e2e


async def until(check: Callable[[], Any]) -> None:
    for _ in range(100):
        if check():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the memory of the other hub did not change in 10 s")


async def test_a_cluster_and_its_reports_are_those_of_both_hubs(pair: Pair) -> None:
    first, second = pair.clients
    other = pair.hubs[1]
    index, reports = other.part(ClusterIndex), other.part(Reports)
    site = await InsideSite.made(pair.hubs[0], first, 1)
    await until(lambda: site.host in other.state.hosts and site.profile in other.part(ProfileIndex).by_uid)
    made = await pair.both("POST", wire.CREATE, (site.body(), site.body()))
    assert codes(made) == [201, 409], [answer.text for answer in made]
    assert next(answer for answer in made if answer.status_code == 409).json()["code"] == wire.E_IN_USE
    uid = next(answer for answer in made if answer.status_code == 201).json()["uid"]
    mine = pair.hubs[0].part(ClusterIndex)
    await until(lambda: mine.of_host(site.host) is not None and index.of_host(site.host) is not None)
    assert (await site.observe(uid)).status_code == 204
    await until(lambda: reports.record(uid) is not None and index.by_uid[uid].head["done"] is not None)
    assert (await second.get(protocol.path(wire.CLUSTER, uid=uid))).json()["status"]["state"] == "Running"
    path = protocol.path(wire.HOST_STATE, uid=uid)
    digest = index.by_uid[uid].record.digest
    assert (await site.agent.put(path, json={"appliedDigest": digest})).status_code == 204
    await until(lambda: reports.document(uid, site.host).get("appliedDigest") == digest)
    assert (await second.delete(protocol.path(wire.CLUSTER, uid=uid))).status_code == 204
    await until(lambda: mine.by_uid[uid].record.phase == "deleting")
    release = next(machine for _pool, machine in mine.by_uid[uid].machines())["releaseId"]
    assert (await site.agent.put(path, json={"released": release})).status_code == 204
    await until(lambda: index.by_uid[uid].record.phase == "deleted")
    await until(lambda: reports.record(uid, site.host) is None)
    assert pair.hubs[0].part(Reports).record(uid, site.host) is None
    again = await second.post(wire.CREATE, json=site.body())
    assert again.status_code == 201, again.text

    uid = again.json()["uid"]
    await until(lambda: mine.of_host(site.host) is not None)
    document, secrets = await desired(site, uid)
    await lost(pair.hubs[1], uid)
    await until(lambda: uid not in mine.by_uid)
    await facts(site, document)
    await until(lambda: other.state.hosts[site.host].facts.clusters)
    assert (await second.post(protocol.path(wire.ADOPT, uid=uid), json={})).status_code == 202
    await until(lambda: mine.adopted_by(site.host) is not None)
    taken = await hand_over(site, uid, document, secrets)
    assert taken.status_code == 204, taken.text
    await until(lambda: index.by_uid[uid].record.phase == "active" and index.of_host(site.host) is not None)
    assert (await desired(site, uid))[0].digest == document.digest
