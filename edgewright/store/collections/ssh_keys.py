"""SSH keys that are offered for hosts, as the store has them and as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core.filters.fields import FilterField
from edgewright.store.collection import NOT_FOR_ALL, Collection, Documents, Reading
from edgewright.store.collections.document_values import EXTENSION, integer, part, text, when
from edgewright.store.collections.rows import Row
from edgewright.store.table import TENANT, Column, Facts, Look, Table, ago, or_dash, stamp

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListKeys


class SshKeyRow(Row, frozen=True, array_like=True, gc=False):
    """One SSH public key; `project_uid` is empty for one of the tenant."""

    uid: str
    name: str = ""
    project_uid: str = ""
    kind: str = ""
    bits: int | None = None
    fingerprint: str = ""
    comment: str = ""
    created: float | None = None
    public_key: str = ""


def ssh_key_row(doc: Mapping[str, Any], _at: float = 0.0) -> SshKeyRow | None:
    """Return the row of a key (`v1UserAssetSsh`); `None` when it names no uid.

    A hub sends type, size and fingerprint; those of a Palette are read from the key itself.
    """
    meta, spec = part(doc, "metadata"), part(doc, "spec")
    uid = text(meta, "uid")
    if not uid:
        return None
    ours, public_key = part(spec, EXTENSION), text(spec, "publicKey", limit=20_000).strip()
    kind, bits = text(ours, "type"), integer(ours, "bits")
    fingerprint, comment = text(ours, "fingerprint"), text(ours, "comment")
    if not fingerprint and public_key:
        from edgewright.core.sshkey import read_key  # what a first frame needs nothing of

        try:
            kind, bits, fingerprint, comment = read_key(public_key)
        except ValueError:  # of a plane with other rules
            kind = "unreadable"
    return SshKeyRow(
        uid=uid,
        name=text(meta, "name"),
        project_uid=text(ours, "projectUid"),
        kind=kind,
        bits=bits,
        fingerprint=fingerprint,
        comment=comment,
        created=when(meta, "creationTimestamp"),
        public_key=public_key,
    )


async def _read(keys: CanListKeys, _page: int) -> Documents:
    return await keys.all()


def _project(row: SshKeyRow, look: Look) -> str:
    return look.project(row.project_uid)


def _facts(row: SshKeyRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("name", row.name),
        ("type", f"{row.kind}, {row.bits} bits" if row.bits else row.kind),
        ("fingerprint", row.fingerprint),
        ("comment", or_dash(row.comment)),
        ("project", _project(row, look)),
        ("added", f"{stamp(row.created)} ({ago(row.created, look.now)} ago)"),
        ("uid", row.uid),
        ("public key", row.public_key),
    )
    return (("SSH KEY", facts),)


TABLE: Table[SshKeyRow] = Table(
    "SSH key",
    columns=(
        Column("name", "KEY", 10, most=40, tone="strong"),
        Column("kind", "TYPE", 11, most=24),
        Column("bits", "BITS", 5, right=True),
        Column("project", "PROJECT", 7, most=24, value=_project, tone=lambda row: "" if row.project_uid else "muted"),
        Column("comment", "COMMENT", 12, most=40),
        Column("fingerprint", "FINGERPRINT", 16, weight=2, tone="muted", wide=True),
        Column("created", "AGE", 4, right=True, age=True, tone="muted"),
    ),
    listing=("name", "kind", "bits", "project", "comment", "created", "fingerprint"),
    fields=(
        FilterField("uid", "text", "uid of the key", aliases=("id",), searched=True),
        FilterField("name", "text", "name of the key", aliases=("key",), searched=True),
        FilterField("type", "text", "ssh-ed25519, ssh-rsa, ...", source="kind", searched=True),
        FilterField("bits", "number", "size in bits"),
        FilterField("project", "text", f"project, or {TENANT}", searched=True),
        FilterField("comment", "text", "comment in the key", searched=True),
        FilterField("fingerprint", "text", "SHA256 fingerprint", searched=True),
        FilterField("age", "age", "time since it was added", source="created"),
    ),
    example="type:ssh-rsa  bits<3072  project:shop  comment:ana  age>365d  free text",
    facts=_facts,
    headline=lambda row: f"{row.name}: {row.fingerprint}",
    nothing="No SSH key yet. Press + to store one; installers offer stored keys for users.",
    add="No SSH key yet; add one: edgewright key create NAME --public-key-file FILE",
    worked_out={"project": _project},
    unique=("fingerprint",),
    order=lambda row: (row.name, row.uid),
    sort="name",
    project_of=lambda row: row.project_uid,
)
SSH_KEYS = Collection(
    "ssh_keys",
    SshKeyRow,
    ssh_key_row,
    noun="key",
    change_kind="sshkey",
    cached=False,
    reading=Reading(_read, "SSH keys", "CanListKeys", hub_only=True, quiet=NOT_FOR_ALL),
    table=TABLE,
)
