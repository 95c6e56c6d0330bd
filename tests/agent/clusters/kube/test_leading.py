"""Duties of the leader as they run: admit a host, remove a member of etcd, remove a Node, over an API that stores."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.kube import leader, leading, tokens
from edgewright.agent.clusters.kube.api import MERGE, Api
from edgewright.agent.clusters.kube.etcd import EtcdMember
from edgewright.core.clusters import grants, model, quorum
from edgewright.core.clusters.grants import Grant
from edgewright.core.errors import Conflict, Failed, NotFound, Refused
from tests.agent.clusters.support import FakeHost, cluster, context

LEASE = {"metadata": {"name": "edgewright-leader", "annotations": {}}, "spec": {"holderIdentity": "host-1"}}
NODES = "/api/v1/nodes"


class Stored(Api):
    """Objects by path, as the API stores them; a replaced object must be the one that was read."""

    def __init__(self, **objects: Mapping[str, Any]) -> None:
        self._open, self.version = None, 0
        self.objects: dict[str, dict[str, Any]] = {}
        self.put_in(leader.LEASE, LEASE)
        for name, node in objects.items():
            self.put_in(f"{NODES}/{name}", {"metadata": {"name": name, **node}})

    def put_in(self, path: str, body: Mapping[str, Any]) -> None:
        self.version += 1
        self.objects[path] = copy.deepcopy({**body})
        self.objects[path].setdefault("metadata", {})["resourceVersion"] = str(self.version)

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "") -> dict[str, Any]:
        path, _, query = path.partition("?")
        if method == "POST":
            assert body is not None
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                raise Conflict(f"{path} is there already.", "Read it.")
            self.put_in(path, body)
        elif method == "GET" and query:
            return {"items": [item for name, item in self.objects.items() if name.startswith(f"{path}/")]}
        elif path not in self.objects:
            raise NotFound(f"{path} is not there.", "")
        elif method == "DELETE":
            return self.objects.pop(path)
        elif method == "PUT":
            assert body is not None
            if body["metadata"]["resourceVersion"] != self.objects[path]["metadata"]["resourceVersion"]:
                raise Conflict(f"{path} was changed.", "Read it again.")
            self.put_in(path, body)
        elif method == "PATCH":
            assert body is not None and kind == MERGE
            changed = {**self.objects[path]["metadata"], **body.get("metadata", {})}
            self.put_in(path, {**self.objects[path], **body, "metadata": changed})
        return copy.deepcopy(self.objects[path])

    @property
    def grant(self) -> Grant | None:
        return grants.read_grant(self.objects[leader.LEASE]["metadata"]["annotations"].get(grants.ANNOTATION, ""))


class Members:
    """etcd of three control planes, the third of which leads."""

    def __init__(self, *names: str) -> None:
        self.names, self.head, self.done = list(names), 3, list[str]()

    def members(self) -> list[EtcdMember]:
        return [EtcdMember(int(n[1:]), n, [f"https://10.0.0.1{n[1:]}:2380"], False) for n in self.names]

    def health(self, work: object) -> tuple[quorum.EtcdMember, ...]:
        return tuple(quorum.EtcdMember(n[1:], n, True, True) for n in self.names)

    def leader(self) -> int:
        return self.head

    def me(self) -> int:
        return 1

    def move_leader(self, member: int) -> None:
        self.head = member
        self.done.append(f"{member} leads")

    def remove(self, member: int) -> None:
        self.names.remove(f"n{member}")
        self.done.append(f"removed {member}")


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "host")


def stand(monkeypatch: pytest.MonkeyPatch, api: Stored, etcd: Members) -> None:
    monkeypatch.setattr(leading, "admin", lambda host: api)
    monkeypatch.setattr(leading, "Etcd", lambda *host: etcd)
    monkeypatch.setattr(leading, "members_with_health", etcd.health)


def uploads(host: FakeHost, api: Stored) -> None:
    """Let `kubeadm init phase upload-certs` store what it stores: the certificates, and a token that owns them."""

    def kubeadm(command: Any) -> Ended | None:
        if "upload-certs" not in command:
            return None
        assert json.loads(host.text(command[-1]).partition("\n---\n")[0])["certificateKey"]
        api.put_in(tokens.CERTIFICATES, {"metadata": {"name": "kubeadm-certs", "ownerReferences": [{}]}})
        about = {"description": "UHJveHkgZm9yIG1hbmFnaW5nIFRUTCBmb3IgdGhlIGt1YmVhZG0tY2VydHMgc2VjcmV0"}
        api.put_in(
            f"{tokens.SECRETS}/bootstrap-token-owner", {"metadata": {"name": "bootstrap-token-owner"}, "data": about}
        )
        return Ended(0, "")

    host.answers.append(kubeadm)


@pytest.mark.parametrize("before", ["", "old"], ids=["new host", "its Node is there"])
def test_a_control_plane_is_admitted_with_grant_token_and_certificates(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    api = Stored(**({"n2": {"uid": before}} if before else {}))
    stand(monkeypatch, api, Members("n1"))
    uploads(host, api)
    work = context(host, cluster(3), argument="host-2")
    leading.ServeJoin().act(work)
    assert api.grant is not None and (api.grant.host_uid, api.grant.action) == ("host-2", grants.JOIN)
    assert api.grant.node == before, "what is there before shows nothing of the join"
    assert tokens.served(work, api) == {"host-2"}
    secrets = [name.rpartition("/")[2] for name in api.objects if name.startswith(f"{tokens.SECRETS}/")]
    assert "bootstrap-token-owner" not in secrets and len(secrets) == 2
    assert not host.has(f"{paths.KUBEADM}/upload.json"), "the key of the certificates does not stay"
    leading.ServeJoin().act(work)
    assert tokens.served(work, api) == {"host-2"}, "it may be repeated"
    with pytest.raises(Failed, match="host-2 has the grant"):
        leading.ServeJoin().act(context(host, cluster(3), argument="host-3"))


def test_the_guard_refuses_a_join_before_anything_is_written(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    api, etcd = Stored(), Members("n1", "n2")
    stand(monkeypatch, api, etcd)
    down = (etcd.health(None)[0], etcd.health(None)[1]._replace(healthy=False))
    monkeypatch.setattr(leading, "members_with_health", lambda work: down)
    with pytest.raises(Failed, match="n3 cannot join now: etcd has no quorum: 1 of 2"):
        leading.ServeJoin().act(context(host, cluster(3), argument="host-3"))
    assert api.grant is None and list(api.objects) == [leader.LEASE]


def test_a_worker_is_admitted_without_a_grant(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Stored()
    stand(monkeypatch, api, Members("n1"))
    work = context(host, cluster(1, 1), argument="host-2")
    leading.ServeJoin().act(work)
    assert api.grant is None and tokens.served(work, api) == {"host-2"} and not host.commands


def leaving(*numbers: int) -> model.ClusterDocument:
    document = cluster(3)
    gone = {f"host-{number}" for number in numbers}
    members = [
        dataclasses.replace(member, state=model.ABSENT, release_id="r1") if member.host_uid in gone else member
        for member in document.members
    ]
    return dataclasses.replace(document, members=tuple(members))


def test_a_member_is_removed_with_a_grant_that_ends_and_another_one_leads_first(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Stored()
    given: list[Grant | None] = []

    class Watched(Members):
        def remove(self, member: int) -> None:
            given.append(api.grant)
            super().remove(member)

    etcd = Watched("n1", "n2", "n3")
    stand(monkeypatch, api, etcd)
    work = context(host, leaving(3), argument="host-3")
    leading.RemoveMember().act(work)
    assert etcd.done == ["1 leads", "removed 3"] and api.grant is None
    assert given[0] is not None and (given[0].host_uid, given[0].action) == ("host-3", grants.REMOVE)
    leading.RemoveMember().act(work)
    assert etcd.done == ["1 leads", "removed 3"], "etcd does not list it any more: nothing is left to do"


def test_the_guard_and_an_open_grant_refuse_a_removal(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    api, etcd = Stored(), Members("n1", "n2", "n3")
    stand(monkeypatch, api, etcd)
    down = tuple(member._replace(healthy=member.name == "n1") for member in etcd.health(None))
    monkeypatch.setattr(leading, "members_with_health", lambda work: down)
    with pytest.raises(Refused, match="n3 stays in etcd: etcd has no quorum: 1 of 3"):
        leading.RemoveMember().act(context(host, leaving(3), argument="host-3"))
    monkeypatch.setattr(leading, "members_with_health", etcd.health)
    leader.set_grant(context(host), api, Grant("host-2", grants.JOIN, "", 600.0))
    with pytest.raises(Failed, match="host-2 has the grant"):
        leading.RemoveMember().act(context(host, leaving(3), argument="host-3"))
    assert etcd.done == [] and api.grant is not None and api.grant.host_uid == "host-2"


@pytest.mark.parametrize("listed", [True, False], ids=["in the document", "dropped by the document"])
def test_a_node_is_removed_with_its_token_and_its_record(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    api = Stored(n1={"uid": "1"}, n2={"uid": "2"}, n3={"uid": "3"})
    stand(monkeypatch, api, Members("n1", "n2", "n3"))
    uploads(host, api)
    leader.note_joined(api, lambda known: known.update({"host-1": 1, "host-2": 1, "host-3": 1}))
    leading.ServeJoin().act(context(host, cluster(3), argument="host-3"))
    leader.set_grant(context(host), api, None)
    work = context(host, leaving(3) if listed else cluster(2), argument="host-3")
    if not listed:
        work.node = "n3"
    leading.RemoveNode().act(work)
    assert [name for name in api.objects if name.startswith(NODES)] == [f"{NODES}/n1", f"{NODES}/n2"]
    assert not tokens.served(context(host, cluster(3)), api)
    assert leader.read(work, api).joined == {"host-1": 1, "host-2": 1}
    leading.RemoveNode().act(work)
    assert f"{NODES}/n2" in api.objects, "a second time changes nothing"
