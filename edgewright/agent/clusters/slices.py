"""The host's own part of a cluster document, with its secrets: a file of its own that only root reads."""

from __future__ import annotations

import os
from typing import Any, Mapping

from edgewright.agent.reconcile import exchange
from edgewright.core.clusters.host_slice import HostSlice, read_slice

FOLDER = "cluster-slices"
"""Folder below the data folder of the agent."""


def read_part(data: str, uid: str) -> HostSlice:
    """Return the part of a cluster, an empty one when none is here. Raises `InvalidDocument`."""
    body = exchange.get(os.path.join(data, FOLDER), uid)
    if body is None:
        return HostSlice()
    return read_slice({name: value for name, value in body.items() if name != "step"})


def store_part(data: str, uid: str, body: Mapping[str, Any]) -> None:
    """Store the part that the plane gave. Raises `OSError`, and `InvalidDocument` for one that cannot be used."""
    read_slice(body)
    exchange.put(os.path.join(data, FOLDER), uid, body)


def forget_part(data: str, uid: str) -> None:
    """Remove the secrets of a cluster that this host has left. Raises `OSError`."""
    exchange.drop(os.path.join(data, FOLDER), uid)
