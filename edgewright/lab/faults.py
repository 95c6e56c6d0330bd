"""What can be done to a lab: cuts, bad links, power, time. Each is written into the state and can be taken back."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edgewright.core.errors import Conflict, Failed, NotFound, UsageError
from edgewright.lab import groups, machine, network, plane, processes, product
from edgewright.lab.kubernetes import registry
from edgewright.lab.state import HUB, REGISTRY, Folder, LabState, Member, Slow

CLOCK_FILE = Path("etc/systemd/system/edgewright-agent.service.d/lab-clock.conf")
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
BOOT = 150.0
"""Seconds for a host that gets its power back: on a busy machine, with a cluster that starts, it takes more than 60."""
CLOCK_RULE = re.compile(r"[+-]\d+[smhdy]")


def chosen(state: LabState, name: str) -> list[Member]:
    """Return the member of that name, or every host for `all`. Raises `NotFound` with the names that exist."""
    if name == "all":
        return list(state.hosts.values())
    member = state.member(name)
    if member is None:
        names = ", ".join(sorted(item.name for item in state.members()))
        raise NotFound(f"This lab has no {name}.", f"It has {names}.")
    return [member]


def link(state: LabState, member: Member, up: bool) -> str:
    """Cut the member's cable or join it again."""
    network.set_link(state, member.name, up)
    member.link_down = not up
    return f"{member.name}: link {'up' if up else 'cut'}"


def slow_down(folder: Folder, state: LabState, member: Member, slow: Slow | None) -> str:
    """Put a bad link in place of the member's cable; None puts the plain cable back. Raises `Failed`."""
    if member.slow is not None:
        processes.stop(member.slow_pid, member.slow_started, 0.2)
        network.detour(state, member.name, through_emulator=False)
        member.slow, member.slow_pid, member.slow_started = None, 0, ""
    if slow is None:
        return f"{member.name}: plain link"
    network.detour(state, member.name, through_emulator=True)
    log = folder.path / f"emulator-{member.name}.log"
    log.unlink(missing_ok=True)
    command = [
        *network.inside(state.name),
        sys.executable,
        "-m",
        "edgewright.lab.emulator",
        f"d-{member.name}",
        network.SWITCH,
        f"e-{member.name}",
        network.bridge_of(member.name),
        *(str(value) for value in (slow.delay, slow.jitter, slow.loss, slow.rate)),
    ]
    places = groups.make(state.name, f"link-{member.name}")
    member.slow_pid, member.slow_started = processes.launch(command, log, places, product.environment_for())
    member.slow = slow
    deadline = time.monotonic() + 5.0
    while "carrying" not in log.read_text():
        if not processes.alive(member.slow_pid, member.slow_started) or time.monotonic() > deadline:
            arguments = log.read_text().strip().splitlines() or ["no output"]
            slow_down(folder, state, member, None)
            raise Failed(f"The slow link of {member.name} did not come up: {arguments[-1]}")
        time.sleep(0.02)
    if member.link_down:
        network.set_link(state, member.name, up=False)
    return (
        f"{member.name}: {slow.delay:g} ms each way, jitter {slow.jitter:g} ms, loss {slow.loss:g} %, "
        f"rate {f'{slow.rate:g} kbit/s' if slow.rate else 'unlimited'}"
    )


def power_cut(state: LabState, member: Member) -> str:
    """Take the power from a host, the hub or the registry, without a warning."""
    if member.name == HUB:
        plane.cut_power(state, member)
    elif member.name == REGISTRY:
        registry.cut_power(state, member)
    else:
        machine.cut_power(state, member)
    return f"{member.name}: power cut"


def power_on(folder: Folder, state: LabState, member: Member) -> str:
    """Give the power back. Raises `Conflict` when it is on."""
    if processes.alive(member.pid, member.started):
        raise Conflict(
            f"{member.name} is switched on.", f"Cut its power by `edgewright lab fault power-cut {member.name}`."
        )
    groups.kill_all(state.name, member.name)
    if member.name == HUB:
        plane.start(folder, state, member)
        plane.wait_ready(folder, state, member)
        return f"{HUB}: on and answering"
    if member.name == REGISTRY:
        registry.start(folder, state, member)
        registry.wait_ready(folder, member)
        return f"{REGISTRY}: on and answering"
    machine.switch_on(folder, state, member)
    took = machine.wait_booted(member, BOOT)
    if member.link_down:
        network.set_link(state, member.name, up=False)
    return f"{member.name}: booted in {took:.1f} s"


def freeze(state: LabState, member: Member, frozen: bool) -> str:
    """Stop every process of a member where it is, or resume it. Raises `Failed` when the kernel does not."""
    if not groups.freeze(state.name, member.name, frozen):
        raise Failed(f"{member.name} could not be {'frozen' if frozen else 'thawed'}.", "This machine has no freezer.")
    member.frozen = frozen
    return f"{member.name}: {'frozen' if frozen else 'resumed'}"


def reboot(member: Member) -> str:
    """Reboot a host in good order. Raises `UsageError` for hub and registry."""
    if member.name in (HUB, REGISTRY):
        raise UsageError(f"The {member.name} has no machine of its own to reboot.", "Use power-cut and power-on.")
    machine.reboot(member)
    return f"{member.name}: reboots"


def set_clock(folder: Folder, member: Member, offset: str) -> str:
    """Let the host's agent live `offset` (such as -50y, +2d) away from the true time; '' takes that back."""
    if member.name in (HUB, REGISTRY):
        raise UsageError(f"The clock of the {member.name} is this machine's clock.", "Move a host's clock instead.")
    if offset and not CLOCK_RULE.fullmatch(offset):
        raise UsageError(f"{offset} is not a shift of a clock.", "Write a sign, a number and one of s m h d y: -50y.")
    on = bool(machine.leader(member))
    path = folder.host(member.name) / "root" / CLOCK_FILE
    if offset:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"[Service]\nEnvironment=LD_PRELOAD={FAKETIME} FAKETIME={offset} FAKETIME_DONT_FAKE_MONOTONIC=1\n"
        )
    else:
        path.unlink(missing_ok=True)
    member.clock = offset
    if on:
        machine.within(member, "systemctl", "daemon-reload")
        machine.within(member, "systemctl", "restart", "edgewright-agent.service", timeout=60.0)
    return f"{member.name}: the agent's clock is {'shifted by ' + offset if offset else 'true'}"


def oneway(state: LabState, first: str, second: str) -> str:
    """Let nothing that `first` sends reach `second`, while the other way stays open."""
    for name in (first, second):
        if name == "all":
            raise UsageError("A one-way cut is between two members.", "Name both, such as `oneway edge1 hub`.")
        chosen(state, name)
    if (first, second) not in state.oneway:
        state.oneway.append((first, second))
    network.set_oneway(state)
    return f"{first} no longer reaches {second}; {second} still reaches {first}"


def clear(folder: Folder, state: LabState) -> list[str]:
    """Take every fault back: links, clocks, frozen and switched-off members. Returns what was done."""
    messages: list[str] = []
    if state.oneway:
        state.oneway.clear()
        network.set_oneway(state)
        messages.append("one-way cuts: none")
    for member in state.members():
        steps: list[tuple[bool, Callable[[Member], str]]] = [
            (member.frozen, lambda item: freeze(state, item, frozen=False)),
            (member.slow is not None, lambda item: slow_down(folder, state, item, None)),
            (member.link_down, lambda item: link(state, item, up=True)),
            (not processes.alive(member.pid, member.started), lambda item: power_on(folder, state, item)),
            (bool(member.clock), lambda item: set_clock(folder, item, "")),
        ]
        messages.extend(step(member) for needed, step in steps if needed)
    return messages


def end_gently(member: Member, patience: float) -> bool:
    """Switch a member off in good order; return whether it ended by itself within `patience` seconds."""
    return processes.stop(member.pid, member.started, patience, first=signal.SIGTERM)
