"""Packs of the plane, as the store has them and as they are shown, and the calls about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core.errors import ExitCode
from edgewright.core.filters.fields import FilterField
from edgewright.core.packs.versions import key, newest_first
from edgewright.core.text import clean
from edgewright.store.collection import Collection, Documents, Reading
from edgewright.store.collections.document_values import EXTENSION, part, parts, text, value, when
from edgewright.store.collections.rows import Row
from edgewright.store.table import Column, Facts, Look, Table, or_dash, quote, stamp
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.clients.ports import CanCall

CONTENT = {
    "stored": "stored by the plane",
    "registry": "at its registry; fetched when it is used",
    "upstream": "at its upstream; fetched when it is used",
    "images": "images, which hosts pull",
    "shipped": "shipped with the plane",
}
"""Where the content of a pack is."""
LAYERS = ("os", "k8s", "cni", "csi", "addon", "kernel")
"""Layers in the order of a profile."""


class PackRow(Row, frozen=True, array_like=True, gc=False):
    """One version of a pack. `mark`: what was tried with it; `content`: one of `CONTENT`."""

    uid: str
    name: str = ""
    version: str = ""
    layer: str = ""
    kind: str = ""
    registry: str = ""
    title: str = ""
    mark: str = ""
    addon: str = ""
    content: str = ""
    upstream: str = ""
    digest: str = ""
    images: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    created: float | None = None
    reference: str = ""
    """How a version is written: `NAME:VERSION`."""

    def get(self, field: str) -> object:
        """Return the value of `field`; lists as one text, for filters."""
        result = super().get(field)
        return ", ".join(result) if isinstance(result, tuple) else result


def pack_row(doc: Mapping[str, Any], _at: float = 0.0) -> PackRow | None:
    """Return the row of a pack (`v1PackSummary`); `None` when it names no uid."""
    meta, spec = part(doc, "metadata"), part(doc, "spec")
    uid = text(meta, "uid")
    if not uid:
        return None
    ours = part(spec, EXTENSION)
    source = part(ours, "upstream")
    upstream = "/".join(each for each in (text(source, "repository").rstrip("/"), text(source, "name")) if each)
    images = value(ours, "images")
    name, version = text(spec, "name") or text(meta, "name"), text(spec, "version")
    return PackRow(
        uid,
        name,
        version,
        text(spec, "layer"),
        text(spec, "type"),
        text(ours, "registry"),
        text(spec, "displayName"),
        text(ours, "mark"),
        text(spec, "addonType"),
        _content(ours),
        f"{upstream} {text(source, 'version')}".strip(),
        text(source, "digest") or text(spec, "digest"),
        tuple(clean(image, 512) for image in images if isinstance(image, str)) if isinstance(images, list) else (),
        tuple(_dependency(each) for each in parts(ours, "dependencies")),
        when(meta, "creationTimestamp"),
        f"{name}:{version}",
    )


def _content(ours: Mapping[str, Any]) -> str:
    if value(ours, "fetched") is True:
        return "stored"
    if not isinstance(value(ours, "images"), list):
        return "registry"
    kind = text(part(ours, "upstream"), "kind")
    return "images" if kind == "image" else "upstream" if kind else "shipped"


def _dependency(doc: Mapping[str, Any]) -> str:
    low, high = text(doc, "minVersion"), text(doc, "maxVersion")
    bounds = f" from {low}" if low else ""
    bounds += f" to {high}" if high else ""
    word = {"required": "needs", "optional": "works with", "notSupported": "not with"}.get(text(doc, "type"), "with")
    return f"{word} {text(doc, 'packName')}{bounds}"


async def packs(client: CanCall) -> Documents:
    """Return the packs without their values. Raises `EdgewrightError`."""
    reply = await client.call("GET", protocol.OWN_PACKS, "list of packs")
    return [dict(document) for document in parts(reply.data, "items")]


async def pack(client: CanCall, uid: str) -> Mapping[str, Any]:
    """Return one pack with values and README, fetched first where only a registry has it. Raises `EdgewrightError`."""
    path = protocol.path(protocol.OWN_PACK, uid=uid)
    document: Mapping[str, Any] = (await client.call("GET", path, "pack", patience=protocol.FETCH_SECONDS)).data
    return document


async def versions(client: CanCall, name: str, registry_uid: str) -> Mapping[str, Any]:
    """Return a pack of a registry with all its versions (`v1PackTagEntity`). Raises `EdgewrightError`."""
    path = protocol.path(protocol.PACK_VERSIONS, packName=name, registryUid=registry_uid)
    document: Mapping[str, Any] = (await client.call("GET", path, "versions of the pack")).data
    return document


async def import_pack(client: CanCall, body: Mapping[str, str]) -> str:
    """Import a pack that was sent as a blob, or one of a registry; returns the uid. Raises `EdgewrightError`."""
    what = f"pack {body.get('name', '')} {body.get('version', '')}".rstrip()
    reply = await client.call("POST", protocol.OWN_PACKS, what, body=dict(body), patience=protocol.FETCH_SECONDS)
    return text(reply.data, "uid")


async def send_blob(client: CanCall, digest: str, data: bytes) -> None:
    """Send content of the tenant in pieces; `digest`: 64 hexadecimal digits. Raises `EdgewrightError`."""
    path = protocol.path(protocol.BLOB, digest=digest)
    for offset in range(0, max(1, len(data)), protocol.BLOB_PIECE):
        piece = data[offset : offset + protocol.BLOB_PIECE]
        params = {"size": len(data), "offset": offset}
        await client.call("PUT", path, "content of the pack", body=piece, params=params, tenant=True)


async def fetch_content(client: CanCall, uid: str) -> Mapping[str, Any]:
    """Let the plane fetch what a pack refers to; returns the pack. Raises `EdgewrightError`."""
    path = protocol.path(protocol.PACK_CONTENT, uid=uid)
    document: Mapping[str, Any] = (await client.call("POST", path, "pack", patience=protocol.FETCH_SECONDS)).data
    return document


async def delete_pack(client: CanCall, uid: str) -> None:
    """Delete a pack that is stored. Raises `EdgewrightError`."""
    await client.call("DELETE", protocol.path(protocol.OWN_PACK, uid=uid), "pack")


async def _read(client: CanCall, _page: int) -> Documents:
    return await packs(client)


def _facts(row: PackRow, _look: Look) -> tuple[Facts, ...]:
    pinned = row.digest or ("-" if row.content == "images" else "recorded at the first fetch")
    facts = (
        ("name", row.name),
        ("title", row.title),
        ("version", row.version),
        ("layer", row.layer),
        ("kind", row.kind),
        ("registry", row.registry),
        ("mark", or_dash(row.mark)),
        ("content", CONTENT.get(row.content, row.content)),
        *((("upstream", row.upstream), ("digest", pinned)) if row.upstream else (("digest", or_dash(row.digest)),)),
        *(("dependency", dependency) for dependency in row.needs),
        ("stored", stamp(row.created)),
        ("uid", row.uid),
        ("values", f"edgewright pack values {quote(row.reference)}"),
    )
    images = tuple(("image", image) for image in row.images)
    return (("PACK", facts), *((("IMAGES", images),) if images else ()))


def _order(row: PackRow) -> tuple[int, str, str]:
    layer = LAYERS.index(row.layer) if row.layer in LAYERS else len(LAYERS)
    return layer, row.name.casefold(), row.registry


TABLE: Table[PackRow] = Table(
    "pack",
    columns=(
        Column("name", "PACK", 12, most=32, tone="strong"),
        Column("version", "VERSION", 7, most=16, order=lambda row: key(row.version)),
        Column("layer", "LAYER", 5, order=lambda row: _order(row)),
        Column("kind", "KIND", 8),
        Column("content", "CONTENT", 8, tone="muted"),
        Column("mark", "MARK", 8, most=17, value=lambda row, _: row.mark.partition(":")[0]),
        Column("registry", "REGISTRY", 8, most=24, tone="muted"),
        Column("title", "TITLE", 12, weight=3),
    ),
    listing=("name", "version", "layer", "kind", "content", "mark", "registry", "title"),
    fields=(
        FilterField("uid", "text", "uid of the pack", aliases=("id",), searched=True),
        FilterField("name", "text", "name of the pack", searched=True),
        FilterField("version", "text", "version of the pack", searched=True),
        FilterField("layer", "word", "os, k8s, cni, csi or addon"),
        FilterField("kind", "word", "spectro, helm, oci or manifest"),
        FilterField("content", "word", "stored, registry, upstream, images or shipped"),
        FilterField("registry", "text", "registry that has it", searched=True),
        FilterField("title", "text", "name for people", searched=True),
        FilterField("addon", "text", "type of add-on, e.g. ingress"),
        FilterField("image", "text", "a container image that it needs", source="images", searched=True),
        FilterField("mark", "text", "what was tried with it"),
    ),
    example="layer:cni  registry:catalogue  free text",
    facts=_facts,
    headline=lambda row: f"{row.reference}: {row.title}",
    nothing="No pack matches. Packs come from the built-in catalogue, from registries, and by import (+).",
    add="No pack yet; import one: edgewright pack import PATH",
    printed="reference",
    unique=("reference",),
    order=lambda row: (*_order(row), newest_first(row.version)),
    apart="Use NAME:VERSION",
    sort="layer",
)
PACKS = Collection(
    "packs",
    PackRow,
    pack_row,
    noun="pack",
    change_kind="pack",
    cached=False,
    reading=Reading(_read, "packs", "CanCall", hub_only=True, quiet=frozenset({ExitCode.NOT_FOUND})),
    table=TABLE,
)
