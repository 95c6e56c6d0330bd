"""Third proof: faults of the runtime, the kubelet and images on a node without an API server (`network.py`)."""

from __future__ import annotations

from tests.e2e.doctor.fault import on_disk, unmount
from tests.e2e.doctor.independent import NAMES, NO_NAMES, NO_RESOLV, RESOLV, Case
from tests.e2e.doctor.independent_node import (
    ANY_CERTIFICATE,
    BACK_KUBELET,
    CONFIG,
    IMAGE,
    KEEP_KUBELET,
    KUBELET,
    NO_POD,
    NO_REGISTRY,
    NOT_TRUSTED,
    POD,
    REGISTRY,
    RUNTIME,
    RUNTIME_SAYS,
    SAYS,
    TRUSTED,
)
from tests.e2e.fleet import KUBERNETES_CACHE

WAITS = "systemctl reset-failed containerd kubelet 2>/dev/null; "
NODE_UP = f"{WAITS}{RUNTIME}{KUBELET}"
DATA = "/var/lib/containerd"
KUBELET_UNIT = "/etc/systemd/system/kubelet.service"
CNI = "/etc/cni/net.d/10-bridge.conflist"
DEAD = ("kubelet-settings", "unit-restarts", "unit-failed")
NO_PULL = ("registry-down", "image-pull")
STOPPED = "! systemctl is-active -q kubelet; "
PULL = POD.format(network="true", image=IMAGE) + KUBELET
PAUSE = (
    f'tree=$(ls -d {KUBERNETES_CACHE}/parts/tree-v* | tail -n 1); rm -f $ROOT/run/pause.tar; name=$(grep -o "registry.k8s.io/pause:[^\\"]*" $tree/images/index.json | head -n 1); '
    "skopeo copy -q --insecure-policy oci:$tree/images:$name docker-archive:$ROOT/run/pause.tar:$SECOND:5000/pause:3.10; "
)
"""Puts the image of the sandbox into the host as a file."""
PUSH = """cat >/run/case-push.py <<'END'
import hashlib, json, ssl, sys, urllib.request
base = 'https://%s:5000/v2/pause' % sys.argv[1]
loose = ssl.create_default_context(); loose.check_hostname = False; loose.verify_mode = ssl.CERT_NONE
def ask(method, url, data=b'', kind='application/octet-stream'):
    return urllib.request.urlopen(urllib.request.Request(url, data, {'Content-Type': kind}, method=method), context=loose)
def blob(data):
    digest = 'sha256:' + hashlib.sha256(data).hexdigest()
    where = ask('POST', base + '/blobs/uploads/').headers['Location']
    ask('PUT', where + ('&' if '?' in where else '?') + 'digest=' + digest, data)
    return {'digest': digest, 'size': len(data)}
def put(name, body):
    data = json.dumps(body).encode()
    ask('PUT', base + '/manifests/' + (name or 'sha256:' + hashlib.sha256(data).hexdigest()), data, body['mediaType'])
    return {'mediaType': body['mediaType'], 'digest': 'sha256:' + hashlib.sha256(data).hexdigest(), 'size': len(data)}
oci = 'application/vnd.oci.image.'
layer = b'layer of the image' * 9999
config = {'architecture': sys.argv[2], 'os': 'linux', 'config': {}, 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + hashlib.sha256(layer).hexdigest()]}}
image = {'schemaVersion': 2, 'mediaType': oci + 'manifest.v1+json', 'config': {'mediaType': oci + 'config.v1+json', **blob(json.dumps(config).encode())},
         'layers': [{'mediaType': oci + 'layer.v1.tar', **blob(layer)}]}
if sys.argv[2] == 'arm64':
    put('3.10', {'schemaVersion': 2, 'mediaType': oci + 'index.v1+json', 'manifests': [{**put('', image), 'platform': {'architecture': 'arm64', 'os': 'linux'}}]})
else:
    put('3.10', image)
print(image['layers'][0]['digest'])
END
"""
"""Puts the image of all sandboxes into the neighbour's registry, for one architecture; prints the digest of its layer."""
RUNTIMES3 = (
    Case(
        "layers of images took all inodes of the disk of containerd",
        ("inodes-full",),
        f"systemctl stop kubelet containerd; {on_disk(DATA, make='-N 1200')}{NODE_UP}sleep 3; mkdir -p {DATA}/case; i=0; while : >{DATA}/case/$i; do i=$((i + 1)); done 2>/dev/null; ",
        f"test $(df --output=iavail {DATA} | tail -n 1) -eq 0",
        f"systemctl stop kubelet containerd; rm -rf {DATA}/case; {unmount(DATA)}{NODE_UP}",
        node=True,
    ),
    Case(
        "the removal of another package stopped and disabled containerd",
        ("unit-stopped", "runtime-down"),
        "systemctl disable -q --now containerd; ",
        "! systemctl is-active -q containerd && ! systemctl is-enabled -q containerd",
        f"systemctl enable -q containerd; {NODE_UP}",
        node=True,
    ),
    Case(
        "kubeadm-flags.env has an option that this kubelet no longer knows",
        DEAD,
        "mkdir -p /etc/systemd/system/kubelet.service.d; printf '[Service]\\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\\nExecStart=\\n"
        f"ExecStart=/opt/case/bin/kubelet --config={CONFIG} $KUBELET_KUBEADM_ARGS\\n' >/etc/systemd/system/kubelet.service.d/10-kubeadm.conf; "
        "printf 'KUBELET_KUBEADM_ARGS=\"--container-runtime=remote --network-plugin=cni\"\\n' >/var/lib/kubelet/kubeadm-flags.env; systemctl daemon-reload; "
        + KUBELET
        + "sleep 8; ",
        f"{STOPPED}{SAYS}'unknown flag'",
        f"rm -rf /etc/systemd/system/kubelet.service.d /var/lib/kubelet/kubeadm-flags.env; systemctl daemon-reload; {WAITS}{KUBELET}",
        node=True,
    ),
    Case(
        "the kubelet's settings switch on a feature that this version no longer has",
        DEAD,
        f"{KEEP_KUBELET}sed -i 's/^featureGates: {{/featureGates: {{DynamicKubeletConfig: true, /' {CONFIG}; {KUBELET}sleep 8; ",
        f"{STOPPED}{SAYS}'unrecognized feature gate'",
        BACK_KUBELET,
        node=True,
    ),
    Case(
        "the kubelet's settings name a socket of the runtime that does not exist",
        DEAD,
        f"{KEEP_KUBELET}sed -i 's,/run/containerd/containerd.sock,/run/containerd/contained.sock,' {CONFIG}; {KUBELET}sleep 8; ",
        f"{SAYS}'contained.sock' && systemctl is-active -q containerd",
        BACK_KUBELET,
        node=True,
    ),
    Case(
        "another program has the kubelet's port",
        ("unit-restarts", "unit-failed"),
        "systemctl stop kubelet; systemctl reset-failed case-taker 2>/dev/null; systemd-run -q --unit=case-taker python3 -c "
        "'import socket, time; s = socket.create_server((\"\", 10250)); time.sleep(100000)'; sleep 1; "
        + KUBELET
        + "sleep 10; ",
        f"{SAYS}'address already in use'",
        f"systemctl stop case-taker; {WAITS}{KUBELET}",
        node=True,
    ),
    Case(
        "the kubelet was masked for an upgrade of its package",
        ("unit-masked",),
        f"systemctl disable -q --now kubelet; mv {KUBELET_UNIT} /run/case-kubelet-unit; systemctl mask -q kubelet; systemctl daemon-reload; ",
        "test $(systemctl is-enabled kubelet) = masked",
        f"systemctl unmask -q kubelet; mv /run/case-kubelet-unit {KUBELET_UNIT}; systemctl daemon-reload; systemctl enable -q kubelet; {KUBELET}",
        node=True,
    ),
    Case(
        "the package of the kubelet was removed, its unit remained",
        ("unit-restarts", "unit-failed"),
        f"mv /opt/case/bin/kubelet /opt/case/bin/kubelet.away; {KUBELET}sleep 8; ",
        "! test -e /opt/case/bin/kubelet && ! systemctl is-active -q kubelet",
        f"mv /opt/case/bin/kubelet.away /opt/case/bin/kubelet; {WAITS}{KUBELET}",
        node=True,
    ),
    Case(
        "power failed while the settings of the CNI were written: half a file",
        ("cni-missing",),
        f"cp -p {CNI} /run/case-cni; truncate -s 90 {CNI}; {RUNTIME}{KUBELET}",
        f"test $(stat -c %s {CNI}) = 90 && {RUNTIME_SAYS}'cni config load failed|no network config found|error parsing|unexpected end'",
        f"cp -p /run/case-cni {CNI}; {NODE_UP}",
        node=True,
    ),
    Case(
        "a program of the CNI was deleted: pods get no network",
        ("cni-missing",),
        "/opt/case/bin/ctr -n k8s.io images import /run/pause.tar >/dev/null; mv /opt/cni/bin/bridge /run/case-bridge; "
        + POD.format(network="false", image="registry.example.net/shop/till:2.1")
        + KUBELET,
        f"{SAYS}'failed to find plugin'",
        f"mv /run/case-bridge /opt/cni/bin/bridge; {NO_POD}/opt/case/bin/ctr -n k8s.io images rm $SECOND:5000/pause:3.10; {NODE_UP}",
        prepare=PAUSE,
        node=True,
        patience=60,
    ),
    Case(
        "the programs of the CNI have the owner of their archive",
        ("cni-owner",),
        "chown 1001:127 /opt/cni/bin/*; ",
        "test $(stat -c %u /opt/cni/bin/bridge) = 1001 && test $(stat -c %u /opt/cni/bin) = 0",
        "chown -R 0:0 /opt/cni/bin; ",
        node=True,
    ),
    Case(
        "a package made swap in compressed memory",
        ("swap-on",),
        "printf 'Filename\\t\\t\\t\\tType\\t\\tSize\\t\\tUsed\\t\\tPriority\\n/dev/zram0                              partition\\t1018456\\t\\t0\\t\\t100\\n' >/run/case-swaps; "
        f"mount --bind /run/case-swaps /proc/swaps; {KUBELET}sleep 6; ",
        f"{STOPPED}{SAYS}'swap'",
        f"umount /proc/swaps; {WAITS}{KUBELET}",
        node=True,
    ),
    Case(
        "an audit switched on a firewall that lets in only SSH",
        ("firewall-closed",),
        "nft add table inet case; nft 'add chain inet case in { type filter hook input priority 0; policy drop; }'; nft add rule inet case in iif lo accept; "
        "nft add rule inet case in ct state established,related accept; nft add rule inet case in meta l4proto icmp accept; nft add rule inet case in tcp dport 22 accept; ",
        "nft list table inet case | grep -q 'policy drop'",
        "nft delete table inet case; ",
        node=True,
    ),
    Case(
        "VRRP of two hosts does not arrive, and both have the VIP",
        ("vip-two-owners", "duplicate-address"),
        "mkdir -p /etc/keepalived; printf 'vrrp_instance api {\\n  state BACKUP\\n  interface host0\\n  virtual_router_id 71\\n  priority 100\\n  virtual_ipaddress {\\n    '$NET'.60/32 dev host0\\n  }\\n}\\n' "
        ">/etc/keepalived/keepalived.conf; printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/keepalived.service; systemctl daemon-reload; systemctl start keepalived; ip address add $NET.60/32 dev host0; ",
        "ip -4 -br address show dev host0 | grep -q '\\.60/32'",
        "ip address del $NET.60/32 dev host0; systemctl stop keepalived; rm -rf /etc/keepalived /etc/systemd/system/keepalived.service; systemctl daemon-reload; ",
        other="ip address add $NET.60/32 dev host0; ",
        other_proof="ip -4 -br address show dev host0 | grep -q '\\.60/32'",
        other_undo="ip address del $NET.60/32 dev host0; ",
        node=True,
    ),
    Case(
        "the disk of containerd has bad sectors",
        ("io-errors", "read-only", "runtime-state"),
        f"systemctl stop kubelet containerd; {on_disk(DATA)}{NODE_UP}sleep 3; dd if=/dev/urandom of={DATA}/blob bs=1M count=24 2>/dev/null; sync; ",
        f"! dd if={DATA}/blob of=/dev/null bs=64k iflag=direct",
        f"systemctl stop kubelet containerd; {unmount(DATA)}{NODE_UP}",
        machine='truncate -s 8M "$IMAGE"; ',
        machine_undo='truncate -s 48M "$IMAGE"; dmesg -C; ',
        node=True,
    ),
)
SERVED = ANY_CERTIFICATE + TRUSTED
TOML = "/etc/containerd/config.toml"
SANDBOX = f"cp -p {TOML} /run/case-toml; sed -i s,$SECOND:5000/pause,{{}}/pause, {TOML}; {RUNTIME}"
"""Takes the image of all sandboxes from another registry."""
NO_SANDBOX = f"cp -p /run/case-toml {TOML}; {RUNTIME}"
MIRROR = "/etc/containerd/certs.d/docker.io"
IMAGES3 = (
    Case(
        "the registry's name is not known in this network",
        NO_PULL,
        RESOLV.format(server="$SECOND")
        + SANDBOX.format("registry.shop.example")
        + POD.format(network="true", image="registry.shop.example/till:2.1")
        + KUBELET,
        f"{SAYS}'lookup registry.shop.example.*no such host'",
        NO_SANDBOX + NO_RESOLV + NO_POD,
        other=NAMES.format(records="shop.example.net 10.0.0.1\\n"),
        other_undo=NO_NAMES,
        node=True,
        patience=60,
    ),
    Case(
        "the registry was filled with images for ARM",
        ("image-missing", "image-pull"),
        PUSH + "sleep 1; python3 /run/case-push.py $SECOND arm64; " + PULL,
        f"{SAYS}'no match for platform'",
        NO_POD,
        other=REGISTRY.format(more=""),
        node=True,
        patience=60,
        prepare=SERVED,
        machine_undo=NOT_TRUSTED,
        other_undo=NO_REGISTRY,
    ),
    Case(
        "the registry lost a layer of an image",
        ("image-missing", "image-pull"),
        PUSH + "sleep 1; python3 /run/case-push.py $SECOND amd64; ",
        f"{SAYS}'not found|blob unknown|failed to copy'",
        NO_POD,
        other=REGISTRY.format(more=""),
        machine="sleep 1; find $ROOT2/opt/case/registry/docker/registry/v2/blobs -name data -size +100k -exec rm -rf {} +; "
        "nsenter --target=$LEADER --mount --uts --ipc --net --pid -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin SECOND=$SECOND sh -c '"
        + PULL.replace("'", "'\\''")
        + "'; ",
        node=True,
        patience=60,
        prepare=SERVED,
        machine_undo=NOT_TRUSTED,
        other_undo=NO_REGISTRY,
    ),
    Case(
        "the registry speaks plain HTTP, and the node expects TLS",
        NO_PULL,
        PULL,
        f"{SAYS}'HTTP response to HTTPS client'",
        NO_POD,
        other=REGISTRY.format(more="").replace(
            ", tls: {certificate: /opt/case/front.crt, key: /opt/case/front.key}", ""
        ),
        other_undo=NO_REGISTRY,
        node=True,
        patience=60,
    ),
    Case(
        "the registry got a certificate for another name",
        ("registry-ca", "image-pull"),
        PULL,
        f"{SAYS}'x509.*(valid for|SANs)'",
        NO_POD,
        prepare=ANY_CERTIFICATE.replace("IP:$SECOND", "IP:10.20.0.9") + TRUSTED,
        machine_undo=NOT_TRUSTED,
        other=REGISTRY.format(more=""),
        other_undo=NO_REGISTRY,
        node=True,
        patience=60,
    ),
    Case(
        "containerd asks through a proxy that is switched off",
        NO_PULL,
        "mkdir -p /etc/systemd/system/containerd.service.d; printf '[Service]\\nEnvironment=HTTPS_PROXY=http://'$SECOND':3128\\n' >/etc/systemd/system/containerd.service.d/proxy.conf; "
        "systemctl daemon-reload; "
        + RUNTIME
        + POD.format(network="true", image="docker.io/library/nginx:1.27")
        + KUBELET,
        f"{SAYS}'proxyconnect tcp'",
        "rm -rf /etc/systemd/system/containerd.service.d; systemctl daemon-reload; " + RUNTIME + NO_POD,
        node=True,
        patience=60,
    ),
    Case(
        "the mirror of the site was removed, and containerd still asks it",
        NO_PULL,
        f'mkdir -p {MIRROR}; printf \'server = "https://\'$NET\'.77:5000"\\n[host."https://\'$NET\'.77:5000"]\\n  capabilities = ["pull", "resolve"]\\n\' >{MIRROR}/hosts.toml; '
        + SANDBOX.format("docker.io/library")
        + POD.format(network="true", image="docker.io/library/nginx:1.27")
        + KUBELET,
        f"{SAYS}'[.]77:5000.*(no route to host|i/o timeout)'",
        f"rm -rf {MIRROR}; {NO_SANDBOX}{NO_POD}",
        node=True,
        patience=60,
    ),
)
