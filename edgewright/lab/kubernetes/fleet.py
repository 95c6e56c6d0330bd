"""What `lab up --kubernetes` adds: a registry that has the tree, and hosts that can run it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgewright.lab import network
from edgewright.lab.kubernetes import hosts, registry
from edgewright.lab.kubernetes.build import Built, find
from edgewright.lab.kubernetes.hosts import PACKAGES
from edgewright.lab.state import Folder, LabState, Member

__all__ = ["PACKAGES", "prepared", "start_registry", "write_host"]


def prepared(version: str, count: int) -> Built:
    """Return what was built of a version, when this machine can run so many hosts with it.

    Raises `NotFound` when it was not built, `Failed` for a limit of the machine, before anything is made.
    """
    hosts.check_machine(count)
    return find(version)


def start_registry(folder: Folder, state: LabState, member: Member, built: Built, log: Callable[[str], None]) -> None:
    """Start the registry with the tree in it, and wait until it answers."""
    network.attach_service(state, member)
    registry.prepare(folder, member, built.artefact)
    registry.start(folder, state, member)
    registry.wait_ready(folder, member)
    known = registry.contents(folder, member)
    log(f"registry: {known['tree']} {known['digest'][:19]}")


def write_host(folder: Folder, state: LabState, root: Path, built: Built) -> None:
    """Write on a host's disk what it needs to run Kubernetes."""
    hosts.write(root, built.runtime, registry.ca_file(folder), f"{state.subnet}.1")
