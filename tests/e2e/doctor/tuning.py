"""Faults by which the rules were tuned."""

from __future__ import annotations

from tests.e2e.doctor.fault import (
    AGENT,
    API_REQUEST,
    AUTHENTICATION,
    KUBELET,
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

DATA = "/var/lib/edgewright"
OTHER_CA = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=other"
    " -keyout /run/other.key -out /etc/edgewright/ca.crt 2>/dev/null; "
)
BLOBS = "/usr/local/spectrocloud/peerbundle/sha256"

TUNING: tuple[Fault, ...] = (
    Fault("/var/log is full", ("disk-full",), on_disk("/var/log") + fill("/var/log"), unmount("/var/log")),
    Fault(
        "the agent's data folder is full",
        ("disk-full",),
        "systemctl stop edgewright-agent; " + on_disk(DATA) + fill(DATA) + AGENT,
        "systemctl stop edgewright-agent; " + unmount(DATA) + AGENT,
        settle=8,
    ),
    Fault(
        "no inodes in the agent's data folder",
        ("inodes-full",),
        "systemctl stop edgewright-agent; "
        + on_disk(DATA, make="-N 200")
        + f"i=0; while touch {DATA}/f$i 2>/dev/null; do i=$((i+1)); done; {AGENT}",
        "systemctl stop edgewright-agent; " + unmount(DATA) + AGENT,
        settle=8,
    ),
    Fault(
        "the agent's data folder is read-only",
        ("read-only",),
        "systemctl stop edgewright-agent; " + on_disk(DATA, "-o ro") + AGENT,
        "systemctl stop edgewright-agent; " + unmount(DATA) + AGENT,
        settle=8,
    ),
    Fault("the agent is stopped", ("unit-stopped",), "systemctl stop edgewright-agent", AGENT),
    Fault(
        "systemd-networkd is masked",
        ("unit-masked",),
        "systemctl mask --runtime --now -q systemd-networkd.socket systemd-networkd",
        "systemctl unmask --runtime -q systemd-networkd systemd-networkd.socket; systemctl start systemd-networkd",
    ),
    Fault(
        "the agent's program ends at once",
        ("unit-restarts",),
        drop_in("[Service]\\nExecStart=\\nExecStart=/bin/false\\n"),
        NO_DROP_IN,
    ),
    Fault(
        "the agent has another CA",
        ("wrong-ca",),
        f"cp -p /etc/edgewright/ca.crt /run/ca; {OTHER_CA}{AGENT}",
        f"cp -p /run/ca /etc/edgewright/ca.crt; {AGENT}",
        settle=6,
    ),
    Fault(
        "the plane does not know the token",
        ("token-refused",),
        f"systemctl stop edgewright-agent; mkdir -p /run/reg; mv {DATA}/registration.json* {DATA}/identity.json* {DATA}/binding.json* /run/reg/; "
        f"cp -p /etc/edgewright/token /etc/edgewright/user-data /run/; echo ewt_wrongwrongwrongwrong >/etc/edgewright/token; "
        f"sed -i 's/ewt_[A-Za-z0-9_-]*/ewt_wrongwrongwrongwrong/; s/edge1/edge1-new/' /etc/edgewright/user-data; {AGENT}",
        f"systemctl stop edgewright-agent; rm -f {DATA}/identity.json* {DATA}/binding.json*; cp -p /run/token /run/user-data /etc/edgewright/; mv /run/reg/* {DATA}/; {AGENT}",
        settle=8,
    ),
    Fault("the clock is two days ahead", ("clock-wrong",), ":", clock="+2d"),
    Fault(
        "no default route",
        ("no-route",),
        "ip route show default >/run/route; ip route del default",
        "ip route add $(cat /run/route)",
    ),
    Fault(
        "the card is switched off",
        ("no-link",),
        "ip route show default >/run/route; ip link set host0 down",
        "ip link set host0 up; sleep 0.5; ip route add $(cat /run/route) 2>/dev/null",
    ),
    Fault(
        "another machine has the address",
        ("duplicate-address",),
        ":",
        ":",
        other="ip addr add $FIRST/32 dev host0",
        other_undo="ip addr del $FIRST/32 dev host0",
    ),
    Fault(
        "the name server is a wrong address",
        ("dns-silent",),
        SAVE_NAMES + "echo nameserver $NET.99 >/etc/resolv.conf; " + endpoint("plane.lab.test:8443"),
        RESTORE_NAMES + NO_ENDPOINT,
        settle=5,
    ),
    Fault(
        "the plane's name is not known",
        ("name-unknown",),
        SAVE_NAMES + "echo nameserver $SECOND >/etc/resolv.conf; " + endpoint("plane.lab.test:8443"),
        RESTORE_NAMES + NO_ENDPOINT,
        other="systemd-run -q --unit=names python3 -c 'import socket\n"
        's=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.bind(("0.0.0.0",53))\n'
        "while 1:\n d,a=s.recvfrom(512);s.sendto(d[:2]+bytes([129,131])+d[4:6]+bytes(6)+d[12:],a)'",
        other_undo="systemctl stop names",
        settle=5,
    ),
    Fault("the plane's port is closed", ("plane-unreachable",), endpoint("$NET.2:8999"), NO_ENDPOINT, settle=5),
    Fault(
        "the gateway is a wrong address",
        ("gateway-silent",),
        "ip route show default >/run/route; ip route replace default via $NET.99",
        "ip route replace $(cat /run/route)",
    ),
    Fault(
        "the passive slot is booted after a failed upgrade",
        ("booted-passive",),
        cmdline(
            "BOOT_IMAGE=(loop0)/boot/vmlinuz root=LABEL=COS_PASSIVE cos-img/filename=/cOS/passive.img upgrade_failure"
        ),
        NO_CMDLINE,
    ),
    Fault(
        "blobs of content have a size of zero",
        ("blobs-empty",),
        f"mkdir -p {BLOBS}; for n in 1 2 3; do touch {BLOBS}/$(echo $n | sha256sum | cut -c 1-64); done; echo x >{BLOBS}/good",
        "rm -rf /usr/local/spectrocloud",
    ),
    Fault(
        "a registry refuses connections",
        ("registry-down",),
        "mkdir -p /etc/rancher/rke2; printf 'mirrors:\\n  docker.io:\\n    endpoint:\\n    - https://'$NET'.2:5999\\n' >/etc/rancher/rke2/registries.yaml",
        "rm -rf /etc/rancher",
    ),
    Fault(
        "the certificate of the API server has expired",
        ("certificate-expired",),
        SAVE_PKI + API_REQUEST + SIGNED_LAST_YEAR + f"{PKI}/apiserver.crt 2>/dev/null",
        RESTORE_PKI,
        prop="kubernetes",
    ),
    Fault(
        "the certificate of the API server is of another CA",
        ("certificate-broken",),
        SAVE_PKI
        + "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=x -keyout /run/x.key -out /run/x.crt 2>/dev/null; "
        + API_REQUEST
        + f"openssl x509 -req -in /run/a.csr -CA /run/x.crt -CAkey /run/x.key -CAcreateserial -days 300 -out {PKI}/apiserver.crt 2>/dev/null",
        RESTORE_PKI,
        prop="kubernetes",
    ),
    Fault(
        "two of three members of etcd are gone",
        ("etcd-no-quorum",),
        "systemctl stop case-etcd2 case-etcd3",
        "systemctl start case-etcd2 case-etcd3",
        settle=6,
        prop="kubernetes",
    ),
    Fault(
        "containerd is stopped",
        ("unit-stopped",),
        "systemctl stop containerd",
        "systemctl start containerd",
        prop="kubernetes",
    ),
    Fault(
        "the kubelet refuses swap",
        ("swap-on",),
        "printf 'Filename\\tType\\tSize\\tUsed\\tPriority\\n/dev/sda2 partition 1000000 0 -2\\n' >/run/swaps; mount --bind /run/swaps /proc/swaps; mkdir -p /var/lib/kubelet; "
        "printf 'apiVersion: kubelet.config.k8s.io/v1beta1\\nkind: KubeletConfiguration\\nfailCgroupV1: false\\n"
        + AUTHENTICATION
        + "cgroupDriver: cgroupfs\\n"
        "cgroupsPerQOS: false\\nenforceNodeAllocatable: [none]\\ncontainerRuntimeEndpoint: unix:///run/containerd/containerd.sock\\n' >/var/lib/kubelet/config.yaml; "
        + KUBELET,
        silent("kubelet") + "umount /proc/swaps; rm -f /var/lib/kubelet/config.yaml",
        settle=10,
        prop="kubernetes",
    ),
    Fault(
        "a Palette agent does not trust the plane",
        ("wrong-ca",),
        saying(
            "stylus-agent",
            'level=error msg="failed to register edge host" error="Post \\"https://api.example.com\\": tls: failed to verify certificate: x509: certificate signed by unknown authority"',
        )
        + PALETTE,
        silent("stylus-agent") + NO_PALETTE,
        kind="replayed",
    ),
    Fault(
        "the kubelet finds no CNI",
        ("cni-missing",),
        "mkdir -p /var/lib/kubelet; touch /etc/kubernetes/kubelet.conf /var/lib/kubelet/config.yaml; "
        + saying(
            "kubelet",
            'E1129 16:00:00.000000 1 kubelet.go:3130] "Container runtime network not ready" networkReady="NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"',
        ),
        silent("kubelet") + "rm -f /etc/kubernetes/kubelet.conf /var/lib/kubelet/config.yaml",
        kind="replayed",
        prop="kubernetes",
    ),
    Fault(
        "a registry asks for a password",
        ("image-missing",),
        saying(
            "kubelet",
            'E1129 16:00:00.000000 1 log.go:32] "PullImage from image service failed" err="rpc error: code = Unknown desc = failed to pull and unpack image \\"registry.example/shop:1\\": failed to resolve reference: unexpected status: 401 Unauthorized" image="registry.example/shop:1"',
        ),
        silent("kubelet"),
        kind="replayed",
    ),
)
CARD = "$(ls /sys/class/net | grep -v -e lo -e sit -e tunl | head -n 1)"
TWICE = f"ip -6 addr add fd77::5/64 dev {CARD}"
TUNING_LATER: tuple[Fault, ...] = (
    Fault(
        "address-of-ipv6-twice",
        ("duplicate-address",),
        f"sleep 3; {TWICE}",
        f"ip -6 addr del fd77::5/64 dev {CARD}",
        TWICE,
        f"ip -6 addr del fd77::5/64 dev {CARD}",
        settle=4.0,
    ),
    Fault(
        "refusing-name-server",
        ("dns-silent",),
        f"{SAVE_NAMES} echo nameserver 127.0.0.9 >/etc/resolv.conf",
        RESTORE_NAMES,
    ),
)
"""Faults by which rules were corrected later: an address of IPv6 that two machines have, names that nothing asks for."""
