"""SSH keys as rows of a table and as a detail; how one is found by a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.clients.ports import CanListKeys, CanListProjects
from edgewright.commands.kernel.cells import ago, or_dash, stamp
from edgewright.commands.kernel.results import Column, Detail, Item, Section
from edgewright.config.nearest import suggestion
from edgewright.core.errors import Conflict, NotFound
from edgewright.core.sshkey import read_key
from edgewright.core.text import clean
from edgewright.wire.palette.users import SshPublicKey

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

COLUMNS = (
    Column("KEY"),
    Column("TYPE"),
    Column("BITS", right=True),
    Column("PROJECT"),
    Column("COMMENT"),
    Column("AGE", right=True),
    Column("FINGERPRINT", wide=True),
    Column("UID", wide=True),
)
TENANT = "tenant"


class KeyRow(NamedTuple):
    """What lists show of an SSH key."""

    uid: str
    name: str
    kind: str
    bits: int
    project: str
    comment: str
    fingerprint: str
    created: float | None
    public_key: str
    document: dict[str, Any]

    def get(self, name: str) -> object:
        """Return a value by name, for filters."""
        return getattr(self, name, None)


def row(document: dict[str, Any], projects: dict[str, str] | None = None) -> KeyRow:
    """Return a row of a key's document (`v1UserAssetSsh`); `projects`: names by uid."""
    key = SshPublicKey(document)
    try:
        kind, bits, fingerprint, comment = read_key(key.public_key)
    except ValueError:  # of a plane with other rules
        kind, bits, fingerprint, comment = "unreadable", 0, "", ""
    project = (projects or {}).get(key.project_uid, key.project_uid) if key.project_uid else TENANT
    return KeyRow(
        uid=clean(key.uid),
        name=clean(key.name),
        kind=kind,
        bits=bits,
        project=clean(project),
        comment=clean(comment),
        fingerprint=fingerprint,
        created=key.created,
        public_key=clean(key.public_key.strip(), limit=20_000),
        document=document,
    )


def item(key: KeyRow, now: float) -> Item:
    """Return a key as a row of a listing."""
    cells = (
        key.name,
        key.kind,
        str(key.bits) if key.bits else "-",
        key.project,
        or_dash(key.comment),
        ago(key.created, now),
        key.fingerprint,
        key.uid,
    )
    return Item(key.name or key.uid, cells, key.document)


def detail(key: KeyRow, now: float) -> Detail:
    """Return a key as one reads it."""
    facts = (
        ("name", key.name),
        ("type", f"{key.kind}, {key.bits} bits"),
        ("fingerprint", key.fingerprint),
        ("comment", or_dash(key.comment)),
        ("project", key.project),
        ("added", f"{stamp(key.created)} ({ago(key.created, now)} ago)"),
        ("uid", key.uid),
        ("public key", key.public_key),
    )
    return Detail(key.name or key.uid, key.document, f"{key.name}: {key.fingerprint}", (Section("SSH KEY", facts),))


async def every_key(ctx: CommandContext) -> list[KeyRow]:
    """Return all keys that the credential may see, by name."""
    documents = await (await ctx.port(CanListKeys)).all()
    names: dict[str, str] = {}
    if any(SshPublicKey(document).project_uid for document in documents):
        meta = [project.get("metadata") or {} for project in await (await ctx.port(CanListProjects)).all()]
        names = {str(data.get("uid")): str(data.get("name")) for data in meta}
    return sorted((row(document, names) for document in documents), key=lambda key: (key.name, key.uid))


async def find_key(ctx: CommandContext, word: str) -> KeyRow:
    """Return a key by uid, name or fingerprint. Raises `NotFound`, or `Conflict` when a name is not unique."""
    keys = await every_key(ctx)
    for key in keys:
        if word in (key.uid, key.fingerprint):
            return key
    named = [key for key in keys if key.name == word]
    if len(named) > 1:
        raise Conflict(f"{len(named)} SSH keys are called {clean(word)}.", "Use the uid: edgewright key list -o wide")
    if not named:
        near = suggestion(word, [key.name for key in keys])
        raise NotFound(f"There is no SSH key {clean(word)}{near}.", "See them: edgewright key list")
    return named[0]
