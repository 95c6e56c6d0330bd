"""Pairs of faults and healthy hosts by somebody who has not read Doctor's rules (`independent.py`)."""

from __future__ import annotations

from typing import NamedTuple

from tests.e2e.doctor.fault import endpoint
from tests.e2e.doctor.independent import FRONT, NO_FRONT, STORAGE, SYSTEM, Case, certificate
from tests.e2e.doctor.independent_node import CERTIFICATES, ETCD, IMAGES, RUNTIMES
from tests.e2e.doctor.independent_plane import DROP, NETWORKS, NO_DROP, TRUST

EVERY = {case.name: case for case in (*STORAGE, *SYSTEM, *NETWORKS, *TRUST, *RUNTIMES, *IMAGES, *CERTIFICATES, *ETCD)}


class Pair(NamedTuple):
    """Two faults at once; `first` are the symptoms that are right as the first cause."""

    one: Case
    two: Case
    first: tuple[str, ...]


def pair(one: str, two: str, *first: str) -> Pair:
    """Return two faults by name; without `first` each cause of both is right."""
    both = EVERY[one], EVERY[two]
    return Pair(*both, first or (*both[0].first, *both[1].first))


PAIRS = (
    pair("the name server does not exist", "an own service of the site has failed", "dns-silent"),
    pair("the cable was pulled", "the agent was stopped manually", "no-link", "unit-stopped"),
    pair("the gateway was left out of the network settings", "blobs of a bundle are empty"),
    pair("the CA of another plane was installed", "an upgrade failed and fell back"),
    pair("the log of an application fills /var/log", "a new host without a token"),
    pair("swap came back with an update", "the API server's certificate expired last year"),
    pair("two of three members of etcd are off", "the kubelet was stopped"),
    pair("the settings of the CNI were removed", "another member of etcd is off"),
    pair("the disk of containerd is full", "the API server's certificate ends in five days", "disk-full"),
    pair("packets are not forwarded", "the registry does not have the image"),
)


class Healthy(NamedTuple):
    """A host without a fault. `allowed` are symptoms that may be named, because they are true and harmless."""

    name: str
    make: str = ""
    undo: str = ""
    proof: str = "true"
    allowed: tuple[str, ...] = ()
    other: str = ""
    other_undo: str = ""
    prepare: str = ""
    user: int = 0
    node: bool = False
    busybox: bool = False

    def case(self) -> Case:
        """Return what makes the host and takes that back."""
        return Case(
            self.name,
            self.allowed,
            self.make,
            self.proof,
            self.undo or "true",
            self.other,
            self.other_undo,
            prepare=self.prepare,
        )


HEALTHY = (
    Healthy("a host without a cluster, booted a moment ago"),
    Healthy("the same, read by a user without sudo", user=65534),
    Healthy("only BusyBox, no agent, no systemd", busybox=True),
    Healthy(
        "a unit of Debian that does not matter has failed",
        "mkdir -p /run/systemd/system/apt-daily.service.d; printf '[Service]\\nExecStartPre=\\nExecStart=\\nExecStart=/bin/false\\n' >/run/systemd/system/apt-daily.service.d/case.conf; "
        "systemctl daemon-reload; systemctl start apt-daily 2>/dev/null; ",
        "rm -rf /run/systemd/system/apt-daily.service.d; systemctl daemon-reload; ",
        "systemctl is-failed -q apt-daily",
        ("unit-other-failed",),
    ),
    Healthy(
        "a disk of logs at 80 %",
        "mkdir -p /mnt/logs; mkfs.ext4 -q -F $DISK; mount $DISK /mnt/logs; dd if=/dev/zero of=/mnt/logs/archive bs=1M count=33 2>/dev/null; ",
        "umount -l /mnt/logs; ",
        "test $(df --output=pcent /mnt/logs | tail -n 1 | tr -d ' %') -ge 78",
    ),
    Healthy(
        "IPv6 alone, the plane by name and IPv6",
        "ip address flush dev host0 scope global; ip address add fe80::11/64 dev host0 nodad; ip address add fd00:66::11/64 dev host0 nodad; ip -6 route add default via fd00:66::1 dev host0; "
        "cp -p /etc/hosts /run/case-hosts; echo 'fd00:66::12 plane.example.net' >>/etc/hosts; "
        + endpoint("plane.example.net:8443"),
        "cp -p /run/case-hosts /etc/hosts; cp -p /run/case-unit /etc/systemd/system/edgewright-agent.service; cp -p /run/case-data /etc/edgewright/user-data; systemctl daemon-reload; "
        "ip -6 address flush dev host0; systemctl restart systemd-networkd; systemctl restart --no-block edgewright-agent; ",
        "! ip -4 -br address show dev host0 | grep -q '[0-9]/' && ss -Htn state established | grep -q 'fd00:66::12.:8443'",
        other="ip address add fd00:66::12/64 dev host0 nodad; ip address add fd00:66::1/64 dev host0 nodad; "
        + FRONT.format(where="fd00:66::12", to="$NET.2"),
        other_undo=NO_FRONT + "ip address del fd00:66::12/64 dev host0; ip address del fd00:66::1/64 dev host0; ",
        prepare=certificate("DNS:plane.example.net"),
    ),
    Healthy(
        "cards without a cable, a bridge without members, an address of Docker's",
        "ip link add eth1 type dummy; ip link add docker0 type bridge; ip address add 172.17.0.1/16 dev docker0; ip link set docker0 up; ip link add eth2 type veth peer name eth3; ip link set eth2 up; ",
        "ip link del eth1; ip link del docker0; ip link del eth2; ",
        "ip -br link | grep -q docker0",
    ),
    Healthy(
        "the cable was out for a while and is in again",
        "ip route add blackhole $NET.2/32; systemctl restart edgewright-agent --no-block; sleep 12; ip route del blackhole $NET.2/32; systemctl restart edgewright-agent --no-block; sleep 5; ",
        proof="journalctl -q -o cat -u edgewright-agent --since -40s | grep -q .",
    ),
    Healthy(
        "swap, and no Kubernetes; another host name; an unused unit is masked",
        "printf 'Filename\\t\\t\\t\\tType\\t\\tSize\\t\\tUsed\\t\\tPriority\\n/swap.img                               file\\t\\t2097148\\t\\t0\\t\\t-2\\n' >/run/case-swaps; mount --bind /run/case-swaps /proc/swaps; "
        "hostname till-7; systemctl mask -q apt-daily.timer systemd-networkd-wait-online; ",
        "umount /proc/swaps; hostname $NAME; systemctl unmask -q apt-daily.timer systemd-networkd-wait-online; ",
        "grep -q swap.img /proc/swaps",
    ),
    Healthy(
        "a strict firewall that lets through what is needed",
        DROP.format(chain="input", rule="ct state established,related accept")
        + "nft add rule inet case input iif lo accept; nft add rule inet case input icmp type echo-request accept; nft add rule inet case input tcp dport 22 accept; nft add rule inet case input drop; ",
        NO_DROP,
        "nft list table inet case | grep -q drop",
    ),
    Healthy("a node with etcd and kubelet, nothing to do", node=True),
    Healthy(
        "a node under load: four busy processes and a writing disk",
        "for i in 1 2 3 4; do systemd-run -q --unit=case-busy$i sh -c 'while :; do :; done'; done; systemd-run -q --unit=case-write sh -c 'while :; do dd if=/dev/zero of=/var/tmp/case bs=1M count=200 conv=fsync 2>/dev/null; done'; sleep 15; ",
        "systemctl stop case-busy1 case-busy2 case-busy3 case-busy4 case-write; rm -f /var/tmp/case; ",
        "test $(cut -d. -f1 /proc/loadavg) -ge 2",
        node=True,
    ),
    Healthy(
        "a node whose runtime was restarted a moment ago",
        "systemctl restart containerd kubelet; sleep 4; ",
        proof="systemctl is-active -q containerd kubelet",
        node=True,
    ),
)
