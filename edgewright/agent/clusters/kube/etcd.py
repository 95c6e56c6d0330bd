"""etcd as it reports itself, over its JSON gateway on this control plane (`/v3/...`): members, health, removal."""

from __future__ import annotations

import http.client
import json
from typing import Any, Dict, List, NamedTuple

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.kube.api import Api, Credentials
from edgewright.core.errors import EdgewrightError, Failed

PKI = paths.KUBERNETES + "/pki/etcd"
GATEWAY, GATEWAY_K3S = 2379, 2382
"""Port of the JSON gateway; the etcd of k3s speaks gRPC only on 2379."""
HEALTH = ("127.0.0.1", 2381)
"""Where kubeadm lets etcd serve its metrics and its health, without TLS and on this host only."""


class EtcdMember(NamedTuple):
    """A member of etcd. `peers` are its peer URLs; one that has never started has no name."""

    id: int
    name: str
    peers: List[str]
    learner: bool

    @property
    def started(self) -> bool:
        """Whether it has ever joined."""
        return bool(self.name)

    @property
    def address(self) -> str:
        """Return the address of its first peer URL."""
        return self.peers[0].partition("://")[2].rpartition(":")[0].strip("[]") if self.peers else ""


class Etcd:
    """The etcd of this control plane. Methods raise `EdgewrightError` when it does not answer."""

    def __init__(self, host: Host, address: str = "127.0.0.1") -> None:
        self.host = host
        files = [f"{PKI}/ca.crt", f"{PKI}/healthcheck-client.crt", f"{PKI}/healthcheck-client.key"]
        parts = [host.data(name) for name in files]
        if not all(parts):
            raise Failed("This host has no certificate for etcd.", "It is not a control plane, or not yet.")
        self._api = Api(
            Credentials(parts[0], parts[1], parts[2], ""),
            address,
            GATEWAY_K3S if host.has(paths.K3S_CONFIG) else GATEWAY,
            "localhost",
        )

    def members(self) -> List[EtcdMember]:
        """Return the members, as a majority knows them."""
        answer = self._api.send("POST", "/v3/cluster/member/list", {"linearizable": True})
        return read_members(answer)

    def remove(self, member: int) -> None:
        """Remove a member."""
        self._api.send("POST", "/v3/cluster/member/remove", {"ID": str(member)})

    def promote(self, member: int) -> None:
        """Make a voter of a learner."""
        self._api.send("POST", "/v3/cluster/member/promote", {"ID": str(member)})

    def leader(self) -> int:
        """Return the id of the leader, 0 when there is none."""
        return int(self._api.send("POST", "/v3/maintenance/status", {}).get("leader") or 0)

    def me(self) -> int:
        """Return the id of the member that answers."""
        answer = self._api.send("POST", "/v3/maintenance/status", {})
        return int((answer.get("header") or {}).get("member_id") or 0)

    def move_leader(self, member: int) -> None:
        """Let another member lead; only the leader itself can do this."""
        self._api.send("POST", "/v3/maintenance/transfer-leadership", {"targetID": str(member)})


def read_members(answer: Dict[str, Any]) -> List[EtcdMember]:
    """Return the members of an answer of the gateway."""
    members = []
    for item in answer.get("members") or []:
        peers = [str(url) for url in item.get("peerURLs") or []]
        members.append(EtcdMember(int(item["ID"]), str(item.get("name") or ""), peers, item.get("isLearner") is True))
    return members


def healthy(address: str = HEALTH[0], port: int = HEALTH[1], timeout: float = 3.0) -> bool:
    """Return whether the etcd of this host has a leader and can write."""
    link = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        link.request("GET", "/health")
        return bool(json.loads(link.getresponse().read(4096)).get("health") == "true")
    except (OSError, ValueError, http.client.HTTPException, AttributeError):
        return False
    finally:
        link.close()


def reachable(host: Host, address: str) -> bool:
    """Return whether the etcd of another control plane answers and is healthy, seen from here."""
    try:
        return Etcd(host, address).leader() != 0
    except EdgewrightError:
        return False
