"""What a host has beside a cluster stays; a full disk, another address and a registry that is down stop no cluster.

Three clusters of one host each: `full` (edge1), `site` (edge2), `moved` (edge3).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from edgewright.lab.kubernetes import build, documents, versions
from tests.e2e.fleet import Fleet, product, until
from tests.e2e.kubernetes.cases import DATA, LINKS, PKI, Cases, cases_lab
from tests.e2e.kubernetes.test_cluster import assert_clean
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]
FULL, SITE, MOVED = "full", "site", "moved"
PLACE = {FULL: "edge1", SITE: "edge2", MOVED: "edge3"}
STOP = "systemctl stop edgewright-reconciler.service edgewright-reconciler.timer"
SITE_SETUP = """
set -e
nft add table inet site
nft add chain inet site input '{ type filter hook input priority 10; policy accept; }'
nft add rule inet site input tcp dport 9999 drop
nft add set inet site allowed '{ type ipv4_addr; elements = { 192.0.2.7 }; }'
iptables -w -t nat -N DOCKER
iptables -w -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -w -t nat -A DOCKER -p tcp --dport 8088 -j DNAT --to-destination 172.31.0.2:80
iptables -w -N DOCKER-USER
iptables -w -A FORWARD -j DOCKER-USER
iptables -w -A DOCKER-USER -s 192.0.2.0/24 -j DROP
ip link add docker0 type bridge
ip address add 172.31.0.1/24 dev docker0
ip link set docker0 up
mkdir -p /var/lib/docker/overlay2/one /var/lib/containerd/own /srv/data /run/docker /etc/docker /opt/cni/bin /opt/site
echo '{"bridge": "docker0"}' > /etc/docker/daemon.json
echo image > /var/lib/docker/overlay2/one/layer
echo plug-in > /opt/cni/bin/site-plugin
echo site > /opt/site/file
mount -t tmpfs -o size=1m site /srv/data
echo kept > /srv/data/file
mkdir -p /run/docker/netns && mount -t tmpfs -o size=1m docker /run/docker/netns
"""
"""A site firewall (own table, chains in iptables' tables), docker's rules, link, folders and mounts, a CNI plug-in."""
FOREIGN = """
nft list table inet site
iptables-save -t nat | grep -E 'DOCKER|172.31'
iptables-save -t filter | grep -E 'DOCKER-USER|192.0.2'
ip -o address show dev docker0 | awk '{print $2, $4}'
grep -E ' /srv/data | /run/docker/netns ' /proc/self/mounts
find /etc/docker /var/lib/docker /srv/data /opt/site -type f -exec sha256sum {} + | sort
sha256sum /opt/cni/bin/site-plugin
ls -d /var/lib/containerd/own
"""


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Cases]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = cases_lab(make_fleet, versions.DEFAULT, "--heartbeat", "10")
    yield made
    print("\n" + made.table())


SMALL = "small"
"""The profile of `full`, whose etcd may have 32 MiB."""
SMALL_DISKS = f"""
set -e
mkdir -p /var/lib/etcd {DATA}/containerd
mount -t tmpfs -o size=400m,mode=0700 etcd /var/lib/etcd
mount -t tmpfs -o size=600m,mode=0711 containerd {DATA}/containerd
"""
"""Disks of their own for etcd and containerd; the second one has no room for the images."""
ETCDCTL = (
    f"{LINKS}/etcdctl --cacert={PKI}/etcd/ca.crt --cert={PKI}/etcd/healthcheck-client.crt"
    f" --key={PKI}/etcd/healthcheck-client.key --endpoints=127.0.0.1:2379"
)
PUTS = f"""
base64 -w0 /dev/urandom | head -c 1000000 > /tmp/value
for n in $(seq @COUNT@); do {ETCDCTL} put /edgewright-test < /tmp/value 2>&1 || break; done
"""
"""Values of 1 MB, one after the other under the same key: the history of etcd has them all."""


def small_profile(lab: Cases) -> None:
    """Apply the profile `small`: that of the lab with a limit for etcd's database."""
    root = lab.folder / SMALL
    documents.write_profile(root, SMALL, lab.version, lab.fleet.shown["registry"], lab.images)
    values = root / "layers" / "edge-k8s" / "values.yaml"
    body = json.loads(values.read_text())
    quota = {"extraArgs": [{"name": "quota-backend-bytes", "value": str(32 * 1024 * 1024)}]}
    body["cluster"]["config"]["clusterConfiguration"]["etcd"] = {"local": quota}
    values.write_text(json.dumps(body))
    lab.run("--yes", "apply", "-f", str(root))
    lab.run("--yes", "profile", "publish", SMALL)


@pytest.fixture(scope="module")
def before(lab: Cases) -> dict[str, list[str]]:
    """Return what the host of the site has before it belongs to a cluster, its own things among them."""
    lab.sh(PLACE[SITE], SITE_SETUP)
    units = "systemctl list-units --plain --no-legend 'edgewright-*'"
    until("its reconciler rests", 90.0, lambda: "reconciler.timer" not in lab.sh(PLACE[SITE], units), 1.0)
    return lab.traces(PLACE[SITE])


def test_hosts_with_docker_a_firewall_and_a_small_disk_form_clusters(lab: Cases, before: dict[str, list[str]]) -> None:
    foreign = lab.sh(PLACE[SITE], FOREIGN)
    small_profile(lab)
    lab.sh(PLACE[FULL], SMALL_DISKS)
    for number, (name, host) in enumerate(PLACE.items()):
        profile = SMALL if name == FULL else "lab"
        lab.form(name, [host], vip=f"{lab.net}.{210 + number}", profiles=[{"name": profile}])
    lab.timed("full: waits for space", lambda: lab.wait_shown(FULL, "stay free for Kubernetes", 180.0))
    time.sleep(15.0)
    assert lab.attempts(PLACE[FULL], "preload") == 0, "no step starts on a disk that has no room for it"
    lab.sh(PLACE[FULL], f"mount -o remount,size=3g {DATA}/containerd")
    lab.saw("14: containerd's disk is full", "preload waited for space and named it, 0 attempts; then it formed")
    for name in PLACE:
        lab.timed(f"{name}: to healthy", lambda name=name: lab.healthy(name, 1))  # type: ignore[misc]
        lab.kubeconfig(name)
    assert lab.sh(PLACE[SITE], FOREIGN) == foreign, "rules, links, mounts and files of the site stay while it forms"
    lab.saw("12: host with docker's rules, a site firewall, foreign mounts", "cluster formed, everything as before")


def test_images_come_from_the_host_while_the_registry_is_down(lab: Cases) -> None:
    host = PLACE[MOVED]
    image = lab.image("web")
    lab.fleet.lab("fault", "power-cut", "registry")
    try:
        pod = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "always"},
            "spec": {
                "tolerations": [{"operator": "Exists"}],
                "containers": [{"name": "web", "image": image, "imagePullPolicy": "Always"}],
            },
        }  # fmt: skip
        (lab.folder / "pod.json").write_text(json.dumps(pod))
        began = time.monotonic()
        lab.kubectl(MOVED, "apply", "-f", str(lab.folder / "pod.json"))
        lab.kubectl(MOVED, "wait", "--for=condition=Ready", "pod/always", "--timeout=90s", timeout=100.0)
        took = time.monotonic() - began
        ctr = f"{LINKS}/ctr --address /run/edgewright/containerd/containerd.sock -n k8s.io"
        crictl = f"{LINKS}/crictl --runtime-endpoint unix:///run/edgewright/containerd/containerd.sock"
        lab.sh(host, f"{crictl} rmi --prune 2>/dev/null || true", check=False)
        pinned = lab.sh(host, f"{ctr} images ls | grep -c io.cri-containerd.pinned=pinned").strip()
        assert int(pinned) >= 10, "images of the cluster are pinned: a clean-up leaves them"
        lab.sh(host, f"{ctr} images rm {image} >/dev/null; systemctl restart kubelet")  # as if it had been removed
        lab.kubectl(MOVED, "delete", "pod", "always", "--grace-period=1", timeout=90.0)
        lab.kubectl(MOVED, "apply", "-f", str(lab.folder / "pod.json"))
        lab.kubectl(MOVED, "wait", "--for=condition=Ready", "pod/always", "--timeout=120s", timeout=130.0)
    finally:
        lab.fleet.lab("fault", "power-on", "registry")
    lab.saw("8: registry down, imagePullPolicy Always", f"ready after {took:.0f} s, {pinned} pins, again after rmi")


PAD = """
import sys
with open(sys.argv[1], "ab+") as journal:
    journal.seek(0)
    data = journal.read()
    line = data[data[:-1].rindex(b"\\n") + 1 :]
    journal.write(line * (-len(data) % 4096 // len(line)))
"""
"""Repeats the last record of a journal to the end of its block: a full disk still takes what fits into that."""


def full_disk(lab: Cases, host: str) -> None:
    """Let a file system of its own be where the journal of the steps is, and fill it."""
    place = f"{DATA}/reconciler"
    lab.sh(
        host,
        f"set -e; {STOP}; cp -a {place} /run/journal;"
        f" mount -t tmpfs -o size=1m,mode=0700 small {place}; cp -a /run/journal/. {place}/;"
        f" python3 -c '{PAD}' {place}/journal.jsonl;"
        f" dd if=/dev/zero of={place}/filler bs=4k 2>/dev/null || true; systemctl start edgewright-reconciler.service",
    )


def starts(lab: Cases, host: str) -> int:
    """Return how many starts of steps are in the journal of a host, as the host has it."""
    return lab.sh(host, f"cat {DATA}/reconciler/journal.jsonl").count('"state":"running"')


def test_a_full_disk_stops_before_the_step_and_the_work_continues_with_space(lab: Cases) -> None:
    host = PLACE[FULL]
    full_disk(lab, host)
    before = starts(lab, host)
    lab.sh(host, "systemctl stop edgewright-keepalived; systemctl start edgewright-reconciler.service")
    until(
        "the full disk is named",
        120.0,
        lambda: "cannot write" in lab.sh(host, "cat /run/edgewright-reconciler/*.json", check=False),
        1.0,
    )
    time.sleep(15.0)
    after = starts(lab, host)
    state = lab.sh(host, "systemctl is-active edgewright-keepalived", check=False).strip()
    assert after == before and state != "active", "no step starts that cannot be recorded"
    lab.sh(host, f"rm {DATA}/reconciler/filler; systemctl start edgewright-reconciler.service")
    until(
        "keepalived runs again", 120.0,
        lambda: lab.sh(host, "systemctl is-active edgewright-keepalived", check=False).strip() == "active", 1.0,
    )  # fmt: skip
    lab.sh(
        host,
        f"set -e; {STOP}; cp -a {DATA}/reconciler/. /run/journal/; umount {DATA}/reconciler;"
        f" cp -a /run/journal/. {DATA}/reconciler/; systemctl start edgewright-reconciler.service",
    )
    lab.saw("14: disk full at the journal", "no step started, reason shown; keepalived started when there was space")


def test_an_etcd_that_is_full_gets_room_by_its_host(lab: Cases) -> None:
    host = PLACE[FULL]
    printed = lab.sh(host, PUTS.replace("@COUNT@", "60"), timeout=120.0)
    assert "database space exceeded" in printed, f"etcd is full: {printed[-300:]}"
    began = time.monotonic()
    lab.timed("full etcd: has room", lambda: lab.wait_step(host, "etcd-space", "done", 150.0))
    took = time.monotonic() - began
    lab.kubectl(FULL, "create", "configmap", "stored")
    assert lab.sh(host, f"{ETCDCTL} alarm list").strip() == ""
    lines = lab.sh(host, "journalctl -q --no-pager -o cat -u 'edgewright-step*' | grep 'MB before'").splitlines()
    lab.healthy(FULL, 1, 120.0)
    lab.saw("14: alarm NOSPACE of etcd", f"ended by its host after {took:.0f} s: {lines[-1]}")


def test_etcd_on_a_full_disk_stops_and_the_cluster_continues_with_space(lab: Cases) -> None:
    host = PLACE[FULL]
    ca, steps = lab.ca(host), len(lab.records(host))
    lab.sh(host, "dd if=/dev/zero of=/var/lib/etcd/filler bs=1M 2>/dev/null || true")
    lab.sh(host, PUTS.replace("@COUNT@", "25"), timeout=120.0)
    lab.sh(host, "pkill -9 -x etcd || true")  # what is open has room in its log; the next start has none
    lab.timed("etcd without space: shown", lambda: lab.wait_shown(FULL, "does not answer", 150.0))
    started = [row["name"] for row in lab.records(host)[steps:] if row["state"] == "running"]
    lab.sh(host, "rm /var/lib/etcd/filler")
    until("the API answers", 360.0, lambda: lab.ready(FULL) == [host], 2.0)
    lab.timed("etcd with space again: healthy", lambda: lab.healthy(FULL, 1, 240.0))
    assert lab.ca(host) == ca and not {"init", "release"} & set(started), f"nothing forms or resets: {started}"
    lab.saw("14: etcd's disk is full", "the API is shown as not answering; with space the same cluster continues")


def readdress(lab: Cases, host: str, nic: str, old: str, new: str) -> None:
    """Give a host another address, as a DHCP server may."""
    change = f"ip address add {new}/24 dev {nic}; ip address del {old}/24 dev {nic}"
    lab.sh(host, f"{change}; ip route replace default via {lab.net}.1")


def test_another_address_is_named_and_the_cluster_is_not_touched(lab: Cases) -> None:
    host = PLACE[MOVED]
    attempts = len(lab.records(host))
    old = lab.address(host)
    new = f"{lab.net}.77"
    nic = lab.sh(host, f"ip -o address show to {old} | awk '{{print $2}}'").strip()
    files = lab.sh(host, "cat /etc/kubernetes/manifests/*.yaml | sha256sum")
    readdress(lab, host, nic, old, new)
    try:
        time.sleep(70.0)  # a look of the reconciler of a control plane
        said = lab.sh(host, "journalctl -q --no-pager -o cat -u 'edgewright-reconciler*' -n 40", check=False)
        shown = product(lab.env, "cluster", "show", MOVED).stdout + product(lab.env, "host", "show", host).stdout
        lab.saw(
            "11: another address by DHCP",
            f"{[line for line in (said + shown).splitlines() if old in line or new in line][:6]}",
        )
        assert lab.sh(host, "cat /etc/kubernetes/manifests/*.yaml | sha256sum") == files, "nothing of it is changed"
        started = [row["name"] for row in lab.records(host)[attempts:] if row["state"] == "running"]
        assert not {"init", "release", "delete", "join-control-plane"} & set(started), (
            f"no step forms or resets: {started}"
        )
        assert any(old in line and new in line for line in (said + shown).splitlines()), "both addresses are named"
    finally:
        readdress(lab, host, nic, new, old)
    until("the cluster is as before", 120.0, lambda: lab.ready(MOVED) == [host], 1.0)


def test_damaged_data_of_containerd_is_named_and_made_again_from_the_host_itself(lab: Cases) -> None:
    host, root = PLACE[MOVED], f"{DATA}/containerd"
    ca = lab.ca(host)
    damage = f"dd if=/dev/zero of={root}/io.containerd.metadata.v1.bolt/meta.db bs=4096 count=16 conv=notrunc"
    lab.sh(host, f"systemctl stop edgewright-containerd; {damage}; systemctl start --no-block edgewright-containerd")
    lab.sh(host, "systemctl start edgewright-reconciler")
    lab.timed("damaged containerd: shown", lambda: lab.wait_shown(MOVED, "Container runtime failed on", 420.0))
    shown = next(line for line in lab.shown(MOVED).splitlines() if "Container runtime failed" in line)
    lab.fleet.lab("fault", "power-cut", "registry")
    try:
        lab.sh(host, f"systemctl stop kubelet edgewright-containerd; find {root} -mindepth 1 -delete", check=False)
        lab.power_cut(host)
        lab.power_on(host)
        lab.timed("damaged containerd: healthy", lambda: lab.healthy(MOVED, 1, 400.0))
    finally:
        lab.fleet.lab("fault", "power-on", "registry")
    assert lab.ca(host) == ca and lab.ready(MOVED) == [host]
    lab.saw("14: containerd's data damaged", f"{shown.strip()}; emptied, restarted, images from the tree: healthy")


def test_a_release_without_the_api_leaves_what_is_not_the_clusters(lab: Cases, before: dict[str, list[str]]) -> None:
    host = PLACE[SITE]
    foreign = lab.sh(host, FOREIGN)
    lab.sh(host, "mv /etc/kubernetes/manifests/kube-apiserver.yaml /root/; sleep 5")
    lab.run("--yes", "host", "reset", host)
    lab.timed("release without the API", lambda: until("clean", 400.0, lambda: clean(lab, host), 2.0))
    assert lab.sh(host, FOREIGN) == foreign, "foreign rules, links, mounts and images are exactly as before"
    assert_clean(lab, host, {host: before})
    lab.saw(
        "12: release while the API is gone, on a host with docker and a firewall", "clean, everything else as before"
    )


def clean(lab: Cases, host: str) -> bool:
    """Return whether nothing of a cluster is on a host any more."""
    folder = lab.var_lib(host)
    return not (folder / "edgewright/kubernetes").exists() and not (folder / "etcd").exists()
