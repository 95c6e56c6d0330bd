"""A document is applied: created, changed, published, or nothing; covered values are the stored ones."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from edgewright.core.profiles.variables import COVER
from edgewright.core.roles import OPERATOR, VIEWER
from edgewright.hub.packs.index import BUILTIN
from edgewright.packs import catalogue
from edgewright.wire import protocol
from tests.hub.http.profile_calls import tenant
from tests.hub.people import person, project, unique
from tests.hub.profiles.test_profiles import STACK, made, of, pack
from tests.hub_fixture import RunningHub

Json = dict[str, Any]


@pytest.fixture(scope="module")
def scope(hub: RunningHub) -> str:
    return project(hub)


@pytest.fixture
def scoped(hub: RunningHub, scope: str) -> Iterator[httpx.Client]:
    yield hub.client(ApiKey=hub.admin_key, ProjectUid=scope)


def document(client: httpx.Client) -> Json:
    """Return the export of a profile of its own, with a masked variable."""
    packs = [pack(*layer) for layer in STACK]
    variables = [
        {"name": "key", "defaultValue": "hunter-two", "isSensitive": True},
        {"name": "till", "defaultValue": "1"},
    ]
    template = {"cloudType": "edge-native", "type": "cluster", "packs": packs}
    body = {
        "metadata": {"name": unique("shop")},
        "spec": {"version": "1.0.0", "template": template, "variables": variables},
    }
    return dict(client.get(of(protocol.PROFILE_EXPORT, made(client, body))).json())


def applied(client: httpx.Client, sent: Json, **query: str) -> Json:
    answer = client.post(protocol.OWN_PROFILES_APPLY, json=sent, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_p96_the_same_document_changes_nothing_and_another_one_what_it_names(scoped: httpx.Client) -> None:
    sent = document(scoped)
    same = applied(scoped, sent, dryRun="true")
    assert (same["change"], same["parts"]) == ("none", [])
    entries = scoped.get(protocol.AUDITS).json()["listmeta"]["count"]
    uid = applied(scoped, sent)["uid"]
    assert scoped.get(protocol.AUDITS).json()["listmeta"]["count"] == entries
    before = scoped.get(of(protocol.PROFILE, uid)).json()
    other = copy.deepcopy(sent)
    other["spec"]["template"]["packs"][2]["values"] += "# why\n"
    other["spec"]["variables"][1]["defaultValue"] = "2"
    other["metadata"]["description"] = "Tills"
    parts = ["description", "layer cni-flannel: values", "variable till: changed"]
    assert applied(scoped, other, dryRun="true")["parts"] == parts
    assert scoped.get(of(protocol.PROFILE, uid)).json() == before, "a dry run stores nothing"
    changed = {"uid": uid, "change": "changed", "published": False, "parts": parts, "masked": []}
    assert applied(scoped, other) == changed
    assert applied(scoped, other)["change"] == "none"
    assert applied(scoped, other, publish="true")["change"] == "published"
    again = applied(scoped, other, publish="true")
    assert (again["change"], again["published"]) == ("none", True)
    assert applied(scoped, sent)["change"] == "changed"
    spec = scoped.get(of(protocol.PROFILE, uid)).json()["spec"]
    assert spec["published"]["packs"][2]["values"].endswith("# why\n") and "draft" in spec


def test_a_new_version_is_created_and_a_dry_run_says_so(scoped: httpx.Client) -> None:
    sent = document(scoped)
    sent["spec"]["version"] = "1.1.0"
    sent["spec"]["variables"][0]["defaultValue"] = "hunter-two"
    dry = applied(scoped, sent, dryRun="true", publish="true")
    assert (dry["change"], dry["uid"], dry["published"]) == ("created", "", True)
    done = applied(scoped, sent, publish="true")
    status = scoped.get(of(protocol.PROFILE, done["uid"])).json()["status"]
    assert done["change"] == "created" and status["isPublished"] is True
    assert applied(scoped, sent)["change"] == "none"


def test_a_covered_default_is_the_stored_one(scoped: httpx.Client) -> None:
    sent = document(scoped)
    assert sent["spec"]["variables"][0]["defaultValue"] == COVER
    sent["spec"]["variables"][0]["description"] = "A key"
    assert applied(scoped, sent)["parts"] == ["variable key: changed"]
    assert applied(scoped, sent, publish="true")["change"] == "published", "a covered value is not published"
    sent["spec"]["variables"].append({"name": "other", "defaultValue": COVER, "isSensitive": True})
    refused = scoped.post(protocol.OWN_PROFILES_APPLY, json=sent)
    assert refused.status_code == 422 and "variables.other: the value is masked" in refused.json()["message"]


def test_what_is_missing_or_wrong_is_refused_and_nothing_is_stored(hub: RunningHub, scoped: httpx.Client) -> None:
    sent = document(scoped)
    sent["spec"]["template"]["packs"][2] |= {"name": "no-such-pack", "values": "a: '{{.spectro.macro.nowhere}}'\n"}
    for query in ({}, {"dryRun": "true"}):
        refused = scoped.post(protocol.OWN_PROFILES_APPLY, json=sent, params=query)
        assert refused.status_code == 422
        assert "no-such-pack" in refused.json()["message"] and "nowhere" in refused.json()["message"]
    sent = document(scoped)
    sent["spec"]["template"]["packs"][2]["values"] = "- a list\n"
    assert "not a map" in scoped.post(protocol.OWN_PROFILES_APPLY, json=sent).json()["message"]
    for role in (VIEWER, OPERATOR):
        member = person(hub, "", {scoped.headers["ProjectUid"]: role}).client
        assert member.post(protocol.OWN_PROFILES_APPLY, json=sent).status_code == 403


def test_the_images_of_a_profile(hub: RunningHub, scoped: httpx.Client, scope: str) -> None:
    admin = hub.client()
    macros = {"macros": [{"name": "mirror", "value": "mirror.example"}]}
    admin.patch(protocol.path(protocol.TENANT_MACROS, tenantUid=tenant(admin)), json=macros).raise_for_status()
    packs = [pack(*layer) for layer in STACK]
    packs[2]["values"] = packs[2]["values"].replace("ghcr.io/", "{{.spectro.macro.mirror}}/")
    packs[1]["values"] = packs[1]["values"].replace('ref: ""', 'ref: "registry.example/tree:{{.spectro.var.tag}}"')
    manifest = "kind: Pod\napiVersion: v1\nmetadata:\n  name: a\nspec:\n  containers:\n    - image: till:1\n"
    podinfo = {**pack("podinfo", "6.9.2", "addon"), "values": "", "manifests": [{"name": "m", "content": manifest}]}
    unknown = {"name": "elsewhere", "tag": "1.0.0", "layer": "addon", "type": "spectro", "values": "a: 1\n"}
    template = {"cloudType": "edge-native", "type": "cluster", "packs": [*packs, podinfo, unknown]}
    variables = [{"name": "tag", "required": True}]
    body = {"metadata": {"name": unique("images")}, "spec": {"template": template, "variables": variables}}
    uid = made(scoped, body)
    path = protocol.path(protocol.OWN_PROFILE_IMAGES, uid=uid)
    answer = scoped.get(path).json()
    rows = {row["image"]: (row["layer"], row["source"], row["open"]) for row in answer["images"]}
    assert rows["registry.example/os:1"] == ("edge-native-byoi", "provider image", False)
    assert rows["registry.example/tree:{{.spectro.var.tag}}"] == ("edge-k8s", "Kubernetes tree", True)
    assert rows["registry.k8s.io/etcd:3.6.6-0"] == ("edge-k8s", "listed", False)
    assert rows["mirror.example/flannel-io/flannel:v0.28.9"] == ("cni-flannel", "listed", False)
    assert rows["ghcr.io/stefanprodan/podinfo:6.9.2"] == ("podinfo", "listed", False)
    assert rows["till:1"] == ("podinfo", "manifest", False)
    assert answer["unknown"] == ["elsewhere"] and answer["problems"] == []
    viewer = person(hub, "", {scope: VIEWER}).client
    seen = [row for row in viewer.get(path).json()["images"] if row["layer"] == "cni-flannel"]
    assert "mirror.example" not in str(seen) and all(row["open"] for row in seen)
    assert catalogue.uid(BUILTIN, "podinfo", "6.9.2") in scoped.get(of(protocol.PROFILE, uid)).text
