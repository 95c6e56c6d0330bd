"""Members ask each other: how far each is, and whether the ports of Kubernetes can be reached between them.

A small server on port 5082 answers with the state of its host, signed with the host's secret and the nonce of the
question: control planes verify it, since they derive the secrets of all members. Until a host forms or joins the
cluster, it also accepts connections on the ports that Kubernetes will use, so that a firewall shows before it hurts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import select
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, TypeVar

from edgewright.agent.clusters import ledger as ledgers
from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.machine.units import quote
from edgewright.agent.clusters.slices import read_part
from edgewright.agent.reconcile.checks import FAILED, OK, WARNING, Check
from edgewright.core.clusters import join
from edgewright.core.clusters.model import CONTROL_PLANE, Member
from edgewright.core.clusters.observed import Peer
from edgewright.core.errors import EdgewrightError

PORT = 5082
UNIT = "edgewright-peer.service"
FOLDER = paths.RUN + "/peer"
STATUS = FOLDER + "/status.json"
CLOSED = FOLDER + "/closed"
PORTS = FOLDER + "/ports.json"
CONTROL_PLANE_PORTS, WORKER_PORTS = (6443, 2379, 2380, 10250), (10250,)
VXLAN = 8472
MTU = 1400
"""Bytes of a datagram that must arrive unbroken: an overlay of 1450 bytes less its head."""
PROBE, ECHO = b"e" * MTU, b"a" * MTU
"""A datagram and its answer. They differ: two servers that answered each other would never stop."""
MOST = 4096
WAIT = 2.0
"""Seconds within which a question, or its answer, must have arrived completely."""
AT_ONCE = 32
"""Members that are asked at the same time: those that are off cost 3.5 s each, and the leader's Lease lasts 150 s."""
OPEN, OPEN_EACH = 32, 4
"""Questions that a server reads at the same time: of all machines, and of one of them."""
Value = TypeVar("Value")
_UNIT = """\
# Made by Edgewright for a cluster; it is removed with it.
[Unit]
Description=Edgewright: this host answers the other members of its cluster
After=network.target
StartLimitIntervalSec=0

[Service]
ExecStart={command}
Restart=always
RestartSec=2
NoNewPrivileges=yes
ProtectHome=yes
PrivateTmp=yes
MemoryMax=64M
"""


def serve_status(context: Context) -> None:
    """Let the server of this host run, with its present state. Raises `EdgewrightError`."""
    host = context.host
    write_status(context)
    command = [*context.program, "peer-server", context.document.uid, "--data", context.data]
    text = _UNIT.format(command=" ".join(quote(part) for part in command))
    path = f"{paths.UNITS}/{UNIT}"
    if host.data(path) == text.encode() and host.run(["systemctl", "is-active", "--quiet", UNIT]).code == 0:
        return
    context.ledger.note(ledgers.UNIT, UNIT)
    host.write(f"{paths.BOOT}/{path[len('/run/') :]}", text.encode())
    host.write(path, text.encode(), durable=False)
    host.must(["systemctl", "daemon-reload"])
    host.must(["systemctl", "restart", UNIT])


def write_status(context: Context, **more: Any) -> None:
    """Write what the other members may know."""
    body = {**context.host.json(STATUS), "uid": context.document.uid, "host": context.host_uid, **more}
    member = context.document.member(context.host_uid)
    body["ports"] = list(CONTROL_PLANE_PORTS if member and member.role == CONTROL_PLANE else WORKER_PORTS)
    context.host.write(STATUS, json.dumps(body, sort_keys=True).encode(), 0o600, durable=False)


def close_ports(context: Context) -> None:
    """Let the server give the ports of Kubernetes back, before kubeadm needs them."""
    host = context.host
    host.write(CLOSED, b"", durable=False)
    until = host.uptime() + 5.0
    while own_ports(context) and host.uptime() < until:
        host.sleep(0.1)


def own_ports(context: Context) -> Set[int]:
    """Return the ports that the server of this host has open besides its own."""
    ports = context.host.json(PORTS).get("ports")
    return {port for port in ports if isinstance(port, int)} if isinstance(ports, list) else set()


def ask(context: Context, member: Member) -> Peer:
    """Return what a member answers, as far as that can be known."""
    status = question(context, member.address, member)
    listening = _connect(member.address, 6443)
    if status is None:
        return Peer(api=listening, reason="does not answer on port 5082")
    ports = status.get("open")
    ours = isinstance(ports, list) and 6443 in ports
    passed, prepared = status.get("preflight"), status.get("prepared")
    return Peer(
        passed if isinstance(passed, bool) else None,
        prepared if isinstance(prepared, bool) else None,
        str(status.get("reason") or "")[:200],
        False if ours else listening,
        status.get("clean") is True,
    )


def question(context: Context, address: str, member: Member) -> Optional[Dict[str, Any]]:
    """Return the state of a member, `None` without an answer or with one that is not signed by that host."""
    nonce = secrets.token_hex(16)
    try:
        with socket.create_connection((address, PORT), timeout=WAIT) as link:
            link.sendall(json.dumps({"uid": context.document.uid, "nonce": nonce}).encode() + b"\n")
            answer = json.loads(_line(link))
        text, signature = str(answer["body"]), str(answer["signature"])
        body = json.loads(text)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    shared = context.slice.sealed.cluster_secret
    if shared:
        key = join.host_secret(bytes.fromhex(shared), member.host_uid)
        if not hmac.compare_digest(sign(key, nonce, text), signature):
            return None
    fits = isinstance(body, dict) and (body.get("uid"), body.get("host")) == (context.document.uid, member.host_uid)
    return body if fits else None


def _line(link: socket.socket) -> bytes:
    """Return one line of at most `MOST` bytes. Raises `OSError` when it is not complete in time, however it drips."""
    until, data = time.monotonic() + WAIT, b""
    while not data.endswith(b"\n") and len(data) < MOST:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no complete line in time")
        link.settimeout(left)
        piece = link.recv(MOST - len(data))
        if not piece:
            break
        data += piece
    return data


def ask_all(work: Callable[[Member], Value], members: Sequence[Member]) -> List[Value]:
    """Return what `work` returns for each member, in order; some are asked at the same time."""
    if len(members) < 2:
        return [work(member) for member in members]
    with ThreadPoolExecutor(min(AT_ONCE, len(members))) as pool:
        return list(pool.map(work, members))


def sign(key: bytes, nonce: str, text: str) -> str:
    """Return the signature of an answer."""
    return hmac.new(key, f"peer|{nonce}|{text}".encode(), hashlib.sha256).hexdigest()


def cluster_answers(context: Context) -> bool:
    """Return whether a control plane of this cluster serves its API already, by its own signed word."""
    for member in context.document.control_planes:
        if member.host_uid != context.host_uid and ask(context, member).api:
            return True
    return False


def missing_members(context: Context) -> List[str]:
    """Return the members whose server does not answer yet, before the formation; later ones are no hindrance."""
    if context.document.bootstrap.done is not None or cluster_answers(context):
        return []
    others = [member for member in context.document.present if member.host_uid != context.host_uid]
    answers = ask_all(lambda member: question(context, member.address, member), others)
    return [member.node_name for member, answer in zip(others, answers) if answer is None]


def probe_all(context: Context) -> List[Check]:
    """Return whether this host reaches the ports of every other member; ports of a host that is off are a warning."""
    others = [member for member in context.document.present if member.host_uid != context.host_uid]
    return ask_all(lambda member: _probe(context, member), others)


def _probe(context: Context, member: Member) -> Check:
    ports = CONTROL_PLANE_PORTS if member.role == CONTROL_PLANE else WORKER_PORTS
    status = question(context, member.address, member)
    name = f"{member.node_name} ({member.address})"
    if status is None:
        text = f"{name} does not answer on port {PORT}"
        return Check("members", WARNING, text, "Start it, or look at the firewall between the hosts.")
    blocked = [str(port) for port in ports if not _connect(member.address, port)]
    echoes = VXLAN in (status.get("open") or [])  # of a node, the kernel has the port
    mtu = _datagram(member.address) if echoes else None
    if blocked:
        text = f"TCP {', '.join(blocked)} of {name} cannot be reached"
        return Check("members", FAILED, text, "Open these ports between the members.")
    if mtu is False:
        text = f"UDP {VXLAN} of {name} does not carry {MTU} bytes"
        return Check("members", FAILED, text, "Open UDP 8472, and check the MTU of the network.")
    return Check("members", OK, f"{name} can be reached")


def _connect(address: str, port: int) -> Optional[bool]:
    """Return whether something accepts there: `False` when it is refused, `None` when nothing comes back."""
    try:
        socket.create_connection((address, port), timeout=1.5).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return None
    return True


def _datagram(address: str) -> Optional[bool]:
    """Return whether a datagram of `MTU` bytes comes back unbroken, `None` when the member's kernel has the port."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as link:
        try:
            if ":" not in address:
                link.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO: never in fragments
            for _ in range(3):
                link.sendto(PROBE, (address, VXLAN))
                if select.select([link], [], [], 0.7)[0]:
                    return link.recv(65536) == ECHO
        except OSError:
            return None
    return False


class Server:
    """The server of one host: `step` handles what waits."""

    def __init__(self, host: Host, data: str, uid: str) -> None:
        self.host, self.data, self.uid = host, data, uid
        self._links: Dict[int, socket.socket] = {PORT: _listen(PORT)}
        self._vxlan: Optional[socket.socket] = None
        self._probing = False
        self._open: Dict[str, int] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        """Serve until ended."""
        while True:
            self._ports()
            links = [*self._links.values(), *([self._vxlan] if self._vxlan else [])]
            for link in select.select(links, [], [], 0.5)[0]:
                self.answer(link)

    def _ports(self) -> None:
        """Open the ports of Kubernetes while this host is not part of a cluster, and close them before kubeadm runs."""
        wanted = not self.host.has(CLOSED) and not self.host.has(paths.KUBELET_CONF)
        if wanted == self._probing:
            return
        self._probing = wanted
        if wanted:
            for port in self.host.json(STATUS).get("ports") or []:
                try:
                    self._links[int(port)] = _listen(int(port))
                except OSError:
                    continue  # the host's own preflight reports that it is in use
            self._vxlan = _udp(VXLAN)
        else:
            for port in [port for port in self._links if port != PORT]:
                self._links.pop(port).close()
            if self._vxlan is not None:
                self._vxlan.close()
                self._vxlan = None
        listed = [port for port in self._links if port != PORT]
        self.host.write(PORTS, json.dumps({"ports": listed}).encode(), 0o600, durable=False)

    def answer(self, link: socket.socket) -> None:
        """Take one connection or datagram; never waits for the other side, and never raises.

        More questions at the same time than `OPEN`, or `OPEN_EACH` of one machine, get no answer.
        """
        try:
            if link is self._vxlan:
                data, source = link.recvfrom(65536)
                if data == PROBE:
                    link.sendto(ECHO, source)
                return
            made, source = link.accept()
            if link is not self._links[PORT] or not self._admit(source[0]):
                made.close()
                return
            threading.Thread(target=self._answer, args=(made, source[0]), daemon=True).start()
        except (OSError, RuntimeError):
            return

    def _admit(self, address: str) -> bool:
        with self._lock:
            if sum(self._open.values()) >= OPEN or self._open.get(address, 0) >= OPEN_EACH:
                return False
            self._open[address] = self._open.get(address, 0) + 1
            return True

    def _answer(self, made: socket.socket, address: str) -> None:
        try:
            with made:
                question = json.loads(_line(made))
                nonce = str(question["nonce"])[:64]
                if question.get("uid") == self.uid:
                    made.settimeout(WAIT)
                    made.sendall(self._reply(nonce))
        except (OSError, ValueError, KeyError, TypeError, RecursionError, AttributeError):
            return  # no answer: what was asked is not a question of this cluster
        finally:
            with self._lock:
                self._open[address] -= 1
                if not self._open[address]:
                    del self._open[address]

    def _reply(self, nonce: str) -> bytes:
        ports = [port for port in self._links if port != PORT] + ([VXLAN] if self._vxlan else [])
        body = {**self.host.json(STATUS), "open": ports}
        text = json.dumps(body, sort_keys=True)
        key = self._key(str(body.get("host") or ""))
        return json.dumps({"body": text, "signature": sign(key, nonce, text) if key else ""}).encode() + b"\n"

    def _key(self, host_uid: str) -> bytes:
        try:
            sealed = read_part(self.data, self.uid).sealed
        except EdgewrightError:
            return b""
        if sealed.host_secret:
            return bytes.fromhex(sealed.host_secret)
        return join.host_secret(bytes.fromhex(sealed.cluster_secret), host_uid) if sealed.cluster_secret else b""


def _listen(port: int) -> socket.socket:
    link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        link.bind(("0.0.0.0", port))  # noqa: S104 - the members of the cluster ask
        link.listen(16)
    except OSError:
        link.close()
        raise
    return link


def _udp(port: int) -> Optional[socket.socket]:
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        link.bind(("0.0.0.0", port))  # noqa: S104 - the members of the cluster ask
    except OSError:
        link.close()
        return None  # flannel's interface has it
    return link
