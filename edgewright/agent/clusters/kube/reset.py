"""Removing what kubeadm and pods left on this host, and nothing else: no table is flushed, no foreign path touched."""

from __future__ import annotations

import shlex
from typing import List

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import mounts
from edgewright.agent.clusters.ledger import OWN_TABLES, tables
from edgewright.core.errors import Failed

LINKS = ("cni0", "flannel.1", "flannel-v6.1", "kube-ipvs0")
"""Interfaces that CNI plug-ins and kube-proxy leave."""
CHAINS = ("KUBE-", "CNI-", "FLANNEL-", "CNI-HOSTPORT")
LEFT = (
    paths.KUBERNETES,
    paths.ETCD,
    paths.KUBELET,
    "/run/flannel",
    "/run/kubernetes",
    "/run/k3s",
)


def reset_kubeadm(context: Context) -> None:
    """Undo `kubeadm init` or `join` of this host, with its pods. Raises `Failed`."""
    host = context.host
    if host.has(paths.component("kubeadm")) and host.has(paths.SOCKET):
        command = [context.path_of("kubeadm"), "reset", "--force", "--cri-socket", f"unix://{paths.SOCKET}"]
        # The etcd member is removed by a survivor, before: a reset that asks a dead etcd waits for minutes.
        code = host.stream([*command, "--skip-phases=remove-etcd-member,preflight"], {"PATH": paths.SEARCH})
        host.report(f"kubeadm reset ended with {code}")
    host.run(["systemctl", "stop", context.node_unit], 60)
    if context.k3s:
        host.remove(paths.K3S_CONFIG)
        kill_shims(context)
    else:
        remove_pods(context)
    for point in mounts(host, [paths.KUBELET, "/run/netns/cni-", "/var/run/netns/cni-", "/run/k3s"]):
        if host.run(["umount", point]).code != 0:
            host.run(["umount", "--lazy", point])
    for folder in LEFT:
        empty(context, folder)
    for name in host.names(paths.K3S):
        if name not in ("storage", "agent"):  # volumes stay; the archives of images are needed again
            host.remove(f"{paths.K3S}/{name}")
    for name in host.names(f"{paths.K3S}/agent"):
        if name != "images":
            host.remove(f"{paths.K3S}/agent/{name}")
    for link in LINKS:
        if host.has(f"/sys/class/net/{link}"):
            host.run(["ip", "link", "delete", link])
    remove_rules(context)


def remove_pods(context: Context) -> None:
    """End and remove every container of our containerd, also those that kubeadm could not reach."""
    host = context.host
    if not host.has(paths.SOCKET):
        return
    ctr = [context.path_of("ctr"), "--address", paths.SOCKET, "--namespace", "k8s.io"]
    tasks = host.run([*ctr, "tasks", "list", "--quiet"]).output.split()
    for task in tasks:
        host.run([*ctr, "tasks", "kill", "--signal", "SIGKILL", task], 20)
    for task in tasks:
        host.run([*ctr, "tasks", "delete", "--force", task], 30)
    containers = host.run([*ctr, "containers", "list", "--quiet"]).output.split()
    for container in containers:
        host.run([*ctr, "containers", "delete", container], 20)


def kill_shims(context: Context) -> None:
    """End the shims of our containerd that `KillMode=process` left, by its socket in their arguments.

    Those of k3s with all that runs below them: its containerd has ended, and cannot be asked to.
    """
    host, parents = context.host, {}
    sockets = (paths.SOCKET.encode(), paths.K3S_SOCKET.encode())
    doomed = set()
    for pid in host.names("/proc"):
        if not pid.isdigit():
            continue
        line = host.data(f"/proc/{pid}/cmdline", 4096).split(b"\x00")
        parents[pid] = host.text(f"/proc/{pid}/stat", 4096).rpartition(")")[2].split()[1:2]
        if line[0].endswith(b"containerd-shim-runc-v2") and any(socket in line for socket in sockets):
            doomed.add(pid)
    shims = set(doomed)
    while context.k3s:
        more = {pid for pid, above in parents.items() if above and above[0] in doomed} - doomed
        if not more:
            break
        doomed |= more
    for pid in sorted(doomed - shims) + sorted(shims):
        host.run(["kill", "-9", pid])


def remove_rules(context: Context) -> None:
    """Delete our own tables and chains; a site's firewall and docker's rules are never touched."""
    host = context.host
    for family, table in tables(host):
        if table in OWN_TABLES:  # a foreign kubelet was refused, so they are of this cluster
            host.run(["nft", "delete", "table", family, table])
    for program in ("iptables", "ip6tables"):
        for table in ("nat", "filter", "mangle"):
            done = host.run([f"{program}-save", "-t", table])
            if done.code == 0:
                for arguments in removals(done.output):
                    host.run([program, "-w", "-t", table, *arguments])


def removals(saved: str) -> List[List[str]]:
    """Return what deletes our chains and the rules that lead to them, from what `iptables-save` printed."""
    chains = [line[1:].split()[0] for line in saved.splitlines() if line.startswith(":")]
    own = [chain for chain in chains if chain.startswith(CHAINS)]
    arguments: List[List[str]] = []
    for line in saved.splitlines():
        if not line.startswith("-A "):
            continue
        rule = shlex.split(line)
        target = rule[rule.index("-j") + 1] if "-j" in rule else ""
        if rule[1] not in own and target in own:
            arguments.append(["-D", *rule[1:]])
    arguments += [["-F", chain] for chain in own]
    return arguments + [["-X", chain] for chain in own]


def empty(context: Context, folder: str) -> None:
    """Remove what is in a folder, and the folder. Raises `Failed`."""
    host = context.host
    if any(point == folder or point.startswith(folder + "/") for point in mounts(host, [folder])):
        for name in host.names(folder):
            try:
                host.remove(f"{folder}/{name}")
            except Failed as error:
                host.report(error.message)
        return
    host.remove(folder)
