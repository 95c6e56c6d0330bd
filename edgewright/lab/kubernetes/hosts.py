"""What a lab host needs beyond an ordinary one, so that a kubelet runs in a container of this machine.

These settings belong to the lab. They are in three places and no other: the Kubernetes layer's `cluster.config`
(`settings.py`), the lab's tree and disk (containerd.toml, runc-lab), and here: packages, mounts, capabilities.
"""

from __future__ import annotations

from pathlib import Path

from edgewright.core.errors import Failed
from edgewright.lab import base
from edgewright.lab.tools import run

PACKAGES = (
    *base.PACKAGES,
    # programs that kubeadm, kubelet, kube-proxy and the CNI plug-ins call
    "conntrack",
    "ethtool",
    "iptables",
    "kmod",
    "mount",
    "nftables",
    "openssl",
    "socat",
    "util-linux",
    # libraries of runc and keepalived
    "libseccomp2",
    "libglib2.0-0",
    "libnftnl11",
    "libnl-3-200",
    "libnl-genl-3-200",
    "libsnmp40",
    "libssl3",
    # for people and tests
    "curl",
    "e2fsprogs",
    "iputils-arping",
    "iputils-ping",
)
SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What the kubelet wants to set. A container may not: a file with the value is mounted over each, so that nothing of
the machine's kernel changes."""

INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
"""How many inotify instances root may have on this machine; all hosts share them."""
INSTANCES_OF_A_HOST = 64
"""What systemd, containerd and the kubelet of one host take, rounded up; the machine itself gets as many."""

UNIT = "lab-kubernetes.service"
_SCRIPT = """#!/bin/sh
# Prepares a lab host for a kubelet; see edgewright/lab/kubernetes/hosts.py.
set -e
mkdir -p /run/lab-sysctl
{files}
sysctl -q -w net.ipv4.ip_forward=1
mount --make-rshared /
# empty groups of the last boot delay a kubelet by seconds each
for folder in /sys/fs/cgroup/k8s.io /sys/fs/cgroup/kubepods; do
  [ ! -d $folder ] || find $folder -mindepth 1 -depth -type d -exec rmdir {{}} + 2>/dev/null || true
done
"""
_UNIT_TEXT = """[Unit]
Description=Mounts that a kubelet needs in a lab host
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target containerd.service kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-kubernetes

[Install]
WantedBy=sysinit.target
"""


def check_machine(hosts: int, limit: Path = INSTANCES) -> None:
    """Raise `Failed` when the kubelets of so many hosts would run out of inotify instances."""
    needed = INSTANCES_OF_A_HOST * (hosts + 1)
    try:
        have = int(limit.read_text())
    except (OSError, ValueError):
        return
    if have < needed:
        raise Failed(
            f"This machine allows {have} inotify instances, and {hosts} hosts with Kubernetes need {needed}.",
            f"Allow more: sysctl -w fs.inotify.max_user_instances={max(1024, needed)}",
            "LabUnavailable",
        )


def nspawn_options(home: Path) -> list[str]:
    """Return the further options of systemd-nspawn; `home` is the host's folder in the lab."""
    return [
        "--capability=all",
        "--system-call-filter=add_key keyctl bpf",
        "--bind=/dev/kmsg",
        f"--bind={home / 'var-lib'}:/var/lib",
        f"--bind={home / 'opt'}:/opt",
    ]


NSPAWN_ENVIRONMENT = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}


def write(root: Path, runtime: Path, ca: Path, gateway: str) -> None:
    """Write the lab's part of a disk: unit and mounts, the runtime `runc-lab`, the CA, a resolver that fails fast."""
    files = "\n".join(
        f"echo {value} > /run/lab-sysctl/{name.replace('/', '_')}\n"
        f"mount --bind /run/lab-sysctl/{name.replace('/', '_')} /proc/sys/{name}"
        for name, value in SYSCTLS.items()
    )
    _program(root / "usr/local/sbin/lab-kubernetes", _SCRIPT.format(files=files).encode())
    _program(root / "usr/local/sbin/runc-lab", runtime.read_bytes())
    (root / "etc/systemd/system" / UNIT).write_text(_UNIT_TEXT)
    wants = root / "etc/systemd/system/sysinit.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    link = wants / UNIT
    if not link.is_symlink():
        link.symlink_to(f"/etc/systemd/system/{UNIT}")
    # a container whose first process ignores SIGTERM would delay a reboot by 90 s
    settings = root / "etc/systemd/system.conf.d/lab.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("[Manager]\nDefaultTimeoutStopSec=8s\n")
    (root / "etc/resolv.conf").write_text(f"nameserver {gateway}\noptions timeout:1 attempts:1\n")
    text = ca.read_text()
    (root / "usr/local/share/ca-certificates/edgewright-lab.crt").write_text(text)
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    if text not in bundle.read_text():
        with bundle.open("a") as stream:
            stream.write(text)


def _program(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)


def own_folders(home: Path, root: Path) -> None:
    """Put /var/lib and /opt on the machine's own disk: containerd's overlays cannot be made on an overlay."""
    for name, path in (("var-lib", root / "var/lib"), ("opt", root / "opt")):
        target = home / name
        if not target.is_dir():
            draft = home / f"{name}.new"
            run(["rm", "-rf", draft])
            run(["cp", "-a", path, draft])
            draft.rename(target)
