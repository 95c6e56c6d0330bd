"""What one caller may ask of the hub about clusters, and what a check must not show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from edgewright.core import times
from edgewright.core.roles import VIEWER
from edgewright.hub.clusters import attach, status
from edgewright.hub.clusters.index import ClusterIndex
from edgewright.hub.clusters.search import Row, Search
from edgewright.hub.process.app import Hub
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.inside import InsideSite
from tests.hub.clusters.plane import Site
from tests.hub.people import person
from tests.hub_fixture import RunningHub

HIDDEN = "hidden registry of another team"


@pytest.fixture(scope="module")
def site(hub: RunningHub) -> Iterator[Site]:
    yield Site(hub, 1)


def test_a_check_shows_no_macro_to_a_caller_who_may_not_create(hub: RunningHub, site: Site) -> None:
    """An error quotes the value, so a viewer who chooses where a macro is used would read it."""
    path = protocol.path(protocol.PROJECT_MACROS, uid=site.project)
    macros = {"macros": [{"name": "registry", "value": HIDDEN}]}
    assert site.admin.post(path, json=macros).status_code == 204
    body = site.body()
    values = (
        "tree:\n  ref: '{{.spectro.macro.registry}}'\n  digest: sha256:" + "ab" * 32 + "\ncluster:\n  config:\n"
        "    clusterConfiguration:\n      networking:\n        podSubnet: 100.64.0.0/18\n"
        "        serviceSubnet: 100.64.64.0/18\n"
    )
    body["spec"]["profiles"][0]["packValues"] = [{"name": "edge-k8s", "values": values}]
    viewer = person(hub, projects={site.project: VIEWER}).client
    assert HIDDEN in site.admin.post(wire.VALIDATE, json=body).raise_for_status().text
    shown = viewer.post(wire.VALIDATE, json=body, headers={"ProjectUid": site.project})
    assert shown.status_code == 200 and "tree.ref" in shown.text
    assert HIDDEN not in shown.text


def test_profiles_are_few_and_each_is_named_once(site: Site) -> None:
    entry = site.body()["spec"]["profiles"][0]
    twice = site.admin.post(wire.VALIDATE, json=site.body(profiles=[entry, entry])).raise_for_status()
    assert "is named twice; remove one." in twice.text
    many = [{"uid": f"{number:024x}"} for number in range(attach.MOST + 1)]
    answer = site.admin.post(wire.CREATE, json=site.body(profiles=many))
    assert (answer.status_code, answer.json()["code"]) == (422, "TooManyProfiles"), answer.text


def test_policies_that_nothing_carries_out_are_refused(site: Site) -> None:
    policies: dict[str, Any] = {"backupPolicy": {"backupPrefix": "nightly"}}
    answer = site.admin.post(wire.CREATE, json=site.body(policies=policies))
    assert (answer.status_code, answer.json()["code"]) == (422, "NotAvailable"), answer.text
    assert "Backups are not available here. Leave out policies.backupPolicy." in answer.json()["message"]


async def test_a_search_reads_each_cluster_once(
    inside: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,000 entries of `sort` in one body order by each property once."""
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    item = hub.part(ClusterIndex).by_uid[await site.create()]
    calls: list[str] = []

    def members(hub: Hub, cluster: Any, of: Any = status.members) -> Any:
        calls.append(cluster.uid)
        return of(hub, cluster)

    monkeypatch.setattr(status, "members", members)
    search = Search({"sort": [{"field": field} for field in ("clusterState", "healthState")] * 1000})
    rows = [Row(hub, item, times.now()) for _ in range(3)]
    assert search.ordered(rows) == rows and len(calls) == 3
