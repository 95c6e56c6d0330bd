"""A host leaves a cluster: nothing foreign is touched, and what the leader waits for shows at once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.kube import leader, leading, own_node, release, tokens
from edgewright.agent.clusters.kube.etcd import EtcdMember
from edgewright.core.clusters import model, quorum
from edgewright.core.clusters.grants import Grant
from edgewright.core.errors import Failed, Refused
from tests.agent.clusters.support import FakeHost, cluster, context


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "host")


def test_a_control_plane_of_a_deleted_cluster_leaves_etcd_itself_but_not_as_the_last_one(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    listed = [
        EtcdMember(7, "n1", ["https://10.0.0.11:2380"], False),
        EtcdMember(8, "n2", ["https://10.0.0.12:2380"], False),
    ]

    class Fake:
        def delete(self, path: str) -> bool:
            done.append(path)
            return True

        def members(self) -> list[EtcdMember]:
            return listed

        def remove(self, member: int) -> None:
            done.append(f"etcd {member}")

    monkeypatch.setattr(release, "admin", lambda host: Fake())
    monkeypatch.setattr(release, "answering", lambda work: (Fake(), 8))
    release.Delete().take_leave(context(host, cluster(2)))
    assert done == [], "a host that never formed or joined asks nobody"
    host.write(paths.ADMIN_CONF, b"x")
    release.Delete().take_leave(context(host, cluster(2)))
    assert done == ["/api/v1/nodes/n1", "etcd 7"] and host.ran("systemctl", "stop", paths.KUBELET_UNIT)
    listed.pop()
    release.Delete().take_leave(context(host, cluster(2)))
    assert done[2:] == ["/api/v1/nodes/n1"]
    release.Release().take_leave(context(host, cluster(2)))
    assert len(done) == 3, "of a cluster that stays, survivors remove the member, by the guard"


def test_a_released_host_reports_its_node_as_not_ready_and_nothing_depends_on_it(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []

    class Fake:
        def send(self, *arguments: Any) -> None:
            sent.append(arguments)
            if len(sent) > 1:
                raise Failed("The API does not answer.")

    asked: list[Any] = []

    def api(*arguments: Any) -> Fake:
        asked.append(arguments[1:])
        return Fake()

    monkeypatch.setattr(own_node, "admin", api)
    monkeypatch.setattr(own_node, "kubelet_api", api)
    work = context(host, cluster(2))
    release.Release().take_leave(work)
    assert sent == [] and not host.commands, "a host that never joined"
    host.write(paths.KUBELET_CONF, b"x")
    release.Release().take_leave(work)
    ((method, path, body, kind),) = sent
    assert (method, path, kind) == ("PATCH", "/api/v1/nodes/n1/status", "application/strategic-merge-patch+json")
    assert body["status"]["conditions"][0]["status"] == "False" and asked == [()]
    assert host.ran("systemctl", "stop", paths.KUBELET_UNIT), "a kubelet that runs would report the opposite"
    host.write(paths.ADMIN_CONF, b"x")
    release.Release().take_leave(work)
    assert asked[1:] == [("10.0.0.100", 6443)], "its own API server does not answer without etcd"
    assert "left to the leader" in host.logged[-1]


def test_a_release_never_touches_a_host_of_another_cluster(host: FakeHost) -> None:
    host.write(paths.OWNER, json.dumps({"uid": "other"}).encode())
    with pytest.raises(Refused, match="belongs to the cluster other"):
        release.Release().act(context(host))
    assert host.commands == [] and host.has(paths.OWNER)


@pytest.mark.parametrize(
    ("looks", "there", "seconds", "drained"),
    [
        ([True], True, 300, False),
        ([False], True, leading.BROKEN, True),
        ([True, True, False], True, 3 * leading.BROKEN, True),  # it counted as ready when the drain began
        ([False], False, 300, False),
        ([True], True, 840, False),  # its pool has more: the step has a limit, which is no reason that helps
    ],
)
def test_the_pods_of_a_broken_node_are_not_waited_for_when_its_host_is_there(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, looks: list[bool], there: bool, seconds: int, drained: bool
) -> None:
    merged: list[Any] = []
    left = [{"status": {"conditions": [{"type": "Ready", "status": str(ready)}]}} for ready in [looks[0], *looks]]
    other = {"metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}

    class Fake:
        def maybe(self, path: str) -> Any:
            return left.pop(0) if len(left) > 1 else left[0]

        def items(self, path: str) -> list[Any]:
            return [other]

        def merge(self, path: str, body: Any) -> None:
            merged.append(body)

    pool = model.Pool("cp", drain=model.Drain(timeout_seconds=300 if seconds <= 300 else 3600))
    document = cluster(2, pools=(pool,))
    leaving = dataclasses.replace(document.members[1], state="absent", release_id="r1")
    work = context(host, dataclasses.replace(document, members=(document.members[0], leaving)), argument="host-2")
    monkeypatch.setattr(leading, "admin", lambda host: Fake())
    monkeypatch.setattr(leading, "question", lambda work, address, member: {} if there else None)

    def kubectl(command: Sequence[str]) -> Ended | None:
        """Pods do not end: a drain takes all of its time."""
        if "drain" not in command:
            return None
        host.time += float(command[-1].removeprefix("--timeout=").removesuffix("s"))
        return Ended(1, "")

    host.answers.append(kubectl)
    began = host.time
    if drained:
        leading.Drain().act(work)
        assert "its pods end when that host resets itself" in host.logged[-1]
    else:
        with pytest.raises(Failed, match=f"n2 cannot be drained within {seconds} s"):
            leading.Drain().act(work)
    assert host.time - began == seconds and merged[0] == {"spec": {"unschedulable": True}}
    assert ({"metadata": {"annotations": {leader.RELEASE: "r1"}}} in merged) is drained


def test_a_kubectl_that_fails_at_once_is_no_pod_that_hinders(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = {"metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}

    class Fake:
        def maybe(self, path: str) -> Any:
            return ready

        def items(self, path: str) -> list[Any]:
            return [ready]

        def merge(self, path: str, body: Any) -> None:
            assert "metadata" not in body, "it is not drained"

    document = cluster(2)
    leaving = dataclasses.replace(document.members[1], state="absent", release_id="r1")
    work = context(host, dataclasses.replace(document, members=(document.members[0], leaving)), argument="host-2")
    monkeypatch.setattr(leading, "admin", lambda host: Fake())

    def kubectl(command: Sequence[str]) -> Ended | None:
        host.time += 2.0 if "drain" in command else 0.0
        return Ended(1, "") if "drain" in command else None

    host.answers.append(kubectl)
    with pytest.raises(Failed, match="kubectl could not drain n2: it ended after 2 s"):
        leading.Drain().act(work)


@pytest.mark.parametrize(
    "case", ["ready", "registered", "starts", "old node", "not healthy", "learner", "past its limit"]
)
def test_a_grant_ends_with_a_record_when_etcd_api_and_kubelet_have_the_host_and_without_its_learner_else(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Its Node need not be ready; one that was there before the grant has to be."""
    done: list[str] = []
    learner = case in ("learner", "past its limit")
    seen = [quorum.EtcdMember("7", "n1", True, True)]
    seen.append(quorum.EtcdMember("8", "n2", not learner, not learner and case != "not healthy"))
    before = "" if case != "old node" else "uid"
    grant = Grant("host-2", "join", "", 600.0, 601.0 if case == "past its limit" else 1.0, before)

    class Fake:
        def maybe(self, path: str) -> Any:
            state = "True" if case == "ready" else "False"
            return {"metadata": {"uid": "uid"}, "status": {"conditions": [{"type": "Ready", "status": state}]}}

        def merge(self, path: str, body: Any) -> None:
            done.append(f"labels of {path.rpartition('/')[2]}")

        def members(self) -> list[EtcdMember]:
            return [EtcdMember(8, "n2", ["https://10.0.0.12:2380"], learner)]

        def remove(self, member: int) -> None:
            done.append(f"removed {member}")

    class Server(Fake):
        def text(self, path: str, timeout: float) -> tuple[int, str]:
            return 500 if case == "starts" else 200, path

    monkeypatch.setattr(leading, "admin", lambda host: Fake())
    monkeypatch.setattr(leading, "Etcd", lambda host: Fake())
    monkeypatch.setattr(leading, "members_with_health", lambda work: tuple(seen))
    monkeypatch.setattr(leader, "admin", lambda host, address: Server() if address == "10.0.0.12" else None)
    monkeypatch.setattr(leader, "read", lambda work, api: leader.View(None, grant, "", {}))
    monkeypatch.setattr(leader, "note_joined", lambda api, change: done.append("recorded"))
    monkeypatch.setattr(leader, "set_grant", lambda work, api, grant, last="": done.append(f"ended {last}"))
    monkeypatch.setattr(tokens, "withdraw", lambda work, api, uid: done.append(f"withdrawn {uid}"))
    work = context(host, cluster(2), argument="host-2")
    if case in ("ready", "registered"):
        leading.EndGrant().act(work)
        assert done == ["withdrawn host-2", "labels of n2", "recorded", "ended "]
    elif case == "past its limit":
        leading.EndGrant().act(work)
        assert done == ["removed 8", "withdrawn host-2", "ended host-2"]
    else:
        with pytest.raises(Failed, match="n2 has not joined yet"):
            leading.EndGrant().act(work)
        assert done == [], "what the host needs to join stays"
