"""All probes, by set, in the order in which they run."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.clients.ssh.probes.catalogue import agent, certificates, disk, host, kubernetes, network
from edgewright.clients.ssh.probes.probe import Probe
from edgewright.core.errors import InvalidInput

SETS: tuple[str, ...] = (
    "identity",
    "boot",
    "units",
    "time",
    "disk",
    "network",
    "dns",
    "agent",
    "userdata",
    "certificates",
    "kubernetes",
    "etcd",
    "images",
)
CATALOGUE: tuple[Probe, ...] = tuple(
    sorted(
        (*host.PROBES, *disk.PROBES, *network.PROBES, *agent.PROBES, *kubernetes.PROBES, *certificates.PROBES),
        key=lambda probe: SETS.index(probe.set),
    )
)


def chosen(names: Sequence[str] = ()) -> tuple[Probe, ...]:
    """Return the probes of the named sets, all of them for none. Raises `InvalidInput` for an unknown name."""
    unknown = [name for name in names if name not in SETS]
    if unknown:
        raise InvalidInput(f"There is no probe set {unknown[0]}.", f"Sets: {', '.join(SETS)}")
    return tuple(probe for probe in CATALOGUE if not names or probe.set in names)
