"""What Palette's Terraform provider and SDKs do with a profile, in their order, over TLS: nothing drifts in between."""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx
import pytest

from edgewright.wire import protocol
from tests.hub.people import project, unique
from tests.hub.profiles.test_profiles import MANIFEST, STACK, of
from tests.hub_fixture import RunningHub

Json = dict[str, Any]


class Provider:
    """The provider with one profile: it writes a configuration and reads back what it compares."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.uid = ""

    def _call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        answer = self.client.request(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def pack_of_the_catalogue(self, name: str, version: str) -> Json:
        """Find a pack as the data source does: registries, then packs by a filter, its registry, its versions."""
        (registry,) = [
            row for row in self._call("GET", protocol.REGISTRIES_METADATA)["items"] if "catalogue" in row["name"]
        ]
        query = {"filters": f"spec.name={name}ANDspec.version={version}", "limit": 50}
        (found,) = self._call("GET", "/v1/packs", params=query)["items"]
        state = self._call("GET", f"/v1/registries/pack/{registry['uid']}/sync/status")
        assert "isSyncSupported" in state
        entity = self._call("GET", f"/v1/packs/{name}/registries/{registry['uid']}", params={"cloudType": "all"})
        (tag,) = [tag for tag in entity["tags"] if tag["version"] == version]
        assert tag["packUid"] == found["metadata"]["uid"]
        values = next(row["values"] for row in entity["packValues"] if row["packUid"] == tag["packUid"])
        return {"name": name, "tag": version, "uid": tag["packUid"], "registryUid": registry["uid"], "values": values}

    def create(self, wanted: Json) -> None:
        """Create, publish, read."""
        self.uid = self._call("POST", protocol.PROFILES, 201, json=self._body(wanted))["uid"]
        self._call("PATCH", of(protocol.PROFILE_PUBLISH, self.uid), 204)

    def update(self, wanted: Json) -> None:
        """Read, replace the packs (manifests with their uids), metadata, variables, publish."""
        live = self._call("GET", of(protocol.PROFILE, self.uid))["spec"]["published"]
        uids = {part["name"]: part["uid"] for item in live["packs"] for part in item["manifests"]}
        body = self._body(wanted)
        for item in body["spec"]["template"]["packs"]:
            for part in item["manifests"]:
                part["uid"] = uids.get(part["name"], "")
        del body["spec"]["template"]["cloudType"], body["spec"]["variables"]
        self._call("PUT", of(protocol.PROFILE, self.uid), 204, json=body)
        self._call("PATCH", of(protocol.PROFILE_METADATA, self.uid), 204, json={"metadata": body["metadata"]})
        self._call("PUT", of(protocol.PROFILE_VARIABLES, self.uid), 204, json={"variables": wanted["variables"]})
        self._call("PATCH", of(protocol.PROFILE_PUBLISH, self.uid), 204)

    def _body(self, wanted: Json) -> Json:
        packs = [{"type": "spectro", "manifests": [], "values": "", **item} for item in copy.deepcopy(wanted["packs"])]
        template = {"cloudType": wanted["cloud"], "type": wanted["type"], "packs": packs}
        spec = {"version": wanted["version"], "template": template, "variables": copy.deepcopy(wanted["variables"])}
        annotations = {"description": wanted["description"]}
        return {
            "metadata": {"name": wanted["name"], "labels": wanted["tags"], "annotations": annotations},
            "spec": spec,
        }

    def read(self) -> Json:
        """Return the configuration as it is flattened from what the plane has; what differs from it is drift."""
        read = self._call("GET", of(protocol.PROFILE, self.uid))
        metadata, live = read["metadata"], read["spec"]["published"]
        assert metadata["annotations"]["scope"] == "project"
        packs = []
        for item in live["packs"]:
            manifests = []
            if item["manifests"]:
                path = of(protocol.PROFILE_MANIFESTS, self.uid, packName=item["name"])
                for entity in self._call("GET", path)["items"]:
                    content = entity["spec"]["published"]["content"]
                    manifests.append({"name": entity["metadata"]["name"], "content": content})
            row = {"name": item["name"], "tag": item["tag"], "values": item["values"], "manifests": manifests}
            if item["packUid"]:
                assert self._call("GET", f"/v1/packs/{item['packUid']}")["registryUid"] == item["registryUid"]
                row |= {"uid": item["packUid"], "registryUid": item["registryUid"]}
            packs.append({**row, "type": item["type"]})
        variables = self._call("GET", of(protocol.PROFILE_VARIABLES, self.uid))["variables"]
        return {
            "name": metadata["name"], "description": metadata["annotations"]["description"], "tags": metadata["labels"],
            "version": live["profileVersion"], "cloud": live["cloudType"], "type": live["type"], "packs": packs,
            "variables": variables,
        }  # fmt: skip

    def drift(self, wanted: Json) -> list[str]:
        """Return the keys whose values the plane has otherwise than they were written."""
        read = self.read()
        packs = [{"type": "spectro", "manifests": [], "values": "", "tag": "", **item} for item in wanted["packs"]]
        return [key for key, value in {**wanted, "packs": packs}.items() if read[key] != value]


@pytest.fixture
def provider(hub: RunningHub) -> Provider:
    return Provider(hub.client(ApiKey=hub.admin_key, ProjectUid=project(hub)))


def configuration(provider: Provider) -> Json:
    packs = [provider.pack_of_the_catalogue(name, version) for name, version, _ in STACK]
    packs[0]["values"] = packs[0]["values"].replace('uri: ""', "uri: registry.example/os:1")
    till = {"name": "till", "type": "manifest", "manifests": [{"name": "till", "content": MANIFEST}]}
    variables = [
        {"name": "till", "displayName": "Till", "format": "number", "defaultValue": "1", "required": True},
        {"name": "note", "inputType": "multiline", "defaultValue": "one\ntwo\n"},
        {"name": "kind", "inputType": "dropdown", "defaultValue": "a", "options": [{"label": "A", "value": "a"}]},
    ]
    return {
        "name": unique("shop"), "description": "A shop", "tags": {"team": "shops"}, "version": "1.0.0",
        "cloud": "edge-native", "type": "cluster", "packs": [*packs, till], "variables": variables,
    }  # fmt: skip


def test_apply_no_changes_update_new_version_and_destroy(provider: Provider) -> None:
    provider.client.get(protocol.PROJECTS_METADATA).raise_for_status()
    wanted = configuration(provider)
    provider.create(wanted)
    assert provider.drift(wanted) == [] and provider.drift(wanted) == [], "no changes"
    wanted["packs"][2]["values"] += "# why\n"
    wanted["packs"][4]["manifests"][0]["content"] = MANIFEST + "# two\n"
    wanted["packs"][4]["manifests"].append({"name": "second", "content": MANIFEST})
    wanted["packs"].append(provider.pack_of_the_catalogue("metrics-server", "3.13.0"))
    wanted["tags"], wanted["description"] = {"team": "tills", "site": "7"}, "A shop with a till"
    wanted["variables"][0]["defaultValue"] = "2"
    del wanted["variables"][2]
    assert provider.drift(wanted) != []
    provider.update(wanted)
    assert provider.drift(wanted) == []

    (row,) = provider.client.get(protocol.PROFILES_NAMES).json()["items"]
    assert row["metadata"] == {"uid": provider.uid, "name": wanted["name"]}, "the data source finds it by its name"
    target = {"name": wanted["name"], "version": "1.1.0", "target": {"scope": "project"}}
    clone = provider.client.post(of(protocol.PROFILE_CLONE, provider.uid), json={"metadata": target}).json()["uid"]
    first, provider.uid = provider.uid, clone
    assert provider.client.patch(of(protocol.PROFILE_PUBLISH, clone)).status_code == 204
    assert provider.drift({**wanted, "version": "1.1.0"}) == []
    for uid in (clone, first):
        assert provider.client.delete(of(protocol.PROFILE, uid)).status_code == 204
    assert provider.client.get(protocol.PROFILES_NAMES).json()["items"] == []


def test_an_add_on_profile_by_the_sdk_pack_by_pack(provider: Provider) -> None:
    client, name = provider.client, unique("apps")
    template = {"type": "add-on", "cloudType": "all", "packs": []}
    sent = {"metadata": {"name": name}, "spec": {"version": "1.0.0", "template": template}}
    assert client.get(protocol.PROFILES_VALIDATE_NAME, params={"name": name}).status_code == 204
    provider.uid = client.post(protocol.PROFILES, json=sent).json()["uid"]
    added = {"pack": {**provider.pack_of_the_catalogue("podinfo", "6.9.2"), "layer": "addon", "type": "spectro"}}
    assert client.post(of(protocol.PROFILE_PACKS, provider.uid), json=added).status_code == 201
    checked = client.post(
        of(protocol.PROFILE_VALIDATE_PACKS, provider.uid), json={**template, "packs": [added["pack"]]}
    )
    assert [row["errors"] for row in checked.json()["packs"]["results"]] == [[]]
    for kind in ("pack", "helm"):
        assert client.get(f"/v1/registries/{kind}/summary", params={"limit": 50, "scope": "all"}).status_code == 200
    assert client.get("/v1/registries/oci/summary").status_code == 200
    found = client.post("/v1/packs/search", json={"filter": {"name": {"eq": "podinfo"}}}, params={"limit": 50})
    assert [row["spec"]["name"] for row in found.json()["items"]] == ["podinfo"]
    assert client.patch(of(protocol.PROFILE_PUBLISH, provider.uid)).status_code == 204
    search = {"filter": {"profileName": {"eq": name}, "profileType": ["add-on"]}}
    (row,) = client.post(protocol.PROFILES_SEARCH, json=search).json()["items"]
    assert row["metadata"]["uid"] == provider.uid and row["status"]["isPublished"] is True
    exported = client.get(of(protocol.PROFILE_EXPORT, provider.uid)).json()
    exported["spec"]["version"] = "2.0.0"
    assert client.post(protocol.PROFILES_IMPORT, json=exported, params={"publish": "true"}).status_code == 201
    versions = client.get(of(protocol.PROFILE, provider.uid)).json()["spec"]["versions"]
    assert [row["version"] for row in versions] == ["1.0.0", "2.0.0"]
    bulk = client.request("DELETE", protocol.PROFILES_BULK, json={"uids": [row["uid"] for row in versions]}).json()
    assert bulk["deletedCount"] == 2 and bulk["isSucceeded"] is True


def test_an_import_of_a_file_as_the_sdk_sends_it(provider: Provider) -> None:
    client, path = provider.client, protocol.PROFILES_IMPORT_FILE
    packs = [{"name": "podinfo", "layer": "addon", "version": "6.9.2", "type": "spectro", "values": "# why\na: 1\n"}]
    spec = {"version": "1.0.0", "template": {"type": "add-on", "cloudType": "all", "packs": packs}}
    document = {"metadata": {"name": "apps"}, "spec": spec}
    file = {"importFile": ("apps.json", json.dumps(document), "application/octet-stream")}
    made_ = client.post(path, files=file, params={"publish": "false"})
    assert made_.status_code == 201, made_.text
    uid = made_.json()["uid"]
    assert client.get(of(protocol.PROFILE, uid)).json()["spec"]["draft"]["packs"][0]["values"] == "# why\na: 1\n"
    text = client.get(of(protocol.PROFILE_EXPORT, uid), params={"format": "yaml"}).text.replace("1.0.0", "1.1.0", 1)
    yaml: dict[str, Any] = {"other": b"x\r\n--y", "importFile": ("apps.yaml", text)}
    again = client.post(path, files=yaml, params={"format": "yaml"})
    assert again.status_code == 201, again.text
    assert client.get(of(protocol.PROFILE_EXPORT, again.json()["uid"]), params={"format": "yaml"}).text == text
    assert client.post(path, files=file).status_code == 409
    refused: tuple[tuple[dict[str, Any], int, str], ...] = (
        ({"json": document}, 400, "multipart/form-data"),
        ({"files": {"other": "x"}}, 400, "has no part importFile"),
        ({"files": {"importFile": "not json"}}, 400, "not valid JSON"),
        ({"files": {"importFile": "[]"}}, 422, "object"),
        ({"files": {f"p{number}": "x" for number in range(20)}}, 400, "more than 16 parts"),
    )
    for sent, status, words in refused:
        answer = client.post(path, **sent)
        assert answer.status_code == status and words in answer.json()["message"], answer.text
    assert len(client.get(protocol.PROFILES_NAMES).json()["items"]) == 2
