"""Limits of the kernel, proxies, upgrades and what pods wait for: faults and healthy hosts by the author of these rules."""

from __future__ import annotations

from tests.e2e.doctor.independent import Case
from tests.e2e.doctor.independent_more import Healthy
from tests.e2e.doctor.second.independent2 import NO_PROXY, PROXY
from tests.e2e.doctor.third.cluster import KUBECTL, LACKS, MOUNTS, NO_PODS, pod

IN_HOST = '[ "$(readlink $p/ns/pid)" = "$(readlink /proc/$LEADER/ns/pid)" ]'
NETNS = "nsenter --target=$LEADER --net "
FLOOD = r"""
ip route add 198.18.0.0/15 dev lo; nft add table inet case; nft 'add chain inet case out { type filter hook output priority 0; }'; nft add rule inet case out ct state new accept
"""
FILL = r"""
cat >/run/case-fill.py <<'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
most = int(open("/proc/sys/net/netfilter/nf_conntrack_max").read())
for n in range(most + 4000):
    try:
        s.sendto(b"", (f"198.18.{n >> 16}.{n >> 8 & 255}", 1024 + (n & 255)))
    except OSError:
        pass
END
python3 /run/case-fill.py
"""
"""Fills the table of connections of this network namespace with real ones: packets that nobody answers."""
ANSWERED = r"""
cat >/run/case-fill.py <<'END'
import os, resource, socket, time
most = int(open("/proc/sys/net/netfilter/nf_conntrack_max").read())
resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
def bound(first, count):
    made = [(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("127.0.0.1", port)) for port in range(first, first + count)]
    for each, place in made: each.bind(place); each.setblocking(False)
    return made
def talk(some, others):
    for one, place in some:
        for other, away in others:
            try: one.sendto(b"", away); other.sendto(b"", place)
            except OSError: pass
clients, servers = bound(20000, 800), bound(40000, min(most // 800 + 8, 6000))
for some in (servers[:-12], servers[-12:], servers[-12:]):
    talk(some, clients); time.sleep(2.2); talk(some, clients)
if os.fork(): os._exit(0)
os.close(1); os.close(2)
for n in range(60):  # what of them the kernel forgets is taken again
    talk(servers[-12:], clients); time.sleep(2.2)
END
python3 /run/case-fill.py
"""
"""Fills it with connections that both ends speak on for more than two seconds: those the kernel does not forget for new ones."""
TRIED = 'n=0; for i in $(seq 20); do timeout 1 bash -c "</dev/tcp/$SECOND/22" 2>/dev/null || n=$((n + 1)); done; '
"""Counts how many of 20 new connections to the other host fail."""
BEFORE = TRIED + "echo $n >/run/case-before; "
LOST = (
    TRIED
    + 'echo "new connections that failed: $(cat /run/case-before) of 20 before, $n of 20 with the fault" >/run/case-said; '
    "test $(cat /run/case-before) = 0 && test $n -ge 10"
)
"""Proves the loss from either end."""
DROPS = (
    r"""d() { awk 'NR == 1 { for (n = 1; n <= NF; n++) if ($n == "drop") c = n } NR > 1 { print $c }' /proc/net/stat/nf_conntrack | tr '\n' ' '; }
before=$(d)
"""
    f"{{ {LOST}; }} || exit 1\n"
    r"""after=$(d); echo "packets that the kernel counts as dropped (hexadecimal, one number for each CPU): before these $before, after them $after" >>/run/case-said
test "$before" != "$after" """
)
"""The same within the host, where the kernel counts what it drops."""
FORGET = r"""pkill -f /run/case-fill.py; python3 -c '
import socket, struct
link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
link.send(struct.pack("=IHHIIBBH", 20, 0x102, 5, 1, 0, 2, 0, 0)); link.recv(99)'; nft delete table inet case; """
"""Empties the table of this network namespace, as `conntrack -F` does."""
TRACKED = "/proc/sys/net/netfilter/nf_conntrack"
DRAIN = (
    "nft delete table inet case; ip route del 198.18.0.0/15 dev lo; "
    f"for n in $(seq 85); do test $(cat {TRACKED}_count) -lt 9000 && break; sleep 1; done; "
)
"""Takes it back, and waits until the kernel has forgotten these connections."""
FEW = (
    "g=/sys/fs/cgroup/pids/case-$LAB; mkdir -p $g; echo 1 >$g/pids.max; "
    f"for p in /proc/[0-9]*; do {IN_HOST} && grep -q case-till $p/cmdline && echo ${{p#/proc/}} >$g/cgroup.procs; done 2>/dev/null; touch $ROOT/run/case-go; "
)
"""Lets the processes of the till start no further one; it is the kernel that refuses."""
TUNNEL = r"""
cat >/opt/case/tunnel.py <<'END'
import base64, socket, sys, threading
wanted = base64.b64encode(sys.argv[1].encode())
def pump(a, b):
    try:
        while d := a.recv(65536): b.sendall(d)
    except OSError: pass
    for s in (a, b):
        try: s.shutdown(2)
        except OSError: pass
def serve(c):
    try:
        r = b""
        while b"\r\n\r\n" not in r: r += c.recv(4096) or b"\r\n\r\n"
        if wanted and wanted not in r: return c.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        if sys.argv[2] == "refuse": return c.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        t = socket.create_connection((sys.argv[2], 8443), 9)
        c.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=pump, args=(t, c), daemon=True).start(); pump(c, t)
    except OSError: pass
    finally: c.close()
s = socket.create_server(("", 3128))
while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
END
systemctl reset-failed case-proxy 2>/dev/null
"""
RUN_TUNNEL = TUNNEL + "systemd-run -q --unit=case-proxy /usr/bin/python3 /opt/case/tunnel.py '{login}' {to}; "
NO_TUNNEL = "systemctl stop case-proxy; "
ALONE = (
    "nft add table inet case; nft 'add chain inet case out { type filter hook output priority 0; }'; "
    "nft add rule inet case out ip daddr $NET.2 tcp dport 8443 drop; "
)
"""Closes the direct way to the plane."""
LIMITS = (
    Case(
        "a service that may have one process starts others, and the kernel refuses them",
        ("pids-full",),
        "printf '#!/bin/sh\\nsleep 3\\nfor i in 1 2 3; do sleep 1000 & done\\nwait\\n' >/opt/case-till; chmod +x /opt/case-till; "
        "printf '[Service]\\nUser=games\\nLimitNPROC=1\\nExecStart=/bin/sh /opt/case-till\\n' >/etc/systemd/system/till.service; "
        "systemctl daemon-reload; systemctl start till; sleep 5; ",
        "systemctl is-failed -q till && journalctl -q -o cat -u till --since -60s | grep -q 'Cannot fork'",
        "systemctl stop till; systemctl reset-failed till; rm -f /opt/case-till /etc/systemd/system/till.service; systemctl daemon-reload; ",
    ),
    Case(
        "the control group of a service reached its limit of processes",
        ("pids-full",),
        "rm -f /run/case-go; printf '#!/bin/sh\\nuntil [ -e /run/case-go ]; do :; done\\nfor i in 1 2 3; do sleep 1000 & done\\nwait\\n' >/opt/case-till; chmod +x /opt/case-till; "
        "printf '[Service]\\nExecStart=/bin/sh /opt/case-till\\n' >/etc/systemd/system/till.service; systemctl daemon-reload; systemctl start till; ",
        "systemctl is-failed -q till && journalctl -q -o cat -u till --since -60s | grep -q 'Cannot fork'",
        "systemctl stop till; systemctl reset-failed till; rm -f /opt/case-till /etc/systemd/system/till.service; systemctl daemon-reload; ",
        machine=FEW,
        machine_undo="rmdir /sys/fs/cgroup/pids/case-$LAB; dmesg -C; ",
    ),
    Case(
        "the proxy no longer lets this host to the plane",
        ("plane-unreachable",),
        PROXY,
        "journalctl -q -o cat -u edgewright-agent --since -60s | grep -q 403",
        NO_PROXY,
        other=RUN_TUNNEL.format(login="", to="refuse"),
        other_undo=NO_TUNNEL,
    ),
    Case(
        "the end of stylus' log of the upgrade is a failure, and the kernel's command line says nothing",
        ("upgrade-failed",),
        "printf 'INFO[2026-11-30T01:02:03Z] Starting upgrade to 4.7.2\\nINFO[2026-11-30T01:02:09Z] Copying the image to passive\\n"
        "ERRO[2026-11-30T01:04:11Z] write /run/cos/state/cOS/transition.img: no space left on device\\nError: upgrade failed\\n' >/var/log/stylus-upgrade.log; ",
        "tail -n 1 /var/log/stylus-upgrade.log | grep -q failed && ! grep -q upgrade_failure /proc/cmdline",
        "rm -f /var/log/stylus-upgrade.log; ",
    ),
    Case(
        "a scanner filled the table of connections",
        ("conntrack-full",),
        FLOOD + FILL,
        f"test $(cat {TRACKED}_count) -ge $(( $(cat {TRACKED}_max) * 97 / 100 ))",
        DRAIN,
        prepare=NETNS + "sysctl -qw net.netfilter.nf_conntrack_udp_timeout=50; ",
        machine_undo="dmesg -C; ",
    ),
    Case(
        "the table of connections is full of ones that are in use, and the kernel drops new ones",
        ("conntrack-full",),
        "nft add table inet case; nft 'add chain inet case out { type filter hook output priority 0; }'; nft add rule inet case out ct state new accept; "
        + BEFORE
        + ANSWERED,
        f"test $(cat {TRACKED}_count) -ge $(( $(cat {TRACKED}_max) * 99 / 100 )) && ( {DROPS} ) && dmesg | tail -n 50 | grep -q 'table full.*dropping packet'",
        FORGET,
        other=BEFORE,
        other_proof=LOST,
        machine_undo="dmesg -C; ",
        patience=5,
    ),
)
SECRET = pod(MOUNTS + "\n  volumes: [{name: data, secret: {secretName: tls}}]")
CLAIM = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: till}\nspec: {storageClassName: %s, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"
CLASS = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: local}\nprovisioner: rancher.io/local-path\nvolumeBindingMode: %s"
NO_CLASS = f"{KUBECTL}delete storageclass local --ignore-not-found; "
USES = pod(MOUNTS + "\n  volumes: [{name: data, persistentVolumeClaim: {claimName: till}}]")
HOOK = (
    "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: case-%s}\nwebhooks:\n- name: case.example.com\n"
    "  failurePolicy: %s\n  sideEffects: None\n  timeoutSeconds: 2\n  admissionReviewVersions: [v1]\n  clientConfig: {service: {namespace: default, name: %s}}\n"
    "  rules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [statefulsets]}]"
)
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: 443, targetPort: 9443}]}"
SLICE = (
    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: %s, labels: {kubernetes.io/service-name: %s}}\naddressType: IPv4\n"
    "ports: [{port: %s}]\nendpoints: [{addresses: ['%s'], conditions: {ready: true}}]"
)
NO_HOOKS = f"{KUBECTL}delete validatingwebhookconfigurations --all; {KUBECTL}delete service hook hook2 --ignore-not-found; {KUBECTL}delete endpointslice hook-1 --ignore-not-found; "
STATEFUL = (
    'echo \'{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "x"}, "spec": {"serviceName": "x", "selector": {"matchLabels": {"a": "b"}}, '
    '"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "c"}]}}}}\' | '
    f"{KUBECTL}create -f - --dry-run=server -o name 2>&1 | grep -q 'failed calling webhook'"
)


def made(*documents: str) -> str:
    """Return what makes objects of a cluster; variables of the host are filled in."""
    text = "\n---\n".join(documents)
    return f"cat >/run/case-objects.yaml <<END\n{text}\nEND\n{KUBECTL}apply -f /run/case-objects.yaml; "


WAITS = (
    Case(
        "a profile was deployed without the ConfigMap that its pod needs",
        ("pods-fail",),
        pod(MOUNTS + "\n  volumes: [{name: data, configMap: {name: prices}}]") + "sleep 12; ",
        f"{KUBECTL}get events | grep -q 'FailedMount.*prices' && {LACKS}'till .*ContainerCreating'",
        NO_PODS,
        node=True,
        patience=45,
    ),
    Case(
        "the Secret of a pod was deleted",
        ("pods-fail",),
        SECRET + "sleep 12; ",
        f"{KUBECTL}get events | grep -q 'FailedMount.*tls' && {LACKS}'till .*ContainerCreating'",
        NO_PODS,
        node=True,
        patience=45,
    ),
    Case(
        "the claim of a pod names a storage class that is not there",
        ("pods-fail",),
        made(CLAIM % "fast") + USES + "sleep 8; ",
        f"{LACKS}'till .*Pending' && {KUBECTL}get pvc till --no-headers | grep -q Pending",
        NO_PODS,
        node=True,
    ),
    Case(
        "the provisioner of a storage class does not run",
        ("pods-fail",),
        made(CLASS % "Immediate", CLAIM % "local") + USES + "sleep 64; ",
        f"{LACKS}'till .*Pending' && {KUBECTL}get events | grep -q 'ExternalProvisioning'",
        NO_PODS + NO_CLASS,
        node=True,
        patience=60,
    ),
    Case(
        "the pods of an admission webhook that must answer are gone",
        ("webhook-down",),
        made(SERVICE % "hook", HOOK % ("a", "Fail", "hook")) + "sleep 3; ",
        STATEFUL,
        NO_HOOKS,
        node=True,
    ),
    Case(
        "the pod of an admission webhook counts as ready, and nothing listens",
        ("webhook-down",),
        made(SERVICE % "hook", SLICE % ("hook-1", "hook", 9443, "$FIRST"), HOOK % ("a", "Fail", "hook")) + "sleep 3; ",
        STATEFUL,
        NO_HOOKS,
        node=True,
    ),
)
WORDS = {
    "a profile was deployed without the ConfigMap that its pod needs": "ConfigMap prices",
    "the Secret of a pod was deleted": "Secret tls",
    "the claim of a pod names a storage class that is not there": "its storage class fast is not there",
    "the provisioner of a storage class does not run": "the provisioner rancher.io/local-path has not made",
    "the pods of an admission webhook that must answer are gone": "no pod serves it (default/hook)",
    "the pod of an admission webhook counts as ready, and nothing listens": "default/hook refuses connections",
    "the proxy no longer lets this host to the plane": "HTTP 403",
}
"""What the first sentence of Doctor contains, where the symptom alone could be another fault's."""
HANGING = r"""
python3 - /proc/$LEADER/ns/mnt >/dev/null 2>&1 <<'END' &
import ctypes, os, struct, sys
fd = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.setns(os.open(sys.argv[1], os.O_RDONLY), 0) == 0
os.makedirs("/srv/nas", exist_ok=True)
assert libc.mount(b"nas:/export", b"/srv/nas", b"fuse", 0, f"fd={fd},rootmode=40000,user_id=0,group_id=0".encode()) == 0
unique = struct.unpack_from("<IIQ", os.read(fd, 70000))[2]
os.write(fd, struct.pack("<IiQ", 80, 0, unique) + struct.pack("<IIIIHHIIHHIIIIII", 7, 31, 65536, 0, 12, 9, 65536, 1, 0, 0, 0, 0, 0, 0, 0, 0))
while True: os.read(fd, 70000)  # until it is unmounted
END
"""
"""A file system that was mounted and no longer answers, as a network disk whose server is away."""
HEALTHY = {
    "host": (
        Healthy(
            "the plane is reached by a proxy with a login alone, and its way is closed for all else",
            ALONE + PROXY.replace("http://'$SECOND'", "http://site:hunter2@'$SECOND'") + "sleep 12; ",
            NO_PROXY + "nft delete table inet case; ",
            "! timeout 3 bash -c '</dev/tcp/'$NET.2/8443 && journalctl -q -o cat -u edgewright-agent --since -60s | grep -qi 'registered\\|runs on'",
            other=RUN_TUNNEL.format(login="site:hunter2", to="$NET.2"),
            other_undo=NO_TUNNEL,
        ),
        Healthy(
            "a network disk that no longer answers",
            "",
            "umount -l /srv/nas; rmdir /srv/nas; ",
            "grep -q ' /srv/nas fuse' /proc/mounts && ! timeout -s KILL 2 stat /srv/nas/x",
            prepare=HANGING,
        ),
        Healthy(
            "an upgrade that went well, after one that did not",
            "printf 'ERRO[2026-11-29] no space left on device\\nupgrade failed\\nINFO[2026-11-30] Upgrade completed\\n' >/var/log/stylus-upgrade.log; ",
            "rm -f /var/log/stylus-upgrade.log; ",
        ),
        Healthy(
            "a till with two thousand processes, thousands of connections, and a unit at two thirds of its limit",
            "systemd-run -q --unit=case-many -p TasksMax=3000 sh -c 'for i in $(seq 2000); do sleep 1000 & done; wait'; "
            + FLOOD
            + FILL.replace("range(most + 4000)", "range(most // 4)"),
            "systemctl stop case-many; " + DRAIN,
            f"test $(cat {TRACKED}_count) -ge 50000 && test $(ls -d /proc/[0-9]* | wc -l) -gt 2000",
            prepare=NETNS + "sysctl -qw net.netfilter.nf_conntrack_udp_timeout=40; ",
        ),
    ),
    "cluster": (
        Healthy(
            "webhooks that answer, or need not; a claim that waits for its first pod; a pod with an optional ConfigMap; one made a moment ago",
            made(
                CLASS % "WaitForFirstConsumer",
                CLAIM % "local",
                SERVICE % "hook",
                SLICE % ("hook-1", "hook", 6443, "$FIRST"),
                HOOK % ("a", "Fail", "hook"),
                SERVICE % "hook2",
                HOOK % ("b", "Ignore", "hook2"),
            )
            + pod(MOUNTS + "\n  volumes: [{name: data, configMap: {name: prices, optional: true}}]"),
            NO_PODS + NO_HOOKS + NO_CLASS,
            f"{KUBECTL}get pvc till --no-headers | grep -q Pending && {KUBECTL}get validatingwebhookconfigurations case-a case-b",
            allowed=("registry-down", "image-pull"),  # no image of a sandbox comes to these hosts
            node=True,
        ),
    ),
}
