"""SSH keys that are offered for hosts, as the store has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.store.collection import NOT_FOR_ALL, Collection, Documents, Reading
from edgewright.store.collections.document_values import EXTENSION, part, text, when, whole
from edgewright.store.collections.rows import Row

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


def ssh_key_row(doc: Mapping[str, Any], _at: float = 0.0) -> SshKeyRow | None:
    """Return the row of a key (`v1UserAssetSsh`); `None` when it names no uid."""
    meta = part(doc, "metadata")
    uid = text(meta, "uid")
    if not uid:
        return None
    ours = part(part(doc, "spec"), EXTENSION)
    return SshKeyRow(
        uid=uid,
        name=text(meta, "name"),
        project_uid=text(ours, "projectUid"),
        kind=text(ours, "type"),
        bits=whole(ours, "bits"),
        fingerprint=text(ours, "fingerprint"),
        comment=text(ours, "comment"),
        created=when(meta, "creationTimestamp"),
    )


async def _read(keys: CanListKeys, _page: int) -> Documents:
    return await keys.all()


SSH_KEYS = Collection(
    "ssh_keys",
    SshKeyRow,
    ssh_key_row,
    noun="key",
    change_kind="sshkey",
    cached=False,
    reading=Reading(_read, "SSH keys", "CanListKeys", hub_only=True, quiet=NOT_FOR_ALL),
)
