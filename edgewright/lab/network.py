"""The lab's network: a switch in a namespace of its own, a cable to each member, and a way in for this machine.

Each host gets a small bridge of its own, joined to the switch by a cable that the lab owns. So a cut or a slow link
stays what it is when the host reboots and its own interface is created again.

Addresses in the lab's /24: .1 this machine, .2 the hub, .3 the registry, .11 and up the hosts.
"""

from __future__ import annotations

import json
from pathlib import Path

from edgewright.core.errors import Failed
from edgewright.lab.state import HUB, REGISTRY, LabState, Member
from edgewright.lab.tools import run

SWITCH = "switch"
NETNS = Path("/run/netns")
PORT_OF_MACHINE = "uplink"


def namespace_of(lab: str, service: str = HUB) -> str:
    """Return the name of the namespace of the hub, or of the registry."""
    return f"{lab}-{service}"


def machine_end(lab: str) -> str:
    """Return the interface by which this machine is in the lab (15 characters at most)."""
    return f"{lab}-0"


def inside(namespace: str) -> list[str]:
    """Return the words before a command that shall run in a namespace; unlike `ip netns exec`, /sys stays as it is."""
    return ["nsenter", f"--net={NETNS / namespace}"]


def choose_subnet(lab: str) -> str:
    """Return the first three numbers of a /24 that this machine has no route to, starting from the lab's own number."""
    routes = json.loads(run(["ip", "-j", "route", "show", "table", "all"]) or "[]")
    taken = {str(route.get("dst", "")).partition("/")[0] for route in routes}
    first = int(lab.rpartition("-")[2][:4], 16) % 256
    for step in range(256):
        subnet = f"10.66.{(first + step) % 256}"
        if not any(address.startswith(f"{subnet}.") for address in taken):
            return subnet
    raise Failed("Every network from 10.66.0.0 to 10.66.255.0 is in use on this machine.", "Take down other labs.")


def build(state: LabState) -> None:
    """Make switch, hub namespace and the way in from this machine."""
    lab = state.name
    run(["ip", "netns", "add", lab])
    at = inside(lab)
    for arguments in (
        ["link", "set", "lo", "up"],
        ["link", "add", SWITCH, "type", "bridge", "forward_delay", "0"],
        ["link", "set", SWITCH, "up"],
    ):
        run([*at, "ip", *arguments])
    run(["ip", "link", "add", machine_end(lab), "type", "veth", "peer", "name", PORT_OF_MACHINE, "netns", lab])
    run([*at, "ip", "link", "set", PORT_OF_MACHINE, "master", SWITCH, "up"])
    run(["ip", "address", "add", f"{state.subnet}.1/24", "dev", machine_end(lab)])
    run(["ip", "link", "set", machine_end(lab), "up"])
    run([*at, "nft", "add table bridge cuts; add chain bridge cuts forward { type filter hook forward priority 0; }"])


def attach_service(state: LabState, member: Member) -> None:
    """Make the namespace of the hub or the registry with its address, joined to the switch like a host."""
    space = namespace_of(state.name, member.name)
    run(["ip", "netns", "add", space])
    attach(state, member.name)
    at, port = inside(state.name), f"vb-{member.name}"
    run([*at, "ip", "link", "add", port, "type", "veth", "peer", "name", "host0", "netns", space])
    run([*at, "ip", "link", "set", port, "master", bridge_of(member.name), "up"])
    there = inside(space)
    run([*there, "ip", "link", "set", "lo", "up"])
    run([*there, "ip", "address", "add", f"{member.address}/24", "dev", "host0"])
    run([*there, "ip", "link", "set", "host0", "up"])
    run([*there, "ip", "route", "add", "default", "via", f"{state.subnet}.1"])


def bridge_of(name: str) -> str:
    """Return the bridge of one member."""
    return f"b-{name}"


def attach(state: LabState, name: str) -> None:
    """Make the bridge of one member and its cable to the switch."""
    at = inside(state.name)
    for arguments in (
        ["link", "add", bridge_of(name), "type", "bridge", "forward_delay", "0"],
        ["link", "set", bridge_of(name), "up"],
        ["link", "add", f"s-{name}", "type", "veth", "peer", "name", f"h-{name}"],
        ["link", "set", f"s-{name}", "master", SWITCH, "up"],
        ["link", "set", f"h-{name}", "master", bridge_of(name), "up"],
    ):
        run([*at, "ip", *arguments])


def set_link(state: LabState, name: str, up: bool) -> None:
    """Cut or join the cable of a member; its own interface loses its carrier too while it is plugged in."""
    word = "up" if up else "down"
    at = inside(state.name)
    run([*at, "ip", "link", "set", f"s-{name}", word])
    for port in (f"d-{name}", f"vb-{name}"):  # the emulator's port and the host's own, if they are there
        run([*at, "ip", "link", "set", port, word], check=False)


def detour(state: LabState, name: str, through_emulator: bool) -> None:
    """Take the plain cable away (the emulator's ports `d-` and `e-` carry the traffic then), or put it back."""
    for end, bridge in ((f"s-{name}", SWITCH), (f"h-{name}", bridge_of(name))):
        run(
            [*inside(state.name), "ip", "link", "set", end, *(["nomaster"] if through_emulator else ["master", bridge])]
        )


def set_oneway(state: LabState) -> None:
    """Write the one-way cuts of the state into the switch: what the first sends no longer reaches the second."""
    rules = ["flush chain bridge cuts forward"]
    for first, second in state.oneway:
        a, b = state.member(first), state.member(second)
        if a and b:
            rules.append(f"add rule bridge cuts forward ip saddr {a.address} ip daddr {b.address} drop")
    run([*inside(state.name), "nft", "-f", "-"], stdin="\n".join(rules) + "\n")


def tear_down(lab: str) -> None:
    """Remove the namespaces and, with them, every interface; what is not there is passed over."""
    run(["ip", "link", "delete", machine_end(lab)], check=False)
    for space in (namespace_of(lab), namespace_of(lab, REGISTRY), lab):
        if (NETNS / space).exists():
            run(["ip", "netns", "delete", space], check=False)
