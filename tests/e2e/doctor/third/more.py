"""Third proof: pairs of faults, and healthy hosts with what is unusual and right (`network.py`)."""

from __future__ import annotations

from typing import Literal

from tests.e2e.doctor.fault import AGENT, on_disk, unmount
from tests.e2e.doctor.independent import NAMES, NO_NAMES, PLANE, Case
from tests.e2e.doctor.independent_more import Healthy, Pair
from tests.e2e.doctor.independent_node import BACK_KUBELET, CONFIG, KEEP_KUBELET, KUBELET, PATH, PKI, SAYS
from tests.e2e.doctor.third.cluster import CLUSTERS3, KUBECTL, NO_PODS
from tests.e2e.doctor.third.host import STORAGE3, SYSTEM3
from tests.e2e.doctor.third.network import NETWORKS3, TRUST3
from tests.e2e.doctor.third.node import CERTIFICATES3, ETCD3
from tests.e2e.doctor.third.pods import IMAGES3, RUNTIMES3

Kind = Literal["host", "node", "cluster"]
"""A host with the agent; the same as a node (containerd, etcd, kubelet); a node with an API server that it is registered with."""
GROUPS3: dict[str, tuple[Kind, tuple[Case, ...]]] = {
    "network and plane": ("host", (*NETWORKS3, *TRUST3)),
    "storage and system": ("host", (*STORAGE3, *SYSTEM3)),
    "certificates and etcd": ("node", (*CERTIFICATES3, *ETCD3)),
    "runtime and images": ("node", (*RUNTIMES3, *IMAGES3)),
    "API server and pods": ("cluster", CLUSTERS3),
}
EVERY3 = {case.name: case for _, group in GROUPS3.values() for case in group}


def pair(one: str, two: str, *first: str) -> Pair:
    """Return two faults by name; without `first` each cause of both is right."""
    both = EVERY3[one], EVERY3[two]
    return Pair(*both, first or (*both[0].first, *both[1].first))


PAIRS3: dict[Kind, tuple[Pair, ...]] = {
    "host": (
        pair("uploads of bundles filled /opt/spectrocloud", "port 443 was typed for 8443"),
        pair(
            "a list of hardening settings took dns out of nsswitch.conf",
            "the site was renumbered, and sshd listens only on its old address",
        ),
        pair(
            "the plane's new certificate begins the day after tomorrow",
            "an archive was unpacked over /var/tmp: only root may use it",
        ),
        pair(
            "power failed during the start of a new image, and the passive one came up",
            "a file of /oem was cut in the middle when power failed",
        ),
    ),
    "node": (
        pair(
            "only the certificate between the members of etcd has expired",
            "kubeadm-flags.env has an option that this kubelet no longer knows",
        ),
        pair("the registry speaks plain HTTP, and the node expects TLS", "etcd of this host hangs"),
        pair(
            "power failed while the settings of the CNI were written: half a file",
            "a clean-up removed the key with which the API server asks etcd",
        ),
    ),
    "cluster": (
        pair(
            "the programs of the CNI have the owner of their archive",
            "the node was cordoned for work, and still is",
        ),
    ),
}
HEALTHY3: dict[Kind, tuple[Healthy, ...]] = {
    "host": (
        Healthy("a host that was installed a moment ago"),
        Healthy(
            "a busy till: five programs that compute, one that writes, four hundred processes",
            "for i in 1 2 3 4 5; do systemd-run -q --unit=case-busy$i sh -c 'while :; do :; done'; done; "
            "systemd-run -q --unit=case-write sh -c 'while :; do dd if=/dev/zero of=/var/tmp/case bs=1M count=100 conv=fsync 2>/dev/null; done'; "
            "systemd-run -q --unit=case-many sh -c 'for i in $(seq 400); do sleep 1000 & done; wait'; sleep 15; ",
            "systemctl stop case-busy1 case-busy2 case-busy3 case-busy4 case-busy5 case-write case-many; rm -f /var/tmp/case; ",
            "test $(cut -d. -f1 /proc/loadavg) -ge 2 && test $(ls -d /proc/[0-9]* | wc -l) -gt 400",
        ),
        Healthy(
            "one of two name servers is switched off, the other answers; the plane has a name",
            "printf 'search shop.example.net\\nnameserver '$SECOND'\\nnameserver '$NET'.77\\noptions timeout:1 attempts:2 rotate\\n' >/etc/resolv.conf; "
            "cp -p /etc/hosts /run/case-hosts; "
            f'echo "$NET.2 {PLANE} hub" >>/etc/hosts; sleep 1; getent hosts shop.example.net; ',
            "rm -f /etc/resolv.conf; : >/etc/resolv.conf; cp -p /run/case-hosts /etc/hosts; ",
            "timeout 8 getent hosts shop.example.net && grep -q '[.]77' /etc/resolv.conf",
            other=NAMES.format(records=f"{PLANE} 10.0.0.1\\nshop.example.net 10.0.0.9\\n"),
            other_undo=NO_NAMES,
        ),
        Healthy(
            "a package as a read-only squashfs at 100 %, an archive disk at 89 %, and a mount that is read-only on purpose",
            "mkdir -p /snap/till/7 /data /srv/master; mount -t squashfs -o loop,ro /run/case.squashfs /snap/till/7; "
            + on_disk("/data")
            + "dd if=/dev/zero of=/data/archive bs=1M count=33 2>/dev/null; mount --bind /usr/share /srv/master; mount -o remount,bind,ro /srv/master; ",
            "umount -l /snap/till/7 /srv/master; " + unmount("/data") + "rm -rf /snap /srv/master /data; ",
            "df --output=pcent /snap/till/7 | grep -q 100% && test $(df --output=pcent /data | tail -n 1 | tr -d ' %') -ge 85 && test $(df --output=avail /data | tail -n 1) -gt 2000",
            prepare="rm -rf /tmp/case-$LAB; mkdir -p /tmp/case-$LAB; head -c 300000 /dev/urandom >/tmp/case-$LAB/file; rm -f $ROOT/run/case.squashfs; "
            "mksquashfs /tmp/case-$LAB $ROOT/run/case.squashfs -quiet -no-progress; rm -rf /tmp/case-$LAB; "
            'n=$(losetup -f); m=$(stat -c "%Hr %Lr" $n); nsenter --target=$LEADER --mount -- sh -c "test -e /dev/loop-control || mknod /dev/loop-control c 10 237; test -e $n || mknod $n b $m"; ',
        ),
        Healthy(
            "an installation of other people: time zone of Kathmandu, German, host name with dots, umask 077, an alias for ls",
            "ln -sf /usr/share/zoneinfo/Asia/Kathmandu /etc/localtime; printf 'LANG=de_DE.UTF-8\\n' >/etc/default/locale; hostname till-7.shop17.example.net; "
            "printf 'umask 077\\nalias ls=\"ls --color\"\\nexport LANG=de_DE.UTF-8 GREP_COLOR=31\\n' >/etc/profile.d/site.sh; ",
            "rm -f /etc/localtime /etc/default/locale /etc/profile.d/site.sh; hostname $NAME; ",
            "date +%z | grep -q 0545 || readlink /etc/localtime | grep -q Kathmandu",
        ),
        Healthy(
            "containers of a shop: a bridge with twelve cards, one of them without a link, two addresses on one card, a second default route that is worse",
            "ip link add br-shop type bridge; ip address add 172.18.0.1/16 dev br-shop; ip link set br-shop up; for i in 1 2 3 4 5 6; do ip link add vs$i type veth peer name vp$i; ip link set vs$i master br-shop up; ip link set vp$i up; done; "
            "ip link set vp6 down; ip address add 192.168.77.1/24 dev host0; ip route add default via 172.18.0.9 dev br-shop metric 900; ",
            "for i in 1 2 3 4 5 6; do ip link del vs$i; done; ip link del br-shop; ip address del 192.168.77.1/24 dev host0; ",
            "ip -br link | grep -c '^v[sp][0-9]' | grep -q 12 && ip route show default | grep -q br-shop",
        ),
        Healthy(
            "the agent was restarted by its upgrade a moment ago, and an old boot slot is in the settings of the boot loader",
            f"mkdir -p /oem; printf '#cloud-config\\nstages: {{}}\\n' >/oem/90_custom.yaml; printf 'saved_entry=cos\\nlast_upgrade=passive kept\\n' >/oem/notes.txt; {AGENT}; sleep 5; ",
            "rm -rf /oem; ",
            "journalctl -q -o cat -u edgewright-agent --since -30s | grep -q 'Registered\\|runs on'",
        ),
    ),
    "node": (
        Healthy(
            "a node whose swap is allowed by its kubelet's settings",
            f"{KEEP_KUBELET}sed -i 's/failSwapOn: true/failSwapOn: false/' {CONFIG}; printf 'Filename\\t\\t\\t\\tType\\t\\tSize\\t\\tUsed\\t\\tPriority\\n/dev/zram0                              partition\\t1018456\\t\\t0\\t\\t100\\n' >/run/case-swaps; "
            f"mount --bind /run/case-swaps /proc/swaps; {KUBELET}sleep 6; ",
            "umount /proc/swaps; " + BACK_KUBELET,
            f"systemctl is-active -q kubelet && grep -q zram /proc/swaps && ! {SAYS}'failed to run Kubelet'",
            node=True,
        ),
        Healthy(
            "backups beside the certificates, notes beside the manifests, a second file of the CNI",
            f"mkdir -p {PKI}/old; cp -p {PKI}/*.crt {PKI}/old/; cp -p {PKI}/apiserver.crt {PKI}/apiserver.crt.bak; echo 'ask Jo first' >/etc/kubernetes/README; "
            "cp -p /etc/cni/net.d/10-bridge.conflist /etc/cni/net.d/10-bridge.conflist.orig; mkdir -p /etc/kubernetes/tmp; : >/etc/kubernetes/tmp/empty; ",
            f"rm -rf {PKI}/old {PKI}/apiserver.crt.bak /etc/kubernetes/README /etc/cni/net.d/10-bridge.conflist.orig /etc/kubernetes/tmp; ",
            f"test -e {PKI}/apiserver.crt.bak",
            node=True,
        ),
        Healthy(
            "a node that lets in what Kubernetes needs, and drops the rest; read by a user without sudo",
            "nft add table inet case; nft 'add chain inet case in { type filter hook input priority 0; policy drop; }'; nft add rule inet case in iif lo accept; "
            "nft add rule inet case in ct state established,related accept; nft add rule inet case in meta l4proto icmp accept; nft add rule inet case in ip protocol vrrp accept; "
            "nft add rule inet case in tcp dport '{ 22, 2379, 2380, 6443, 10250, 10256-10259, 30000-32767 }' accept; nft add rule inet case in udp dport 8472 accept; ",
            "nft delete table inet case; ",
            "nft list table inet case | grep -q 10250",
            user=65534,
            node=True,
        ),
    ),
    "cluster": (
        Healthy("a control plane of one node, nothing to do", node=True),
        Healthy(
            "a control plane that has just been restarted, with a deployment of no pods",
            f"{PATH}{KUBECTL}create deployment till --image=registry.example.net/till --replicas=0; systemctl restart case-api case-manager case-scheduler; sleep 20; ",
            NO_PODS,
            f"{KUBECTL}get deployment till --no-headers | grep -q 0/0",
            node=True,
        ),
    ),
}
