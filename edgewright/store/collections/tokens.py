"""Registration tokens, as the store has them; never with their secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from edgewright.core import times
from edgewright.core.filters.fields import FilterField
from edgewright.core.problems import token_problem
from edgewright.store.collection import Collection, Documents, Ending, Reading
from edgewright.store.collections.document_values import EXTENSION, flag, integer, part, text, when
from edgewright.store.collections.rows import Row
from edgewright.store.table import Column, Facts, Look, Table, or_dash, stamp

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListTokens


MASK: Final = "********"
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
    hosts: int | None = None
    """Hosts that registered with it, where the plane reports it."""


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
        hosts=integer(part(part(doc, "status"), EXTENSION), "hosts"),
    )


async def _read(tokens: CanListTokens, _page: int) -> Documents:
    return await tokens.all()


def plain_state(row: TokenRow, now: float) -> str:
    """Return active, expired or revoked."""
    return "active" if (state := token_state(row, now)) == "ends soon" else state


def ends_text(row: TokenRow, now: float) -> str:
    """Return how long until the end: `6d`, `ended 2d` or `never`."""
    if row.expiry is None:
        return "never"
    left = row.expiry - now
    return times.age(left) if left > 0 else f"ended {times.age(-left)}"


def conceal(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with its secret masked; the original stays as it is."""
    spec = document.get("spec")
    if not isinstance(spec, dict) or not spec.get("token"):
        return document
    return {**document, "spec": {**spec, "token": MASK}}


def _facts(row: TokenRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("uid", row.uid),
        ("state", plain_state(row, look.now)),
        ("ends", f"{stamp(row.expiry)}  ({ends_text(row, look.now)})" if row.expiry else "never"),
        ("project", or_dash(row.project or row.project_uid)),
        ("created", stamp(row.created)),
        ("description", or_dash(row.description)),
    )
    return (("TOKEN", facts),)


FIELDS = (
    FilterField("uid", "text", "uid of the token", aliases=("id",), searched=True),
    FilterField("name", "text", "name of the token", aliases=("token",), searched=True),
    FilterField("state", "word", "active, ends-soon, revoked or expired", searched=True),
    FilterField("project", "text", "default project", searched=True),
    FilterField("description", "text", "what it is for", aliases=("about",), searched=True),
    FilterField("hosts", "number", "hosts registered with it"),
    FilterField("ends", "until", "time until it ends: ends<7d", source="expiry", aliases=("expiry",)),
    FilterField("age", "age", "time since it was made", source="created", aliases=("made",)),
    FilterField("changed", "age", "time since it was changed", source="modified"),
)
TABLE: Table[TokenRow] = Table(
    "token",
    columns=(
        Column("name", "TOKEN", value=lambda row, _: row.name or row.uid),
        Column("state", "STATE", value=lambda row, look: plain_state(row, look.now)),
        Column("ends", "ENDS", right=True, value=lambda row, look: ends_text(row, look.now)),
        Column("project", "PROJECT", value=lambda row, _: row.project or row.project_uid),
        Column("created", "AGE", right=True, age=True),
        Column("uid", "UID", wide=True),
        Column("about", "DESCRIPTION", field="description", wide=True),
    ),
    listing=("name", "state", "ends", "project", "created", "uid", "about"),
    fields=FIELDS,
    example="state:active  ends<7d  hosts>0  project:shops  -name:lab  /regex/  free text",
    facts=_facts,
    headline=lambda row: row.name,
    nothing="No token yet.",
    add="There is no registration token yet; make one: edgewright token create NAME",
    worked_out={"state": lambda row, look: token_state(row, look.now)},
    printed="uid",
    order=lambda row: (row.name or row.uid, row.uid),
    conceal=conceal,
)
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
    table=TABLE,
)
