"""Members ask each other: how far each is, and whether the ports of Kubernetes can be reached between them.

A small server on port 5082 (`peer_server`) answers with the state of its host, signed with the host's secret and the
nonce of the question: control planes verify it, since they derive the secrets of all members. Until a host forms or
joins the cluster, it also accepts connections on the ports that Kubernetes will use: a firewall shows before it hurts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple, TypeVar

from edgewright.agent.clusters import ledger as ledgers
from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.etcd import GATEWAY_K3S
from edgewright.agent.clusters.machine.units import quote
from edgewright.agent.clusters.vip import vrrp
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.reconcile.checks import FAILED, OK, WARNING, Check
from edgewright.core.clusters import join
from edgewright.core.clusters.model import CONTROL_PLANE, K3S, ClusterDocument, Member
from edgewright.core.clusters.observed import Peer

PORT = 5082
UNIT = "edgewright-peer.service"
FOLDER = paths.RUN + "/peer"
STATUS = FOLDER + "/status.json"
CLOSED = FOLDER + "/closed"
PORTS = FOLDER + "/ports.json"
CONTROL_PLANE_PORTS, WORKER_PORTS = (6443, 2379, 2380, 10250), (10250,)
VXLAN = 8472
VRRP = 112
"""Protocol of IP by which keepalived moves the VIP; listed among the open ports of an answer."""
MTU = 1400
"""Bytes of a datagram that must arrive unbroken: an overlay of 1450 bytes less its head."""
SKEW = 5.0
"""Seconds by which the clocks of two members may differ."""
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
Place = TypeVar("Place")
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
    body["ports"] = list(ports_of(context.document, member) if member else ())
    body["vrrp"] = bool(member and member.role == CONTROL_PLANE and context.has_vip)
    context.host.write(STATUS, json.dumps(body, sort_keys=True).encode(), 0o600, durable=False)


def ports_of(document: ClusterDocument, member: Member) -> Tuple[int, ...]:
    """Return the TCP ports of Kubernetes that a member serves to the others."""
    if member.role != CONTROL_PLANE:
        return WORKER_PORTS
    return (*CONTROL_PLANE_PORTS, GATEWAY_K3S) if document.kubernetes.distribution == K3S else CONTROL_PLANE_PORTS


def machine_hash(host: Root, uid: str) -> str:
    """Return what a host shows of its machine-id, which itself is not for others (machine-id(5)); empty without one."""
    value = host.text("/etc/machine-id", 64)
    return hashlib.sha256(f"{uid}|{value}".encode()).hexdigest()[:32] if value else ""


def close_ports(context: Context) -> None:
    """Let the server give the ports of Kubernetes back, before kubeadm needs them."""
    host = context.host
    host.write(CLOSED, b"", durable=False)
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=WAIT).close()  # it looks at once
    except OSError:
        pass  # it looks twice a second
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
    asked, begun = context.host.now(), time.monotonic()
    try:
        with socket.create_connection((address, PORT), timeout=WAIT) as link:
            link.sendall(json.dumps({"uid": context.document.uid, "nonce": nonce}).encode() + b"\n")
            answer = json.loads(_line(link))
        travel = time.monotonic() - begun
        text, signature = str(answer["body"]), str(answer["signature"])
        body = json.loads(text)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    shared = context.slice.sealed.cluster_secret
    if shared:
        key = join.host_secret(bytes.fromhex(shared), member.host_uid)
        if not hmac.compare_digest(sign(key, nonce, text), signature):
            return None
    if not isinstance(body, dict) or (body.get("uid"), body.get("host")) != (context.document.uid, member.host_uid):
        return None
    clock = body.get("now")
    if isinstance(clock, (int, float)):
        body["skew"], body["travel"] = clock - (asked + travel / 2), travel
    return body


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


def ask_all(work: Callable[[Place], Value], members: Sequence[Place]) -> List[Value]:
    """Return what `work` returns for each member or address, in order; some are asked at the same time."""
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
    ports = ports_of(context.document, member)
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
    if VRRP in (status.get("open") or []) and context.control_plane and vrrp.echo(member.address) is False:
        text = f"VRRP (IP protocol 112) of {name} cannot be reached, so the VIP would be on two hosts"
        return Check("members", FAILED, text, "Allow IP protocol 112 between the control planes.")
    return _same_machine(context, name, status) or _clocks(name, status)


def _same_machine(context: Context, name: str, status: Dict[str, Any]) -> Optional[Check]:
    own = machine_hash(context.host, context.document.uid)
    if not own or status.get("machine") != own:
        return None
    step = "One disk is a copy: on one of them, rm /etc/machine-id, systemd-machine-id-setup, and restart it."
    return Check("machine-id", FAILED, f"{name} has the same machine-id as this host", step)


def _clocks(name: str, status: Dict[str, Any]) -> Check:
    skew, travel = status.get("skew"), status.get("travel")
    if isinstance(skew, float) and isinstance(travel, float) and abs(skew) - travel / 2 > SKEW:
        text = f"the clock of {name} is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} that of this host"
        return Check("clock", FAILED, f"{text}; {SKEW:.0f} s are allowed", "Set both by one time server: timedatectl")
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
