"""All entries in the order in which they are read: what is small and explains most comes first, for slow links."""

from __future__ import annotations

from edgewright.clients.ssh.bundle.catalogue import agents, kubernetes, system
from edgewright.clients.ssh.bundle.entries import MB, Entry

TOTAL = 512 * MB
"""Bytes of all entries at most; what comes later is left out, and the index lists it."""

_ALL = (*system.ENTRIES, *agents.ENTRIES, *kubernetes.ENTRIES)
_ORDER = {"command": 0, "file": 1, "journal": 2, "glob": 3}
ENTRIES: tuple[Entry, ...] = tuple(sorted(_ALL, key=lambda entry: _ORDER[entry.kind]))

NEVER: tuple[str, ...] = (
    "/etc/shadow*", "/etc/gshadow*", "*/.ssh/*", "*/ssh_host_*_key", "*.key", "*_key", "*.pem", "*.p12", "*.pfx",
    "*/environ", "/dev/*", "/proc/kcore", "*kubeconfig*", "*/admin.conf", "*/kubelet.conf", "*/k3s.yaml", "*/rke2.yaml",
    "*token*", "*secret*", "*password*", "*credential*", "*/.docker/*", "*/.kube/*", "*.upload-auth-token",
)  # fmt: skip
"""Paths that are never read, also where a link leads to one."""
