"""Second proof: pairs of faults, and healthy hosts with harmless oddities (`independent2.py`)."""

from __future__ import annotations

from tests.e2e.doctor.fault import LAST_YEAR, fill, on_disk, unmount
from tests.e2e.doctor.independent_more import Healthy, Pair
from tests.e2e.doctor.independent_node import KUBELET, PKI, ended
from tests.e2e.doctor.second.independent2 import NETWORKS2, STORAGE2
from tests.e2e.doctor.second.independent2_node import CERTIFICATES2, ETCD2, IMAGES2, LEAVES, RUNTIMES2, signed

GROUPS2 = {
    "network and plane": NETWORKS2,
    "storage and system": STORAGE2,
    "certificates and etcd": (*CERTIFICATES2, *ETCD2),
    "runtime and images": (*RUNTIMES2, *IMAGES2),
}
EVERY2 = {case.name: case for group in GROUPS2.values() for case in group}


def pair(one: str, two: str, *first: str) -> Pair:
    """Return two faults by name; without `first` each cause of both is right."""
    both = EVERY2[one], EVERY2[two]
    return Pair(*both, first or (*both[0].first, *both[1].first))


PAIRS2 = (
    pair("logs filled the disk of /var/log", "a technician switched on a firewall that lets only SSH out"),
    pair("the cable was pulled", "the battery of the clock is empty"),
    pair(
        "an old line in /etc/hosts sends the plane's name elsewhere",
        "power went while content was copied: blobs without a byte",
    ),
    pair(
        "the file system of the agent's state came up read-only",
        "the keys of sshd were removed with an image, and it does not start again",
    ),
    pair("only the certificate of the front proxy has expired", "one member of etcd hangs"),
    pair("a list of hardening settings switched forwarding off", "a technician deleted the image from the registry"),
    pair(
        "an upgrade of packages left a broken config.toml",
        "the API server's certificate ends in five days",
        "runtime-down",
        "unit-restarts",
        "unit-failed",
    ),
    pair("the settings of the CNI were deleted", "etcd has reached its quota and raised the alarm"),
)
NOISE = (
    "certificate has expired or is not yet valid",
    "write /data/till.db: no space left on device",
    "dial tcp 203.0.113.9:5000: connect: connection refused",
    "x509: certificate signed by unknown authority",
    "lookup till.example.net: no such host",
    "Out of memory in the price list, page skipped",
)
HEALTHY2 = (
    Healthy(
        "a shop's report failed in the night; the host does not need it",
        "systemd-run -q --unit=shop-report sh -c 'echo no printer; exit 3'; ",
        "systemctl reset-failed shop-report; ",
        "systemctl is-failed -q shop-report",
        allowed=("unit-other-failed",),
    ),
    Healthy(
        "a second card that is not used, without a cable",
        "ip link add eth1 type veth peer name eth1p; ip link set eth1 up; ",
        "ip link del eth1; ",
        "test $(cat /sys/class/net/eth1/carrier) = 0",
    ),
    Healthy(
        "a full USB stick, mounted read-only",
        "mkdir -p /media/usb; " + on_disk("/media/usb") + fill("/media/usb") + "mount -o remount,ro /media/usb; ",
        unmount("/media/usb"),
        "df --output=pcent /media/usb | grep -q 100% && ! touch /media/usb/x",
    ),
    Healthy(
        "an application that writes frightening words to the journal",
        "; ".join(f"echo '{line}' | systemd-cat -t till -p err" for line in NOISE) + "; ",
        "true",
        "journalctl -q -t till --since -60s | grep -q expired",
    ),
    Healthy(
        "an application's own certificate has expired, and its rotated logs are empty",
        f"mkdir -p /opt/till /var/log/till; {LAST_YEAR}openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        "-nodes -days 30 -keyout /opt/till/till.key -out /opt/till/till.crt -subj /CN=till; : >/var/log/till/till.log.1; ",
        "rm -rf /opt/till /var/log/till; ",
        ended("/opt/till/till.crt"),
    ),
    Healthy(
        "a firewall that closes telnet and lets the rest pass",
        "nft add table inet case; nft 'add chain inet case in { type filter hook input priority 0; policy accept; }'; nft add rule inet case in tcp dport 23 drop; ",
        "nft delete table inet case; ",
        "nft list ruleset | grep -q 'dport 23 drop'",
    ),
    Healthy(
        "sleep and ctrl-alt-del are masked on purpose, seen by a user without sudo",
        "systemctl mask -q sleep.target ctrl-alt-del.target; ",
        "systemctl unmask -q sleep.target ctrl-alt-del.target; ",
        "systemctl is-enabled sleep.target | grep -q masked",
        user=65534,
    ),
    Healthy(
        "a node retains the expired certificates of last year in a folder of their own",
        f"cp -a {PKI} /root/pki-of-last-year; cp -a {PKI} /run/keep-pki; "
        + signed(*LEAVES[0], LAST_YEAR)
        + f"cp {PKI}/apiserver.crt /root/pki-of-last-year/; rm -rf {PKI}; mv /run/keep-pki {PKI}; ",
        "rm -rf /root/pki-of-last-year; ",
        ended("/root/pki-of-last-year/apiserver.crt"),
        node=True,
    ),
    Healthy(
        "a node whose kubelet was just restarted twice manually",
        KUBELET + "sleep 4; " + KUBELET + "sleep 4; ",
        "true",
        "systemctl is-active -q kubelet",
        node=True,
    ),
)
