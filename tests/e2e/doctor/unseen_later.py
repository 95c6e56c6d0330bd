"""Faults that were written after the rules were corrected by the first run of the unseen ones, and run once."""

from __future__ import annotations

from tests.e2e.doctor.fault import (
    AGENT,
    FAKETIME,
    LAST_YEAR,
    NO_ENDPOINT,
    NO_PALETTE,
    PALETTE,
    PKI,
    RESTORE_PKI,
    SAVE_NAMES,
    SAVE_PKI,
    Fault,
    endpoint,
    saying,
    silent,
)
from tests.e2e.doctor.unseen import NO_TOKENS, TOKENS

RKE2 = "/var/lib/rancher/rke2/server/tls"
SIGN = f"-CA {PKI}/ca.crt -CAkey {PKI}/ca.key -CAcreateserial"

LATER: tuple[Fault, ...] = (
    Fault(
        "the agent is disabled and stopped",
        ("unit-stopped",),
        "systemctl disable -q --now edgewright-agent",
        f"systemctl enable -q edgewright-agent; {AGENT}",
    ),
    Fault(
        "/etc/hosts has a wrong address of the plane",
        ("plane-unreachable",),
        "cp /etc/hosts /run/hosts; echo $NET.99 plane.lab.test >>/etc/hosts; " + endpoint("plane.lab.test:8443"),
        "cp /run/hosts /etc/hosts; " + NO_ENDPOINT,
        settle=12,
    ),
    Fault(
        "the plane is asked by a name that is not in its certificate",
        ("wrong-name",),
        "cp /etc/hosts /run/hosts; echo $NET.2 plane.lab.test >>/etc/hosts; " + endpoint("plane.lab.test:8443"),
        "cp /run/hosts /etc/hosts; " + NO_ENDPOINT,
        settle=8,
    ),
    Fault(
        "the proxy of the user-data does not run",
        ("plane-unreachable", "agent-silent"),
        "cp -p /etc/edgewright/user-data /run/case-data; "
        "sed -i 's,^  site:,  site:\\n    network:\\n      httpsProxy: http://'$SECOND':3128\\n      httpProxy: http://'$SECOND':3128,' "
        f"/etc/edgewright/user-data; {AGENT}",
        f"cp -p /run/case-data /etc/edgewright/user-data; {AGENT}",
        settle=8,
    ),
    Fault(
        "the user-data is empty",
        ("user-data-broken",),
        TOKENS + f": >/etc/edgewright/user-data; {AGENT}",
        NO_TOKENS,
        settle=8,
    ),
    Fault(
        "resolv.conf is a link to nothing",
        ("dns-missing",),
        SAVE_NAMES + "ln -sf /run/nowhere /etc/resolv.conf; " + endpoint("plane.lab.test:8443"),
        "rm -f /etc/resolv.conf; cp /run/resolv /etc/resolv.conf; " + NO_ENDPOINT,
        settle=8,
    ),
    Fault("the clock is five minutes behind", ("clock-wrong",), ":", clock="-5m"),
    Fault(
        "a certificate of RKE2 has expired",
        ("certificate-expired",),
        f"mkdir -p {RKE2}; openssl req -newkey rsa:2048 -nodes -subj /CN=rke2 -keyout /run/k -out /run/a.csr 2>/dev/null; "
        f"{LAST_YEAR}openssl x509 -req -in /run/a.csr {SIGN} -days 30 -out {RKE2}/serving-kube-apiserver.crt 2>/dev/null",
        "rm -rf /var/lib/rancher",
        prop="kubernetes",
    ),
    Fault(
        "a certificate ends in five days",
        ("certificate-soon",),
        SAVE_PKI + f"openssl req -new -key {PKI}/front-proxy-client.key -subj /CN=f -out /run/a.csr 2>/dev/null; "
        f"LD_PRELOAD={FAKETIME} FAKETIME=-360d openssl x509 -req -in /run/a.csr -CA {PKI}/front-proxy-ca.crt "
        f"-CAkey {PKI}/front-proxy-ca.key -CAcreateserial -days 365 -out {PKI}/front-proxy-client.crt 2>/dev/null",
        RESTORE_PKI,
        prop="kubernetes",
    ),
    Fault(
        "the socket of containerd was removed",
        ("runtime-down",),
        "rm -f /run/containerd/containerd.sock",
        "systemctl restart containerd",
        prop="kubernetes",
    ),
    Fault(
        "etcd may not read its data",
        ("etcd-down", "etcd-member"),
        "systemctl stop case-etcd1; mv /var/lib/etcd/1 /run/etcd1; touch /var/lib/etcd/1; systemctl start case-etcd1",
        "systemctl stop case-etcd1; rm -f /var/lib/etcd/1; mv /run/etcd1 /var/lib/etcd/1; systemctl reset-failed; "
        "systemctl start --no-block case-etcd1; sleep 3",
        settle=5,
        prop="kubernetes",
    ),
    Fault(
        "the token of a Palette agent has expired",
        ("token-refused",),
        saying("palette-agent", 'level=error msg="unable to register" error="edge host token expired (code 401)"')
        + PALETTE,
        silent("palette-agent") + NO_PALETTE,
        kind="replayed",
    ),
    Fault(
        "kubelet and containerd have different cgroup drivers",
        ("cgroup-mismatch",),
        saying(
            "kubelet",
            'E1129 16:00:00.000000 1 run.go:74] "command failed" err="failed to run Kubelet: misconfiguration: '
            'kubelet cgroup driver: \\"systemd\\" is different from docker cgroup driver: \\"cgroupfs\\""',
            ends=True,
        ),
        silent("kubelet"),
        settle=8,
        kind="replayed",
    ),
    Fault(
        "a registry is too slow to answer",
        ("registry-down",),
        saying(
            "kubelet",
            'E1129 16:00:00.000000 1 log.go:32] "PullImage from image service failed" err="failed to pull and unpack '
            'image \\"harbor.site.test:30003/shop/web:3\\": failed to resolve reference: failed to do request: Head '
            '\\"https://harbor.site.test:30003/v2/\\": dial tcp 10.4.1.9:30003: i/o timeout"',
        ),
        silent("kubelet"),
        kind="replayed",
    ),
)
