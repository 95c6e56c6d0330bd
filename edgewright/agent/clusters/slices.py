"""The host's own part of a cluster document, with its secrets: a file of its own that only root reads."""

from __future__ import annotations

import os
from typing import Any, Mapping, NamedTuple, Optional

from edgewright.agent.reconcile import exchange
from edgewright.core.clusters.host_slice import HostSlice, read_slice

FOLDER = "cluster-slices"
"""Folder below the data folder of the agent."""


class Marks(NamedTuple):
    """What a part was made of: the lineage of its document, and the plane's sign of logins and registries (P107)."""

    lineage: str = ""
    access: str = ""


_OURS = ("step", *Marks._fields)


def read_part(data: str, uid: str) -> HostSlice:
    """Return the part of a cluster, an empty one when none is here. Raises `InvalidDocument`."""
    body = exchange.get(os.path.join(data, FOLDER), uid)
    if body is None:
        return HostSlice()
    return read_slice({name: value for name, value in body.items() if name not in _OURS})


def marks_of(data: str, uid: str) -> Optional[Marks]:
    """Return what the part of a cluster was made of, `None` when none is here."""
    body = exchange.get(os.path.join(data, FOLDER), uid)
    return None if body is None else Marks(*(str(body.get(name) or "") for name in Marks._fields))


def store_part(data: str, uid: str, body: Mapping[str, Any], marks: Optional[Marks] = None) -> None:
    """Store the part that the plane gave. Raises `OSError`, and `InvalidDocument` for one that cannot be used."""
    read_slice(body)
    exchange.put(os.path.join(data, FOLDER), uid, {**body, **(marks or Marks())._asdict()})


def forget_part(data: str, uid: str) -> None:
    """Remove the secrets of a cluster that this host has left. Raises `OSError`."""
    exchange.drop(os.path.join(data, FOLDER), uid)
