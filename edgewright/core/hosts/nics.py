"""Network cards: the real ones shown, the virtual ones of a Kubernetes node folded into a number.

A node carries some thirty interfaces that its container network made; they hide the two that matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping  # `isinstance` of the one of typing takes ten times as long
from typing import Any, List, NamedTuple, Sequence, Tuple, TypeVar, Union

VIRTUAL = re.compile(
    r"(?:lo$|docker\d|br-[0-9a-f]{12}$|veth|cni|cali|tunl\d|flannel|cilium|lxc|vxlan|geneve|kube-|nodelocaldns|weave|"
    r"datapath$|dummy\d|ifb\d|sit\d|ip6tnl\d|gre\d|gretap\d|erspan\d|ip_vti\d|ip6_vti\d|ip6gre\d|teql\d|virbr\d|vnet\d|"
    r"tap|podman\d|antrea|ovs-|ovn|genev_sys|nerdctl\d|kilo\d|bpf)",
    re.IGNORECASE,
)
"""Names that container networks and the kernel itself give to interfaces without hardware."""

_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}", re.ASCII)

N = TypeVar("N")


class Folded(NamedTuple):
    """The interfaces to show, the default one first, and how many were folded away."""

    real: Tuple[Any, ...]
    folded: int


def is_virtual(name: str) -> bool:
    """Return whether an interface of this name is created by software without the user's request."""
    return VIRTUAL.match(name) is not None


def fold(nics: Sequence[N]) -> Folded:
    """Part network cards into those worth a line and a count of the rest.

    A card is a mapping with Palette's keys (`nicName`, `isDefault`) or any object with `name` and `is_default`. The one
    with the default route is always included, whatever its name, and comes first; the others stay in order.
    """
    stored: List[Tuple[Union[int, bool], int, N]] = []
    for index, nic in enumerate(nics):
        name, default = _facts(nic)
        if default or not is_virtual(name):
            stored.append((not default, index, nic))
    stored.sort(key=lambda item: (item[0], item[1]))
    return Folded(tuple(item[2] for item in stored), len(nics) - len(stored))


def universal_macs(nics: Sequence[object]) -> Tuple[str, ...]:
    """Return the MAC addresses that a maker gave, sorted, lower case; of real cards of documents with Palette's keys.

    A locally administered address (second bit of the first octet: virtual machines, bridges, bonds, privacy) may be the
    same on many machines and is left out.
    """
    matches = set()
    for nic in nics:
        if not isinstance(nic, Mapping) or is_virtual(str(nic.get("nicName") or "")):
            continue
        mac = str(nic.get("macAddr") or "").lower()
        if _MAC.fullmatch(mac) and not int(mac[:2], 16) & 3 and mac != "00:00:00:00:00:00":
            matches.add(mac)
    return tuple(sorted(matches))


def _facts(nic: object) -> Tuple[str, bool]:
    if isinstance(nic, Mapping):
        return str(nic.get("nicName") or ""), nic.get("isDefault") is True
    return str(getattr(nic, "name", "") or ""), getattr(nic, "is_default", False) is True
