"""Changes of profiles that wait until they are applied (`DownloadAndInstallLater`)."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.clusters.document import read
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.plane import CANARY, Site, infrastructure, publish
from tests.hub_fixture import RunningHub

SECOND = "canary-91cc-that-waits"


@pytest.fixture(scope="module")
def site(hub: RunningHub) -> Site:
    return Site(hub, 2)


def of(path: str, uid: str) -> str:
    return protocol.path(path, uid=uid)


def change(profile: str, action: str, **values: str) -> dict[str, Any]:
    variables = [{"name": name, "value": value} for name, value in values.items()]
    sent = {"uid": profile, "packValues": [], "variables": variables}
    return {"profiles": [sent], "spcApplySettings": {"actionType": action}}


def shown(site: Site, uid: str) -> dict[str, str]:
    rows = site.admin.get(of(wire.VARIABLES, uid)).raise_for_status().json()
    return {item["name"]: item["value"] for row in rows for item in row["variables"]}


def waits(site: Site, uid: str) -> list[str]:
    conditions = site.get(uid)["status"]["conditions"]
    return [row["message"] for row in conditions if row["type"] == "ChangeWaits"]


def test_a_change_waits_until_it_is_applied(site: Site) -> None:
    admin, host = site.admin, site.hosts[0]
    uid = site.create(controls=1)
    before = site.desired(uid, host)
    document = read(before["document"])
    applied = site.get(uid)["status"]["spcApply"]
    later = change(site.profile, wire.LATER, site="south", password=SECOND)
    assert admin.patch(of(wire.PROFILES, uid), json=later).status_code == 204

    now = site.get(uid)["status"]["spcApply"]
    assert (now["actionType"], now["canBeApplied"]) == (wire.LATER, True)
    assert now["patchAppliedTime"] == applied["patchAppliedTime"]
    assert shown(site, uid)["site"] == "south", "a client reads back what it sent"
    assert len(waits(site, uid)) == 1 and of(wire.SPC_APPLY, uid) in waits(site, uid)[0]
    assert site.desired(uid, host) == before, "the hosts learn nothing of it"
    files = [path for path in site.hub.data.rglob("*") if path.is_file()]
    assert not [path.name for path in files if SECOND.encode() in path.read_bytes()], "what waits is sealed too"

    spaces = {"namespaces": [{"metadata": {"name": "tills"}, "spec": {}}]}
    assert admin.put(of(wire.NAMESPACES, uid), json=spaces).status_code == 204
    other = site.desired(uid, host)
    assert read(other["document"]).generation == document.generation + 1
    assert CANARY in str(other["slice"]) and SECOND not in str(other["slice"]), "other changes do not bring it"
    more = [{"profileUid": site.profile, "variables": [{"name": "site", "value": "west"}]}]
    assert admin.patch(of(wire.VARIABLES, uid), json=more).status_code == 204
    assert read(site.desired(uid, host)["document"]).generation == document.generation + 1, "it joins what waits"
    assert shown(site, uid)["site"] == "west" and len(waits(site, uid)) == 1

    assert admin.post(of(wire.SPC_APPLY, uid)).status_code == 202
    after = site.desired(uid, host)
    assert SECOND in str(after["slice"]) and CANARY not in str(after["slice"])
    assert "west" in str(after["slice"]) and read(after["document"]).digest != document.digest
    assert waits(site, uid) == [] and site.get(uid)["status"]["spcApply"]["actionType"] == wire.NOW
    assert admin.post(of(wire.SPC_APPLY, uid)).status_code == 202, "without one it confirms"
    assert site.desired(uid, host) == after


def test_what_cannot_be_applied_does_not_wait_and_a_profile_that_waits_is_in_use(site: Site) -> None:
    admin, host = site.admin, site.hosts[1]
    uid = site.create(site.body(machinepoolconfig=[site.pool("cp", [host], True)]))
    before = site.get(uid)
    moved = infrastructure()
    layer = moved["spec"]["template"]["packs"][1]
    layer["values"] = layer["values"].replace("100.64.0.0/18", "100.65.0.0/18")
    wrong = change(publish(admin, moved), wire.LATER, password="x")
    wrong["profiles"][0]["replaceWithProfile"] = site.profile
    refused = admin.patch(of(wire.PROFILES, uid), json=wrong)
    assert refused.status_code == 422 and "The network of pods never changes" in refused.json()["message"]
    assert site.get(uid) == before

    newer = publish(admin, infrastructure())
    swap = change(newer, wire.LATER)
    swap["profiles"][0]["replaceWithProfile"] = site.profile
    assert admin.patch(of(wire.PROFILES, uid), json=swap).status_code == 204
    templates = site.get(uid)["spec"]["clusterProfileTemplates"]
    assert [item["uid"] for item in templates] == [newer]
    for profile in (newer, site.profile):
        used = admin.delete(of(protocol.PROFILE, profile))
        assert (used.status_code, used.json()["code"]) == (409, "ProfileInUse")
    at_once = change(newer, wire.NOW, site="east")
    assert admin.patch(of(wire.PROFILES, uid), json=at_once).status_code == 204, "it is applied with what waited"
    assert waits(site, uid) == [] and "east" in str(site.desired(uid, host)["slice"])
    later = change(newer, wire.LATER, site="north")
    assert admin.patch(of(wire.PROFILES, uid), json=later).status_code == 204
    assert admin.delete(of(wire.CLUSTER, uid)).status_code == 204 and site.leave(uid, host).status_code == 204
    assert site.get(uid)["status"]["state"] == "Deleted" and waits(site, uid) == []
