"""Registries of the plane, as the store has them and as they are shown, and the calls about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core.errors import ExitCode
from edgewright.core.filters.fields import FilterField
from edgewright.store.collection import Collection, Documents, Reading
from edgewright.store.collections.document_values import integer, part, parts, text, value, when
from edgewright.store.collections.rows import Row
from edgewright.store.table import Column, Facts, Look, Table, ago, or_dash, stamp
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.clients.ports import CanCall

BUILT_IN = "pack"
"""The kind of the catalogue that is shipped with the hub."""


class RegistryRow(Row, frozen=True, array_like=True, gc=False):
    """One registry. `state`: Success, Failed, InProgress or Unknown, of the last reading."""

    uid: str
    name: str = ""
    kind: str = ""
    endpoint: str = ""
    state: str = ""
    message: str = ""
    packs: int = 0
    login: str = ""
    private: bool = False
    synced: float | None = None
    created: float | None = None
    run: float | None = None
    """When the last reading began, successful or not."""


def registry_row(doc: Mapping[str, Any], _at: float = 0.0) -> RegistryRow | None:
    """Return the row of a registry; `None` when it names no uid."""
    meta, spec, status = part(doc, "metadata"), part(doc, "spec"), part(doc, "status")
    uid = text(meta, "uid")
    if not uid:
        return None
    sync = part(status, "sync")
    kind = text(spec, "authType")
    login = text(spec, "username") if kind == "basic" else "token" if kind == "token" else ""
    return RegistryRow(
        uid,
        text(meta, "name"),
        text(spec, "kind"),
        text(spec, "endpoint"),
        text(sync, "status"),
        text(sync, "message"),
        integer(status, "packs") or 0,
        login,
        value(spec, "allowPrivate") is True,
        when(sync, "lastSyncedTime"),
        when(meta, "creationTimestamp"),
        when(sync, "lastRunTime"),
    )


async def registries(client: CanCall) -> Documents:
    """Return all registries, the built-in catalogue first. Raises `EdgewrightError`."""
    reply = await client.call("GET", protocol.REGISTRIES, "list of registries")
    return [dict(document) for document in parts(reply.data, "items")]


async def add_registry(client: CanCall, kind: str, body: Mapping[str, Any]) -> str:
    """Add a registry (`helm` or `oci`) by its Palette document; returns the uid. Raises `EdgewrightError`."""
    path = protocol.HELM_REGISTRIES if kind == "helm" else protocol.OCI_REGISTRIES
    return text((await client.call("POST", path, "registry", body=dict(body))).data, "uid")


async def validate_registry(client: CanCall, kind: str, spec: Mapping[str, Any]) -> None:
    """Let the plane try a registry by the spec of its document. Raises `EdgewrightError` when it does not answer."""
    path = protocol.HELM_REGISTRIES_VALIDATE if kind == "helm" else protocol.OCI_REGISTRIES_VALIDATE
    await client.call("POST", path, "registry", body=dict(spec), patience=protocol.FETCH_SECONDS)


async def read_again(client: CanCall, uid: str, kind: str) -> None:
    """Let the plane read a registry again, beside the request. Raises `EdgewrightError`."""
    path = protocol.HELM_REGISTRY_SYNC if kind == "helm" else protocol.OCI_REGISTRY_SYNC
    await client.call("POST", protocol.path(path, uid=uid), "registry")


async def registry(client: CanCall, uid: str) -> Mapping[str, Any]:
    """Return one registry. Raises `EdgewrightError`."""
    document: Mapping[str, Any] = (await client.call("GET", protocol.path(protocol.REGISTRY, uid=uid), "registry")).data
    return document


async def remove_registry(client: CanCall, uid: str) -> None:
    """Remove a registry and what was fetched from it. Raises `EdgewrightError`."""
    await client.call("DELETE", protocol.path(protocol.PALETTE_REGISTRY, uid=uid), "registry")


async def _read(client: CanCall, _page: int) -> Documents:
    return await registries(client)


def _facts(row: RegistryRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("name", row.name),
        ("kind", row.kind),
        ("address", row.endpoint),
        ("login", or_dash(row.login)),
        ("private", "allowed" if row.private else "refused"),
        ("packs", str(row.packs)),
        ("state", row.state),
        ("message", or_dash(row.message)),
        ("last read", f"{stamp(row.synced)} ({ago(row.synced, look.now)} ago)" if row.synced else "-"),
        ("added", stamp(row.created)),
        ("uid", row.uid),
    )
    return (("REGISTRY", facts),)


def _tone(row: RegistryRow) -> str:
    return {"Failed": "bad", "Success": "ok"}.get(row.state, "muted")


TABLE: Table[RegistryRow] = Table(
    "registry",
    columns=(
        Column("name", "REGISTRY", 12, most=32, tone="strong"),
        Column("kind", "KIND", 4),
        Column("state", "STATE", 7, most=10, tone=_tone),
        Column("packs", "PACKS", 5, right=True),
        Column("endpoint", "ADDRESS", 16, weight=2),
        Column("login", "LOGIN", 5, most=20),
        Column("synced", "READ", 4, right=True, age=True, tone="muted"),
        Column("message", "MESSAGE", 12, weight=3),
    ),
    listing=("name", "kind", "state", "packs", "endpoint", "login", "synced", "message"),
    fields=(
        FilterField("uid", "text", "uid of the registry", aliases=("id",), searched=True),
        FilterField("name", "text", "name of the registry", searched=True),
        FilterField("kind", "word", "helm, oci, or pack for the built-in catalogue"),
        FilterField("state", "word", "Success, Failed, InProgress or Unknown"),
        FilterField("address", "text", "address of the registry", source="endpoint", searched=True),
        FilterField("message", "text", "what the last reading reported", searched=True),
        FilterField("read", "age", "time since it was read", source="synced"),
        FilterField("age", "age", "time since it was added", source="created"),
    ),
    example="kind:helm  state:failed  free text",
    facts=_facts,
    headline=lambda row: f"{row.name}: {row.endpoint}",
    nothing="No registry. The built-in catalogue is one; press + to add another.",
    add="No registry yet; add one: edgewright registry add NAME ADDRESS",
    order=lambda row: (row.kind != BUILT_IN, row.name.casefold(), row.uid),
    sort="name",
)
REGISTRIES = Collection(
    "registries",
    RegistryRow,
    registry_row,
    noun="registry",
    change_kind="registry",
    cached=False,
    reading=Reading(_read, "registries", "CanCall", hub_only=True, quiet=frozenset({ExitCode.NOT_FOUND})),
    table=TABLE,
)
