"""The link of a host in a cluster, against a real hub over TLS: document, secrets, content, reports (P100 to P104)."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters.slices import FOLDER, read_part, store_part
from edgewright.agent.kernel.agent_log import AgentLog
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane import clusters, tls
from edgewright.agent.plane.client import Client, parse_endpoint
from edgewright.agent.plane.clusters import GIVE_AGAIN, KUBECONFIGS, REPORT, ClusterLink
from edgewright.agent.plane.plane import Plane
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.handover import Handover
from edgewright.core import times
from edgewright.core.clusters.document import as_json, read, sealed
from edgewright.core.clusters.model import HostSettings
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.plane import CANARY, Site
from tests.hub_fixture import RunningHub, running_hub


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub() as running:
        yield running


@pytest.fixture(scope="module")
def site(hub: RunningHub) -> Site:
    return Site(hub, 2)


@pytest.fixture(scope="module")
def uid(site: Site) -> str:
    return site.create(controls=1, workers=1)


class Host:
    """The link of one registered host, with a data folder and a reconciler that is not started."""

    def __init__(self, site: Site, name: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Handover, "start_child", lambda self: None)
        client = Client(parse_endpoint(site.hub.url), tls.make_context(str(site.hub.ca)))
        self.plane = Plane(client, name)
        self.plane.credential = site.agents[name].headers["Authorization"]
        self.data, self.name, self.calls = data, name, []  # type: Path, str, list[str]
        self.folder = StateFolder(str(data), AgentLog())
        self.folder.open()
        self.handover = Handover(str(data))
        self.link = ClusterLink(str(data), self.folder, self.handover, AgentLog())
        own = self.plane._own

        def noted(method: str, template: str, *rest: Any, **names: Any) -> Any:
            self.calls.append(f"{method} {template.rpartition('/')[2]}")
            return own(method, template, *rest, **names)

        monkeypatch.setattr(self.plane, "_own", noted)

    def offered(self) -> dict[str, Any]:
        config = self.plane.config(protocol.generations.Position("", 0)) or {}
        self.calls.clear()
        cluster: dict[str, Any] = config["edgewright"]["cluster"]
        return cluster

    def look(self) -> list[str]:
        """Look once; returns the calls that were made."""
        self.link.look(self.plane, self.offered())
        return self.calls


@pytest.fixture
def control(site: Site, uid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    host = Host(site, site.hosts[0], tmp_path / "control", monkeypatch)
    yield host
    host.folder.close()


@pytest.fixture
def worker(site: Site, uid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    host = Host(site, site.hosts[1], tmp_path / "worker", monkeypatch)
    yield host
    host.folder.close()


def test_a_document_is_fetched_once_with_secrets_that_only_root_reads(control: Host, uid: str) -> None:
    assert control.look() == ["GET desired"]
    stored = control.handover.store.get(uid)
    assert stored is not None and stored.kind == "cluster"
    assert read(stored.document).digest == stored.digest
    path = control.data / FOLDER / f"{uid}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_part(str(control.data), uid).sealed.cluster_secret
    assert exchange.WAKE in exchange.names(str(control.data / exchange.REQUESTS))
    assert control.look() == []
    sealed = read_part(str(control.data), uid).sealed
    files = [file for file in control.data.rglob("*") if file.is_file()]
    for secret in (CANARY, sealed.cluster_secret):  # neither in the document, nor in a journal, state file or report
        assert [file for file in files if secret.encode() in file.read_bytes()] == [path]
    path.unlink()  # a slice that was lost is fetched again although the document is here
    assert control.look() == ["GET desired"] and path.exists()


def test_control_planes_want_content_of_layers_without_secrets(control: Host, worker: Host, uid: str) -> None:
    control.look()
    worker.look()
    stored = control.handover.store.get(uid)
    assert stored is not None
    layers = read(stored.document).layers
    masked = read_part(str(control.data), uid).sealed.masked_values
    assert [CANARY in text for text in masked.values()] == [True]
    wanted = control.link.digests(control.name)
    assert wanted == {digest for layer in layers for digest in layer.content} - set(masked) and wanted
    assert worker.link.digests(worker.name) == set()
    assert CANARY not in (worker.data / FOLDER / f"{uid}.json").read_text()


def test_reports_are_sent_once_and_again_when_they_change(control: Host, site: Site, uid: str) -> None:
    control.look()
    node = read(control.handover.store.get(uid).document).members[0].node_name  # type: ignore[union-attr]
    run = exchange.run_folder(str(control.data))
    body = {
        "host": {"vip": {"held": True}},
        "cluster": {"leaseTransitions": 1, "nodes": [{"name": node, "ready": True}]},
    }
    exchange.put(run, REPORT + uid, body)
    assert control.look() == ["PUT host", "PUT observed"]
    assert control.look() == []
    body["host"] = {"vip": {"held": False}}
    exchange.put(run, REPORT + uid, body)
    assert control.look() == ["PUT host"]
    assert ClusterLink(str(control.data), control.folder, control.handover, AgentLog())._sent  # after a restart too


def test_kubeconfigs_are_handed_over_once(control: Host, site: Site, uid: str) -> None:
    control.look()
    exchange.put(str(control.data / KUBECONFIGS), uid, {"made": 1.0, "client": "apiVersion: v1\n# c", "admin": "# a"})
    assert control.look()[-1:] == ["PUT kubeconfigs"]
    assert "PUT kubeconfigs" not in control.look()
    answer = site.admin.get(protocol.path(wire.KUBECONFIG_CLIENT, uid=uid))
    assert answer.status_code == 200 and answer.text == "apiVersion: v1\n# c"


def test_a_host_outside_of_a_cluster_is_refused_and_continues(site: Site, uid: str, control: Host) -> None:
    other = Site(site.hub, 1)
    control.plane.credential = other.agents[other.hosts[0]].headers["Authorization"]
    control.plane.uid = other.hosts[0]
    control.link.look(control.plane, {"uid": uid, "lineage": "", "generation": 9, "digest": ""})
    assert control.handover.store.documents() == []


def test_an_offer_that_cannot_be_one_asks_nothing(control: Host) -> None:
    for offered in ({}, {"uid": 3, "generation": 1, "lineage": ""}, {"uid": "x", "generation": "1", "lineage": ""}):
        control.link.look(control.plane, offered)
    assert control.calls == [] and not os.path.exists(control.data / FOLDER)


def test_a_report_that_the_plane_refused_is_sent_again_later_with_the_reason_in_the_log(
    control: Host, site: Site, uid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.look()
    stream = io.StringIO()
    link = ClusterLink(str(control.data), control.folder, control.handover, AgentLog(stream))
    exchange.put(exchange.run_folder(str(control.data)), REPORT + uid, {"host": {"released": "not-its-release"}})
    now = times.now()
    calls = []
    for after in (0.0, 100.0, clusters.REPEAT + 1, 2 * clusters.REPEAT, 3 * clusters.REPEAT + 2):
        monkeypatch.setattr(times, "now", lambda at=now + after: at)
        control.calls.clear()
        link.look(control.plane, None)
        calls.append(list(control.calls))
    assert calls == [["PUT host"], [], ["PUT host"], [], ["PUT host"]]
    assert stream.getvalue().count("refused the host's report: ") == 1, "the same reason is logged once"
    assert link._sent.get(f"{uid}/host") is None


def test_a_document_that_is_refused_does_not_stop_the_reports(site: Site, uid: str, control: Host) -> None:
    control.look()
    control.calls.clear()
    exchange.put(exchange.run_folder(str(control.data)), REPORT + uid, {"host": {"vip": {"held": True}}})
    control.link.look(control.plane, {"uid": "b" * 24, "lineage": "a" * 16, "generation": 9, "digest": ""})
    assert control.calls == ["GET desired", "PUT host"]


def test_the_report_of_a_cluster_of_200_nodes_is_taken_and_a_longer_one_is_named_once(
    control: Host, site: Site, uid: str
) -> None:
    control.look()
    stream = io.StringIO()
    link = ClusterLink(str(control.data), control.folder, control.handover, AgentLog(stream))
    control.calls.clear()
    run = exchange.run_folder(str(control.data))
    nodes = [{"name": f"n{n}", "uid": "0" * 36, "ready": True, "version": "v1.36.3"} for n in range(200)]
    body: dict[str, Any] = {"leaseTransitions": 2, "leader": "n1", "nodes": nodes}
    exchange.put(run, REPORT + uid, {"cluster": body})
    link.look(control.plane, None)
    assert control.calls == ["PUT observed"] and not stream.getvalue()
    body["layers"] = [{"name": "x", "message": "y" * 1000}] * 150
    exchange.put(run, REPORT + uid, {"cluster": body})
    for _ in range(3):
        link.look(control.plane, None)
    assert stream.getvalue().count(f"has more than {wire.MAX_OBSERVED} bytes") == 1


def test_p106_a_control_plane_hands_over_the_document_that_the_plane_asks_for(
    control: Host, uid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.look()
    control.calls.clear()
    stored = control.handover.store.get(uid)
    assert stored is not None
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(control.plane, "cluster_adoption", lambda _uid, body: sent.append(dict(body)))
    asked = {"id": "1", "uid": uid, "digest": stored.digest}
    for adoption in (asked, asked, {**asked, "digest": "0" * 64}, {**asked, "id": "2"}):
        control.link.look(control.plane, None, adoption)
    sealed = read_part(str(control.data), uid).sealed
    assert [body["id"] for body in sent] == ["1", "2"], "once for each request, and only what was asked for"
    assert read(sent[0]["document"]).digest == stored.digest
    assert sent[0]["clusterSecret"] == sealed.cluster_secret and sent[0]["maskedValues"] == sealed.masked_values


def test_p107_another_sign_of_logins_lets_the_host_fetch_its_part_again(control: Host, uid: str) -> None:
    offered = control.offered()
    for access, calls in (("", 1), ("a", 1), ("a", 0), ("b", 1), ("", 0)):
        control.calls.clear()
        control.link.look(control.plane, {**offered, "access": access})
        assert control.calls == ["GET desired"] * calls, access


def test_facts_have_the_name_of_a_cluster_and_the_role_of_the_host(control: Host, uid: str) -> None:
    control.look()
    item = {"uid": uid, "kind": "cluster", "wanted": {"generation": 1}}
    exchange.put(exchange.run_folder(str(control.data)), exchange.OBSERVED, {"documents": [item]})
    (shown,) = control.handover.documents(control.name)
    stored = control.handover.store.get(uid)
    assert stored is not None and shown["name"] == stored.document["name"]
    assert shown["role"] == "control-plane" and "leaving" not in shown
    assert control.handover.documents("another")[0]["role"] == ""


def test_p106_an_operator_adopts_the_document_of_a_host_that_a_restored_plane_has_otherwise(
    hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the other document to the same one on both sides, by the calls that the agent makes."""
    site = Site(hub, 1)
    uid = site.create()
    host = Host(site, site.hosts[0], tmp_path / "data", monkeypatch)
    mine = site.desired(uid, host.name)
    newer = replace(
        read(mine["document"]), digest="", lineage="b" * 16, generation=7, host_settings=HostSettings(("t",))
    )
    theirs = sealed(newer)
    store_part(str(host.data), uid, mine["slice"])
    place = {"lineage": theirs.lineage, "generation": 7, "digest": theirs.digest}
    host.handover.offer({"uid": uid, "kind": "cluster", **place, "document": as_json(theirs)})
    assert host.look() == ["GET desired"], "another lineage: it waits, and nothing changes on the host"
    run = exchange.run_folder(str(host.data))
    exchange.put(run, exchange.OBSERVED, {"documents": [{"uid": uid, "kind": "cluster", "wanted": place}]})
    site.report_documents(host.name, host.handover.documents(host.name))
    assert site.admin.post(protocol.path(wire.ADOPT, uid=uid), json={}).status_code == 202

    config = host.plane.config(protocol.generations.Position("", 0)) or {}
    host.calls.clear()
    host.link.look(host.plane, config["edgewright"]["cluster"], config["edgewright"]["adopt"])
    assert host.calls == ["PUT adoption"]
    assert host.look() == ["GET desired"]
    stored = host.handover.store.get(uid)
    assert stored is not None and stored.digest == theirs.digest and stored.position.lineage != theirs.lineage
    assert host.handover.store.offered() == [] and host.look() == []
    assert read(site.desired(uid, host.name)["document"]).host_settings.ntp == ("t",)
    host.folder.close()


def test_p108_content_is_given_once_while_it_is_asked_for_and_only_what_is_here(
    control: Host, uid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"a manifest"
    here = hashlib.sha256(data).hexdigest()
    (control.data / "blobs").mkdir(parents=True)
    (control.data / "blobs" / here).write_bytes(data)
    sent: list[tuple[str, bytes]] = []
    monkeypatch.setattr(
        control.plane, "cluster_content", lambda _uid, name, body: sent.append((name, base64.b64decode(body["data"])))
    )
    asked = {"uid": uid, "digests": [here, "0" * 64, "../x", 7]}
    for _ in range(2):
        control.link.look(control.plane, None, None, asked)
    assert sent == [(here, data)]
    control.link.look(control.plane, None)  # the plane has it
    control.link.look(control.plane, None, None, asked)
    assert sent == [(here, data)] * 2, "another plane, or one that was set back, lacks it again"
    later = times.now() + GIVE_AGAIN + 1
    monkeypatch.setattr(times, "now", lambda: later)
    control.link.look(control.plane, None, None, asked)
    assert sent == [(here, data)] * 3, "a plane that was set back in between still asks"


def test_p86_a_host_that_takes_the_document_of_the_plane_fetches_its_part_of_it(
    hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(hub, 1)
    uid = site.create()
    host = Host(site, site.hosts[0], tmp_path / "data", monkeypatch)
    mine = site.desired(uid, host.name)
    theirs = sealed(replace(read(mine["document"]), digest="", lineage="b" * 16, host_settings=HostSettings(("t",))))
    store_part(str(host.data), uid, {**mine["slice"], "sealed": {**mine["slice"]["sealed"], "maskedValues": {}}})
    place = {"lineage": theirs.lineage, "generation": theirs.generation, "digest": theirs.digest}
    host.handover.offer({"uid": uid, "kind": "cluster", **place, "document": as_json(theirs)})
    assert host.look() == ["GET desired"] and host.look() == []
    assert not read_part(str(host.data), uid).sealed.masked_values, "the part stays that of what runs"
    assert host.handover.store.override(uid)
    assert host.look() == ["GET desired"] and host.look() == []
    assert read_part(str(host.data), uid).sealed.masked_values == mine["slice"]["sealed"]["maskedValues"] != {}
    host.folder.close()
