"""P110: members ask each other; an answer counts with the signature of its host, and probes show a firewall."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters import gather, paths
from edgewright.agent.clusters.checks import peer, peer_server
from edgewright.agent.clusters.slices import store_part
from edgewright.agent.clusters.vip import vrrp
from edgewright.agent.reconcile.checks import FAILED, OK, WARNING
from edgewright.core.clusters import join, model
from edgewright.core.clusters.host_slice import HostSlice, Sealed, slice_json
from tests.agent.clusters.support import SECRET, FakeHost, cluster, context

SECOND = join.host_secret(bytes.fromhex(SECRET), "host-2").hex()


class Member:
    """The server of host-2, on 127.0.0.1 and a free port; each question is answered by one look."""

    def __init__(self, folder: Path, secret: str = SECOND) -> None:
        self.host = FakeHost(folder)
        store_part(folder.as_posix(), "c0ffee", slice_json(HostSlice(Sealed(host_secret=secret))))
        self.host.write(peer.CLOSED, b"")
        self.server = peer_server.Server(self.host, str(folder), "c0ffee")
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


def test_clocks_and_machine_ids_of_two_members_are_compared(
    second: Member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = FakeHost(tmp_path / "first")
    work = context(first, cluster(2))
    other = work.document.members[1]
    for host in (first, second.host):
        host.write("/etc/machine-id", b"0123abcdef89abcdef0123456789abcd\n")
    second.status()

    def asked(ahead: float) -> Any:
        monkeypatch.setattr(second.host, "now", lambda: time.time() + ahead)
        second.look()
        answer = peer.question(work, "127.0.0.1", other)
        assert answer is not None and "0123abcdef" not in json.dumps(answer), "the machine-id itself is not for others"
        return answer

    check = peer._same_machine(work, "n2", asked(0.0))
    assert check is not None and (check.state, check.text) == (FAILED, "n2 has the same machine-id as this host")
    assert "systemd-machine-id-setup" in check.next
    second.host.write("/etc/machine-id", b"ffffabcdef89abcdef0123456789abcd\n")
    assert peer._same_machine(work, "n2", asked(0.0)) is None
    assert peer._clocks("n2", asked(4.0)).state == OK
    late = peer._clocks("n2", asked(-60.0))
    assert late.state == FAILED and late.text == "the clock of n2 is 60 s behind that of this host; 5 s are allowed"
    assert "ahead of" in peer._clocks("n2", {"skew": 9.0, "travel": 0.1}).text
    assert peer._clocks("n2", {"skew": 6.0, "travel": 3.0}).state == OK, "a slow answer proves nothing"


def test_vrrp_that_does_not_pass_between_control_planes_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = context(FakeHost(tmp_path), cluster(2))
    status: dict[str, Any] = {"open": [6443, peer.VRRP]}
    monkeypatch.setattr(peer, "question", lambda *arguments: status)
    monkeypatch.setattr(peer, "_connect", lambda address, port: True)
    passes: list[Any] = [False, True, None]
    monkeypatch.setattr(vrrp, "echo", lambda address: passes.pop(0))
    blocked, passed, unknown = (peer.probe_all(work)[0] for _ in range(3))
    assert blocked.state == FAILED and "IP protocol 112" in blocked.text and "n2 (10.0.0.12)" in blocked.text
    assert (passed.state, unknown.state) == (OK, OK)
    status["open"] = [6443]
    assert peer.probe_all(work)[0].state == OK and not passes, "one that cannot echo is not asked"


def test_ports_are_served_to_members_by_ipv6_too() -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    link = peer_server.listen(0)
    with link:
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, link.getsockname()[1]), timeout=3).close()


def test_k3s_has_the_port_of_its_etcd_gateway_among_the_ports() -> None:
    plane, worker = cluster(1, 1).members
    k3s = cluster(1, 1, kubernetes=model.Kubernetes(model.K3S, "v1.32.9+k3s1", {}))
    assert 2382 in peer.ports_of(k3s, plane) and peer.ports_of(k3s, worker) == (10250,)
    assert 2382 not in peer.ports_of(cluster(), plane)


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


def test_machines_that_connect_and_ask_nothing_delay_no_answer(second: Member, tmp_path: Path) -> None:
    work = context(FakeHost(tmp_path / "first"), cluster(2))
    second.status(preflight=True)
    silent = []
    for _ in range(peer.OPEN_EACH - 1):
        second.look()
        silent.append(socket.create_connection(("127.0.0.1", peer.PORT), timeout=3))
        silent[-1].sendall(b"{")
        second.threads[-1].join(3)
    begun = time.monotonic()
    second.look()
    assert peer.question(work, "127.0.0.1", work.document.members[1]) is not None
    assert time.monotonic() - begun < 1, "it does not wait for those before it"
    while second.server._open != {"127.0.0.1": peer.OPEN_EACH - 1}:
        time.sleep(0.01)
    second.look()
    silent.append(socket.create_connection(("127.0.0.1", peer.PORT), timeout=3))
    second.threads[-1].join(3)
    second.look()
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", peer.PORT), timeout=3) as link:
        assert link.recv(10) == b"" and time.monotonic() - begun < 1, "one machine cannot have all places"
    for link in silent:
        link.close()


def test_an_answer_that_drips_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "WAIT", 0.2)
    ours, theirs = socket.socketpair()

    def drip() -> None:
        for _ in range(40):
            try:
                theirs.sendall(b"x")
            except OSError:
                return
            time.sleep(0.05)

    threading.Thread(target=drip, daemon=True).start()
    begun = time.monotonic()
    with ours, theirs, pytest.raises(OSError):
        peer._line(ours)
    assert time.monotonic() - begun < 1


def test_an_echo_is_never_answered_so_two_servers_cannot_answer_each_other(second: Member) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        own.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        second.server._vxlan = own
        other.sendto(peer.PROBE, own.getsockname())
        second.server.answer(own)
        echo = other.recv(65536)
        assert len(echo) == peer.MTU
        other.sendto(echo, own.getsockname())
        second.server.answer(own)
        assert select.select([other], [], [], 0.1)[0] == []


def test_members_that_are_off_are_asked_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = context(FakeHost(tmp_path), cluster(3, 5))
    together = threading.Barrier(7, timeout=3)

    def off(*arguments: Any) -> None:
        together.wait()

    monkeypatch.setattr(peer, "question", off)
    monkeypatch.setattr(peer, "_connect", lambda address, port: None)
    assert sorted(gather.peers(work)) == [f"host-{n}" for n in range(2, 9)]
    monkeypatch.setattr(peer, "cluster_answers", lambda context: False)
    assert len(peer.missing_members(work)) == len(peer.probe_all(work)) == 7
