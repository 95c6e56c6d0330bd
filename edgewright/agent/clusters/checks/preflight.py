"""Step `preflight`: every check of this host for this cluster, all failures at once, reads only."""

from __future__ import annotations

import ipaddress
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, List, Tuple

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.checks import peer
from edgewright.agent.clusters.context import Context, Looked, StepKind, nic_of
from edgewright.agent.clusters.vip import arp, vrrp
from edgewright.agent.clusters.vip.configuration import router_id
from edgewright.agent.kernel.plane_link import STATUS
from edgewright.agent.kernel.state import read_checked
from edgewright.agent.reconcile import checks as host_checks
from edgewright.agent.reconcile import preflight as host_preflight
from edgewright.agent.reconcile.checks import FAILED, OK, Check
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.addresses import among
from edgewright.core.clusters.kube_values import waived_of
from edgewright.core.clusters.planning import targets
from edgewright.core.errors import EdgewrightError, Failed
from edgewright.core.text import amount

REPORT = paths.STATE + "/preflight.json"
AT_ONCE = 4
"""Checks that run at the same time."""
SPACE = 4_000_000_000
"""Bytes that must be free beside what the tree needs: images are there twice, and 10 percent more."""


class Preflight(StepKind):
    """Writes a report; only one without failures, of this set of members, lets a host continue."""

    name = "preflight"
    limit = 120.0

    def seen(self, context: Context) -> Looked:
        """See `StepKind.seen`."""
        report = context.host.json(REPORT)
        if report.get("members") != targets.members(context.document) or report.get("failures"):
            return Seen.NOT_DONE, "there is no report without failures"
        return Seen.DONE, "no failure"

    def waits_for(self, context: Context) -> str:
        """See `StepKind.waits_for`: before the formation all members take part."""
        missing = peer.missing_members(context)
        return f"{', '.join(missing[:5])} to answer on port {peer.PORT}" if missing else ""

    def act(self, context: Context) -> None:
        """See `StepKind.act`."""
        host = context.host
        context.claim()
        peer.serve_status(context)
        with ThreadPoolExecutor(1) as pool:
            members = pool.submit(peer.probe_all, context)
            results = run_checks(context) + members.result()
        failures = []
        for check in results:
            host.report(f"{check.state:8} {check.id}: {check.text}" + (f" {check.next}" if check.state != OK else ""))
            if check.state == FAILED:
                failures.append(f"{check.id}: {check.text}")
        report = {
            "uid": context.document.uid,
            "members": targets.members(context.document),
            "failures": failures,
            "uptime": host.uptime(),
            "boot": host.text("/proc/sys/kernel/random/boot_id"),
        }
        host.write(REPORT, json.dumps(report).encode(), 0o600)
        peer.write_status(context, preflight=not failures, reason=failures[0] if failures else "")
        if failures:
            raise Failed(
                f"{amount(len(failures), 'failure')}: {'; '.join(failures)[:800]}.", "Correct all, then retry."
            )


def run_checks(context: Context) -> List[Check]:
    """Return the checks of this host alone, in order. One that breaks is unknown, not an end.

    They run at the same time: two of them listen to the network for seconds.
    """
    host = context.host
    looks: List[Tuple[str, Callable[[], Check]]] = [
        ("memory", lambda: host_checks.memory(host)),
        ("cpu", lambda: host_checks.cpu(host)),
        ("disk", lambda: disk(context)),
        ("swap", lambda: host_checks.swap(host)),
        ("modules", lambda: host_checks.modules(host)),
        ("cgroup", lambda: host_checks.cgroup(host)),
        ("security", lambda: host_checks.security(host)),
        ("machine-id", lambda: host_checks.machine_id(host)),
        ("clock", lambda: clock(context)),
        ("route", lambda: host_checks.route(host)),
        ("ports", lambda: ports(context)),
        ("foreign", lambda: foreign(context)),
        ("address", lambda: address(context)),
        ("networks", lambda: networks(context)),
        ("vip", lambda: vip(context)),
        ("vrrp", lambda: routers(context)),
        ("distribution", lambda: distribution(context)),
        ("programs", lambda: programs(context)),
    ]
    waived = waived_of(context.document.kubernetes.config)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda item: run_check(*item), looks))
    return [
        check._replace(state=host_checks.WARNING, text=f"{check.text} (waived by the cluster)")
        if check.state == FAILED and name in waived
        else check
        for (name, _), check in zip(looks, results)
    ]


def run_check(name: str, look: Callable[[], Check]) -> Check:
    """Return what a check returns; `unknown` for one that breaks."""
    try:
        return look()
    except EdgewrightError as error:
        return Check(name, host_checks.UNKNOWN, error.message.rstrip("."))
    except Exception as error:
        text = f"the check broke: {type(error).__name__}: {error}"
        return Check(name, host_checks.UNKNOWN, text, "Report this.")


def clock(context: Context) -> Check:
    """Check this host's clock against the plane's, as the link noted it at its last heartbeat: 60 s are allowed."""
    status = read_checked(os.path.join(context.data, f"{STATUS}.json"))[0] or {}
    try:
        off: Any = float(str(status.get("clockOff")))
    except ValueError:
        off = None
    return host_preflight.clock(off)


def disk(context: Context) -> Check:
    """Check the space for tree, content and images; what the fetch, which runs beside this, has brought is a part."""
    results = []
    needed = SPACE - sum(_size(context.host.path(name)) for name in (paths.CONTENT, paths.TREES))
    for place in ("/var/lib", "/opt"):
        usage = host_checks.real_space(context.host.path(place))
        if usage is not None and usage[2] < needed:
            results.append(f"{usage[2] / 1e9:.1f} GB free on {place}, {needed / 1e9:.2g} GB are needed")
    return Check("disk", FAILED, "; ".join(results), "Free space.") if results else Check("disk", OK, "enough space")


def _size(folder: str) -> int:
    """Return the bytes of all files below a folder."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue  # it was moved meanwhile
    return total


def ports(context: Context) -> Check:
    """Check that the ports of Kubernetes are free, but for listeners of our own."""
    host = context.host
    if host.has(paths.KUBELET_CONF) or host.has(paths.ADMIN_CONF):
        return Check("ports", OK, "this host's own Kubernetes listens")
    tables = [host.lines("/proc/net/tcp"), host.lines("/proc/net/tcp6")]
    wanted = dict(host_checks.PORTS) if context.control_plane else {10250: "kubelet"}
    wanted.update({port: "etcd" for port in peer.ports_of(context.document, context.me) if port not in wanted})
    wanted[paths.IMAGES_PORT] = "local registry"
    own = peer.own_ports(context) | ({paths.IMAGES_PORT} if host.has(paths.APPLIED) else set())
    used = sorted((host_checks.listening(tables) & set(wanted)) - own)
    if used:
        text = "in use: " + ", ".join(f"{port} ({wanted[port]})" for port in used)
        return Check("ports", FAILED, text, "Stop what uses them: ss -ltnp")
    return Check("ports", OK, "free")


def foreign(context: Context) -> Check:
    """Check that no other Kubernetes is here. Docker and a site's firewall stay as they are."""
    if context.host.json(paths.APPLIED).get("uid") == context.document.uid:
        return Check("foreign", OK, "the Kubernetes here is of this cluster")
    return host_checks.foreign(context.host)


def address(context: Context) -> Check:
    """Check that this host has the address of its entry, on the interface that is named."""
    nic = nic_of(context.host, context.me.address)
    if not nic:
        return Check("address", FAILED, f"no interface has {context.me.address}", "Correct the member's address.")
    wanted = context.me.nic
    if wanted and wanted != nic:
        return Check("address", FAILED, f"{context.me.address} is on {nic}, not on {wanted}", "Correct the interface.")
    return Check("address", OK, f"{context.me.address} on {nic}")


def networks(context: Context) -> Check:
    """Check that the networks of pods and services contain no address or route of this host."""
    clusters = [
        ipaddress.ip_network(text)
        for part in (context.document.network.pod_cidr, context.document.network.service_cidr)
        for text in part.split(",")
    ]
    clashes = []
    for line in context.host.run(["ip", "-o", "route", "show"]).output.splitlines():
        fields = line.split()
        if not fields or fields[0] in ("default", "unreachable", "blackhole") or _own_route(fields):
            continue
        try:
            route = ipaddress.ip_network(fields[0])
        except ValueError:
            continue
        clashes += [f"{route} ({network})" for network in clusters if _overlap(network, route)]
    for member in context.document.members:
        clashes += [f"{member.address} ({n})" for n in clusters if ipaddress.ip_address(member.address) in n]
    if clashes:
        return Check("networks", FAILED, "in use by this site: " + ", ".join(clashes[:4]), "Choose other networks.")
    return Check("networks", OK, "no route of this host leads into them")


def vip(context: Context) -> Check:
    """Check that the VIP is in a subnet of this host and, before the formation, that nothing answers for it."""
    if not context.has_vip or not context.control_plane:
        return Check("vip", OK, "not served by this host")
    text, nic = context.document.endpoint.host, context.nic
    output = context.host.run(["ip", "-o", "address", "show", "dev", nic]).output
    subnets = [ipaddress.ip_interface(line.split()[3]).network for line in output.splitlines() if len(line.split()) > 3]
    if not any(ipaddress.ip_address(text) in subnet and subnet.prefixlen < subnet.max_prefixlen for subnet in subnets):
        return Check("vip", FAILED, f"{text} is in no subnet of {nic}", "Choose an address of the same subnet.")
    formed = context.document.bootstrap.done is not None or context.host.has(paths.ADMIN_CONF)
    macs = arp.probe(context.host, nic, text)
    if macs and not formed and not _formed_elsewhere(context):
        return Check("vip", FAILED, f"{text} is in use by {', '.join(macs)}", "Choose a free address.")
    return Check("vip", OK, f"{text} answers" if macs else f"{text} is free")


def routers(context: Context) -> Check:
    """Check that no other keepalived on this network has the VIP, or the router id that the cluster's will have."""
    address, router = context.document.endpoint.host, router_id(context.document)
    if not context.has_vip or not context.control_plane or ":" in context.me.address:
        return Check("vrrp", OK, "not asked on this host")
    members = [member.address for member in context.document.members]
    others = [advert for advert in vrrp.adverts(context.me.address) if not among(advert.source, members)]
    for advert in others:
        if among(address, advert.addresses):
            step = "Choose another VIP, or stop keepalived there."
            return Check("vrrp", FAILED, f"{advert.source} advertises the VIP {address} by VRRP", step)
    same = [advert.source for advert in others if advert.router == router]
    if same:  # ours is unicast: it neither sends to them nor listens to them
        text = f"{', '.join(same[:4])} has the router id {router} too, as this cluster's keepalived will"
        return Check("vrrp", host_checks.WARNING, text, "Change the id there if its address moves for no reason.")
    return Check("vrrp", OK, f"no other router with the id {router} or the VIP")


def distribution(context: Context) -> Check:
    """Report a distribution that was never run here."""
    kubernetes = context.document.kubernetes
    if context.k3s:
        text = f"k3s {kubernetes.version} is not proven here: its steps are written from its documentation"
        return Check("distribution", host_checks.WARNING, text, "Use kubeadm where that matters.")
    return Check("distribution", OK, f"{kubernetes.distribution} {kubernetes.version}")


def programs(context: Context) -> Check:
    """Check what a tree of this distribution always needs of the host."""
    needed: Tuple[str, ...] = ("ip", "mount", "umount", "systemctl", "openssl", "timeout")
    if not context.k3s:  # which brings its own
        needed += ("iptables", "nsenter", "conntrack", "nft")
    folders = ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin")
    missing = [name for name in needed if not any(context.host.has(f"{folder}/{name}") for folder in folders)]
    if missing:
        return Check("programs", FAILED, "missing: " + ", ".join(missing), "Install them with the system's packages.")
    return Check("programs", OK, "all here")


def _formed_elsewhere(context: Context) -> bool:
    """Return whether the VIP answers because the cluster runs already, and this host joins it."""
    return not context.init_host and peer.cluster_answers(context)


def _own_route(fields: List[str]) -> bool:
    device = fields[fields.index("dev") + 1] if "dev" in fields[:-1] else ""
    return device.startswith(("cni", "flannel", "veth", "cilium", "cali", "kube-"))


def _overlap(network: Any, route: Any) -> bool:
    return bool(network.version == route.version and network.overlaps(route))
