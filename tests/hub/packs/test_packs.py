"""Packs over the API: the catalogue, what registries list, imports; the sequences of the clients of Palette."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from edgewright.core import times
from edgewright.core.packs.pack import Upstream
from edgewright.core.roles import OPERATOR, VIEWER
from edgewright.hub.packs import fetching, index, tables, use
from edgewright.hub.packs.index import BUILTIN, PackIndex
from edgewright.hub.resources.blobs import retention
from edgewright.hub.resources.packs.search import searched
from edgewright.packs import archive, catalogue
from edgewright.packs.files import digest
from edgewright.wire import protocol
from tests.hub.packs.sources import added, helm_body, helm_server, oci_body
from tests.hub.people import person, project
from tests.hub_fixture import RunningHub
from tests.oci.fake_registry import FakeRegistry
from tests.oci.raw_server import RawServer
from tests.packs.samples import DOCUMENT, MANIFEST, chart_archive, pack_files
from tests.packs.test_sources import push

Serve = Callable[..., RawServer]


def upload(admin: httpx.Client, data: bytes) -> str:
    """Send a blob of the tenant; returns its digest."""
    name = hashlib.sha256(data).hexdigest()
    answer = admin.put(f"{protocol.BLOBS}/{name}", content=data, params={"size": len(data), "offset": 0})
    assert answer.json()["complete"], answer.text
    return name


def imported(admin: httpx.Client, name: str, **changes: bytes) -> httpx.Response:
    """Import the sample pack under a name of its own."""
    data = archive.pack(pack_files({**DOCUMENT, "name": name}, **changes))
    return admin.post(protocol.OWN_PACKS, json={"blob": upload(admin, data), "name": f"{name}.tgz"})


def test_the_sequence_of_the_terraform_provider(hub: RunningHub) -> None:
    admin = hub.client()
    scoped = hub.client(ApiKey=hub.admin_key, ProjectUid=project(hub))
    registries = scoped.get(protocol.REGISTRIES_METADATA).json()["items"]
    uid = next(item["uid"] for item in registries if item["isDefault"])
    query: dict[str, str | int] = {"filters": "spec.name=edge-k8sANDspec.version=1.36.3", "limit": 50}
    (pack,) = scoped.get(protocol.PACKS, params=query).json()["items"]
    assert pack["spec"]["registryUid"] == uid and "clusterConfiguration" in pack["spec"]["values"]
    either = {"filters": "spec.version=1.36.3ORspec.version=1.35.4"}
    assert len(scoped.get(protocol.PACKS, params=either).json()["items"]) == 2
    assert scoped.get(f"/v1/registries/pack/{uid}/sync/status").json()["isSyncSupported"] is False
    versions = scoped.get(f"/v1/packs/edge-k8s/registries/{uid}", params={"cloudType": "all"}).json()
    assert {tag["version"]: tag["packUid"] for tag in versions["tags"]}["1.36.3"] == pack["metadata"]["uid"]
    assert versions["tags"][0]["parentTags"] == ["1.36.x", "1.x"]
    read = scoped.get(f"/v1/packs/{pack['metadata']['uid']}").json()
    assert read["registryUid"] == uid and read["packValues"][0]["values"] == pack["spec"]["values"]
    assert scoped.get(f"/v1/packs/{pack['metadata']['uid']}/readme").json()["readme"].startswith("# Kubernetes")
    assert admin.get(f"/v1/packs/{'0' * 24}").status_code == 404
    assert scoped.get("/v1/packs/nobody/registries/" + uid).status_code == 404


def search(client: httpx.Client, **spec: Any) -> list[str]:
    sort = spec.pop("sort", [])
    answer = client.post(protocol.PACKS_SEARCH, params={"limit": 50}, json={"filter": spec, "sort": sort})
    assert answer.status_code == 200, answer.text
    return [item["spec"]["name"] for item in answer.json()["items"]]


def test_packs_are_searched(hub: RunningHub) -> None:
    admin = hub.client()
    shipped = sorted({pack.name for pack in catalogue.packs()})
    assert search(admin, registryUid=[BUILTIN], type=["spectro"], source=["edgewright"]) == shipped
    assert search(admin, layer=["cni"], registryUid=[BUILTIN]) == ["cni-cilium", "cni-flannel"]
    assert search(admin, layer=["csi"], sort=[{"field": "name", "order": "desc"}]) == ["csi-longhorn", "csi-local-path"]
    assert search(admin, displayName={"contains": "VIRT"}) == ["kubevirt"]
    assert search(admin, displayName={"contains": "VIRT", "ignoreCase": False}) == []
    assert search(admin, name={"beginsWith": "edge-k"}) == ["edge-k3s", "edge-k8s"]
    assert search(admin, addOnType=["ingress"]) == ["traefik"]
    assert search(admin, environment=["aws"], registryUid=[BUILTIN]) == []
    assert search(admin, isFips=True) == []
    body = admin.post(protocol.PACKS_SEARCH, json={"filter": {"name": {"eq": "edge-k8s"}}}).json()
    (registry,) = body["items"][0]["spec"]["registries"]
    assert registry["latestVersion"] == "1.36.3" and body["listmeta"]["count"] == 1
    page = admin.get(protocol.PACKS, params={"limit": 5}).json()
    assert len(page["items"]) == 5 and page["listmeta"]["continue"]


def test_marks_images_and_references_are_shown(hub: RunningHub) -> None:
    items = hub.client().get(protocol.PACKS, params={"filters": "spec.name=kubevirt"}).json()["items"]
    ours = items[0]["spec"]["edgewright"]
    assert ours["mark"].startswith("not deployed here") and "quay.io/kubevirt/virt-api:v1.9.0" in ours["images"]
    assert ours["upstream"]["pinnedBy"] == "version" and ours["upstream"]["digest"] == ""


def test_a_pack_is_imported_read_and_deleted(hub: RunningHub) -> None:
    admin = hub.client()
    made = imported(admin, "imported")
    assert made.status_code == 201, made.text
    uid = made.json()["uid"]
    shown = admin.get(f"{protocol.OWN_PACKS}/{uid}").json()
    ours = shown["spec"]["edgewright"]
    assert ours["fetched"] and ours["images"] == ["registry.example/other:2", "registry.example/app:1"]
    assert ours["readme"] == "# Demo\n" and "registry.example/other:2" in shown["spec"]["values"]
    for data in (chart_archive(), MANIFEST):  # content is a blob by its digest
        assert admin.get(f"{protocol.BLOBS}/{digest(data).removeprefix('sha256:')}").content == data
    again = imported(admin, "imported")
    assert (again.status_code, again.json()["code"]) == (409, "DuplicatePack")
    assert admin.get(f"/v1/packs/{uid}").json()["packValues"][0]["values"] == shown["spec"]["values"]
    assert admin.delete(f"{protocol.OWN_PACKS}/{uid}").status_code == 204
    assert admin.get(f"/v1/packs/{uid}").status_code == 404
    builtin = catalogue.uid(BUILTIN, "podinfo", "6.9.2")
    assert admin.delete(f"{protocol.OWN_PACKS}/{builtin}").status_code == 422


@pytest.mark.parametrize(
    "data, code",
    [
        (b"no archive", "InvalidArchive"),
        (archive.pack({"x": b""}), "NoPack"),
        (archive.pack(pack_files({"name": "x"})), "InvalidPack"),
        (archive.pack(pack_files(values_yaml=b"a: [\n")), "InvalidYaml"),
    ],
)
def test_an_import_that_is_refused_stores_nothing(hub: RunningHub, data: bytes, code: str) -> None:
    admin = hub.client()
    before = admin.get(protocol.PACKS, params={"limit": 1}).json()["listmeta"]["count"]
    answer = admin.post(protocol.OWN_PACKS, json={"blob": upload(admin, data)})
    assert answer.status_code in (404, 422) and answer.json()["code"] == code, answer.text
    assert admin.get(protocol.PACKS, params={"limit": 1}).json()["listmeta"]["count"] == before
    missing = admin.post(protocol.OWN_PACKS, json={"blob": "0" * 64})
    assert missing.status_code == 404


def test_what_is_shipped_is_not_imported_over(hub: RunningHub) -> None:
    shipped = {**DOCUMENT, "name": "podinfo", "version": "6.9.2"}
    admin = hub.client()
    answer = admin.post(protocol.OWN_PACKS, json={"blob": upload(admin, archive.pack(pack_files(shipped)))})
    assert (answer.status_code, answer.json()["code"]) == (409, "DuplicatePack")


def test_a_chart_is_fetched_when_it_is_used(hub: RunningHub, serve: Serve) -> None:
    admin, broken = hub.client(), list[bool]()
    server = helm_server(serve, broken)
    registry, _ = added(admin, helm_body(server.host))
    query = {"filters": f"spec.registryUid={registry}"}
    listed = admin.get(protocol.PACKS, params=query).json()["items"]
    assert [item["spec"]["version"] for item in listed] == ["1.3.0-rc.1", "1.2.3", "1.2.0"]
    assert not listed[1]["spec"]["edgewright"]["fetched"] and listed[1]["spec"]["values"] == ""
    uid, requests = listed[1]["metadata"]["uid"], len(server.requests)
    read = admin.get(f"/v1/packs/{uid}").json()
    assert "replicas: 1" in read["packValues"][0]["values"] and len(server.requests) == requests + 1
    admin.get(f"/v1/packs/{uid}")
    assert len(server.requests) == requests + 1  # once
    stored = admin.get(protocol.PACKS, params=query).json()["items"][1]["spec"]["edgewright"]
    assert stored["fetched"] and stored["charts"][0]["digest"] == digest(chart_archive())
    wrong = admin.get(f"/v1/packs/{listed[2]['metadata']['uid']}")  # the archive is another version
    assert wrong.status_code == 422 and "contains demo 1.2.3" in wrong.text
    broken.append(True)
    failed = admin.get(f"/v1/packs/{listed[0]['metadata']['uid']}")
    assert failed.status_code == 502 and "broke the connection off" in failed.text
    admin.delete(f"/v1/registries/{registry}")
    assert admin.get(f"/v1/packs/{uid}").status_code == 404


def test_a_pack_at_a_registry_is_fetched_by_name(hub: RunningHub) -> None:
    admin, fake = hub.client(), FakeRegistry()
    document = {**DOCUMENT, "name": "demo-pack"}
    try:
        push(fake, "team/demo-pack", archive.pack(pack_files(document)), "application/x-tar", "x/y", "d.tgz")
        registry, state = added(admin, oci_body(fake.host, basePath="team"), protocol.OCI_REGISTRIES)
        assert state["message"] == "It lists nothing; import packs by name."  # this registry has no catalogue
        body = {"registryUid": registry, "name": "demo-pack", "version": "2.0.0"}
        made = admin.post(protocol.OWN_PACKS, json=body)
        assert made.status_code == 201, made.text
        assert admin.get(f"/v1/packs/{made.json()['uid']}").json()["registryUid"] == registry
        missing = admin.post(protocol.OWN_PACKS, json={**body, "version": "9.9.9"})
        assert missing.status_code == 404 and "manifest" in missing.text
    finally:
        fake.close()


async def test_the_digest_of_an_upstream_is_recorded_at_the_first_fetch(
    inside: Any, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    server = helm_server(serve)
    podinfo = next(pack for pack in catalogue.packs() if pack.name == "podinfo")
    source = Upstream("helm", f"http://{server.host}/repo", "demo", "1.2.3")
    changed = [
        pack if pack is not podinfo else type(pack)(**{**vars(pack), "upstream": source}) for pack in catalogue.packs()
    ]
    monkeypatch.setattr(catalogue, "packs", lambda: tuple(changed))
    monkeypatch.setattr(fetching, "public_only", lambda address: "")
    hub.part(PackIndex).__init__([], [])
    uid = catalogue.uid(BUILTIN, "podinfo", podinfo.version)
    fetched = (await admin.post(f"{protocol.OWN_PACKS}/{uid}/content")).json()
    upstream = fetched["spec"]["edgewright"]["upstream"]
    assert upstream["digest"] == digest(chart_archive()) and upstream["pinnedBy"] == "digest"
    assert fetched["spec"]["values"] == podinfo.values
    pack = await use.complete(hub, "podinfo", podinfo.version)
    assert pack.values == podinfo.values and pack.charts[0].digest == digest(chart_archive())
    again = await admin.post(f"{protocol.OWN_PACKS}/{uid}/content")
    assert again.json() == fetched
    images = await admin.post(f"{protocol.OWN_PACKS}/{catalogue.uid(BUILTIN, 'edge-k8s', '1.36.3')}/content")
    assert (images.status_code, images.json()["code"]) == (422, "NothingToFetch")


def test_packs_belong_to_the_tenant(hub: RunningHub) -> None:
    member = person(hub, "", {project(hub): OPERATOR})
    viewer, operator = person(hub, VIEWER), person(hub, OPERATOR)
    uid = imported(hub.client(), "of-the-tenant").json()["uid"]
    for each in (member, viewer, operator):
        assert each.client.get(f"/v1/packs/{uid}").status_code == 200
        assert each.client.post(protocol.OWN_PACKS, json={"blob": "0" * 64}).status_code == 403
        assert each.client.delete(f"{protocol.OWN_PACKS}/{uid}").status_code == 403


async def test_the_number_of_packs_is_bounded(inside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, admin = inside
    monkeypatch.setattr(index, "MOST_PACKS", 1)
    codes = []
    for name in ("one", "two"):
        data = archive.pack(pack_files({**DOCUMENT, "name": name}))
        blob = hashlib.sha256(data).hexdigest()
        await admin.put(f"{protocol.BLOBS}/{blob}", content=data)
        codes.append((await admin.post(protocol.OWN_PACKS, json={"blob": blob})).status_code)
    assert codes == [201, 409]


def test_many_listed_packs_do_not_occupy_the_event_loop() -> None:
    listed = [index.Listed(f"chart-{number % 500:03d}", f"1.{number // 500}.0", "helm") for number in range(5_000)]
    registries = [
        tables.RegistryRecord(
            f"{number:024x}",
            f"r{number}",
            "helm",
            "",
            "{}",
            "",
            index.content_text(listed),
            "",
            "",
            None,
            None,
            0.0,
            0.0,
        )
        for number in range(5)
    ]
    made = PackIndex(registries, [])
    assert len(made.views) == index.MOST_LISTED and made.names_of(registries[0].uid) == 500
    began = time.process_time()
    made.put_registry(msgspec.structs.replace(registries[0], content=index.content_text(listed[:4_999])))
    assert len(made.views) == index.MOST_LISTED
    rebuilt = time.process_time() - began
    began = time.process_time()
    assert len(searched(made, {"filter": {"name": {"contains": "chart-00"}}})) == 10
    assert time.process_time() - began < 0.5 and rebuilt < 0.7  # 0.01 s and 0.09 s measured


async def test_p99_the_content_of_a_pack_stays_as_long_as_the_pack(inside: Any) -> None:
    hub, admin = inside
    data = archive.pack(pack_files())
    blob = hashlib.sha256(data).hexdigest()
    await admin.put(f"{protocol.BLOBS}/{blob}", content=data)
    uid = (await admin.post(protocol.OWN_PACKS, json={"blob": blob})).json()["uid"]
    content = {digest(each).removeprefix("sha256:") for each in (chart_archive(), MANIFEST)}

    async def stored() -> set[str]:
        items = (await admin.get(protocol.BLOBS)).json()["items"]
        return {item["digest"] for item in items}

    assert await stored() == {blob, *content}
    later = times.now() + 3 * retention.GRACE
    await retention.prune(hub, later)
    assert await stored() == content  # the archive that was sent is named by nothing
    assert (await admin.delete(f"{protocol.OWN_PACKS}/{uid}")).status_code == 204
    await retention.prune(hub, later + 3 * retention.GRACE)
    assert await stored() == set()
