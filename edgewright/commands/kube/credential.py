"""Whose kubeconfig verbs use: the stored one of operators or admins; a viewer's own, fetched once a day."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.context import CommandContext
from edgewright.config import locations
from edgewright.core import times
from edgewright.core.errors import NotFound, Refused
from edgewright.store.collections.catalogue import clusters as calls
from edgewright.store.collections.catalogue import personal_kubeconfig as personal
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow

SPARE = 600.0
"""Seconds before its end from which a personal kubeconfig is fetched again."""


class Cached(msgspec.Struct):
    """A personal kubeconfig on this machine, in a file that the user alone can read."""

    content: str
    until: str


async def stored_or_personal(
    ctx: CommandContext, row: ClusterRow, report: Callable[[str], None], *, admin: bool = False
) -> str:
    """Return the kubeconfig for the verbs of a cluster. Raises `NotFound` while there is none, `Refused`."""
    client = await ctx.port(CanCall)
    try:
        return await calls.kubeconfig(client, row.uid, admin)
    except Refused:
        if admin:
            raise
        try:
            user, group = await personal.offer(client, row.uid)
            path = _path(row.uid, user, group)
            before = await asyncio.to_thread(read, path)
            if before:
                return before
            made = await personal.fetch(client, row.uid, row.name, personal.url(row.endpoint), "", report)
        except NotFound as error:
            if not personal.has_none(error):
                raise
        else:
            await asyncio.to_thread(write, path, made)
            return made.content
        raise


def read(path: Path) -> str:
    """Return a kubeconfig that is valid for some time, else "". Blocking."""
    try:
        cached = msgspec.json.decode(locations.read_private(path) or "", type=Cached)
        until = times.parse(cached.until)
    except (msgspec.DecodeError, ValueError, Refused):
        return ""
    return cached.content if until is not None and until - times.now() > SPARE else ""


def write(path: Path, made: personal.Personal) -> None:
    """Store one. Blocking. Raises `Failed`."""
    locations.ensure(path.parent)
    locations.write_private(path, msgspec.json.encode(Cached(made.content, made.until)))


def _path(uid: str, user: str, group: str) -> Path:
    """Return the file of a user with a role in a cluster: both are as the plane has them now."""
    name = hashlib.sha256(f"{uid}|{user}|{group}".encode()).hexdigest()[:32]
    return locations.folder("state") / "kubeconfigs" / f"{name}.json"
