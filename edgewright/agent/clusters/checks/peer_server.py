"""The server on port 5082: answers the other members, and accepts on the ports of Kubernetes until that is there."""

from __future__ import annotations

import json
import select
import socket
import threading
from typing import Dict, Optional

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks import peer
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.slices import read_part
from edgewright.agent.clusters.vip import vrrp
from edgewright.core.clusters import join
from edgewright.core.errors import EdgewrightError


class Server:
    """The server of one host: `step` handles what waits."""

    def __init__(self, host: Host, data: str, uid: str) -> None:
        self.host, self.data, self.uid = host, data, uid
        self._links: Dict[int, socket.socket] = {peer.PORT: listen(peer.PORT)}
        self._vxlan: Optional[socket.socket] = None
        self._vrrp: Optional[socket.socket] = None
        self._probing = False
        self._open: Dict[str, int] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        """Serve until ended."""
        while True:
            self._ports()
            links = [*self._links.values(), *(link for link in (self._vxlan, self._vrrp) if link)]
            for link in select.select(links, [], [], 0.5)[0]:
                self.answer(link)

    def _ports(self) -> None:
        """Open the ports of Kubernetes while this host is not part of a cluster, and close them before kubeadm runs."""
        wanted = not self.host.has(peer.CLOSED) and not self.host.has(paths.KUBELET_CONF)
        if wanted == self._probing:
            return
        self._probing = wanted
        if wanted:
            for port in self.host.json(peer.STATUS).get("ports") or []:
                try:
                    self._links[int(port)] = listen(int(port))
                except OSError:
                    continue  # the host's own preflight reports that it is in use
            self._vxlan = udp(peer.VXLAN)
            self._vrrp = vrrp.opened() if self.host.json(peer.STATUS).get("vrrp") else None
        else:
            for port in [port for port in self._links if port != peer.PORT]:
                self._links.pop(port).close()
            for link in (self._vxlan, self._vrrp):
                if link is not None:
                    link.close()
            self._vxlan = self._vrrp = None
        listed = [port for port in self._links if port != peer.PORT]
        self.host.write(peer.PORTS, json.dumps({"ports": listed}).encode(), 0o600, durable=False)

    def answer(self, link: socket.socket) -> None:
        """Take one connection or datagram; never waits for the other side, and never raises.

        More questions at the same time than `OPEN`, or `OPEN_EACH` of one machine, get no answer.
        """
        try:
            if link is self._vxlan:
                data, source = link.recvfrom(65536)
                if data == peer.PROBE:
                    link.sendto(peer.ECHO, source)
                return
            if link is self._vrrp:
                vrrp.answer(link)
                return
            made, source = link.accept()
            address = str(source[0]).rpartition("::ffff:")[2]  # of IPv4, as a listener for both has it
            if link is not self._links[peer.PORT] or not self._admit(address):
                made.close()
                return
            threading.Thread(target=self._answer, args=(made, address), daemon=True).start()
        except (OSError, RuntimeError):
            return

    def _admit(self, address: str) -> bool:
        with self._lock:
            if sum(self._open.values()) >= peer.OPEN or self._open.get(address, 0) >= peer.OPEN_EACH:
                return False
            self._open[address] = self._open.get(address, 0) + 1
            return True

    def _answer(self, made: socket.socket, address: str) -> None:
        try:
            with made:
                question = json.loads(peer._line(made))
                nonce = str(question["nonce"])[:64]
                if question.get("uid") == self.uid:
                    made.settimeout(peer.WAIT)
                    made.sendall(self._reply(nonce))
        except (OSError, ValueError, KeyError, TypeError, RecursionError, AttributeError):
            return  # no answer: what was asked is not a question of this cluster
        finally:
            with self._lock:
                self._open[address] -= 1
                if not self._open[address]:
                    del self._open[address]

    def _reply(self, nonce: str) -> bytes:
        ports = [port for port in self._links if port != peer.PORT] + ([peer.VXLAN] if self._vxlan else [])
        ports += [peer.VRRP] if self._vrrp else []
        body = {**self.host.json(peer.STATUS), "open": ports, "now": self.host.now()}
        body["machine"] = peer.machine_hash(self.host, self.uid)
        text = json.dumps(body, sort_keys=True)
        key = self._key(str(body.get("host") or ""))
        return json.dumps({"body": text, "signature": peer.sign(key, nonce, text) if key else ""}).encode() + b"\n"

    def _key(self, host_uid: str) -> bytes:
        try:
            sealed = read_part(self.data, self.uid).sealed
        except EdgewrightError:
            return b""
        if sealed.host_secret:
            return bytes.fromhex(sealed.host_secret)
        return join.host_secret(bytes.fromhex(sealed.cluster_secret), host_uid) if sealed.cluster_secret else b""


def listen(port: int) -> socket.socket:
    """Return a listener for IPv4 and, where the host has it, IPv6. Raises `OSError`."""
    link = _socket(socket.SOCK_STREAM)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        link.bind((_any(link), port))
        link.listen(16)
    except OSError:
        link.close()
        raise
    return link


def udp(port: int) -> Optional[socket.socket]:
    """Return a socket for datagrams, `None` when flannel's interface has the port."""
    link = _socket(socket.SOCK_DGRAM)
    try:
        link.bind((_any(link), port))
    except OSError:
        link.close()
        return None
    return link


def _socket(kind: int) -> socket.socket:
    try:
        link = socket.socket(socket.AF_INET6, kind)
        link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        return link
    except OSError:
        return socket.socket(socket.AF_INET, kind)


def _any(link: socket.socket) -> str:
    return "::" if link.family == socket.AF_INET6 else "0.0.0.0"  # noqa: S104 - the members of the cluster ask
