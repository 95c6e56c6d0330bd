"""P110: members ask each other; an answer counts with the signature of its host, and probes show a firewall."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks import peer
from edgewright.agent.clusters.slices import store_part
from edgewright.agent.reconcile.checks import FAILED, OK, WARNING
from edgewright.core.clusters import join
from edgewright.core.clusters.host_slice import HostSlice, Sealed, slice_json
from tests.agent.clusters.support import SECRET, FakeHost, cluster, context

SECOND = join.host_secret(bytes.fromhex(SECRET), "host-2").hex()


class Member:
    """The server of host-2, on 127.0.0.1 and a free port; each question is answered by one look."""

    def __init__(self, folder: Path, secret: str = SECOND) -> None:
        self.host = FakeHost(folder)
        store_part(folder.as_posix(), "c0ffee", slice_json(HostSlice(Sealed(host_secret=secret))))
        self.host.write(peer.CLOSED, b"")
        self.server = peer.Server(self.host, str(folder), "c0ffee")
        self.threads: list[threading.Thread] = []

    def status(self, **body: Any) -> None:
        whole = {"uid": "c0ffee", "host": "host-2", **body}
        self.host.write(peer.STATUS, json.dumps(whole).encode())

    def look(self, times: int = 1) -> None:
        def work() -> None:
            for _ in range(times):
                links = list(self.server._links.values())
                for link in select.select(links, [], [], 3)[0]:
                    self.server.answer(link)

        self.threads.append(threading.Thread(target=work, daemon=True))
        self.threads[-1].start()

    def close(self) -> None:
        for link in self.server._links.values():
            link.close()


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Member]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setattr(peer, "PORT", probe.getsockname()[1])
    made = Member(tmp_path / "second")
    yield made
    made.close()


def test_p110_an_answer_counts_with_the_signature_of_its_host_over_the_nonce(second: Member, tmp_path: Path) -> None:
    work = context(FakeHost(tmp_path / "first"), cluster(2))
    other = work.document.members[1]
    second.status(preflight=True, prepared=False, reason="images")
    second.look()
    answer = peer.question(work, "127.0.0.1", other)
    assert answer is not None and (answer["preflight"], answer["prepared"]) == (True, False)
    store_part(second.server.data, "c0ffee", slice_json(HostSlice(Sealed(host_secret="22" * 32))))
    second.look()
    assert peer.question(work, "127.0.0.1", other) is None, "another machine cannot answer for it"
    store_part(second.server.data, "c0ffee", slice_json(HostSlice(Sealed(host_secret=SECOND))))
    second.status(host="host-3")
    second.look()
    assert peer.question(work, "127.0.0.1", other) is None


def test_p110_hosts_of_another_cluster_and_nonsense_get_no_answer(second: Member, tmp_path: Path) -> None:
    second.status()
    for line in (json.dumps({"uid": "other", "nonce": "1"}).encode(), b"\xff\xfe", b"[]", b"{}"):
        second.look()
        with socket.create_connection(("127.0.0.1", peer.PORT), timeout=3) as link:
            link.sendall(line + b"\n")
            link.shutdown(socket.SHUT_WR)
            assert link.recv(100) == b""


def test_a_member_that_is_off_is_waited_for_only_before_the_formation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = context(FakeHost(tmp_path), cluster(2))
    monkeypatch.setattr(peer, "question", lambda *arguments: None)
    monkeypatch.setattr(peer, "_connect", lambda address, port: False)
    assert peer.missing_members(work) == ["n2"] and [c.state for c in peer.probe_all(work)] == [WARNING]
    monkeypatch.setattr(peer, "_connect", lambda address, port: True)
    assert peer.missing_members(work) == [], "the cluster runs: one that is off hinders nobody"


def test_blocked_ports_and_a_small_mtu_fail_and_a_node_is_not_asked_for_an_echo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = context(FakeHost(tmp_path), cluster(1, 1))
    status: dict[str, Any] = {"open": [10250, peer.VXLAN]}
    monkeypatch.setattr(peer, "question", lambda *arguments: status)
    monkeypatch.setattr(peer, "_connect", lambda address, port: None)
    (check,) = peer.probe_all(work)
    assert (check.state, check.text) == (FAILED, "TCP 10250 of n2 (10.0.0.12) cannot be reached")
    monkeypatch.setattr(peer, "_connect", lambda address, port: True)
    monkeypatch.setattr(peer, "_datagram", lambda address: False)
    assert "does not carry 1400 bytes" in peer.probe_all(work)[0].text
    status["open"] = []
    assert peer.probe_all(work)[0].state == OK


def test_an_own_listener_is_not_an_api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = context(FakeHost(tmp_path), cluster(2))
    monkeypatch.setattr(peer, "_connect", lambda address, port: True)
    monkeypatch.setattr(peer, "question", lambda *arguments: {"open": [6443], "preflight": True})
    assert peer.ask(work, work.document.members[1]).api is False
    monkeypatch.setattr(peer, "question", lambda *arguments: {"open": []})
    assert peer.ask(work, work.document.members[1]).api is True
    monkeypatch.setattr(peer, "question", lambda *arguments: None)
    assert peer.ask(work, work.document.members[1]).preflight is None


def test_the_ports_of_kubernetes_are_given_back_before_kubeadm_needs_them(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.write(peer.PORTS, b'{"ports": [6443, 10250, "x"]}')
    work = context(host)
    assert peer.own_ports(work) == {6443, 10250}
    peer.close_ports(work)
    assert host.has(peer.CLOSED) and host.time > 1004, "it waits for the server, at most 5 s"
    assert paths.RUN in peer.CLOSED
