"""Macros of the plane, as the store has them and as they are shown, and the calls about them.

Rows have no values: a value may be a secret, and rows are shown on walls and written into recordings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.core.errors import ExitCode
from edgewright.core.filters.fields import FilterField
from edgewright.store.collection import Collection, Documents, Reading
from edgewright.store.collections.document_values import EXTENSION, integer, part, parts, text, value, when
from edgewright.store.collections.rows import Row
from edgewright.store.table import Column, Facts, Look, Table, ago, stamp
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.clients.ports import CanCall

_PAGE = 50
VALUE = "value"
"""The label of the value in the detail of a macro."""


class MacroRow(Row, frozen=True, array_like=True, gc=False):
    """One macro. `kind`: plain, or masked (its value never leaves the plane)."""

    uid: str
    name: str = ""
    kind: str = ""
    project_uid: str = ""
    modified: float | None = None


def macro_row(doc: Mapping[str, Any], _at: float = 0.0) -> MacroRow | None:
    """Return the row of a macro; `None` when it names no uid."""
    meta, spec = part(doc, "metadata"), part(doc, "spec")
    uid = text(meta, "uid")
    if not uid:
        return None
    kind = "masked" if value(spec, "masked") is True else "plain"
    modified = when(meta, "lastModifiedTimestamp")
    return MacroRow(uid, text(meta, "name"), kind, text(spec, "projectUid"), modified)


async def macros(client: CanCall) -> Documents:
    """Return all macros that the credential may see, page by page, without values. Raises `EdgewrightError`."""
    documents: Documents = []
    count = 1
    while len(documents) < count:
        params = {"limit": _PAGE, "offset": len(documents)}
        reply = await client.call("GET", protocol.OWN_MACROS, "list of macros", params=params)
        page = [dict(document) for document in parts(reply.data, "items")]
        documents += page
        count = integer(part(reply.data, "listmeta"), "count") or 0
        if not page:
            break
    return documents


async def place(client: CanCall, project_uid: str) -> str:
    """Return the path of the macros of a project; those of the tenant without one. Raises `EdgewrightError`."""
    if project_uid:
        return protocol.path(protocol.PROJECT_MACROS, uid=project_uid)
    who = (await client.call("GET", protocol.USERS_INFO, "user", tenant=True)).data
    return protocol.path(protocol.TENANT_MACROS, tenantUid=text(who, "tenantUid"))


async def values(client: CanCall, path: str) -> dict[str, tuple[str, bool]]:
    """Return the macros of a path by name: value (covered where it cannot be read) and whether it is masked."""
    reply = await client.call("GET", path, "macros", tenant=True)
    return {
        text(row, "name"): (str(value(row, "value") or ""), value(part(row, EXTENSION), "masked") is True)
        for row in parts(reply.data, "macros")
    }


async def put_macro(client: CanCall, path: str, name: str, content: str, masked: bool | None) -> None:
    """Add a macro or change its value; `masked` is `None` where it stays as it is. Raises `EdgewrightError`."""
    row: dict[str, Any] = {"name": name, "value": content}
    if masked is not None:
        row[EXTENSION] = {"masked": masked}
    await client.call("PATCH", path, f"macro {name}", body={"macros": [row]}, tenant=True)


async def remove_macros(client: CanCall, path: str, names: Sequence[str]) -> None:
    """Delete macros by name. Raises `NotFound`."""
    body = {"macros": [{"name": name, "value": ""} for name in names]}
    await client.call("DELETE", path, f"macro {names[0]}", body=body, tenant=True)


async def _read(client: CanCall, _page: int) -> Documents:
    return await macros(client)


def _facts(row: MacroRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("name", row.name),
        ("reference", "{{.spectro.macro." + row.name + "}}"),
        ("project", look.projects.get(row.project_uid, row.project_uid) or "tenant"),
        ("kind", row.kind),
        (VALUE, "never shown" if row.kind == "masked" else "see it: edgewright macro show NAME"),
        ("changed", f"{stamp(row.modified)} ({ago(row.modified, look.now)} ago)" if row.modified else "-"),
        ("uid", row.uid),
    )
    return (("MACRO", facts),)


TABLE: Table[MacroRow] = Table(
    "macro",
    columns=(
        Column("name", "MACRO", 12, most=48, tone="strong"),
        Column("project", "PROJECT", 8, most=32, value=lambda row, look: look.projects.get(row.project_uid, "tenant")),
        Column("kind", "KIND", 6, tone=lambda row: "warn" if row.kind == "masked" else "muted"),
        Column("modified", "CHANGED", 7, right=True, age=True, tone="muted"),
    ),
    listing=("name", "project", "kind", "modified"),
    fields=(
        FilterField("uid", "text", "uid of the macro", aliases=("id",), searched=True),
        FilterField("name", "text", "name of the macro", searched=True),
        FilterField("kind", "word", "plain or masked"),
        FilterField("age", "age", "time since it was changed", source="modified"),
    ),
    example="kind:masked  free text",
    facts=_facts,
    headline=lambda row: f"{row.name}: {row.kind}",
    nothing="No macro. Add one: edgewright macro set NAME VALUE (+).",
    add="No macro yet; add one: edgewright macro set NAME VALUE",
    order=lambda row: (row.name.casefold(), row.project_uid, row.uid),
    project_of=lambda row: row.project_uid,
    sort="name",
)
MACROS = Collection(
    "macros",
    MacroRow,
    macro_row,
    noun="macro",
    change_kind="macro",
    cached=False,
    reading=Reading(_read, "macros", "CanCall", hub_only=True, quiet=frozenset({ExitCode.NOT_FOUND})),
    table=TABLE,
)
