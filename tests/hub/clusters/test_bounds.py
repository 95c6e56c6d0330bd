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
from edgewright.hub.clusters.settings import stored_only
from edgewright.hub.process.app import Hub
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.inside import InsideSite
from tests.hub.clusters.plane import NETWORKS, TREE, Site, infrastructure, pack, publish
from tests.hub.people import person
from tests.hub_fixture import RunningHub
from tests.support import ROOT

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


def test_settings_without_effect_are_warnings_of_the_check_and_are_documented(site: Site) -> None:
    own = Site(site.hub, 1)
    cloud = {
        "controlPlaneEndpoint": {"host": own.address(200), "type": "VIP"},
        "ntpServers": ["ntp"],
        "sshKeys": ["ssh-ed25519 AAAA"],  # both are in force, so they warn of nothing
    }
    config = {
        "timezone": "Europe/Berlin", "controlPlaneHealthCheckTimeout": "10m", "updateWorkerPoolsInParallel": True,
        "machineManagementConfig": {"osPatchConfig": {"patchOnBoot": True}}, "lifecycleConfig": {"pause": True},
        "resources": {"namespaces": [{"metadata": {"name": "team-.*"}, "spec": {"isRegex": True}}], "rbacs": []},
    }  # fmt: skip
    strategy = {"type": "OverrideScaling", "maxSurge": "1", "maxUnavailable": "10%"}
    more = {"additionalTags": {"a": "b"}, "overrideKubeadmConfiguration": "x: 1"}
    pool = own.pool("cp", own.hosts, True, minSize=2, maxSize=3, nodeRepaveInterval=5, updateStrategy=strategy, **more)
    pool["cloudConfig"]["edgeHosts"][0]["nic"] = {"gateway": own.address(254), "dns": ["10.0.0.1"]}
    body = own.body(cloudConfig=cloud, clusterConfig=config, machinepoolconfig=[pool])
    checked = own.admin.post(wire.VALIDATE, json=body).raise_for_status().json()
    assert checked["machinePools"]["results"] == []
    named = {text.split()[0] for text in checked["edgewright"]["warnings"]}
    assert named == set(stored_only.SETTINGS)
    docs = (ROOT / "docs" / "clusters.md").read_text()
    assert [path for path in stored_only.SETTINGS if f"`{path.rpartition('.')[2]}`" not in docs] == []
    assert own.admin.post(wire.VALIDATE, json=own.body()).json() == {
        "machinePools": {"results": []}, "profiles": checked["profiles"],
    }, "what clients send by default warns of nothing"  # fmt: skip


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


def test_a_kubernetes_layer_is_used_or_refused_by_name(site: Site) -> None:
    own = Site(site.hub, 1)

    def body(values: str, **variables: str) -> dict[str, Any]:
        profile = infrastructure()
        profile["spec"]["template"]["packs"][1] = pack("edge-k8s", "1.36.3", "k8s", TREE + values)
        named = {"password": "x", **variables}
        sent = [{"name": name, "value": value} for name, value in named.items()]
        return own.body(profiles=[{"uid": publish(own.admin, profile), "variables": sent}])

    old = NETWORKS + "      apiServer: {extraArgs: {v: 2}}\n"
    made = body(old + "stages: {boot: [{name: x}]}\n")
    checked = own.admin.post(wire.VALIDATE, json=made).raise_for_status().json()
    assert checked["machinePools"]["results"] == []
    assert ["stages: It has no effect on a cluster." in text for text in checked["edgewright"]["warnings"]] == [True]
    uid = own.create(made)
    config = own.desired(uid, own.hosts[0])["document"]["kubernetes"]["config"]
    assert config["clusterConfiguration"]["apiServer"]["extraArgs"] == [{"name": "v", "value": "2"}]

    for values, place in (
        (NETWORKS + "    kubeletConfig: {maxPods: 9}\n", "cluster.config.kubeletConfig: "),
        (NETWORKS + "    kubeletConfiguration: {x: '{{.spectro.var.password}}'}\n", "kubeletConfiguration.x: A masked"),
    ):
        wrong = body(values)
        refused = own.admin.post(wire.CREATE, json=wrong)
        assert refused.status_code == 422 and place in refused.json()["message"], refused.text
        (profile,) = own.admin.post(wire.VALIDATE, json=wrong).json()["profiles"]
        (row,) = [row for row in profile["packs"]["results"] if row["errors"]]
        assert place in row["errors"][0]["message"]
    unused = body(NETWORKS + "providerCredentials: {key: '{{.spectro.var.password}}'}\n")
    results = own.admin.post(wire.VALIDATE, json=unused).json()["profiles"][0]["packs"]["results"]
    assert not [row["errors"] for row in results if row["errors"]], "what no host gets may be masked"
