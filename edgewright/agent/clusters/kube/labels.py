"""Which host a Node belongs to: a label, since a kubelet can set one itself when it registers."""

from __future__ import annotations

import hashlib
import re
from typing import Dict, Iterable

from edgewright.core.clusters.model import Member

HOST_LABEL = "edgewright.io/host"
"""Label of a Node with the UID of its host, or with its hash where the UID cannot be the value of a label."""
_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", re.ASCII)


def label_value(host_uid: str) -> str:
    """Return the value of the label for a host."""
    if _VALUE.fullmatch(host_uid):
        return host_uid
    return f"uid-{hashlib.sha256(host_uid.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"


def host_labels(member: Member) -> Dict[str, str]:
    """Return the labels with which a member registers its Node."""
    return {HOST_LABEL: label_value(member.host_uid)}


def host_of(value: str, members: Iterable[Member]) -> str:
    """Return the UID that a value of the label means: of a member, else the value itself."""
    return next((member.host_uid for member in members if label_value(member.host_uid) == value), value)
