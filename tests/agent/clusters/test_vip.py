"""The VIP: keepalived without preemption and weight, the check's rules, and ARP as the network speaks it."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks import preflight
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.vip import arp, check, configuration, notify, vrrp
from edgewright.agent.clusters.vip import steps as vip_steps
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.checks import FAILED, OK, WARNING, Check
from edgewright.agent.reconcile.steps import Seen
from tests.agent.clusters.support import FakeHost, cluster, context
from tests.agent.clusters.test_kube import certificate


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "host")


def test_keepalived_has_equal_hosts_that_preempt_nobody_and_a_check_without_weight() -> None:
    document = cluster(3)
    text = configuration.keepalived(document, document.members[1], "eth0")
    lines = [line.strip() for line in text.splitlines()]
    assert {"state BACKUP", "nopreempt", "priority 100", "unicast_src_ip 10.0.0.12", "fall 3", "rise 5"} < set(lines)
    assert not [line for line in lines if line.startswith("weight")]
    peers = lines[lines.index("unicast_peer {") + 1 :][:2]
    assert peers == ["10.0.0.11", "10.0.0.13"] and "10.0.0.100/32 dev eth0" in lines
    single = cluster(1)
    assert "unicast" not in configuration.keepalived(single, single.members[0], "e").replace("unicast_src_ip", "")
    assert 1 <= configuration.router_id(document) <= 255
    assert f'script "/bin/sh {check.PROGRAM} {paths.KEEPALIVED}"' in lines
    assert check.peers(document, document.members[0]) == "10.0.0.12 10.0.0.13\n"


class Silent(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: the check leaves before the slow answer."""


class ApiServer:
    """A TLS server with a status for each path; the etcd of 127.0.0.2 answers, of others nothing does."""

    def __init__(self, folder: Path) -> None:
        pem, key = certificate()
        (folder / "tls.pem").write_text(pem + private(key))
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(folder / "tls.pem")
        self.statuses = {"/livez?exclude=etcd": 200, "/livez": 200}
        self.more: dict[str, str] = {"Audit-Id": "0e8c2f5e-1111-2222-3333-444455556666"}
        statuses, more = self.statuses, self.more

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                time.sleep(4 if not statuses[self.path] else 0)
                self.send_response(statuses[self.path])
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")  # without an end of line, as API servers do

            def log_message(self, *args: object) -> None:
                pass

        self.server = Silent(("127.0.0.1", 0), Handler)
        self.context = made
        self.server.socket = made.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.folder = folder
        (folder / "peers").write_text("127.0.0.1 127.0.0.2\n")
        (folder / "vip-check").write_text(check.SCRIPT)
        self.link = socket.create_server(("127.0.0.2", 0))
        self.port = self.link.getsockname()[1]
        threading.Thread(target=self.peer, args=(self.link,), daemon=True).start()

    def peer(self, link: socket.socket) -> None:
        """Answer as etcd does for a peer without a certificate: TLS, and then an end."""
        while True:
            try:
                with link.accept()[0] as made, self.context.wrap_socket(made, server_side=True):
                    pass
            except OSError:
                return

    def run(self, since: float | None = None, api: str = "") -> int:
        path = self.folder / "etcd-unhealthy-since"
        if since is not None:
            path.write_text(f"{uptime() - since:.0f}\n")
        api = api or f"127.0.0.1:{self.server.server_address[1]}"
        command = ["/bin/sh", str(self.folder / "vip-check"), str(self.folder), "/nowhere", api, str(self.port)]
        environment = {"PATH": os.environ["PATH"]}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.stderr == "", done.stderr
        return done.returncode


def uptime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def private(key: Any) -> str:
    plain = serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode())


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    made = ApiServer(tmp_path_factory.mktemp("vip"))
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.link.close()


@pytest.mark.parametrize(
    ("alive", "etcd", "since", "reached", "may"),
    [
        (500, 200, None, 2, False),  # its API server is dead
        (401, 401, None, 0, True),  # it answers, and shows nothing to strangers
        (200, 403, 60.0, 0, True),
        (200, 200, 60.0, 0, True),  # etcd is healthy: who is reached does not matter
        (200, 500, None, 0, True),  # not healthy since now
        (200, 500, 9.0, 0, True),  # not healthy for less than 11 s
        (200, 500, 13.0, 0, False),  # isolated: one of three
        (200, 500, 13.0, 1, True),  # a slow disk, or a lost quorum with a majority that can be reached
    ],
)
def test_only_a_dead_api_or_isolation_takes_the_vip(
    api: ApiServer, alive: int, etcd: int, since: float | None, reached: int, may: bool
) -> None:
    api.statuses.update({"/livez?exclude=etcd": alive, "/livez": etcd})
    noted = api.folder / "etcd-unhealthy-since"
    noted.unlink(missing_ok=True)
    (api.folder / "peers").write_text(f"127.0.0.1 127.0.0.{2 if reached else 3}\n")
    assert (api.run(since) == 0) is may
    assert noted.exists() is (alive == 200 and etcd == 500), "the time begins again once etcd is healthy"


@pytest.mark.parametrize(
    ("alive", "etcd", "since", "may"),
    [
        (200, 200, None, True),
        (401, 401, None, False),  # what is in front of the API server, such as the supervisor of k3s, refused
        (403, 200, None, False),
        (200, 401, 17.0, False),  # the API is alive, and nothing shows that etcd is
        (200, 401, 3.0, True),
    ],
)
def test_a_refusal_counts_only_from_an_api_server(
    api: ApiServer, alive: int, etcd: int, since: float | None, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(api.more, "Audit-Id")
    api.statuses.update({"/livez?exclude=etcd": alive, "/livez": etcd})
    (api.folder / "etcd-unhealthy-since").unlink(missing_ok=True)
    (api.folder / "peers").write_text("127.0.0.1 127.0.0.3\n")
    assert (api.run(since) == 0) is may


def test_the_check_needs_neither_python_nor_the_agent_and_a_closed_port_is_an_answer(api: ApiServer) -> None:
    assert "python" not in check.SCRIPT and check.SCRIPT.startswith("#!/bin/sh\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        assert api.run(api=f"127.0.0.1:{free.getsockname()[1]}") == 1
        assert time.monotonic() - begun < 2
    for shell in ("dash", "busybox"):
        program = shutil.which(shell)
        if program is not None:
            words = [program, *(["sh"] if shell == "busybox" else []), "-n", str(api.folder / "vip-check")]
            assert subprocess.run(words, check=False).returncode == 0


@pytest.mark.e2e
def test_an_etcd_that_hangs_is_reached_and_one_that_is_cut_off_is_not(api: ApiServer) -> None:
    api.statuses.update({"/livez?exclude=etcd": 200, "/livez": 500})
    with socket.create_server(("127.0.0.5", api.port)):  # it takes connections, and nothing more
        (api.folder / "peers").write_text("127.0.0.5 127.0.0.6\n")
        assert api.run(13.0) == 0
    assert api.run(13.0) == 1


@pytest.mark.e2e
def test_the_check_ends_within_its_time_when_nothing_answers(api: ApiServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        assert api.run(api=f"127.0.0.1:{silent.getsockname()[1]}") == 1
        assert time.monotonic() - begun < check.SECONDS


@pytest.mark.e2e
def test_an_etcd_that_does_not_answer_in_time_is_not_healthy_and_the_api_is_alive(api: ApiServer) -> None:
    api.statuses.update({"/livez?exclude=etcd": 200, "/livez": 0})
    (api.folder / "peers").write_text("127.0.0.1 127.0.0.3\n")
    begun = time.monotonic()
    assert api.run(17.0) == 1 and api.run(3.0) == 0
    assert time.monotonic() - begun < 2 * check.SECONDS


def test_an_advert_of_vrrp_is_read_and_other_packets_are_not() -> None:
    head = bytes([0x45]) + bytes(8) + bytes([vrrp.PROTOCOL, 0, 0]) + socket.inet_aton("10.0.0.7") + bytes(4)
    body = bytes([0x21, 77, 100, 2, 0, 1, 0, 0]) + socket.inet_aton("10.0.0.100") + socket.inet_aton("10.0.0.101")
    assert vrrp.read(head + body) == vrrp.Advert("10.0.0.7", 77, ("10.0.0.100", "10.0.0.101"))
    cut = vrrp.read(head + body[:14])
    assert cut is not None and cut.addresses == ("10.0.0.100",)
    for packet in (b"", head, head + vrrp.PROBE, head + body[:7], b"\x45" + body):
        assert vrrp.read(packet) is None


def test_vrrp_passes_and_an_echo_is_not_answered() -> None:
    link = vrrp.opened()
    if link is None:
        pytest.skip("this user may not have raw sockets")
    with link:

        def serve() -> None:
            for _ in range(2):
                vrrp.answer(link)

        threading.Thread(target=serve, daemon=True).start()
        assert vrrp.echo("127.0.0.1") is True
    assert vrrp.echo("::1") is None


@pytest.mark.parametrize(
    ("advert", "state", "text"),
    [
        (vrrp.Advert("10.0.0.7", 5, ("10.0.0.100",)), FAILED, "10.0.0.7 advertises the VIP 10.0.0.100 by VRRP"),
        (vrrp.Advert("10.0.0.7", 0, ("10.0.0.9",)), WARNING, "10.0.0.7 has the router id"),
        (vrrp.Advert("10.0.0.12", 5, ("10.0.0.100",)), OK, "no other router"),
    ],
)
def test_another_router_with_the_vip_or_the_id_is_named(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, advert: vrrp.Advert, state: str, text: str
) -> None:
    document = cluster(2)
    same = advert._replace(router=configuration.router_id(document)) if not advert.router else advert
    monkeypatch.setattr(vrrp, "adverts", lambda address: [same])
    result = preflight.routers(context(host, document))
    assert result.state == state and text in result.text and (state == OK or result.next)


def test_checks_that_listen_to_the_network_do_so_at_the_same_time(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=20)
    monkeypatch.setattr(preflight, "vip", lambda context: Check("vip", OK, f"free {both.wait() >= 0}"))
    monkeypatch.setattr(vrrp, "adverts", lambda address: [both.wait()][:0])
    results = preflight.run_checks(context(host))
    assert [check.state for check in results if check.id in ("vip", "vrrp")] == [OK, OK]
    assert [check.id for check in results][:3] == ["memory", "cpu", "disk"], "in order"

    def breaks(context: object) -> Check:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(preflight, "vip", breaks)
    monkeypatch.setattr(vrrp, "adverts", lambda address: [])
    broken = [check for check in preflight.run_checks(context(host)) if check.id == "vip"]
    assert [(check.state, check.text) for check in broken] == [("unknown", "the check broke: ZeroDivisionError: odd")]


def test_a_vip_of_ipv6_is_asked_for_by_the_kernel(host: FakeHost) -> None:
    shown = "fd00::100 lladdr 02:00:00:00:00:07 REACHABLE\n"
    host.answers.append(lambda command: Ended(0, shown) if command[:4] == ["ip", "-6", "neigh", "show"] else None)
    sent = arp.probe(host, "lo", "::1")  # an address that a datagram can be sent to on every machine
    assert sent == ["02:00:00:00:00:07"] and ["ip", "-6", "neigh", "flush", "to", "::1", "dev", "lo"] in host.commands
    host.answers[0] = lambda command: Ended(0, "fd00::100 FAILED\n")
    assert arp.probe(host, "lo", "::1") == []


def test_a_vip_that_moves_wakes_the_reconciler(tmp_path: Path) -> None:
    document = cluster(3)
    text = configuration.keepalived(document, document.members[1], "eth0")
    assert f"  notify {notify.PROGRAM}\n" in text
    program, data = tmp_path / "vip-moved", tmp_path / "the data"
    requests = Path(exchange.folders(str(data))[exchange.REQUESTS])
    requests.mkdir(parents=True)
    program.write_text(notify.script(str(data)))
    subprocess.run(["sh", str(program), "INSTANCE", "api", "MASTER", "100"], check=True)
    assert exchange.names(str(requests)) == [exchange.WAKE], "the path unit sees it, and a reconciler that runs"


def test_an_arp_request_is_read_back_and_other_frames_are_not() -> None:
    frame = arp.packet(arp.REPLY, b"\x02" * 6, b"\x0a\x00\x00\x64", b"\x0a\x00\x00\x64")
    assert len(frame) == 42 and arp.read(frame) == (b"\x02" * 6, b"\x0a\x00\x00\x64")
    assert arp.read(frame[:20]) == (b"", b"") and arp.read(b"\x00" * 60) == (b"", b"")


def test_a_change_of_the_control_planes_is_a_reload_of_keepalived(host: FakeHost) -> None:
    step, three = vip_steps.Keepalived(), context(host, cluster(3))
    host.answers.append(lambda command: Ended(0, "2: eth0    inet 10.0.0.11/24 x\n") if command[0] == "ip" else None)
    step.act(three)
    assert step.seen(three)[0] is Seen.DONE
    reload_ = ["systemctl", "kill", "--signal=HUP", "--kill-whom=main", paths.KEEPALIVED_UNIT]
    two = context(host, cluster(2))
    assert step.seen(two)[0] is Seen.NOT_DONE and reload_ in host.commands
    host.commands.clear()
    step.act(two)
    assert reload_ in host.commands and step.seen(two)[0] is Seen.DONE
    assert host.data(f"{paths.BOOT}/edgewright/keepalived/keepalived.conf"), "a boot writes it into /run again"
