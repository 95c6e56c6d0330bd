"""etcd as it reports itself, over its JSON gateway on this control plane (`/v3/...`): members, health, removal."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any, Dict, List, NamedTuple

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.host import Host
from edgewright.agent.clusters.kube.api import Api, Credentials
from edgewright.core.errors import EdgewrightError, Failed

PKI = paths.KUBERNETES + "/pki/etcd"
GATEWAY, GATEWAY_K3S = 2379, 2382
"""Port of the JSON gateway; the etcd of k3s speaks gRPC only on 2379."""
PATIENCE, QUICK = 30.0, 4.0
"""Seconds for an answer of etcd: of one that is to do something, and of one that may be cut off or without power.

A look must not last as long as a fault: what it reports is what is shown meanwhile.
"""
QUOTA = 2 * 1024 * 1024 * 1024
"""Bytes that the database may have where etcd does not report another limit."""
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


class Size(NamedTuple):
    """The database of a member: the revision that it has, and bytes on the disk, in use, and allowed."""

    revision: int
    stored: int
    used: int
    quota: int


class Etcd:
    """The etcd of this control plane. Methods raise `EdgewrightError` when it does not answer."""

    def __init__(self, host: Host, address: str = "127.0.0.1", patience: float = PATIENCE) -> None:
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
            patience,
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

    def alarms(self) -> Dict[int, List[str]]:
        """Return the alarms by member, as the member that answers knows them: asking for them needs no quorum."""
        return read_alarms(self._api.send("POST", "/v3/maintenance/status", {}))

    def end_alarm(self, member: int, alarm: str) -> None:
        """End an alarm of a member; etcd raises it again at the next value that does not fit."""
        body = {"action": "DEACTIVATE", "memberID": str(member), "alarm": alarm}
        self._api.send("POST", "/v3/maintenance/alarm", body)

    def size(self) -> Size:
        """Return the size of the database of the member that answers."""
        answer = self._api.send("POST", "/v3/maintenance/status", {})
        header = answer.get("header") or {}
        return Size(
            int(header.get("revision") or 0),
            int(answer.get("dbSize") or 0),
            int(answer.get("dbSizeInUse") or 0),
            int(answer.get("dbSizeQuota") or 0) or QUOTA,
        )

    def compact(self, revision: int) -> None:
        """Remove what was replaced before a revision; nothing happens if that was done already."""
        try:
            self._api.send("POST", "/v3/kv/compaction", {"revision": str(revision), "physical": True})
        except EdgewrightError as error:
            if "has been compacted" not in error.message:
                raise

    def defragment(self) -> None:
        """Return free pages of the database of the member that answers to the disk; it serves nothing meanwhile."""
        self._api.send("POST", "/v3/maintenance/defragment", {})

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


def read_alarms(answer: Dict[str, Any]) -> Dict[int, List[str]]:
    """Return the alarms by member of a status; etcd writes them as texts: `memberID:<number> alarm:NOSPACE`."""
    raised: Dict[int, List[str]] = {}
    for text in answer.get("errors") or []:
        member, alarm = (re.search(rf"\b{name}:\s*(\w+)", str(text)) for name in ("memberID", "alarm"))
        if member is not None and alarm is not None and member.group(1).isdigit():
            raised.setdefault(int(member.group(1)), []).append(alarm.group(1))
    return raised


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
        return Etcd(host, address, QUICK).leader() != 0
    except EdgewrightError:
        return False
