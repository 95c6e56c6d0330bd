"""What a host is before the agent is installed, and why it cannot be."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from edgewright.core.errors import Conflict, EdgewrightError, Failed, Refused, Unreachable
from edgewright.core.text import clean

ARCHES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
SPACE_KB = 20_480
"""Kilobytes that must be free where program, settings and data go: the agent, its copy while it is sent, its state."""
CLOCK = 300.0
"""Seconds by which the host's clock may differ from this machine's: certificates and heartbeats are judged by it."""
PORTS = {6443: "the Kubernetes API", 2379: "etcd", 2380: "etcd", 10250: "a kubelet"}
"""Ports that a cluster needs on the host, and what listens there usually."""
LIMIT = 262_144
"""Bytes of a preflight at most."""
MOST = 2000
"""Lines of a preflight that are read."""


class HostState(NamedTuple):
    """One host as the preflight read it. `values` has every word's values in their order; `skew` is in seconds.

    `status` is the JSON of an Edgewright agent that is there, {} for none.
    """

    values: dict[str, list[str]]
    status: dict[str, Any]
    skew: float

    def first(self, name: str) -> str:
        """Return the first value of a word, "" for none."""
        return next(iter(self.values.get(name, ())), "")

    @property
    def arch(self) -> str:
        """`amd64`, `arm64`, or "" for another."""
        return ARCHES.get(self.first("arch"), "")

    @property
    def python(self) -> str:
        """The Python 3.9 or later of the host, a path; "" for none."""
        path = self.first("python")
        return path if path.startswith("/") and path.isprintable() else ""

    @property
    def stage(self) -> str:
        """`began` or `sent` where an installation was cut, "" for none."""
        return self.first("stage")

    @property
    def machine(self) -> tuple[str, ...]:
        """What no two machines have in common that run: the id of the boot and that of the system; () where unknown."""
        ids = tuple(clean(value, 64) for value in self.values.get("machine", ())[:2])
        return ids if all(ids) else ()

    @property
    def ours(self) -> bool:
        """Whether something of an Edgewright agent is there."""
        return bool(self.values.get("ours"))


def parse(output: bytes, sent: float, received: float) -> HostState:
    """Return what a preflight printed between two moments (epoch seconds). Raises `Failed` where it did not end."""
    values: dict[str, list[str]] = {}
    for line in output.decode("utf-8", "replace").splitlines()[:MOST]:
        name, equals, value = line.partition("=")
        if equals and name.isalpha():
            values.setdefault(name, []).append(value)
    if "end" not in values:
        raise Failed(
            "The host's shell did not run the preflight.", "Its user needs a POSIX shell: try `ssh HOST sh -c true`."
        )
    status: Any = {}
    try:
        status = json.loads(values.get("status", ["{}"])[0] or "{}")
    except (ValueError, RecursionError):
        pass
    now = values.get("now", [""])[0]
    skew = 0.0
    if now.isdecimal() and len(now) < 12:
        skew = max(int(now) - received, 0.0) or min(int(now) + 1 - sent, 0.0)
    return HostState(values, status if isinstance(status, dict) else {}, skew)


def problem(state: HostState, *, binary_arch: str, host: str) -> EdgewrightError | None:
    """Return the first reason why the agent cannot be installed on a host, None when it can.

    `binary_arch` is "" for the archive, which needs Python. An Edgewright agent that is there is not judged here.
    """
    arch = state.first("arch")
    if state.first("kernel") != "Linux":
        return Refused(f"{host} is not Linux but {clean(state.first('kernel'), 40)}.", "", "NotLinux")
    if not state.arch or (binary_arch and binary_arch != state.arch):
        wanted = binary_arch or "amd64 or arm64"
        return Refused(f"{host} is {clean(arch, 40)}; this agent is for {wanted}.", "", "Architecture")
    if not state.values.get("systemd"):
        return Refused(f"{host} is not run by systemd, which starts the agent.", "", "NoSystemd")
    lacks = state.values.get("lacks")
    if lacks:
        return Refused(f"{host} lacks {clean(', '.join(lacks), 60)}.", "Install coreutils there.", "NoTools")
    if not binary_arch and not state.python:
        has = clean(state.first("version"), 40) or "none"
        return Refused(
            f"{host} has no Python 3.9 or later ({has}).",
            "Install python3 there, or send the agent that needs none: --program dist/edgewright-agent (make agent).",
            "NoPython",
        )
    return _other_agent(state, host) or _room(state, host) or _reach(state, host)


def _other_agent(state: HostState, host: str) -> EdgewrightError | None:
    others = [*state.values.get("runs", ()), *state.values.get("other", ())]
    if others:
        return Conflict(
            f"{host} belongs to another agent or cluster: {clean(', '.join(others[:4]), 200)} is there.",
            "Nothing was changed. Take a host of its own, or remove that first.",
            "OtherAgent",
        )
    ports = {int(port, 16) for port in state.values.get("listens", ()) if len(port) == 4 and _is_hex(port)}
    taken = sorted(ports & set(PORTS))
    if taken:
        return Conflict(
            f"Port {taken[0]} of {host} is in use; {PORTS[taken[0]]} of a cluster needs it.",
            f"See what listens there: ss -ltnp 'sport = :{taken[0]}'",
            "PortInUse",
        )
    return None


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdefABCDEF" for letter in text)


def _room(state: HostState, host: str) -> EdgewrightError | None:
    readonly = state.values.get("readonly")
    if readonly:
        return Refused(f"{clean(readonly[0])} of {host} cannot be written.", "Is it an immutable system?", "ReadOnly")
    for line in state.values.get("disk", ()):
        fields = line.split()
        if len(fields) >= 6 and fields[4].isdecimal() and len(fields[4]) < 20 and int(fields[4]) < SPACE_KB:
            return Failed(
                f"{host} has {int(fields[4]) // 1024} MB free in {clean(fields[0], 60)}; "
                f"{SPACE_KB // 1024} MB are needed.",
                "Make room there.",
                "NoSpace",
            )
    if abs(state.skew) > CLOCK:
        word = "ahead" if state.skew > 0 else "behind"
        return Failed(
            f"The clock of {host} is {abs(state.skew):.0f} s {word} of this machine's.",
            "Let it be set there (timedatectl set-ntp true); certificates and heartbeats are judged by it.",
            "Clock",
        )
    return None


def _reach(state: HostState, host: str) -> EdgewrightError | None:
    answers = [line.partition(" ") for line in state.values.get("plane", ())]
    if answers and not any(answer in ("reached", "unknown") for _, _, answer in answers):
        address, _, reason = answers[0]
        return Unreachable(
            f"{host} does not reach the plane at {clean(address, 200)}: {clean(reason, 120).lower()}.",
            "Check the route, DNS and firewall of the host; the address is that for hosts of the context.",
            "PlaneNotReached",
        )
    return None
