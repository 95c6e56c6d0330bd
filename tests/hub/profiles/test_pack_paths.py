"""Palette's paths about one pack of a profile, and the profile as a cluster definition."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from edgewright.core.profiles.variables import COVER
from edgewright.hub.process.app import Hub
from edgewright.profiles import archive
from edgewright.profiles.archive import unpack
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.plane import NET, Site, infrastructure
from tests.hub.http.profile_calls import body
from tests.hub.people import unique
from tests.hub_fixture import RunningHub


def test_packs_are_changed_by_their_names_and_read_one_by_one(hub: RunningHub) -> None:
    admin = hub.client()
    uid = admin.post(protocol.PROFILES, json=body(unique("refs"))).raise_for_status().json()["uid"]
    sent = {
        "packs": [{"name": "podinfo", "values": "replicas: 2\n", "manifests": [{"name": "two", "content": "a: 1\n"}]}]
    }
    refs = protocol.path(protocol.PROFILE_PACK_REFS, uid=uid)
    assert admin.patch(refs, json=sent).status_code == 204
    assert admin.patch(refs, json={"packs": [{"name": "no-such"}]}).status_code == 404
    path = protocol.path(protocol.PROFILE_PACK_CONFIG, uid=uid, packName="podinfo")
    (item,) = admin.get(path).json()["items"]
    spec = item["spec"]
    assert (spec["values"], spec["tag"], spec["isValuesOverridden"]) == ("replicas: 2\n", "6.9.2", False)
    assert [part["name"] for part in spec["manifests"]] == ["one", "two"], "what is not sent stays"
    assert admin.get(path, params={"packUid": "another"}).json() == {"items": []}


def test_a_profile_as_a_cluster_definition_has_no_masked_value(hub: RunningHub) -> None:
    admin = hub.client()
    sent = infrastructure(unique("definition"))
    sent["spec"]["variables"][1]["defaultValue"] = "canary-5c1e"
    uid = admin.post(protocol.PROFILES, json=sent).raise_for_status().json()["uid"]
    answer = admin.get(protocol.path(protocol.PROFILE_DEFINITION, uid=uid))
    assert answer.status_code == 200 and answer.headers["content-disposition"].endswith('-1.0.0.tgz"')
    name, (profile,) = unpack(answer.content)
    assert name == sent["metadata"]["name"] and len(profile.layers) == 4
    assert {row.default for row in profile.variables if row.masked} == {COVER}
    addon = admin.post(protocol.PROFILES, json=body(unique("addon"))).raise_for_status().json()["uid"]
    refused = admin.get(protocol.path(protocol.PROFILE_DEFINITION, uid=addon))
    assert refused.status_code == 422 and "infrastructure" in refused.json()["message"]


def test_profiles_with_values_of_a_cluster_are_one_definition(hub: RunningHub) -> None:
    admin = hub.client()
    sent = infrastructure(unique("definition"))
    sent["spec"]["variables"][1]["defaultValue"] = "canary-5c1e"
    below = admin.post(protocol.PROFILES, json=sent).raise_for_status().json()["uid"]
    addon = admin.post(protocol.PROFILES, json=body(unique("addon"))).raise_for_status().json()["uid"]
    packs = [{"name": "podinfo", "values": "replicas: 7\n", "manifests": [{"name": "one", "content": "kind: Own\n"}]}]
    spec: dict[str, Any] = {"cloudType": "edge-native", "profiles": [{"uid": below}, {"uid": addon, "packs": packs}]}

    def download(**changes: Any) -> httpx.Response:
        asked = {"metadata": {"name": "site 9"}, "spec": {**spec, **changes}}
        return admin.post(wire.DEFINITION, json=asked)

    answer = download()
    assert answer.status_code == 200 and answer.headers["content-disposition"].endswith('"site-9.tgz"')
    name, (infra, shop) = unpack(answer.content)
    (layer,) = shop.layers
    assert (name, len(infra.layers), layer.values) == ("site 9", 4, "replicas: 7\n")
    assert [part.content for part in layer.manifests] == ["kind: Own\n"]
    assert {row.default for row in infra.variables if row.masked} == {COVER}
    for changes, code, text in (
        ({"profiles": [{"uid": addon}]}, 422, "infrastructure"),
        ({"profiles": [{"uid": below}, {"uid": below}]}, 422, "named twice"),
        ({"profiles": [{"uid": "f" * 24}]}, 404, "f" * 24),
        ({"profiles": [{"uid": below, "packs": [{"name": "no-such"}]}]}, 422, "no pack no-such"),
        ({"cloudType": "aws"}, 422, "edge-native"),
        ({"profiles": None}, 422, ""),
        ({"profiles": [{"uid": below}] * 2000}, 422, "at most 20 profiles"),
    ):
        refused = download(**changes)
        assert refused.status_code == code and text in refused.json()["message"], (changes, refused.text)
    asked = {"metadata": {"name": 'caf\u00e9 "\u5e97"'}, "spec": spec}
    named = admin.post(wire.DEFINITION, json=asked)
    assert named.headers["content-disposition"].endswith('"caf-----.tgz"'), "a header has no other letters"
    assert unpack(named.content)[0] == 'caf\u00e9 "\u5e97"'
    other = Site(hub, 1)
    hidden = admin.post(wire.DEFINITION, json={"metadata": {"name": "x"}, "spec": {**spec, "profiles": [
        {"uid": other.profile}]}})  # fmt: skip
    seen = admin.get(protocol.path(protocol.PROFILE, uid=other.profile))
    assert hidden.status_code == seen.status_code, "as any other path shows or hides it"


async def test_profiles_that_are_too_large_together_are_no_definition(
    inside: tuple[Hub, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = inside
    made = await admin.post(protocol.PROFILES, json=infrastructure())
    uid = made.raise_for_status().json()["uid"]
    asked = {"metadata": {"name": "x"}, "spec": {"cloudType": "edge-native", "profiles": [{"uid": uid}]}}
    assert (await admin.post(wire.DEFINITION, json=asked)).status_code == 200
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1024)
    refused = await admin.post(wire.DEFINITION, json=asked)
    assert refused.status_code == 422 and refused.json()["code"] == "TooBig", "it could not be read"


def test_a_cluster_shows_which_packs_it_changes(hub: RunningHub) -> None:
    site = Site(hub, 1)
    sent = site.body()
    own = {"name": "edge-native-byoi", "values": "options:\n  system.uri: registry.example/os:2\n"}
    sent["spec"]["profiles"][0]["packValues"] = [own]
    uid = site.create(sent)

    def config(pack: str) -> dict[str, Any]:
        path = protocol.path(wire.PACK_CONFIG, uid=uid, profileUid=site.profile, packName=pack)
        (item,) = site.admin.get(path).raise_for_status().json()["items"]
        spec: dict[str, Any] = item["spec"]
        return spec

    refs = protocol.path(wire.PACK_REFS, uid=uid)
    net = {"name": "net", "manifests": [{"name": "net", "content": NET.replace("name: net", "name: net-2")}]}
    sent_refs = {"profiles": [{"uid": site.profile, "packs": [net]}]}
    assert site.admin.patch(refs, json=sent_refs).status_code == 204
    assert config("net")["manifests"][0]["isOverridden"] is True
    other = {"profiles": [{"uid": site.profile, "packs": [{"name": "edge-k8s", "tag": "1.0.0"}]}]}
    refused = site.admin.patch(refs, json=other)
    assert refused.status_code == 422 and "does not set another version" in refused.json()["message"]
    later = {**sent_refs, "spcApplySettings": {"actionType": "DownloadAndInstallLater"}}
    assert site.admin.patch(refs, json=later).status_code == 204
    changed, same = config("edge-native-byoi"), config("edge-k8s")
    assert (changed["isValuesOverridden"], changed["values"]) == (True, own["values"])
    assert same["isValuesOverridden"] is False
    path = protocol.path(wire.PACK_CONFIG, uid=uid, profileUid="f" * 24, packName="net")
    assert site.admin.get(path).status_code == 404
