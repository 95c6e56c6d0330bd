"""What is wrong with a cluster document: layer, path, reason, next step. Checked before the hub stores one.

`facts` is what the plane knows about the hosts; without facts of a host the rules that need them are not tried.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

from edgewright.core.addresses import same
from edgewright.core.clusters import quorum
from edgewright.core.clusters.document import digest
from edgewright.core.clusters.model import (
    ABSENT,
    API_PORT,
    CONTROL_PLANE,
    HELM,
    K3S,
    KUBEADM,
    PRESENT,
    VIP,
    ClusterDocument,
    Layer,
    Member,
)
from edgewright.core.profiles.problems import Problem, error, warning
from edgewright.core.text import amount

KUBERNETES = "kubernetes"
"""The layer of problems of Kubernetes itself."""
FIRST_MINOR = 31
"""kubeadm's v1beta4, the only configuration that is written, came with 1.31."""
MOST_CONTROL_PLANES = 7
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


class HostFacts(NamedTuple):
    """What the plane knows about a host. `subnets` are networks of its interfaces with prefix, by interface."""

    name: str
    healthy: bool = True
    observed_only: bool = False
    """Reached by SSH alone: no agent, so nothing can be done on it."""
    simulated: bool = False
    cluster: str = ""
    """Name of the cluster that it belongs to, empty for none or for this one."""
    machine_id: str = ""
    subnets: Mapping[str, Tuple[str, ...]] = {}
    architecture: str = ""


class HostProblem(NamedTuple):
    """Why a host cannot be in a cluster: a phrase that begins with its name, the next step, a code."""

    message: str
    hint: str
    code: str


class Known(NamedTuple):
    """What the rules may use besides the document."""

    facts: Mapping[str, HostFacts]
    """By host UID; empty where nothing is known about hosts."""
    before: Optional[ClusterDocument] = None
    """The document that this one replaces."""

    def name(self, member: Member) -> str:
        """Return the name of a host for a sentence."""
        host = self.facts.get(member.host_uid)
        return host.name if host and host.name else member.node_name

    def joins(self, member: Member) -> bool:
        """Return whether a member is not in the document before."""
        earlier = self.before.member(member.host_uid) if self.before is not None else None
        return earlier is None or earlier.state != member.state


Rule = Callable[[ClusterDocument, Known], Iterator[Problem]]


def problems(
    document: ClusterDocument,
    facts: Optional[Mapping[str, HostFacts]] = None,
    before: Optional[ClusterDocument] = None,
) -> List[Problem]:
    """Return everything that is wrong, errors first; an empty list for a document that can be used.

    `before` is the document that it replaces: hosts that are members already are not judged again, and what can never
    change is compared.
    """
    known = Known(facts or {}, before)
    rows = [problem for rule in RULES for problem in rule(document, known)]
    return sorted(rows, key=lambda problem: problem.severity != "error")


def _names(document: ClusterDocument, known: Known) -> Iterator[Problem]:
    listed: Dict[str, Member] = {}
    names: Dict[str, Member] = {}
    addresses: Dict[str, Member] = {}
    for n, member in enumerate(document.members):
        if listed.setdefault(member.host_uid, member) is not member:
            text = f"{known.name(member)} is listed twice"
            yield error("", f"members[{n}].hostUid", text, "Remove one entry.", "HostTwice")
        elif member.state == PRESENT:
            other = names.setdefault(member.node_name, member)
            if other is not member:
                text = f"The hosts {other.host_uid} and {member.host_uid} have the same node name {member.node_name}"
                yield error("", f"members[{n}].nodeName", text, "Rename one of them.", "NodeNameTwice")
            other = addresses.setdefault(member.address, member)
            if other is not member:
                text = f"{known.name(other)} and {known.name(member)} have the same address {member.address}"
                yield error("", f"members[{n}].address", text, "Give one of them another address.", "AddressTwice")
    for what, given in (("pools", [p.name for p in document.pools]), ("layers", [x.name for x in document.layers])):
        for n, name in enumerate(given):
            if name in given[:n]:
                yield error("", f"{what}[{n}].name", f"{name} is there twice", "Rename or remove one.", "NameTwice")
    pools = {pool.name for pool in document.pools}
    for n, member in enumerate(document.members):
        if pools and member.state == PRESENT and member.pool not in pools:
            text = f"{known.name(member)} is in the pool {member.pool}, which is not there"
            yield error("", f"members[{n}].pool", text, "Add the pool, or use another one.", "NoPool")


def _unchanged(document: ClusterDocument, known: Known) -> Iterator[Problem]:
    before = known.before
    if before is None:
        return
    fixed = [
        ("uid", "", "The id", before.uid, document.uid),
        ("simulated", "", "Simulated", before.simulated, document.simulated),
        ("kubernetes.distribution", KUBERNETES, "The distribution", before.kubernetes.distribution,
         document.kubernetes.distribution),
        ("endpoint.host", "", "The address of the API", before.endpoint.host, document.endpoint.host),
        ("network.podCidr", KUBERNETES, "The network of pods", before.network.pod_cidr, document.network.pod_cidr),
        ("network.serviceCidr", KUBERNETES, "The network of services", before.network.service_cidr,
         document.network.service_cidr),
    ]  # fmt: skip
    if document.bootstrap.epoch == before.bootstrap.epoch:
        uids = (before.bootstrap.init_host_uid, document.bootstrap.init_host_uid)
        fixed.append(("bootstrap.initHostUid", "", "The host that forms the cluster", *uids))
    for path, layer, what, old, new in fixed:
        if old != new:
            text = f"{what} never changes: {old} would become {new}"
            yield error(layer, path, text, "Create another cluster.", "Unchangeable")
    for n, member in enumerate(document.members):
        old_entry = before.member(member.host_uid)
        if old_entry is None or old_entry.state != PRESENT:
            continue
        for field, old, new in (
            ("nodeName", old_entry.node_name, member.node_name),
            ("address", old_entry.address, member.address),
            ("role", old_entry.role, member.role),
        ):
            if old != new:
                text = f"The {field} of {known.name(member)} never changes: {old} would become {new}"
                yield error("", f"members[{n}].{field}", text, "Release the host and add it again.", "Unchangeable")
    for member in before.present:
        if document.member(member.host_uid) is None:
            text = f"{known.name(member)} is missing; a host never leaves by its absence from the document"
            yield error("", "members", text, "Set its state to absent, with a release id.", "MemberMissing")


def _roles(document: ClusterDocument, known: Known) -> Iterator[Problem]:
    if not document.members:
        yield error("", "members", "The cluster has no hosts", "Add at least one control plane.", "NoHosts")
        return
    if document.ending:
        return
    count = len(document.control_planes)
    if count == 0:
        yield error(
            "", "members", "The cluster has no control plane", "Give one host the role control-plane.", "NoControlPlane"
        )
    elif count > MOST_CONTROL_PLANES:
        text = f"{count} control planes slow every write of etcd; {MOST_CONTROL_PLANES} are allowed"
        yield error("", "members", text, "Make the others workers.", "TooManyControlPlanes")
    elif count == 2:
        severity = error if document.bootstrap.done is None else warning
        text = "Two control planes are less available than one: etcd has no quorum as soon as one of them fails"
        yield severity("", "members", text, "Use one or three.", "TwoControlPlanes")
    elif count % 2 == 0:
        text = f"{count} control planes survive no more failures than {count - 1}: {quorum.tolerated(count)}"
        yield warning("", "members", text, f"Use {count - 1} or {count + 1}.", "EvenControlPlanes")
    init = document.member(document.bootstrap.init_host_uid)
    if document.bootstrap.done is None:
        uid = document.bootstrap.init_host_uid
        if init is None:
            yield error("", "bootstrap.initHostUid", f"{uid} is not a host of the cluster", "Name one.", "InitHost")
        elif init.role != CONTROL_PLANE or init.state != PRESENT:
            yield error(
                "", "bootstrap.initHostUid", f"{known.name(init)} is not a control plane", "Name one.", "InitHost"
            )
    for n, member in enumerate(document.members):
        if member.state == ABSENT and not member.release_id:
            text = f"{known.name(member)} is absent without a release id, so it does not leave"
            yield error("", f"members[{n}].releaseId", text, "Release it by a command.", "NoReleaseId")
        if member.state == PRESENT and member.lost:
            text = f"{known.name(member)} is declared lost but is present"
            yield error("", f"members[{n}].lost", text, "Set its state to absent, with a release id.", "Lost")
        if member.state == PRESENT and member.release_id:
            text = f"{known.name(member)} has a release id but is present"
            yield error("", f"members[{n}].releaseId", text, "Remove the release id.", "ReleaseId")


def _endpoint(document: ClusterDocument, known: Known) -> Iterator[Problem]:
    endpoint = document.endpoint
    if endpoint.kind != VIP:
        if _address(endpoint.host) is not None:
            text = f"{endpoint.host} is an address, not a DNS name"
            yield error("", "endpoint.host", text, "Set the kind vip, or write a name.", "EndpointKind")
        return
    vip = _address(endpoint.host)
    if vip is None:
        yield error(
            "", "endpoint.host", f"The VIP {endpoint.host} is not an address", "Write an address.", "EndpointKind"
        )
        return
    if endpoint.port != API_PORT:
        text = f"A VIP leads to the API servers, which listen on {API_PORT}, not on {endpoint.port}"
        yield error("", "endpoint.port", text, f"Set {API_PORT}.", "EndpointPort")
    if vip.is_multicast or vip.is_loopback or vip.is_unspecified or vip.is_link_local:
        yield error(
            "", "endpoint.host", f"The VIP {vip} is not an address of a site", "Choose a free one.", "VipAddress"
        )
    for member in document.present:
        if same(member.address, endpoint.host):
            text = f"The VIP {vip} is the address of {known.name(member)}"
            yield error("", "endpoint.host", text, "Choose an address that nothing uses.", "VipInUse")
    for member in document.control_planes:
        host = known.facts.get(member.host_uid)
        nic = endpoint.nic or member.nic
        nets = [net for name, listed in (host.subnets if host else {}).items() if nic in ("", name) for net in listed]
        subnets = [net for net in map(_network, nets) if net is not None]
        if subnets and not any(vip in net for net in subnets):
            text = f"The VIP {vip} is outside of the network of {known.name(member)} ({', '.join(nets)})"
            yield error("", "endpoint.host", text, "Choose a free address of that network.", "VipOutsideSubnet")
            break
        if host and host.subnets and nic and nic not in host.subnets:
            text = f"{host.name} has no interface {nic}"
            yield error("", "endpoint.nic", text, f"It has {', '.join(sorted(host.subnets))}.", "NoInterface")


def _networks(document: ClusterDocument, known: Known) -> Iterator[Problem]:
    listed: List[Tuple[str, Network]] = []
    for path, text in (("podCidr", document.network.pod_cidr), ("serviceCidr", document.network.service_cidr)):
        for part in text.split(","):
            net = _network(part)
            if net is None or str(net) != part:
                hint = f"Write {net}." if net is not None else "Write one such as 10.244.0.0/16."
                yield error(KUBERNETES, f"network.{path}", f"{part} is not a network", hint, "Cidr")
            else:
                listed.append((path, net))
    for n, (path, net) in enumerate(listed):
        for other_path, other in listed[:n]:
            if net.version == other.version and net.overlaps(other):
                text = f"{net} overlaps {other} ({other_path})"
                yield error(KUBERNETES, f"network.{path}", text, "Choose networks that do not overlap.", "CidrOverlap")
        inside = (
            [(f"the VIP {document.endpoint.host}", document.endpoint.host)] if document.endpoint.kind == VIP else []
        )
        inside += [(f"the address of {known.name(m)}", m.address) for m in document.present]
        for what, address in inside:
            value = _address(address)
            if value is not None and value in net:
                text = f"{net} contains {what}"
                yield error(KUBERNETES, f"network.{path}", text, "Choose another network.", "CidrOverlap")
                break


def _kubernetes(document: ClusterDocument, known: Known) -> Iterator[Problem]:
    version = document.kubernetes.version
    major, minor = (int(part) for part in version.lstrip("v").split(".")[:2])
    if document.kubernetes.distribution == KUBEADM and (major, minor) < (1, FIRST_MINOR):
        text = f"{version} is too old: configurations are written for 1.{FIRST_MINOR} and later"
        yield error(KUBERNETES, "kubernetes.version", text, "Choose a newer pack.", "VersionTooOld")
    if document.kubernetes.distribution == K3S:
        text = "k3s is not proven here: its steps are written from its documentation"
        yield warning(KUBERNETES, "kubernetes.distribution", text, "Use kubeadm where that matters.", "NotProven")
    if document.digest and document.digest != digest(document):
        text = f"The digest {document.digest[:12]} is not that of the content ({digest(document)[:12]})"
        yield error("", "digest", text, "Fetch the document again.", "DigestMismatch")


def _layers(document: ClusterDocument, known: Known) -> Iterator[Problem]:
    releases: Dict[Tuple[str, str], Layer] = {}
    for n, layer in enumerate(document.layers):
        path = f"layers[{n}]"
        if not layer.content:
            yield error(
                layer.name, f"{path}.content", "The layer has no content", "Import its pack again.", "NoContent"
            )
        if layer.kind == HELM:
            if not layer.release or not layer.namespace:
                text = "A chart needs the name of its release and a namespace"
                yield error(layer.name, f"{path}.release", text, "Set both in its pack.", "NoRelease")
            other = releases.setdefault((layer.namespace, layer.release), layer)
            if other is not layer:
                text = f"{layer.namespace}/{layer.release} is the release of the layer {other.name} too"
                yield error(layer.name, f"{path}.release", text, "Rename one of them.", "ReleaseTwice")
    names = {layer.name for layer in document.layers}
    for n, image in enumerate(document.images):
        if image.layer and image.layer not in names:
            text = f"The image {image.ref} belongs to the layer {image.layer}, which is not there"
            yield error(image.layer, f"images[{n}].layer", text, "Remove the image or add the layer.", "NoLayer")


def host_problems(host: HostFacts, simulated: bool) -> Iterator[HostProblem]:
    """Yield why a host cannot join a cluster that is `simulated` or real; the rule of the hub and of the wizard."""
    if host.observed_only:
        text = f"{host.name} is observed by SSH only and has no agent"
        yield HostProblem(text, "Install the agent on it first.", "NoAgent")
    elif not host.healthy:
        yield HostProblem(f"{host.name} is unhealthy", "See host show for the reason.", "HostUnhealthy")
    if host.cluster:
        text = f"{host.name} belongs to the cluster {host.cluster}"
        yield HostProblem(text, "Release it there first, or use another host.", "HostInUse")
    if host.simulated != simulated:
        kind, other_kind = ("simulated", "real") if host.simulated else ("real", "simulated")
        text = f"{host.name} is {kind}, the cluster is {other_kind}"
        yield HostProblem(text, "Use hosts of one kind.", "Simulated")


def _hosts(document: ClusterDocument, known: Known) -> Iterator[Problem]:
    stay = [known.facts[m.host_uid] for m in document.present if m.host_uid in known.facts and not known.joins(m)]
    ids = {host.machine_id: host.name for host in reversed(stay) if host.machine_id}
    for n, member in enumerate(document.members):
        if member.state != PRESENT or not known.joins(member):
            continue
        host = known.facts.get(member.host_uid)
        path = f"members[{n}].hostUid"
        if host is None:
            if known.facts:
                text = f"The host {member.host_uid} is not registered"
                yield error("", path, text, "Register it, or remove it from the cluster.", "NoHost")
            continue
        for problem in host_problems(host, document.simulated):
            yield error("", path, *problem)
        if host.machine_id:
            other = ids.setdefault(host.machine_id, host.name)
            if other != host.name:
                text = f"{other} and {host.name} have the same machine-id"
                yield error("", path, text, "One disk is a copy: run systemd-machine-id-setup on it.", "MachineIdTwice")
    kinds = {known.facts[m.host_uid].architecture for m in document.present if m.host_uid in known.facts} - {""}
    if len(kinds) > 1:
        text = f"The hosts have different architectures: {', '.join(sorted(kinds))}"
        yield error("", "members", text, "Use hosts of one architecture: a tree is made for one.", "Architectures")


def _pools(document: ClusterDocument, known: Known) -> Iterator[Problem]:
    for n, pool in enumerate(document.pools):
        size = sum(1 for member in document.present if member.pool == pool.name)
        roles = {member.role for member in document.present if member.pool == pool.name}
        if len(roles) > 1:
            yield error(
                "", f"pools[{n}]", f"The pool {pool.name} has control planes and workers", "Use two pools.", "PoolRoles"
            )
        if size > 1 and pool.max_unavailable >= size:
            text = f"A change may stop all {amount(size, 'host')} of the pool {pool.name} at once"
            yield warning("", f"pools[{n}].maxUnavailable", text, f"Set at most {size - 1}.", "MaxUnavailable")


RULES: Tuple[Rule, ...] = (_names, _unchanged, _roles, _endpoint, _networks, _kubernetes, _layers, _hosts, _pools)


def _address(text: str) -> Any:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> Any:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
