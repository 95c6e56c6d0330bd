"""What a preflight looks at on this host: each check reads only, and has a next step when it is not ok."""

from __future__ import annotations

import os
import re
from typing import Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from edgewright.agent.facts import system
from edgewright.agent.kernel.hostfs import Root

OK, WARNING, FAILED, UNKNOWN = "ok", "warning", "failed", "unknown"
GB = 1_000_000_000
MIN_DISK, GOOD_DISK = 5 * GB, 20 * GB
MIN_MEMORY_MB, GOOD_MEMORY_MB = 1_700, 3_800
"""kubeadm refuses a control plane below 1700 MB."""
MIN_CPUS = 2
PORTS: Dict[int, str] = {6443: "API server", 2379: "etcd clients", 2380: "etcd peers", 10250: "kubelet"}
MODULES = ("overlay", "br_netfilter")
CONTROLLERS = ("cpu", "memory", "pids")
_LISTEN = "0A"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.ASCII)


class Check(NamedTuple):
    """One check: `ok`, `warning`, `failed` or `unknown`, what was found, and what to do."""

    id: str
    state: str
    text: str
    next: str = ""


Space = Callable[[str], Optional[Tuple[int, int, int]]]
"""Returns (total, used, free) bytes of the file system of a path."""


def disk(root: Root, space: Space) -> Check:
    """Check the free space where images and pods will be."""
    place = next(path for path in ("/var/lib/containerd", "/var/lib/kubelet", "/var/lib", "/") if root.has(path))
    usage = space(root.path(place))
    if usage is None:
        return Check("disk", UNKNOWN, f"the free space of {place} is not known", "Look at it: df -h " + place)
    free = f"{usage[2] / GB:.1f} GB free on {place}"
    if usage[2] < GOOD_DISK:
        state = FAILED if usage[2] < MIN_DISK else WARNING
        return Check("disk", state, f"{free}, {GOOD_DISK // GB} GB are recommended", "Free space or add a disk.")
    return Check("disk", OK, free)


def memory(root: Root) -> Check:
    """Check the memory of the machine."""
    total = system.memory_mb(root)[0]
    if total <= 0:
        return Check("memory", UNKNOWN, "the size of the memory is not known", "Look at it: free -m")
    if total < GOOD_MEMORY_MB:
        state = FAILED if total < MIN_MEMORY_MB else WARNING
        text = f"{total} MB; a control plane needs {MIN_MEMORY_MB} MB, with workloads {GOOD_MEMORY_MB} MB"
        return Check("memory", state, text, "Use a machine with more memory.")
    return Check("memory", OK, f"{total} MB")


def cpu(root: Root) -> Check:
    """Check the number of CPUs."""
    count = system.cpu_cores(root)
    if count == 0:
        return Check("cpu", UNKNOWN, "the number of CPUs is not known", "Look at it: nproc")
    if count < MIN_CPUS:
        return Check("cpu", FAILED, f"{count} CPU, a control plane needs {MIN_CPUS}", "Use a machine with more CPUs.")
    return Check("cpu", OK, f"{count} CPUs")


def name(root: Root) -> Check:
    """Check that the host name can name a node."""
    host = system.host_name(root)
    if not host or host.split(".")[0] in ("localhost", "none") or len(host) > 63 or not _NAME.fullmatch(host):
        text = f"the host name {host or '(none)'} cannot name a node"
        return Check("name", FAILED, text, "Set one of letters, digits and '-': hostnamectl set-hostname NAME")
    return Check("name", OK, host)


def machine_id(root: Root) -> Check:
    """Check that there is a machine-id; that no other host has it is for the plane to see."""
    value = root.text("/etc/machine-id", 64)
    if not re.fullmatch(r"[0-9a-f]{32}", value) or set(value) == {"0"}:
        step = "Make one: rm -f /etc/machine-id && systemd-machine-id-setup"
        return Check("machine-id", FAILED, "/etc/machine-id has no valid id", step)
    return Check("machine-id", OK, value)


def ports(root: Root) -> Check:
    """Check that nothing listens where Kubernetes will."""
    tables = [root.lines("/proc/net/tcp"), root.lines("/proc/net/tcp6")]
    if not any(tables):
        return Check("ports", UNKNOWN, "open ports are not known", "Look at them: ss -ltn")
    used = sorted(listening(tables) & set(PORTS))
    if used:
        text = "in use: " + ", ".join(f"{port} ({PORTS[port]})" for port in used)
        return Check(
            "ports", FAILED, text, "Stop what uses them: ss -ltnp | grep -E '" + "|".join(map(str, used)) + "'"
        )
    return Check("ports", OK, "free: " + ", ".join(str(port) for port in PORTS))


def listening(tables: List[List[str]]) -> Set[int]:
    """Return the TCP ports that something listens on, from `/proc/net/tcp` and `tcp6`."""
    result = set()
    for lines in tables:
        for line in lines[1:]:
            fields = line.split()
            if len(fields) > 3 and fields[3] == _LISTEN:
                try:
                    result.add(int(fields[1].rpartition(":")[2], 16))
                except ValueError:
                    continue
    return result


def swap(root: Root) -> Check:
    """Check that swap is off: a kubelet does not start with it."""
    devices = [line.split()[0] for line in root.lines("/proc/swaps")[1:] if line.split()]
    if devices:
        step = "Switch it off: swapoff -a, and remove it from /etc/fstab."
        return Check("swap", FAILED, "on: " + ", ".join(devices[:4]), step)
    return Check("swap", OK, "off")


def modules(root: Root) -> Check:
    """Check that the kernel modules of a container runtime are loaded, built in, or can be loaded."""
    release = system.kernel(root)[1]
    base = f"/lib/modules/{release}"
    listed = "\n".join(root.lines(f"{base}/modules.builtin") + root.lines(f"{base}/modules.dep"))
    missing = []
    for module in MODULES:
        if root.has(f"/sys/module/{module}") or f"/{module}.ko" in listed:
            continue
        if module == "overlay" and any(line.split()[-1] == "overlay" for line in root.lines("/proc/filesystems")):
            continue
        missing.append(module)
    if missing and not listed:
        text = f"{', '.join(missing)} not loaded, and the modules of kernel {release or '?'} cannot be read"
        return Check("modules", UNKNOWN, text, f"Try: modprobe -a {' '.join(missing)}")
    if missing:
        return Check("modules", FAILED, f"missing: {', '.join(missing)}", "Install the modules of the running kernel.")
    return Check("modules", OK, ", ".join(MODULES))


def cgroup(root: Root) -> Check:
    """Check for cgroup v2 with the controllers that a kubelet uses."""
    available = root.text("/sys/fs/cgroup/cgroup.controllers").split()
    if not root.has("/sys/fs/cgroup/cgroup.controllers"):
        step = "Boot with systemd.unified_cgroup_hierarchy=1."
        return Check("cgroup", FAILED, "cgroup v2 is not mounted on /sys/fs/cgroup", step)
    missing = [name for name in CONTROLLERS if name not in available]
    if missing:
        text = f"cgroup v2 without the controllers {', '.join(missing)}"
        return Check("cgroup", FAILED, text, "Enable them on the kernel command line.")
    return Check("cgroup", OK, "v2 with " + ", ".join(CONTROLLERS))


def security(root: Root) -> Check:
    """Report the mode of SELinux or AppArmor."""
    if root.has("/sys/fs/selinux/enforce"):
        if root.number("/sys/fs/selinux/enforce"):
            step = "Install container-selinux, or set SELinux to permissive."
            return Check("security", WARNING, "SELinux is enforcing", step)
        return Check("security", OK, "SELinux is permissive")
    if root.text("/sys/module/apparmor/parameters/enabled", 8) == "Y":
        return Check("security", OK, "AppArmor is enabled")
    return Check("security", OK, "neither SELinux nor AppArmor is enabled")


def route(root: Root) -> Check:
    """Check for a default route: kubeadm takes the address of its interface."""
    for line in root.lines("/proc/net/route")[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == "00000000" and fields[7] == "00000000":
            return Check("route", OK, f"by {fields[0]}")
    for line in root.lines("/proc/net/ipv6_route"):
        fields = line.split()
        if len(fields) > 9 and set(fields[0]) == {"0"} and fields[1] == "00" and fields[9] != "lo":
            return Check("route", OK, f"by {fields[9]} (IPv6 only)")
    if not root.has("/proc/net/route"):
        return Check("route", UNKNOWN, "routes are not known", "Look at them: ip route")
    return Check("route", FAILED, "there is no default route", "Set a gateway in the network configuration.")


def foreign(root: Root) -> Check:
    """Check for a kubelet, k3s or docker that is not ours."""
    running = {root.text(f"/proc/{pid}/comm", 64) for pid in root.names("/proc") if pid.isdigit()}
    signs = sorted(running & {"kubelet", "k3s", "k3s-server", "k3s-agent", "k0s", "rke2", "microk8s", "kubelite"})
    files = ("/etc/kubernetes/kubelet.conf", "/etc/kubernetes/admin.conf", "/etc/rancher/k3s", "/etc/rancher/rke2")
    signs += [path for path in files if root.has(path)]
    if signs:
        step = "Remove that installation (kubeadm reset, k3s-uninstall.sh) or use another host."
        return Check("foreign", FAILED, "Kubernetes is installed already: " + ", ".join(signs), step)
    if "dockerd" in running or root.has("/run/docker.sock"):
        step = "It may stay: Edgewright uses its own containerd. Check its firewall rules."
        return Check("foreign", WARNING, "docker runs on this host", step)
    return Check("foreign", OK, "no kubelet, k3s or docker")


def real_space(path: str) -> Optional[Tuple[int, int, int]]:
    """Return (total, used, free) bytes of a file system, `None` when it cannot be asked."""
    try:
        values = os.statvfs(path)
    except OSError:
        return None
    total, free = values.f_blocks * values.f_frsize, values.f_bavail * values.f_frsize
    return total, total - values.f_bfree * values.f_frsize, free
