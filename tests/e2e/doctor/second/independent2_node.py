"""Second proof: faults of certificates, etcd, runtime and images on a node (`independent2.py`).

The node runs containerd, etcd (three members) and a kubelet without an API server, all real.
"""

from __future__ import annotations

from tests.e2e.doctor.fault import LAST_YEAR, fill, on_disk, unmount
from tests.e2e.doctor.independent import Case
from tests.e2e.doctor.independent_node import (
    ACCESS,
    ANY_CERTIFICATE,
    ASK,
    BACK_KUBELET,
    BACK_PKI,
    CONFIG,
    ETCDS,
    IMAGE,
    KEEP_KUBELET,
    KEEP_PKI,
    KUBELET,
    NO_POD,
    NO_REGISTRY,
    NOT_TRUSTED,
    PATH,
    PKI,
    POD,
    REGISTRY,
    RUNTIME,
    RUNTIME_SAYS,
    SAYS,
    TRUSTED,
    ended,
)

TOML = "/etc/containerd/config.toml"
WAITS = "systemctl reset-failed containerd kubelet 2>/dev/null; "
PULL = POD.format(network="true", image=IMAGE) + KUBELET
NODE_UP = f"{WAITS}{RUNTIME}{KUBELET}"


def signed(what: str, authority: str, clock: str, days: int = 365) -> str:
    """Return what signs a certificate of kubeadm again under another clock."""
    path, ca = f"{PKI}/{what}", f"{PKI}/{authority}"
    return (
        f"openssl x509 -in {path}.crt -x509toreq -signkey {path}.key -copy_extensions copyall -out /run/case.csr; "
        f"{clock}openssl x509 -req -in /run/case.csr -CA {ca}.crt -CAkey {ca}.key -set_serial 91 -days {days} "
        f"-copy_extensions copyall -out {path}.crt; "
    )


AHEAD = LAST_YEAR.replace("-400d", "+60d")
LEAVES = (
    ("apiserver", "ca"),
    ("apiserver-kubelet-client", "ca"),
    ("front-proxy-client", "front-proxy-ca"),
    ("apiserver-etcd-client", "etcd/ca"),
    ("etcd/healthcheck-client", "etcd/ca"),
)
KUBELET_PEM = "/var/lib/kubelet/pki/kubelet-client-current.pem"
CERTIFICATES2 = (
    Case(
        "a spare host was on a shelf for a year: all certificates have expired",
        ("certificate-expired",),
        KEEP_PKI + "".join(signed(what, authority, LAST_YEAR, 365) for what, authority in LEAVES),
        f"{ended(f'{PKI}/apiserver.crt')} && {ended(f'{PKI}/front-proxy-client.crt')} && {ended(f'{PKI}/etcd/healthcheck-client.crt')}",
        BACK_PKI,
        node=True,
    ),
    Case(
        "only the certificate of the front proxy has expired",
        ("certificate-expired",),
        KEEP_PKI + signed("front-proxy-client", "front-proxy-ca", LAST_YEAR, 365),
        f"{ended(f'{PKI}/front-proxy-client.crt')} && openssl x509 -in {PKI}/apiserver.crt -noout -checkend 0",
        BACK_PKI,
        node=True,
    ),
    Case(
        "the kubelet's own client certificate has expired",
        ("certificate-expired",),
        f"mkdir -p /var/lib/kubelet/pki; openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /run/case.key -subj /O=system:nodes/CN=system:node:edge1 -out /run/case.csr; "
        f"{LAST_YEAR}openssl x509 -req -in /run/case.csr -CA {PKI}/ca.crt -CAkey {PKI}/ca.key -set_serial 92 -days 365 -out /run/case.crt; "
        f"cat /run/case.crt /run/case.key >{KUBELET_PEM}; ",
        ended(KUBELET_PEM),
        f"rm -f {KUBELET_PEM}; ",
        node=True,
    ),
    Case(
        "the API server's certificate ends in five days",
        ("certificate-soon",),
        KEEP_PKI + signed("apiserver", "ca", LAST_YEAR.replace("-400d", "-360d"), 365),
        f"{ended(f'{PKI}/apiserver.crt', 6 * 86400)} && openssl x509 -in {PKI}/apiserver.crt -noout -checkend 0",
        BACK_PKI,
        node=True,
    ),
    Case(
        "certificates were renewed on a host whose clock was two months ahead",
        ("certificate-early",),
        KEEP_PKI + "".join(signed(what, authority, AHEAD) for what, authority in LEAVES[:3]),
        f"openssl verify -CAfile {PKI}/ca.crt {PKI}/apiserver.crt 2>&1 | grep -q 'not yet valid'",
        BACK_PKI,
        node=True,
    ),
    Case(
        "a power cut left the API server's certificate empty",
        ("certificate-broken",),
        f"{KEEP_PKI}: >{PKI}/apiserver.crt; ",
        f"test -e {PKI}/apiserver.crt && test ! -s {PKI}/apiserver.crt",
        BACK_PKI,
        node=True,
    ),
    Case(
        "a key of another node was restored from a backup",
        ("certificate-broken",),
        f"{KEEP_PKI}openssl genrsa -out {PKI}/apiserver.key 2048; ",
        f'test "$(openssl x509 -in {PKI}/apiserver.crt -noout -pubkey)" != "$(openssl pkey -in {PKI}/apiserver.key -pubout)"',
        BACK_PKI,
        node=True,
    ),
    Case(
        "a technician made a new CA beside the old certificates",
        ("certificate-broken",),
        f"{KEEP_PKI}rm {PKI}/ca.crt {PKI}/ca.key; {PATH}kubeadm init phase certs ca; ",
        f"test -s {PKI}/ca.crt && ! openssl verify -CAfile {PKI}/ca.crt {PKI}/apiserver.crt",
        BACK_PKI,
        node=True,
    ),
)
FILL_ETCD = f"{PATH}head -c 1000000 /dev/urandom | base64 -w0 >/run/case-value; for n in $(seq 14); do {ASK} put big$n </run/case-value >/dev/null || break; done; "
EMPTY_ETCD = (
    f"{PATH}{ASK} del big --prefix; r=$({ASK} endpoint status -w json | grep -o '\"revision\":[0-9]*' | head -1 | cut -d: -f2); {ASK} compact $r; "
    f"{ASK} --endpoints=https://127.0.0.1:2379,https://127.0.0.1:12379,https://127.0.0.1:22379 defrag --command-timeout=20s; {ASK} alarm disarm; "
)
ETCD2 = (
    Case(
        "etcd has reached its quota and raised the alarm",
        ("etcd-full",),
        FILL_ETCD,
        f"{PATH}{ASK} alarm list | grep -q NOSPACE",
        EMPTY_ETCD,
        node=True,
    ),
    Case(
        "one member of etcd hangs",
        ("etcd-member",),
        "systemctl kill -s STOP case-etcd3; ",
        f"{PATH}! {ASK} --endpoints=https://127.0.0.1:22379 endpoint health",
        "systemctl kill -s CONT case-etcd3; ",
        node=True,
    ),
    Case(
        "two of three members of etcd were lost with their hosts",
        ("etcd-no-quorum",),
        "systemctl kill -s KILL case-etcd2 case-etcd3; ",
        f"{PATH}! {ASK} endpoint health",
        ETCDS,
        node=True,
    ),
    Case(
        "a power cut tore the log of this host's etcd, and it does not start",
        ("etcd-down", "etcd-member"),
        "systemctl kill -s KILL case-etcd1; sleep 1; rm -rf /run/case-etcd; cp -a /var/lib/etcd/1 /run/case-etcd; for f in /var/lib/etcd/1/member/wal/*.wal; do "
        "dd if=/dev/urandom of=$f bs=1k count=8 conv=notrunc 2>/dev/null; done; systemctl reset-failed case-etcd1; systemctl start --no-block case-etcd1; ",
        "sleep 2; ! systemctl is-active -q case-etcd1 && journalctl -q -o cat -u case-etcd1 --since -40s | grep -qiE 'wal|crc|panic|fatal'",
        f"systemctl stop case-etcd1; rm -rf /var/lib/etcd/1; cp -a /run/case-etcd /var/lib/etcd/1; {ETCDS}",
        node=True,
    ),
)
RUNTIMES2 = (
    Case(
        "swap was switched on",
        ("swap-on",),
        "printf 'Filename\\t\\t\\t\\tType\\t\\tSize\\t\\tUsed\\t\\tPriority\\n/swapfile                               file\\t\\t2097148\\t\\t0\\t\\t-2\\n' >/run/case-swaps; "
        f"mount --bind /run/case-swaps /proc/swaps; {KUBELET}",
        f"{SAYS} 'swap'",
        f"umount /proc/swaps; {WAITS}{KUBELET}",
        node=True,
    ),
    Case(
        "images filled the disk of containerd",
        ("disk-full",),
        f"systemctl stop kubelet containerd; {on_disk('/var/lib/containerd')}systemctl start containerd kubelet; {fill('/var/lib/containerd')}",
        "df --output=pcent /var/lib/containerd | grep -q 100%",
        f"systemctl stop kubelet containerd; {unmount('/var/lib/containerd')}{NODE_UP}",
        node=True,
    ),
    Case(
        "an upgrade of packages left a broken config.toml",
        ("runtime-down", "unit-restarts", "unit-failed"),
        f"cp -p {TOML} /run/case-toml; printf '<<<<<<< old\\n[plugins\\n' >>{TOML}; {RUNTIME}",
        f"{RUNTIME_SAYS} 'toml|config'",
        f"cp -p /run/case-toml {TOML}; {NODE_UP}",
        node=True,
    ),
    Case(
        "containerd hangs",
        ("runtime-down",),
        "systemctl kill -s STOP containerd; ",
        f"{PATH}! timeout 4 ctr version",
        f"systemctl kill -s CONT containerd; sleep 1; {KUBELET}",
        node=True,
    ),
    Case(
        "containerd was removed as a package that nothing needs",
        ("runtime-down", "unit-failed", "unit-restarts"),
        f"mv /opt/case/bin/containerd /opt/case/bin/containerd.kept; {RUNTIME}",
        "test ! -e /opt/case/bin/containerd && ! systemctl is-active -q containerd",
        f"mv /opt/case/bin/containerd.kept /opt/case/bin/containerd; {NODE_UP}",
        node=True,
    ),
    Case(
        "the settings of the CNI were deleted",
        ("cni-missing",),
        f"rm -rf /run/case-cni; cp -a /etc/cni/net.d /run/case-cni; rm -f /etc/cni/net.d/*; {RUNTIME}{KUBELET}",
        f"test -z \"$(ls /etc/cni/net.d)\" && {RUNTIME_SAYS} 'cni config load failed|no network config found'",
        f"cp -a /run/case-cni/. /etc/cni/net.d/; {NODE_UP}",
        node=True,
    ),
    Case(
        "a list of hardening settings switched forwarding off",
        ("ip-forward-off",),
        "printf 'net.ipv4.ip_forward = 0\\n' >/etc/sysctl.d/99-hardening.conf; echo 0 >/proc/sys/net/ipv4/ip_forward; ",
        "test $(cat /proc/sys/net/ipv4/ip_forward) = 0",
        "rm -f /etc/sysctl.d/99-hardening.conf; echo 1 >/proc/sys/net/ipv4/ip_forward; ",
        node=True,
    ),
    Case(
        "a power cut left the kubelet's settings empty",
        ("kubelet-settings",),
        f"{KEEP_KUBELET}: >{CONFIG}; systemctl restart kubelet; ",
        f"test ! -s {CONFIG} && {SAYS} 'config|empty|fail'",
        BACK_KUBELET,
        node=True,
    ),
    Case(
        "the kubelet was switched off for an upgrade that was not finished",
        ("unit-stopped",),
        "systemctl stop kubelet; ",
        "! systemctl is-active -q kubelet && systemctl is-enabled -q kubelet",
        KUBELET,
        node=True,
    ),
    Case(
        "the kubelet cannot register: its API server has moved",
        ("node-not-ready", "api-down"),
        f"{PATH}kubeadm init phase kubeconfig kubelet --control-plane-endpoint $NET.99:6443 >/dev/null; mkdir -p /run/systemd/system/kubelet.service.d; "
        f"printf '[Service]\\nExecStart=\\nExecStart=/opt/case/bin/kubelet --config={CONFIG} --kubeconfig=/etc/kubernetes/kubelet.conf\\n' >/run/systemd/system/kubelet.service.d/case.conf; systemctl daemon-reload; {KUBELET}",
        f"{SAYS} 'unable to register node|failed to.*lease|:6443'",
        f"rm -rf /run/systemd/system/kubelet.service.d /etc/kubernetes/kubelet.conf; systemctl daemon-reload; {WAITS}{KUBELET}",
        node=True,
    ),
    Case(
        "a power cut left kubelet.conf empty",
        ("kubelet-settings", "unit-restarts", "unit-failed"),
        "mkdir -p /run/systemd/system/kubelet.service.d; : >/etc/kubernetes/kubelet.conf; "
        f"printf '[Service]\\nExecStart=\\nExecStart=/opt/case/bin/kubelet --config={CONFIG} --kubeconfig=/etc/kubernetes/kubelet.conf\\n' >/run/systemd/system/kubelet.service.d/case.conf; systemctl daemon-reload; {KUBELET}",
        f"{SAYS} 'invalid configuration|kubeconfig'",
        f"rm -rf /run/systemd/system/kubelet.service.d /etc/kubernetes/kubelet.conf; systemctl daemon-reload; {WAITS}{KUBELET}",
        node=True,
    ),
)
IMAGES2 = (
    Case(
        "the registry is switched off",
        ("registry-down",),
        PULL,
        f"{SAYS} 'connection refused|dial tcp'",
        NO_POD,
        node=True,
    ),
    Case(
        "a technician deleted the image from the registry",
        ("image-missing",),
        PULL,
        f"{SAYS} 'not found|404'",
        NO_POD,
        prepare=ANY_CERTIFICATE + TRUSTED,
        machine_undo=NOT_TRUSTED,
        other=REGISTRY.format(more=""),
        other_undo=NO_REGISTRY,
        node=True,
    ),
    Case(
        "the registry's password was changed",
        ("image-missing", "image-pull"),
        PULL,
        f"{SAYS} '401|unauthorized|authorization failed|no basic auth'",
        NO_POD,
        prepare=ANY_CERTIFICATE
        + TRUSTED
        + "printf 'till:$2y$05$9lW5KHdvuq9aJ2IhH5kS2e0zIvJ0zI6c6R2o0m1m6k3l0cQmJ5q3e\\n' >$ROOT2/opt/case/htpasswd; ",
        machine_undo=NOT_TRUSTED,
        other=REGISTRY.format(more=ACCESS.format()),
        other_undo=NO_REGISTRY,
        node=True,
    ),
    Case(
        "the registry got a certificate of a CA that the node does not know",
        ("registry-ca",),
        PULL,
        f"{SAYS} 'x509|certificate'",
        NO_POD,
        prepare=ANY_CERTIFICATE + TRUSTED + ANY_CERTIFICATE,
        machine_undo=NOT_TRUSTED,
        other=REGISTRY.format(more=""),
        other_undo=NO_REGISTRY,
        node=True,
    ),
    Case(
        "the registry's certificate has expired",
        ("registry-ca", "image-pull"),
        PULL,
        f"{SAYS} 'x509.*expired|certificate has expired'",
        NO_POD,
        prepare=ANY_CERTIFICATE.replace("openssl req", "faketime -f -60d openssl req", 1) + TRUSTED,
        machine_undo=NOT_TRUSTED,
        other=REGISTRY.format(more=""),
        other_undo=NO_REGISTRY,
        node=True,
    ),
)
