"""Cluster profiles over the API: what Palette's clients do in order, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from edgewright.core.profiles.usage import Use
from edgewright.core.roles import OPERATOR, VIEWER
from edgewright.hub.packs.index import BUILTIN
from edgewright.hub.process.app import Hub
from edgewright.hub.profiles import store
from edgewright.hub.profiles.index import ProfileUses
from edgewright.packs import catalogue
from edgewright.wire import protocol
from tests.hub.people import person, project
from tests.hub_fixture import RunningHub

Inside = tuple[Hub, httpx.AsyncClient]
STACK = (
    ("edge-native-byoi", "1.0.0", "os"),
    ("edge-k8s", "1.36.3", "k8s"),
    ("cni-flannel", "0.28.9", "cni"),
    ("csi-local-path", "0.0.36", "csi"),
)
MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  till: '{{.spectro.var.till}}'\n"


SHIPPED = {pack.name: pack.values for pack in catalogue.packs()}


def pack(name: str, version: str, layer: str, values: str = "") -> dict[str, Any]:
    """Return a pack as the Terraform provider sends it: with all values; the OS image is the user's own."""
    values = values or SHIPPED.get(name, "")
    if layer == "os":
        values = values.replace('uri: ""', "uri: registry.example/os:1")
    uid = catalogue.uid(BUILTIN, name, version)
    sent = {"name": name, "tag": version, "uid": uid, "registryUid": BUILTIN, "type": "spectro", "values": values}
    return {**sent, "layer": layer, "manifests": []}


def body(name: str = "shop", version: str = "1.0.0", **spec: Any) -> dict[str, Any]:
    """Return the body of a create."""
    packs = [pack(*layer) for layer in STACK]
    packs.append(
        {"name": "till", "type": "manifest", "layer": "addon", "manifests": [{"name": "till", "content": MANIFEST}]}
    )
    template = {"cloudType": "edge-native", "type": "cluster", "packs": packs}
    variables = [{"name": "till", "defaultValue": "1", "format": "number"}]
    return {
        "metadata": {"name": name, "labels": {"team": "shops"}, "annotations": {"description": "A shop"}},
        "spec": {"version": version, "template": template, "variables": variables, **spec},
    }


@pytest.fixture
def scoped(hub: RunningHub) -> Iterator[httpx.Client]:
    yield hub.client(ApiKey=hub.admin_key, ProjectUid=project(hub))


def made(client: httpx.Client, sent: dict[str, Any] | None = None, **query: str) -> str:
    """Create a profile and return its uid."""
    answer = client.post(protocol.PROFILES, json=sent or body(), params=query)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["uid"])


def of(path: str, uid: str, **names: str) -> str:
    """Return a path with its names filled in."""
    return protocol.path(path, uid=uid, **names)


def test_the_sequence_of_the_terraform_provider(scoped: httpx.Client) -> None:
    uid = made(scoped)
    assert scoped.patch(of(protocol.PROFILE_PUBLISH, uid)).status_code == 204
    read = scoped.get(of(protocol.PROFILE, uid)).json()
    live = read["spec"]["published"]
    assert (live["cloudType"], live["type"], live["profileVersion"]) == ("edge-native", "cluster", "1.0.0")
    assert [item["name"] for item in live["packs"]] == [*(layer[0] for layer in STACK), "till"]
    assert live["packs"][1]["packUid"] == catalogue.uid(BUILTIN, "edge-k8s", "1.36.3") and "draft" not in read["spec"]
    assert read["metadata"]["annotations"]["scope"] == "project" and read["status"]["isPublished"] is True
    (manifest,) = scoped.get(of(protocol.PROFILE_MANIFESTS, uid, packName="till")).json()["items"]
    assert manifest["spec"]["published"]["content"] == MANIFEST
    assert manifest["metadata"]["uid"] == live["packs"][4]["manifests"][0]["uid"]
    (variable,) = scoped.get(of(protocol.PROFILE_VARIABLES, uid)).json()["variables"]
    assert (variable["name"], variable["defaultValue"]) == ("till", "1")
    assert scoped.get(f"/v1/packs/{live['packs'][1]['packUid']}").json()["registryUid"] == BUILTIN

    changed = body()["spec"]["template"]["packs"]
    changed[1]["values"] += "# changed\n"
    changed[4]["manifests"] = [{"uid": manifest["metadata"]["uid"], "name": "till", "content": MANIFEST + "# two\n"}]
    template = {"type": "cluster", "packs": changed}
    sent = {"metadata": {"name": "shop", "uid": uid}, "spec": {"version": "1.0.0", "template": template}}
    assert scoped.put(of(protocol.PROFILE, uid), json=sent).status_code == 204
    both = scoped.get(of(protocol.PROFILE, uid)).json()["spec"]
    assert both["draft"]["packs"][1]["values"] == both["published"]["packs"][1]["values"] + "# changed\n"
    meta = {"metadata": {"name": "shop", "labels": {"team": "tills"}}}
    assert scoped.patch(of(protocol.PROFILE_METADATA, uid), json=meta).status_code == 204
    assert scoped.patch(of(protocol.PROFILE_PUBLISH, uid)).status_code == 204
    read = scoped.get(of(protocol.PROFILE, uid)).json()
    assert read["metadata"]["labels"] == {"team": "tills"} and "draft" not in read["spec"]
    assert read["metadata"]["annotations"]["description"] == "A shop"
    (again,) = scoped.get(of(protocol.PROFILE_MANIFESTS, uid, packName="till")).json()["items"]
    assert again["metadata"]["uid"] == manifest["metadata"]["uid"] and again["spec"]["published"]["content"].endswith(
        "# two\n"
    )
    (row,) = scoped.get(protocol.PROFILES_NAMES).json()["items"]
    assert row["metadata"] == {"uid": uid, "name": "shop"} and row["spec"]["version"] == "1.0.0"
    assert scoped.delete(of(protocol.PROFILE, uid)).status_code == 204
    assert scoped.get(of(protocol.PROFILE, uid)).status_code == 404


def test_versions_of_a_name_are_linked_in_semantic_order(scoped: httpx.Client) -> None:
    for version in ("1.10.0", "1.9.0"):
        made(scoped, body(version=version))
    first = made(scoped, body(version="1.0.0"))
    wanted = {"metadata": {"name": "shop", "version": "2.0.0", "target": {"scope": "project"}}}
    assert scoped.post(of(protocol.PROFILE_CLONE_VALIDATE, first), json=wanted["metadata"]).status_code == 204
    clone = scoped.post(of(protocol.PROFILE_CLONE, first), json=wanted).json()["uid"]
    versions = scoped.get(of(protocol.PROFILE, clone)).json()["spec"]["versions"]
    assert [row["version"] for row in versions] == ["1.0.0", "1.9.0", "1.10.0", "2.0.0"]
    again = scoped.post(of(protocol.PROFILE_CLONE, first), json=wanted)
    assert (again.status_code, again.json()["code"]) == (409, "DuplicateProfile")
    name = {"name": "shop", "version": "2.0.0"}
    assert scoped.get(protocol.PROFILES_VALIDATE_NAME, params=name).status_code == 409
    assert scoped.get(protocol.PROFILES_VALIDATE_NAME, params={**name, "version": "2.1.0"}).status_code == 204
    manifests = [
        scoped.get(of(protocol.PROFILE_MANIFESTS, uid, packName="till")).json()["items"][0]["metadata"]["uid"]
        for uid in (first, clone)
    ]
    assert manifests[0] != manifests[1]


def test_packs_manifests_and_variables_one_by_one(scoped: httpx.Client) -> None:
    uid = made(scoped)
    added = {"pack": pack("metrics-server", "3.13.0", "addon")}
    assert scoped.post(of(protocol.PROFILE_PACKS, uid), json=added).status_code == 201
    assert scoped.post(of(protocol.PROFILE_PACKS, uid), json=added).status_code == 409
    one = of(protocol.PROFILE_PACK, uid, packName="metrics-server")
    sent = {
        "pack": {"name": "metrics-server", "uid": added["pack"]["uid"], "values": "pack:\n  namespace: kube-system\n"}
    }
    assert scoped.put(one, json=sent).status_code == 204
    assert "kube-system" in scoped.get(one).json()["spec"]["pack"]["values"]
    names = [item["metadata"]["name"] for item in scoped.get(of(protocol.PROFILE_PACKS, uid)).json()["items"]]
    assert names[-1] == "metrics-server"
    second = {"name": "second", "content": MANIFEST.replace("shop", "second")}
    made_uid = scoped.post(of(protocol.PROFILE_MANIFESTS, uid, packName="till"), json=second).json()["uid"]
    path = of(protocol.PROFILE_MANIFEST, uid, packName="till", manifestUid=made_uid)
    assert scoped.put(path, json={"name": "second", "content": MANIFEST}).status_code == 204
    assert scoped.get(path).json()["spec"]["draft"]["content"] == MANIFEST
    packs = scoped.get(of(protocol.PROFILE_ALL_MANIFESTS, uid)).json()["spec"]["packs"]
    assert [part["name"] for part in packs[4]["spec"]["manifests"]] == ["till", "second"]
    assert scoped.delete(path).status_code == 204 and scoped.get(path).status_code == 404
    assert scoped.delete(one).status_code == 204 and scoped.get(one).status_code == 404
    variables = of(protocol.PROFILE_VARIABLES, uid)
    assert scoped.patch(variables, json={"variables": [{"name": "site", "defaultValue": "x"}]}).status_code == 204
    assert [row["name"] for row in scoped.get(variables).json()["variables"]] == ["till", "site"]
    assert scoped.request("DELETE", variables, json={"variables": ["site"]}).status_code == 204
    assert scoped.request("DELETE", variables, json={"variables": ["site"]}).status_code == 404


async def test_a_masked_default_is_sealed_covered_and_stays_when_it_comes_back_covered(inside: Inside) -> None:
    hub, admin = inside
    masked = {"name": "key", "defaultValue": "hunter-two", "isSensitive": True}
    uid = (await admin.post(protocol.PROFILES, json=body(variables=[masked]))).json()["uid"]
    path = of(protocol.PROFILE_VARIABLES, uid)
    (shown,) = (await admin.get(path)).json()["variables"]
    assert shown["defaultValue"] == "********"
    assert (await admin.put(path, json={"variables": [{**shown, "description": "A key"}]})).status_code == 204
    for read in (of(protocol.PROFILE, uid), of(protocol.PROFILE_EXPORT, uid)):
        assert "hunter-two" not in (await admin.get(read)).text
    found = await hub.read(lambda connection: store.find(connection, uid))
    assert found is not None and "hunter-two" not in found[1]
    (row,) = json.loads(found[1])["variables"]
    assert hub.box.unseal(row["edgewrightSealed"]) == "hunter-two" and row["description"] == "A key"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"packs": [pack(*STACK[0]), pack("edge-native-byoi", "1.0.0", "os")]}, "", "OS layers"),
        ({"packs": [{"name": "unknown", "tag": "1.0.0", "values": "a: 1"}]}, "", "layer in body is required"),
        ({"packs": [pack(*STACK[0], values="- a\n- b\n")]}, "", "This is a list, not a map"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place_and_nothing_is_stored(
    scoped: httpx.Client, change: dict[str, Any], code: str, words: str
) -> None:
    sent = body()
    sent["spec"]["template"] |= change
    answer = scoped.post(protocol.PROFILES, json=sent, params={"publish": "true"})
    assert answer.status_code == 422 and words in answer.json()["message"], answer.text
    assert scoped.get(protocol.PROFILES_NAMES).json()["items"] == []


def test_a_version_that_exists_is_a_conflict_and_another_project_sees_nothing(
    hub: RunningHub, scoped: httpx.Client
) -> None:
    uid = made(scoped)
    answer = scoped.post(protocol.PROFILES, json=body())
    assert (answer.status_code, answer.json()["code"]) == (409, "DuplicateProfile")
    other = hub.client(ApiKey=hub.admin_key, ProjectUid=project(hub))
    assert other.get(of(protocol.PROFILE, uid)).status_code == 404
    assert other.delete(of(protocol.PROFILE, uid)).status_code == 404
    assert other.get(protocol.PROFILES_NAMES).json()["items"] == []
    made(other)


async def test_a_profile_that_a_cluster_uses_is_not_deleted(inside: Inside) -> None:
    hub, admin = inside
    uid, free = [(await admin.post(protocol.PROFILES, json=body(name))).json()["uid"] for name in ("shop", "free")]
    uses = {uid: [Use("c1", "harbour"), Use("c2", "station")]}
    hub.part(ProfileUses).register(lambda wanted: uses.get(wanted, ()))
    answer = await admin.delete(of(protocol.PROFILE, uid))
    assert (answer.status_code, answer.json()["code"]) == (409, "ProfileInUse")
    assert "used by 2 clusters: harbour, station" in answer.json()["message"]
    bulk = (await admin.request("DELETE", protocol.PROFILES_BULK, json={"uids": [uid, free]})).json()
    assert bulk["deletedCount"] == 1 and bulk["failures"][0]["uid"] == uid and not bulk["isSucceeded"]
    for path in (protocol.PROFILE, protocol.PROFILE_SUMMARY):
        status = (await admin.get(of(path, uid))).json()["status"]
        assert [use["name"] for use in status["inUseClusters"]] == ["harbour", "station"]
    uses.clear()
    status = (await admin.get(of(protocol.PROFILE_SUMMARY, uid))).json()["status"]
    assert status["inUseClusters"] == [] and status["inUseClusterUids"] == []


def test_an_export_is_imported_again_and_exports_the_same(hub: RunningHub, scoped: httpx.Client) -> None:
    uid = made(scoped, publish="true")
    exported = scoped.get(of(protocol.PROFILE_EXPORT, uid)).json()
    other = hub.client(ApiKey=hub.admin_key, ProjectUid=project(hub))
    checked = other.post(protocol.PROFILES_IMPORT_VALIDATE, json=exported)
    assert checked.status_code == 200, checked.text
    matching = checked.json()["spec"]["template"]["packs"][1]["registry"]["matchingRegistries"]
    assert [row["uid"] for row in matching] == [BUILTIN]
    again = other.post(protocol.PROFILES_IMPORT, json=exported)
    assert again.status_code == 201, again.text
    assert other.get(of(protocol.PROFILE_EXPORT, again.json()["uid"])).json() == exported
    text = other.get(of(protocol.PROFILE_EXPORT, again.json()["uid"]), params={"format": "yaml"}).text
    assert text.startswith("metadata:") and "edge-k8s" in text


def test_an_import_lists_packs_and_macros_that_are_missing(scoped: httpx.Client) -> None:
    document = {
        "metadata": {"name": "far"},
        "spec": {
            "version": "1.0.0",
            "template": {
                "type": "add-on",
                "cloudType": "all",
                "packs": [
                    {
                        "name": "their-pack", "type": "spectro", "layer": "addon", "version": "2.0.0",
                        "values": "a: '{{.spectro.macro.site_code}}'\n", "registry": {"metadata": {"name": "Theirs"}},
                    }
                ],
            },
        },
    }  # fmt: skip
    answer = scoped.post(protocol.PROFILES_IMPORT, json=document)
    assert answer.status_code == 422
    assert "their-pack 2.0.0 is not known" in answer.json()["message"] and "site_code" in answer.json()["message"]


def test_search_filters_sorts_and_pages(scoped: httpx.Client) -> None:
    for name in ("alpha", "beta", "gamma"):
        made(scoped, body(name), **({"publish": "true"} if name == "beta" else {}))
    spec: dict[str, Any] = {"filter": {"profileName": {"beginsWith": "B"}}}
    (row,) = scoped.post(protocol.PROFILES_SEARCH, json=spec).json()["items"]
    assert row["metadata"]["name"] == "beta" and row["status"]["isPublished"] is True
    packs = row["specSummary"]["published"]["packs"]
    assert [item["layer"] for item in packs] == ["os", "k8s", "cni", "csi", "addon"] and "values" not in packs[0]
    spec = {"filter": {"tags": {"eq": ["team:shops"]}}, "sort": [{"field": "profileName", "order": "desc"}]}
    page = scoped.post(protocol.PROFILES_SEARCH, json=spec, params={"limit": 2}).json()
    assert [item["metadata"]["name"] for item in page["items"]] == ["gamma", "beta"] and page["listmeta"]["count"] == 3
    for rule, count in (({"gt": "0.9.0"}, 3), ({"lt": "1.0.0"}, 0), ({"eq": "1.0.0"}, 3)):
        found = scoped.post(protocol.PROFILES_SEARCH, json={"filter": {"version": rule}}).json()["items"]
        assert len(found) == count, rule
    for kinds, count in ((["infra"], 0), (["cluster"], 3)):
        found = scoped.post(protocol.PROFILES_SEARCH, json={"filter": {"profileType": kinds}}).json()["items"]
        assert len(found) == count, kinds


def test_a_list_follows_each_change_of_a_version_and_of_the_others_of_its_name(scoped: httpx.Client) -> None:
    def listed() -> dict[str, list[str]]:
        rows = scoped.post(protocol.PROFILES_SEARCH, json={}).json()["items"]
        return {
            f"{row['metadata']['name']} {row['specSummary']['version']}": [
                each["version"] for each in row["specSummary"]["versions"]
            ]
            for row in rows
        }

    first = made(scoped)
    assert listed() == {"shop 1.0.0": ["1.0.0"]}
    second = made(scoped, body(version="1.1.0"))
    assert listed() == {"shop 1.0.0": ["1.0.0", "1.1.0"], "shop 1.1.0": ["1.0.0", "1.1.0"]}
    renamed = {"metadata": {"name": "other", "labels": {"team": "tills"}}}
    assert scoped.patch(of(protocol.PROFILE_METADATA, second), json=renamed).status_code == 204
    assert listed() == {"other 1.1.0": ["1.1.0"], "shop 1.0.0": ["1.0.0"]}
    tagged = {"filter": {"tags": {"eq": ["TEAM:tills"]}, "profileName": {"ne": "shop"}, "environment": ["edge-native"]}}
    (row,) = scoped.post(protocol.PROFILES_SEARCH, json=tagged).json()["items"]
    assert row["metadata"]["uid"] == second and row["metadata"]["labels"] == {"team": "tills"}
    exact = {"filter": {"tags": {"eq": ["TEAM:tills"], "ignoreCase": False}}}
    assert scoped.post(protocol.PROFILES_SEARCH, json=exact).json()["items"] == []
    assert scoped.delete(of(protocol.PROFILE, first)).status_code == 204
    assert listed() == {"other 1.1.0": ["1.1.0"]}


def test_values_are_checked_by_layer_path_and_line(scoped: httpx.Client) -> None:
    template = body()["spec"]["template"]
    template["packs"][1]["values"] = "example: '{{.spectro.var.nosuch}}'\n" + template["packs"][1]["values"]
    answer = scoped.post(protocol.PROFILES_VALIDATE_PACKS, json=template).json()
    wrong = {row["name"]: [item["message"] for item in row["errors"]] for row in answer["packs"]["results"]}
    assert any("line 1" in message and "nosuch" in message for message in wrong["edge-k8s"]), wrong
    assert wrong["cni-flannel"] == []


def test_only_admins_change_profiles(hub: RunningHub, scoped: httpx.Client) -> None:
    uid = made(scoped)
    scope = scoped.headers["ProjectUid"]
    for role in (VIEWER, OPERATOR):
        member = person(hub, "", {scope: role}).client
        assert member.get(of(protocol.PROFILE, uid)).status_code == 200
        for answer in (
            member.post(protocol.PROFILES, json=body("other")),
            member.patch(of(protocol.PROFILE_PUBLISH, uid)),
            member.delete(of(protocol.PROFILE, uid)),
        ):
            assert answer.status_code == 403, role


CYCLE = "a: '{{.spectro.pack.cni-flannel.b}}'\nb: '{{.spectro.pack.cni-flannel.a}}'\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)
)


@pytest.mark.parametrize(
    ("values", "words"),
    [(CYCLE, "References form a cycle"), ("- a\n", "This is a list, not a map"), (BOMB, "more than 150,000 keys")],
)
def test_what_can_never_be_right_is_not_stored_as_a_draft_either(scoped: httpx.Client, values: str, words: str) -> None:
    packs = [pack(*layer) for layer in STACK]
    packs[2]["values"] = values
    template = {"cloudType": "edge-native", "type": "cluster", "packs": packs}
    sent = {"metadata": {"name": "bad"}, "spec": {"version": "1.0.0", "template": template}}
    rows = [{**item, "version": item["tag"]} for item in packs]
    document = {**sent, "spec": {**sent["spec"], "template": {**template, "packs": rows}}}  # type: ignore[dict-item]
    for path, document_ in (
        (protocol.PROFILES, sent), (protocol.PROFILES_IMPORT, document), (protocol.OWN_PROFILES_APPLY, document),
    ):  # fmt: skip
        answer = scoped.post(path, json=document_)
        assert answer.status_code == 422 and words in answer.json()["message"], answer.text
    assert scoped.get(protocol.PROFILES_NAMES).json()["items"] == []
    uid = made(scoped)
    changed = scoped.put(of(protocol.PROFILE, uid), json={"metadata": {}, "spec": {"template": template}})
    assert changed.status_code == 422 and words in changed.json()["message"]
    assert scoped.get(of(protocol.PROFILE, uid)).json()["spec"]["draft"]["packs"][2]["values"] != values
