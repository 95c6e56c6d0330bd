"""Registration tokens, as the store has them; never with their secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from edgewright.core import times
from edgewright.core.problems import token_problem
from edgewright.store.collection import Collection, Documents, Ending, Reading
from edgewright.store.collections.document_values import flag, part, text, when
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListTokens


SOON: Final = 7 * times.DAY
"""Seconds before its end from which a token is shown as ending soon."""


class TokenRow(Row, frozen=True, array_like=True, gc=False):
    """One registration token. Its secret is never stored in a row, a cache or a recording."""

    uid: str
    name: str = ""
    description: str = ""
    project_uid: str = ""
    project: str = ""
    active: bool = False
    expiry: float | None = None
    created: float | None = None
    modified: float | None = None
    fetched_at: float = 0.0


def token_state(row: TokenRow, now: float) -> str:
    """Return active, ends soon, expired or revoked; revoked wins, since an admin did it."""
    if not row.active:
        return "revoked"
    if row.expiry is not None and row.expiry <= now:
        return "expired"
    return "ends soon" if row.expiry is not None and row.expiry - now < SOON else "active"


def token_row(doc: Mapping[str, Any], fetched_at: float) -> TokenRow | None:
    """Return the row of a registration token, without its secret; `None` when it names no uid."""
    meta, spec = part(doc, "metadata"), part(doc, "spec")
    uid = text(meta, "uid")
    if not uid:
        return None
    project = part(spec, "defaultProject")
    return TokenRow(
        uid=uid,
        name=text(meta, "name"),
        description=text(part(meta, "annotations"), "description"),
        project_uid=text(project, "uid") or text(spec, "defaultProjectUid"),
        project=text(project, "name"),
        active=flag(part(doc, "status"), "isActive"),
        expiry=when(spec, "expiry"),
        created=when(meta, "creationTimestamp"),
        modified=when(meta, "lastModifiedTimestamp"),
        fetched_at=fetched_at,
    )


async def _read(tokens: CanListTokens, _page: int) -> Documents:
    return await tokens.all()


TOKENS = Collection(
    "tokens",
    TokenRow,
    token_row,
    noun="token",
    getter="CanListTokens",
    change_kind="token",
    reading=Reading(_read, "tokens", "CanListTokens", every=60.0, judged=True),
    audit_kind="edgetoken",
    ending=Ending(
        lambda row: row.expiry if row.active else None,
        lambda row, now: token_problem(row.uid, row.name, row.expiry or now, now),
        before="After its end hosts cannot register with it. Registered hosts are unaffected.",
        after="Hosts cannot register with it. Registered hosts are unaffected.",
    ),
)
