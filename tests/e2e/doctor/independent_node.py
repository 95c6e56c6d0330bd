"""Faults of a Kubernetes node by somebody who has not read Doctor's rules (`independent.py`).

The node runs containerd, etcd (three members) and a kubelet without an API server, all real; its only pods are static ones.
"""

from __future__ import annotations

from tests.e2e.doctor.fault import LAST_YEAR, fill, on_disk, unmount
from tests.e2e.doctor.independent import Case
from tests.e2e.doctor.independent_plane import DROP, NO_DROP

PATH = "export PATH=/opt/case/bin:$PATH; "
PKI = "/etc/kubernetes/pki"
KEEP_PKI = f"rm -rf /run/case-pki; cp -a {PKI} /run/case-pki; "
BACK_PKI = f"rm -rf {PKI}; cp -a /run/case-pki {PKI}; "
CONFIG = "/var/lib/kubelet/config.yaml"
KEEP_KUBELET = f"cp -p {CONFIG} /run/case-kubelet; "
BACK_KUBELET = f"cp -p /run/case-kubelet {CONFIG}; systemctl reset-failed kubelet; systemctl restart kubelet; "
KUBELET = "systemctl restart kubelet; "
RUNTIME = "systemctl restart containerd; "
SAYS = "journalctl -q -o cat -u kubelet --since -40s | grep -iE "
RUNTIME_SAYS = "journalctl -q -o cat -u containerd --since -40s | grep -iE "
ETCDS = "systemctl reset-failed case-etcd1 case-etcd2 case-etcd3 2>/dev/null; systemctl start case-etcd1 case-etcd2 case-etcd3; "
ASK = (
    f"etcdctl --endpoints=https://127.0.0.1:2379 --cacert {PKI}/etcd/ca.crt --cert {PKI}/etcd/server.crt "
    f"--key {PKI}/etcd/server.key --command-timeout=3s "
)
POD = (
    "printf 'apiVersion: v1\\nkind: Pod\\nmetadata: {{name: shop, namespace: default}}\\nspec:\\n  hostNetwork: {network}\\n  containers:\\n"
    '  - {{name: shop, image: "{image}"}}\\n\' >/var/lib/kubelet/static/shop.yaml; '
)
NO_POD = "rm -f /var/lib/kubelet/static/shop.yaml; sleep 1; " + KUBELET
IMAGE = "'$SECOND':5000/shop/till:2.1"
REGISTRY = (
    "mkdir -p /opt/case/registry; printf 'version: 0.1\\nstorage: {{filesystem: {{rootdirectory: /opt/case/registry}}}}\\n"
    'http: {{addr: "0.0.0.0:5000", tls: {{certificate: /opt/case/front.crt, key: /opt/case/front.key}}}}\\n{more}\' >/opt/case/registry.yaml; '
    "systemctl reset-failed case-registry 2>/dev/null; systemd-run -q --unit=case-registry /opt/case/docker-registry serve /opt/case/registry.yaml; "
)
NO_REGISTRY = "systemctl stop case-registry; "
ANY_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout $ROOT2/opt/case/front.key "
    "-out $ROOT2/opt/case/front.crt -subj /CN=registry -addext subjectAltName=IP:$SECOND; "
)
TRUSTED = "mkdir -p $ROOT/etc/containerd/certs.d/$SECOND:5000; cp $ROOT2/opt/case/front.crt $ROOT/etc/containerd/certs.d/$SECOND:5000/ca.crt; "
NOT_TRUSTED = "rm -rf $ROOT/etc/containerd/certs.d/$SECOND:5000; "
ACCESS = "auth: {{htpasswd: {{realm: shop, path: /opt/case/htpasswd}}}}\\n"


def renewed(what: str, clock: str) -> str:
    """Return what signs a certificate of kubeadm again under another clock, for 365 days."""
    path = f"{PKI}/{what}"
    authority = f"{PKI}/etcd/ca" if what.startswith("etcd/") else f"{PKI}/ca"
    return (
        f"{KEEP_PKI}openssl x509 -in {path}.crt -x509toreq -signkey {path}.key -copy_extensions copyall -out /run/case.csr; "
        f"{clock}openssl x509 -req -in /run/case.csr -CA {authority}.crt -CAkey {authority}.key -set_serial 77 -days 365 "
        f"-copy_extensions copyall -out {path}.crt; "
    )


def ended(path: str, seconds: int = 0) -> str:
    """Return a proof that a certificate has ended in some seconds from now."""
    return f"test -s {path} && ! openssl x509 -in {path} -noout -checkend {seconds}"


RUNTIMES = (
    Case(
        "the disk of containerd is full",
        ("disk-full",),
        "systemctl stop kubelet containerd; "
        + on_disk("/var/lib/containerd", make="-b 1024")
        + fill("/var/lib/containerd")
        + RUNTIME
        + KUBELET,
        "test $(df --output=avail /var/lib/containerd | tail -n 1) -eq 0",
        "systemctl stop kubelet containerd; rm -f /var/lib/containerd/filler*; "
        + unmount("/var/lib/containerd")
        + RUNTIME
        + KUBELET,
        node=True,
    ),
    Case(
        "containerd was masked",
        ("unit-masked",),
        "systemctl disable -q containerd; systemctl mask -q --now containerd",
        "test $(systemctl is-enabled containerd) = masked && ! systemctl is-active -q containerd",
        "systemctl unmask -q containerd; systemctl enable -q containerd; systemctl restart containerd kubelet",
        node=True,
    ),
    Case(
        "a mistake in containerd's settings",
        ("runtime-down", "unit-restarts", "unit-failed"),
        "cp -p /etc/containerd/config.toml /run/case-toml; echo '[plugins.\"io.containerd.cri.v1.images\"' >>/etc/containerd/config.toml; systemctl restart --no-block containerd; sleep 6; ",
        f"! systemctl is-active -q containerd; {RUNTIME_SAYS}'toml'",
        "cp -p /run/case-toml /etc/containerd/config.toml; systemctl reset-failed containerd; " + RUNTIME + KUBELET,
        node=True,
    ),
    Case(
        "containerd's own data is damaged",
        ("runtime-state",),
        "systemctl stop containerd; rm -rf /run/case-meta; cp -a /var/lib/containerd/io.containerd.metadata.v1.bolt /run/case-meta; "
        "dd if=/dev/zero of=/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db bs=16k count=1 conv=notrunc 2>/dev/null; systemctl restart --no-block containerd; sleep 6; ",
        f"{RUNTIME_SAYS}'invalid database|panic|meta.db|bolt'",
        "systemctl stop containerd; cp -a /run/case-meta/. /var/lib/containerd/io.containerd.metadata.v1.bolt/; systemctl reset-failed containerd; "
        + RUNTIME
        + KUBELET,
        node=True,
    ),
    Case(
        "the kubelet was stopped",
        ("unit-stopped",),
        "systemctl stop kubelet",
        "! systemctl is-active -q kubelet",
        KUBELET,
        node=True,
    ),
    Case(
        "the kubelet's settings were removed",
        ("kubelet-settings",),
        f"{KEEP_KUBELET} rm -f {CONFIG}; {KUBELET} sleep 4",
        f"! test -e {CONFIG}",
        BACK_KUBELET,
        node=True,
    ),
    Case(
        "the kubelet's settings have a misspelt value",
        ("kubelet-settings",),
        f"{KEEP_KUBELET} sed -i 's/failSwapOn: true/failSwapOn: treu/' {CONFIG}; {KUBELET} sleep 4",
        f"{SAYS}failSwapOn && ! systemctl is-active -q kubelet",
        BACK_KUBELET,
        node=True,
    ),
    Case(
        "swap came back with an update",
        ("swap-on",),
        "printf 'Filename\\t\\t\\t\\tType\\t\\tSize\\t\\tUsed\\t\\tPriority\\n/swap.img                               file\\t\\t2097148\\t\\t0\\t\\t-2\\n' >/run/case-swaps; "
        f"mount --bind /run/case-swaps /proc/swaps; {KUBELET} sleep 4",
        f"{SAYS}swap",
        "umount /proc/swaps; systemctl reset-failed kubelet; " + KUBELET,
        node=True,
    ),
    Case(
        "the kubelet refuses this version of cgroups",
        ("cgroup-mismatch",),
        f"{KEEP_KUBELET} sed -i 's/failCgroupV1: false/failCgroupV1: true/' {CONFIG}; {KUBELET} sleep 4",
        f"{SAYS}'cgroup v1'",
        BACK_KUBELET,
        node=True,
    ),
    Case(
        "the settings of the CNI were removed",
        ("cni-missing",),
        "mv /etc/cni/net.d /run/case-cni; "
        + RUNTIME
        + KUBELET
        + POD.format(network="false", image="registry.example/pause:1"),
        f"{SAYS}'cni plugin not initialized|NetworkNotReady|NetworkPluginNotReady'",
        "mv /run/case-cni /etc/cni/net.d; " + RUNTIME + NO_POD,
        node=True,
        patience=60,
    ),
    Case(
        "the programs of the CNI belong to another user",
        ("cni-owner",),
        "chown -R 1000:1000 /opt/cni/bin",
        "test $(stat -c %u /opt/cni/bin) = 1000",
        "chown -R 0:0 /opt/cni/bin",
        node=True,
    ),
    Case(
        "packets are not forwarded",
        ("ip-forward-off",),
        "echo 0 >/proc/sys/net/ipv4/ip_forward",
        "grep -q 0 /proc/sys/net/ipv4/ip_forward",
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
        node=True,
    ),
    Case(
        "the host's firewall closes the ports of kubelet and API server",
        ("firewall-closed",),
        DROP.format(
            chain="input",
            rule="iif != lo tcp dport '{{ 6443, 10250, 2379, 2380 }}' drop".replace("{{", "{").replace("}}", "}"),
        ),
        "nft list table inet case | grep -q 10250",
        NO_DROP,
        node=True,
    ),
    Case(
        "another host has taken the VIP too",
        ("vip-two-owners", "duplicate-address"),
        "ip address add $NET.50/32 dev host0; printf 'apiVersion: v1\\nkind: Pod\\nmetadata: {name: kube-vip, namespace: kube-system}\\nspec:\\n  hostNetwork: true\\n  containers:\\n"
        "  - name: kube-vip\\n    image: ghcr.io/kube-vip/kube-vip:v0.8.9\\n    args: [manager]\\n    env:\\n    - {name: vip_interface, value: host0}\\n"
        "    - {name: cp_enable, value: \"true\"}\\n    - {name: address, value: '$NET'.50}\\n' >/etc/kubernetes/manifests/kube-vip.yaml; ",
        "ip -4 -br address show dev host0 | grep -q '\\.50/32'",
        "rm -f /etc/kubernetes/manifests/kube-vip.yaml; ip address del $NET.50/32 dev host0; ",
        other_proof="ip address show dev host0 | grep -q '\\.50/32'",
        other="ip address add ${SECOND%.*}.50/32 dev host0; ",
        other_undo="ip address del ${SECOND%.*}.50/32 dev host0; ",
        node=True,
    ),
)
IMAGES = (
    Case(
        "no registry runs where the image should come from",
        ("registry-down",),
        POD.format(network="true", image=IMAGE) + KUBELET,
        f"{SAYS}'connection refused'",
        NO_POD,
        node=True,
        patience=60,
    ),
    Case(
        "the registry's certificate is from an unknown CA",
        ("registry-ca",),
        POD.format(network="true", image=IMAGE) + KUBELET,
        f"{SAYS}'x509'",
        NO_POD,
        other=REGISTRY.format(more=""),
        other_undo=NO_REGISTRY,
        prepare=ANY_CERTIFICATE,
        node=True,
        patience=60,
    ),
    Case(
        "the registry does not have the image",
        ("image-missing",),
        POD.format(network="true", image=IMAGE) + KUBELET,
        f"{SAYS}'not found'",
        NO_POD,
        other=REGISTRY.format(more=""),
        other_undo=NO_REGISTRY,
        prepare=ANY_CERTIFICATE + TRUSTED,
        machine_undo=NOT_TRUSTED,
        node=True,
        patience=60,
    ),
    Case(
        "the registry wants a password",
        ("image-missing",),
        POD.format(network="true", image=IMAGE) + KUBELET,
        f"{SAYS}'no basic auth|unauthorized|401|authorization failed'",
        NO_POD,
        other=": >/opt/case/htpasswd; " + REGISTRY.format(more=ACCESS.format()),
        other_undo=NO_REGISTRY,
        prepare=ANY_CERTIFICATE + TRUSTED,
        machine_undo=NOT_TRUSTED,
        node=True,
        patience=60,
    ),
    Case(
        "an image is named by its registry's name, and the host has no name server",
        ("dns-missing", "registry-down"),
        "sed -i s,$SECOND:5000/pause,registry.example.net/pause, /etc/containerd/config.toml; "
        + RUNTIME
        + POD.format(network="true", image="registry.example.net/shop/till:2.1")
        + KUBELET,
        f"{SAYS}'lookup registry.example.net'",
        "sed -i s,registry.example.net/pause,$SECOND:5000/pause, /etc/containerd/config.toml; " + RUNTIME + NO_POD,
        node=True,
        patience=60,
    ),
)
CERTIFICATES = (
    Case(
        "the API server's certificate expired last year",
        ("certificate-expired",),
        renewed("apiserver", LAST_YEAR),
        ended(f"{PKI}/apiserver.crt"),
        BACK_PKI,
        node=True,
    ),
    Case(
        "etcd's certificate expired, and its members were restarted",
        ("certificate-expired",),
        renewed("etcd/server", LAST_YEAR) + "systemctl restart --no-block case-etcd1 case-etcd2 case-etcd3; sleep 5; ",
        ended(f"{PKI}/etcd/server.crt"),
        BACK_PKI + "systemctl restart case-etcd1 case-etcd2 case-etcd3; ",
        node=True,
    ),
    Case(
        "the kubelet's client certificate expired",
        ("certificate-expired",),
        f"mkdir -p /var/lib/kubelet/pki; cd /var/lib/kubelet/pki; openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout case.key -out case.csr "
        f"-subj /O=system:nodes/CN=system:node:edge1 2>/dev/null; {LAST_YEAR}openssl x509 -req -in case.csr -CA {PKI}/ca.crt -CAkey {PKI}/ca.key -days 365 -out case.crt 2>/dev/null; "
        "cat case.crt case.key >kubelet-client-2025-10-25-08-00-00.pem; ln -sf kubelet-client-2025-10-25-08-00-00.pem kubelet-client-current.pem; rm -f case.*; ",
        ended("/var/lib/kubelet/pki/kubelet-client-current.pem"),
        "rm -f /var/lib/kubelet/pki/kubelet-client-*",
        node=True,
    ),
    Case(
        "certificates were made while the clock was a month ahead",
        ("certificate-early",),
        renewed("apiserver", LAST_YEAR.replace("-400d", "+30d")),
        f"openssl verify -CAfile {PKI}/ca.crt {PKI}/apiserver.crt 2>&1 | grep -q 'not yet valid'",
        BACK_PKI,
        node=True,
    ),
    Case(
        "the API server's certificate ends in five days",
        ("certificate-soon",),
        renewed("apiserver", LAST_YEAR.replace("-400d", "-360d")),
        ended(f"{PKI}/apiserver.crt", 864000),
        BACK_PKI,
        node=True,
    ),
    Case(
        "the key of the API server is that of another certificate",
        ("certificate-broken",),
        f"{KEEP_PKI} cp {PKI}/front-proxy-client.key {PKI}/apiserver.key; ",
        f"cmp -s {PKI}/front-proxy-client.key {PKI}/apiserver.key",
        BACK_PKI,
        node=True,
    ),
    Case(
        "the CA of etcd was made again, its certificates were not",
        ("certificate-broken",),
        f"{PATH}{KEEP_PKI} rm -f {PKI}/etcd/ca.*; kubeadm init phase certs etcd-ca --kubernetes-version v1.36.3; systemctl restart --no-block case-etcd1 case-etcd2 case-etcd3; sleep 5; ",
        f"! openssl verify -CAfile {PKI}/etcd/ca.crt {PKI}/etcd/server.crt",
        BACK_PKI + "systemctl restart case-etcd1 case-etcd2 case-etcd3; ",
        node=True,
    ),
    Case(
        "a certificate of kubeadm was cut short by a full disk",
        ("certificate-broken",),
        f"{KEEP_PKI} truncate -s 400 {PKI}/apiserver-etcd-client.crt; ",
        f"! openssl x509 -in {PKI}/apiserver-etcd-client.crt -noout",
        BACK_PKI,
        node=True,
    ),
)
ETCD = (
    Case(
        "two of three members of etcd are off",
        ("etcd-no-quorum",),
        "systemctl stop case-etcd2 case-etcd3",
        f"{PATH} ! {ASK} endpoint health",
        ETCDS,
        node=True,
    ),
    Case(
        "a firewall cuts the members of etcd from each other",
        ("etcd-no-quorum", "firewall-closed"),
        DROP.format(chain="input", rule="tcp dport '{ 2380, 12380, 22380 }' drop")
        + "nft add rule inet case input tcp sport '{ 2380, 12380, 22380 }' drop; ",
        f"{PATH} ! {ASK} endpoint health",
        NO_DROP + "systemctl restart case-etcd1 case-etcd2 case-etcd3; ",
        node=True,
        patience=40,
    ),
    Case(
        "the data of this host's member of etcd is damaged",
        ("etcd-down",),
        "systemctl stop case-etcd1; rm -rf /run/case-etcd; cp -a /var/lib/etcd/1 /run/case-etcd; for f in /var/lib/etcd/1/member/wal/*.wal; do dd if=/dev/urandom of=$f bs=4k count=8 conv=notrunc 2>/dev/null; done; systemctl start case-etcd1; sleep 3; ",
        "! systemctl is-active -q case-etcd1",
        "rm -rf /var/lib/etcd/1; cp -a /run/case-etcd /var/lib/etcd/1; " + ETCDS,
        node=True,
    ),
    Case(
        "another member of etcd is off",
        ("etcd-member",),
        "systemctl stop case-etcd3",
        "! systemctl is-active -q case-etcd3",
        ETCDS,
        node=True,
    ),
    Case(
        "etcd has reached its quota",
        ("etcd-full",),
        f"{PATH} v=$(head -c 100000 /dev/zero | tr '\\0' x); i=0; while {ASK} put case-$((i % 5)) $v >/dev/null 2>&1; do i=$((i + 1)); done; ",
        f"{PATH} {ASK} alarm list | grep -q NOSPACE",
        f"{PATH} r=$({ASK} endpoint status -w json | grep -o '\"revision\":[0-9]*' | head -n 1 | cut -d: -f2); {ASK} compact $r; "
        f"for p in 2379 12379 22379; do {ASK.replace('2379', '$p', 1)} defrag; done; {ASK} alarm disarm; ",
        node=True,
        patience=20,
    ),
)
