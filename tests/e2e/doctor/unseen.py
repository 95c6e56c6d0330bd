"""Faults that were written down before the rules were tuned, and run once; pairs of faults are at the end."""

from __future__ import annotations

from tests.e2e.doctor.fault import (
    AGENT,
    API_REQUEST,
    AUTHENTICATION,
    KUBELET,
    LAST_YEAR,
    NO_CMDLINE,
    NO_DROP_IN,
    NO_ENDPOINT,
    NO_PALETTE,
    PALETTE,
    PKI,
    RESTORE_NAMES,
    RESTORE_PKI,
    SAVE_NAMES,
    SAVE_PKI,
    SIGNED_LAST_YEAR,
    UNIT,
    Fault,
    cmdline,
    drop_in,
    endpoint,
    fill,
    on_disk,
    saying,
    silent,
    unmount,
)
from tests.e2e.doctor.tuning import DATA, OTHER_CA

TOKENS = (
    f"systemctl stop edgewright-agent; mkdir -p /run/reg; mv {DATA}/registration.json* /run/reg/; "
    "cp -p /etc/edgewright/token /etc/edgewright/user-data /run/; "
)
NO_TOKENS = (
    "systemctl stop edgewright-agent; cp -p /run/token /run/user-data /etc/edgewright/; "
    f"rm -f {DATA}/registration.json*; mv /run/reg/* {DATA}/; {AGENT}; "
)
UNSEEN: tuple[Fault, ...] = (
    Fault(
        "/var/lib is full of crash dumps",
        ("disk-full",),
        on_disk("/var/crash")
        + "cp /dev/zero /var/crash/core.1 2>/dev/null; cp /dev/zero /var/crash/core.2 2>/dev/null",
        unmount("/var/crash") + "rm -rf /var/crash",
    ),
    Fault("/tmp is full", ("disk-full",), "mount -t tmpfs -o size=4m tmpfs /tmp; " + fill("/tmp"), unmount("/tmp")),
    Fault(
        "/var/log has no inodes",
        ("inodes-full",),
        on_disk("/var/log", make="-N 160") + "i=0; while mkdir /var/log/d$i 2>/dev/null; do i=$((i+1)); done",
        unmount("/var/log"),
    ),
    Fault(
        "/etc is read-only", ("read-only",), "mount --bind /etc /etc; mount -o remount,bind,ro /etc", "umount -l /etc"
    ),
    Fault(
        "/var/log is read-only",
        ("read-only",),
        on_disk("/var/log") + "mount -o remount,ro /var/log",
        unmount("/var/log"),
    ),
    Fault(
        "the agent's unit has a mistake",
        ("unit-failed",),
        f"cp -p {UNIT} /run/unit; sed -i 's/^ExecStart=.*/ExecStart=python3 no-absolute \"quote/' {UNIT}; "
        "systemctl stop edgewright-agent; systemctl daemon-reload; systemctl start edgewright-agent",
        f"cp -p /run/unit {UNIT}; systemctl daemon-reload; {AGENT}",
    ),
    Fault(
        "the agent fails and is not restarted",
        ("unit-failed",),
        drop_in("[Service]\\nExecStart=\\nExecStart=/bin/false\\nRestart=no\\n"),
        NO_DROP_IN,
    ),
    Fault(
        "systemd-networkd is stopped",
        ("unit-stopped",),
        "systemctl stop -q systemd-networkd.socket systemd-networkd",
        "systemctl start systemd-networkd",
    ),
    Fault(
        "the agent's program is gone",
        ("unit-restarts", "unit-failed"),
        "mv /usr/local/lib/edgewright /usr/local/lib/gone; " + AGENT,
        "mv /usr/local/lib/gone /usr/local/lib/edgewright; systemctl reset-failed edgewright-agent; " + AGENT,
        settle=8,
    ),
    Fault(
        "the CA file is empty",
        ("wrong-ca", "agent-files"),
        f"cp -p /etc/edgewright/ca.crt /run/ca; : >/etc/edgewright/ca.crt; {AGENT}",
        f"cp -p /run/ca /etc/edgewright/ca.crt; {AGENT}",
        settle=6,
    ),
    Fault(
        "the CA file is gone",
        ("agent-files", "wrong-ca"),
        f"mv /etc/edgewright/ca.crt /run/ca; {AGENT}",
        f"mv /run/ca /etc/edgewright/ca.crt; {AGENT}",
        settle=6,
    ),
    Fault(
        "the token file is gone",
        ("agent-files", "agent-unregistered"),
        TOKENS + f"rm /etc/edgewright/token; sed -i '/edgeHostToken/d' /etc/edgewright/user-data; {AGENT}",
        NO_TOKENS,
        settle=8,
    ),
    Fault(
        "the host has the UID of its neighbour",
        ("duplicate-uid",),
        TOKENS
        + f"mkdir -p /run/id; mv {DATA}/identity.json* {DATA}/binding.json* /run/id/; "
        + f"sed -i 's/edge1/edge2/' /etc/edgewright/user-data; {AGENT}",
        f"systemctl stop edgewright-agent; rm -f {DATA}/identity.json* {DATA}/binding.json*; mv /run/id/* {DATA}/; "
        + NO_TOKENS,
        settle=10,
    ),
    Fault("the clock is of 1976", ("clock-wrong",), ":", clock="-50y"),
    Fault(
        "the address is gone",
        ("no-address",),
        "ip route show default >/run/route; ip -4 addr show host0 | sed -n 's/.*inet \\([^ ]*\\).*/\\1/p' >/run/addr; ip addr flush dev host0",
        "ip addr add $(head -n 1 /run/addr) brd + dev host0; ip route add $(cat /run/route)",
    ),
    Fault(
        "two hosts have the VIP",
        ("vip-two-owners",),
        "mkdir -p /etc/keepalived; printf 'vrrp_instance v {\\n virtual_ipaddress {\\n  '$NET'.200/32\\n }\\n}\\n' >/etc/keepalived/keepalived.conf; ip addr add $NET.200/32 dev host0",
        "rm -rf /etc/keepalived; ip addr del $NET.200/32 dev host0",
        other="ip addr add $NET.200/32 dev host0",
        other_undo="ip addr del $NET.200/32 dev host0",
    ),
    Fault(
        "resolv.conf is empty",
        ("dns-missing",),
        SAVE_NAMES + ": >/etc/resolv.conf; " + endpoint("plane.lab.test:8443"),
        RESTORE_NAMES + NO_ENDPOINT,
        settle=5,
    ),
    Fault(
        "the name server does not run",
        ("dns-silent",),
        SAVE_NAMES + "echo nameserver $SECOND >/etc/resolv.conf; " + endpoint("plane.lab.test:8443"),
        RESTORE_NAMES + NO_ENDPOINT,
        settle=5,
    ),
    Fault(
        "packets to the plane are dropped on the host",
        ("plane-unreachable",),
        f"ip route add blackhole $NET.2/32; {AGENT}",
        f"ip route del blackhole $NET.2/32; {AGENT}",
        settle=8,
    ),
    Fault(
        "the recovery system is booted",
        ("booted-recovery",),
        cmdline("root=LABEL=COS_RECOVERY cos-img/filename=/cOS/recovery.img recovery-mode"),
        NO_CMDLINE,
    ),
    Fault(
        "the last upgrade failed",
        ("upgrade-failed", "booted-passive"),
        cmdline("root=LABEL=COS_ACTIVE cos-img/filename=/cOS/active.img upgrade_failure"),
        NO_CMDLINE,
    ),
    Fault(
        "blobs of our agent have a size of zero",
        ("blobs-empty",),
        f"mkdir -p {DATA}/content/blobs/sha256; touch {DATA}/content/blobs/sha256/{'ab' * 32}",
        f"rm -rf {DATA}/content",
    ),
    Fault(
        "a registry has a name that does not resolve",
        ("registry-down", "dns-missing", "dns-silent"),
        "mkdir -p /etc/rancher/k3s; printf 'mirrors:\\n  docker.io:\\n    endpoint:\\n    - \"https://registry.lab.test:5000\"\\n' >/etc/rancher/k3s/registries.yaml",
        "rm -rf /etc/rancher",
    ),
    Fault(
        "the certificate in admin.conf has expired",
        ("certificate-expired",),
        "openssl req -newkey rsa:2048 -nodes -subj /O=system:masters/CN=admin -keyout /run/k -out /run/a.csr 2>/dev/null; "
        + SIGNED_LAST_YEAR
        + "/run/a.crt 2>/dev/null; "
        "printf 'users:\\n- user:\\n    client-certificate-data: '$(base64 -w0 /run/a.crt)'\\n' >/etc/kubernetes/admin.conf",
        "rm -f /etc/kubernetes/admin.conf",
        prop="kubernetes",
    ),
    Fault(
        "the key of etcd's certificate is another one",
        ("certificate-broken",),
        f"cp -p {PKI}/etcd/server.key /run/server.key; openssl genrsa 2048 >{PKI}/etcd/server.key 2>/dev/null",
        f"cp -p /run/server.key {PKI}/etcd/server.key",
        prop="kubernetes",
    ),
    Fault(
        "a certificate is cut in half",
        ("certificate-broken",),
        f"cp -p {PKI}/apiserver-kubelet-client.crt /run/c; head -c 700 /run/c >{PKI}/apiserver-kubelet-client.crt",
        f"cp -p /run/c {PKI}/apiserver-kubelet-client.crt",
        prop="kubernetes",
    ),
    Fault(
        "the CA of the cluster has expired",
        ("certificate-expired",),
        SAVE_PKI
        + f"{LAST_YEAR}openssl req -new -x509 -key {PKI}/ca.key -subj /CN=kubernetes -days 300 -out {PKI}/ca.crt 2>/dev/null",
        RESTORE_PKI,
        prop="kubernetes",
    ),
    Fault(
        "etcd of this host is stopped",
        ("etcd-down", "etcd-member"),
        "systemctl stop case-etcd1",
        "systemctl start case-etcd1",
        settle=4,
        prop="kubernetes",
    ),
    Fault(
        "one of three members of etcd is gone",
        ("etcd-member",),
        "systemctl stop case-etcd3",
        "systemctl start case-etcd3",
        settle=4,
        prop="kubernetes",
    ),
    Fault(
        "etcd is over its quota",
        ("etcd-full",),
        "E='/opt/spectrocloud/bin/etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key --endpoints=https://127.0.0.1:2379'; "
        "i=0; while [ $i -lt 60 ]; do head -c 400000 /dev/urandom | base64 | $E put k$i >/dev/null 2>&1 || break; i=$((i+1)); done",
        "systemctl stop case-etcd1 case-etcd2 case-etcd3; rm -rf /var/lib/etcd/*; systemctl start --no-block case-etcd1 case-etcd2 case-etcd3; sleep 3",
        settle=3,
        prop="kubernetes",
    ),
    Fault(
        "containerd is masked",
        ("unit-masked",),
        "systemctl mask -q --now containerd",
        "systemctl unmask -q containerd; systemctl start containerd",
        prop="kubernetes",
    ),
    Fault(
        "containerd has a mistake in its settings",
        ("unit-restarts", "unit-failed"),
        "mkdir -p /etc/containerd; echo 'version = [' >/etc/containerd/config.toml; systemctl restart containerd",
        "rm -f /etc/containerd/config.toml; systemctl reset-failed containerd; systemctl restart containerd",
        settle=8,
        prop="kubernetes",
    ),
    Fault(
        "containerd is frozen",
        ("runtime-down",),
        "systemctl kill -s STOP containerd",
        "systemctl kill -s CONT containerd",
        prop="kubernetes",
    ),
    Fault(
        "the kubelet has no settings",
        ("kubelet-settings",),
        "mkdir -p /var/lib/kubelet; rm -f /var/lib/kubelet/config.yaml; " + KUBELET + "; ",
        silent("kubelet"),
        settle=8,
        prop="kubernetes",
    ),
    Fault(
        "the kubelet refuses cgroup v1",
        ("cgroup-mismatch",),
        "mkdir -p /var/lib/kubelet; printf 'apiVersion: kubelet.config.k8s.io/v1beta1\\nkind: KubeletConfiguration\\n"
        + AUTHENTICATION
        + "containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\\n' >/var/lib/kubelet/config.yaml; "
        + KUBELET
        + "; ",
        silent("kubelet") + "rm -f /var/lib/kubelet/config.yaml",
        settle=8,
        prop="kubernetes",
    ),
    Fault(
        "a Palette agent has a UID that is taken",
        ("duplicate-uid",),
        saying(
            "spectro-stylus-agent",
            'level=error msg="registration failed" error="duplicate edge host ID edge-7f3a: an edge host with this ID already exists"',
        )
        + PALETTE,
        silent("spectro-stylus-agent") + NO_PALETTE,
        kind="replayed",
    ),
    Fault(
        "an image is not in the registry",
        ("image-missing",),
        saying(
            "kubelet",
            'E1129 16:00:00.000000 1 pod_workers.go:1301] "Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"web\\" with ImagePullBackOff: \\"Back-off pulling image \\\\\\"registry.example/web:9\\\\\\": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image \\\\\\"registry.example/web:9\\\\\\": not found\\""',
        ),
        silent("kubelet"),
        kind="replayed",
    ),
    Fault(
        "the registry's certificate is not trusted",
        ("registry-ca",),
        saying(
            "kubelet",
            'E1129 16:00:00.000000 1 kuberuntime_image.go:50] "Failed to pull image" err="failed to pull and unpack image \\"pod-registry.spectrocloud.com/x:1\\": failed to do request: Head \\"https://pod-registry.spectrocloud.com/v2/x\\": tls: failed to verify certificate: x509: certificate signed by unknown authority"',
        ),
        silent("kubelet"),
        kind="replayed",
    ),
    Fault(
        "kube-vip needs the name that it serves",
        ("vip-dns-loop",),
        saying(
            "kubelet",
            'E1129 16:00:00.000000 1 reflector.go:150] "Failed to watch" err="Get \\"https://kubernetes:6443/api\\": dial tcp: lookup kubernetes on 10.0.0.1:53: no such host"',
        ),
        silent("kubelet"),
        kind="replayed",
    ),
    Fault(
        "SELinux denies the kubelet's flags",
        ("selinux-denied",),
        saying(
            "kubelet",
            "kubelet.service: Failed to load environment files: open /var/lib/kubelet/kubeadm-flags.env: permission denied",
            ends=True,
        ),
        silent("kubelet"),
        settle=8,
        kind="replayed",
    ),
    Fault(
        "the user-data has tabs",
        ("user-data-broken",),
        TOKENS
        + f"printf '#cloud-config\\nstylus:\\n\\tsite:\\n\\t\\tname: edge1\\n' >/etc/edgewright/user-data; rm -f /etc/edgewright/token; {AGENT}",
        NO_TOKENS,
        settle=8,
    ),
    Fault(
        "a start chain hangs before the agent",
        ("start-hangs",),
        "systemctl stop edgewright-agent; printf '[Service]\\nType=oneshot\\nExecStart=/bin/sleep 3000\\nTimeoutStartSec=infinity\\n' >/run/systemd/system/hangs.service; "
        "mkdir -p /run/systemd/system/edgewright-agent.service.d; printf '[Unit]\\nRequires=hangs.service\\nAfter=hangs.service\\n' >/run/systemd/system/edgewright-agent.service.d/case.conf; "
        "systemctl daemon-reload; systemctl start --no-block edgewright-agent",
        "systemctl stop hangs; systemctl reset-failed; rm -f /run/systemd/system/hangs.service; " + NO_DROP_IN,
    ),
)

PAIRS: tuple[Fault, ...] = (
    Fault(
        "/var/log is full, and the agent has another CA",
        ("disk-full", "wrong-ca"),
        f"cp -p /etc/edgewright/ca.crt /run/ca; {OTHER_CA}{AGENT}; " + on_disk("/var/log") + fill("/var/log"),
        unmount("/var/log") + f"cp -p /run/ca /etc/edgewright/ca.crt; {AGENT}",
        settle=6,
    ),
    Fault(
        "the clock is wrong, and the agent is stopped",
        ("clock-wrong", "unit-stopped"),
        "systemctl stop edgewright-agent",
        AGENT,
        clock="-3d",
    ),
    Fault(
        "no default route, and blobs are empty",
        ("no-route", "blobs-empty"),
        "ip route show default >/run/route; ip route del default; mkdir -p /usr/local/spectrocloud/peerbundle/sha256; touch /usr/local/spectrocloud/peerbundle/sha256/aa",
        "ip route add $(cat /run/route); rm -rf /usr/local/spectrocloud",
    ),
    Fault(
        "containerd is stopped, and a certificate has expired",
        ("certificate-expired", "unit-stopped"),
        "systemctl stop containerd; " + SAVE_PKI + API_REQUEST + SIGNED_LAST_YEAR + f"{PKI}/apiserver.crt 2>/dev/null",
        RESTORE_PKI + "; systemctl start containerd",
        prop="kubernetes",
    ),
    Fault(
        "the agent's data folder is full, and its unit is stopped",
        ("disk-full",),
        "systemctl stop edgewright-agent; " + on_disk(DATA) + fill(DATA),
        "systemctl stop edgewright-agent; " + unmount(DATA) + AGENT,
        settle=3,
    ),
)
