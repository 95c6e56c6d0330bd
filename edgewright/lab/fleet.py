"""Bringing a lab up and taking it down again, whatever state it was left in."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgewright.core.errors import Conflict, Failed, UsageError
from edgewright.lab import faults, groups, machine, network, plane, prepare, processes, product
from edgewright.lab.base import ensure_base
from edgewright.lab.kubernetes import fleet as kubernetes
from edgewright.lab.state import HUB, REGISTRY, Folder, LabState, Member

Report = Callable[[str], None]

MAX_HOSTS = 200
FIRST_HOST = 11
"""The last number of the first host's address."""


@dataclass(frozen=True)
class LabOptions:
    """What `lab up` was asked for. `bare` = booted hosts without hub and agent; times of the hub in seconds."""

    hosts: int = 3
    agent: str | None = None
    token_file: Path | None = None
    endpoint: str | None = None
    ca: Path | None = None
    bare: bool = False
    python: bool = True
    kubernetes: str | None = None
    cluster: bool = False
    hub_options: list[str] = field(default_factory=list)


def check_options(specs: LabOptions) -> None:
    """Raise `UsageError` when the settings contradict each other, before anything is made."""
    if not 1 <= specs.hosts <= MAX_HOSTS:
        raise UsageError(f"A lab has 1 to {MAX_HOSTS} hosts, not {specs.hosts}.")
    if specs.endpoint and not specs.token_file:
        raise UsageError("Hosts of another plane need its registration token.", "Name a file with it: --token-file F.")
    if not specs.endpoint and (specs.token_file or specs.ca):
        raise UsageError(
            "--token-file and --ca belong to a plane named by --endpoint.", "Leave them out: the lab's hub makes both."
        )
    if specs.cluster and not specs.kubernetes:
        raise UsageError("--cluster needs a version of Kubernetes.", "Name it, for example --kubernetes v1.36.3.")
    if specs.cluster and (specs.bare or specs.endpoint):
        raise UsageError("--cluster needs the hub of the lab.", "Leave out --bare and --endpoint.")
    if specs.token_file:
        prepare.check_token(specs.token_file)


def bring_up(folder: Folder, specs: LabOptions, log: Report) -> LabState:
    """Make the network, the hub (unless another plane was named) and the hosts, and wait until they have booted.

    Raises `Conflict` when the lab is up. Remains of one that was not taken down in order are cleared away first.
    """
    check_options(specs)
    old = _readable(folder)
    if old is not None and old.phase == "up" and any(_runs(member) for member in old.members()):
        raise Conflict(
            f"A lab of {len(old.hosts)} hosts is up already ({folder.path}).",
            "See it by `edgewright lab status`, end it by `edgewright lab down`.",
        )
    if old is not None or groups.processes(folder.name):
        log("clearing away what an earlier lab left")
        take_down(folder, log)
    built = kubernetes.prepared(specs.kubernetes, specs.hosts) if specs.kubernetes else None
    base = ensure_base(log, packages=kubernetes.PACKAGES) if built else ensure_base(log)
    agent = None if specs.bare else product.find_agent(specs.agent, log)
    subnet = network.choose_subnet(folder.name)
    endpoint = specs.endpoint or ("" if specs.bare else f"https://{subnet}.2:{plane.PORT}")
    state = LabState(folder.name, subnet, endpoint, hub_options=list(specs.hub_options))
    for number in range(specs.hosts):
        name = f"edge{number + 1}"
        state.hosts[name] = Member(name, f"{subnet}.{FIRST_HOST + number}")
    if not specs.endpoint and not specs.bare:
        state.hub = Member(HUB, f"{subnet}.2")
    if built is not None:
        state.kubernetes = built.version
        state.registry = Member(REGISTRY, f"{subnet}.3")
    folder.save(state)
    network.build(state)
    if built is not None and state.registry is not None:
        kubernetes.start_registry(folder, state, state.registry, built, log)
        folder.save(state)
    token, ca = specs.token_file, specs.ca
    if state.hub is not None:
        network.attach_service(state, state.hub)
        plane.start(folder, state, state.hub)
        folder.save(state)
        plane.wait_ready(folder, state, state.hub)
        token, ca = plane.make_token(folder, state), plane.ca_file(folder)
        log(f"hub: answers at {endpoint}")
    for host in state.hosts.values():
        root = machine.mount_disk(folder, host.name, base)
        prepare.write_system(folder, state, host, root)
        if not specs.python:
            prepare.take_python_away(root)
        if built is not None:
            kubernetes.write_host(folder, state, root, built)
        if agent is not None and token is not None:
            prepare.write_agent(folder, state, host, root, agent, token, ca)
        network.attach(state, host.name)
        machine.switch_on(folder, state, host)
        folder.save(state)
    for host in state.hosts.values():
        machine.wait_booted(host, 60.0 + 5.0 * specs.hosts)
        log(f"{host.name}: booted, {host.address}")
    state.phase = "up"
    folder.save(state)
    return state


def take_down(folder: Folder, log: Report, patience: float = 8.0) -> bool:
    """End everything of the lab and remove its files, the lock last; return whether there was anything.

    Works without a readable state: namespaces, groups and mounts are found by the names that follow from the folder.
    """
    state = _readable(folder)
    result = state is not None or bool(groups.processes(folder.name)) or (network.NETNS / folder.name).exists()
    if state is not None:
        for member in state.members():
            if member.frozen:
                groups.freeze(folder.name, member.name, frozen=False)
            processes.send_if_alive(member.pid, member.started)
        deadline = time.monotonic() + patience
        for member in state.members():
            faults.end_gently(member, max(0.1, deadline - time.monotonic()))
    for frozen in _group_names(folder):
        groups.freeze(folder.name, frozen, frozen=False)
    killed = groups.kill_all(folder.name)
    if killed:
        log(f"killed {killed} processes that did not end by themselves")
    for home in sorted((folder.path / "hosts").glob("*")):
        machine.unmount_disk(folder, home.name)
    network.tear_down(folder.name)
    groups.remove(folder.name)
    for part in ("hosts", "hub", "registry", "ssh", "documents"):
        _remove_tree(folder.path / part)
    for pattern in ("lab.json*", "*.log", "token"):
        for path in folder.path.glob(pattern):
            path.unlink(missing_ok=True)
    folder.lock_file.unlink(missing_ok=True)
    return result


def _group_names(folder: Folder) -> list[str]:
    """Return the names of the members that have a freezer group, state or no state."""
    for tree in (groups.ROOT / "freezer" / folder.name, groups.ROOT / folder.name):
        if tree.is_dir():
            return [path.name for path in tree.iterdir() if path.is_dir()]
    return []


def _remove_tree(path: Path) -> None:
    """Remove a folder of the lab, but never through a mount that could not be taken off."""
    mounts = Path("/proc/self/mounts").read_text()
    if path.is_dir() and f" {path}/" not in mounts:
        shutil.rmtree(path, ignore_errors=True)


def _runs(member: Member) -> bool:
    return processes.alive(member.pid, member.started)


def _readable(folder: Folder) -> LabState | None:
    """Return the stored state; one that cannot be read counts as none (its remains are found by their names)."""
    try:
        return folder.load()
    except Failed:
        return None
