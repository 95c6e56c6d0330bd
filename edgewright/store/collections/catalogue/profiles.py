"""Cluster profiles of the plane, as the store has them and as they are shown, and the calls about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.core.errors import ExitCode, Failed
from edgewright.core.filters.fields import FilterField
from edgewright.core.hosts.tags import labels_to_tags
from edgewright.core.packs.layers import LAYERS
from edgewright.core.packs.versions import key, newest_first
from edgewright.store.collection import Collection, Documents, Reading
from edgewright.store.collections.document_values import (
    EXTENSION,
    MAX_ITEMS,
    integer,
    part,
    parts,
    text,
    tidy,
    value,
    when,
)
from edgewright.store.collections.rows import Row, tag_value
from edgewright.store.table import Column, Facts, Look, Table, ago, stamp
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.clients.ports import CanCall

_PAGE = 50
_TYPES = {"cluster": "full", "infra": "infrastructure"}
_LAYERS = {"os": "OS", "k8s": "Kubernetes", "cni": "network (CNI)", "csi": "storage (CSI)", "addon": "add-on"}
"""What users read, as in `core.profiles.model`, which would cost the start of the console its time."""


class ProfileRow(Row, frozen=True, array_like=True, gc=False):
    """One version of a profile. `state`: draft, published, or changed (published, with a draft beside it)."""

    uid: str
    name: str = ""
    version: str = ""
    kind: str = ""
    state: str = ""
    project_uid: str = ""
    layers: tuple[str, ...] = ()
    """`layer pack version` from the bottom of the stack."""
    variables: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    used: int = 0
    """How many clusters use it."""
    description: str = ""
    modified: float | None = None
    reference: str = ""
    stack: str = ""
    tags: tuple[str, ...] = ()

    def get(self, field: str) -> object:
        """Return the value of `field`, or of a tag for `tag.NAME`; `None` when there is no such thing."""
        return tag_value(self.tags, field[4:]) if field.startswith("tag.") else Row.get(self, field)


def profile_row(doc: Mapping[str, Any], _at: float = 0.0) -> ProfileRow | None:
    """Return the row of a profile (`v1ClusterProfileSummary`); `None` when it names no uid."""
    meta, spec, status = part(doc, "metadata"), part(doc, "specSummary"), part(doc, "status")
    uid = text(meta, "uid")
    if not uid:
        return None
    draft, live = part(spec, "draft"), part(spec, "published")
    published = value(status, "isPublished") is True
    state = "changed" if published and draft else "published" if published else "draft"
    packs = sorted(parts(draft or live, "packs"), key=_place)
    ours, name, version = part(spec, EXTENSION), text(meta, "name"), text(spec, "version")
    annotations = part(meta, "annotations")
    return ProfileRow(
        uid,
        name,
        version,
        _TYPES.get(text(draft or live, "type"), text(draft or live, "type")),
        state,
        text(ours, "projectUid") or text(annotations, "projectUid"),
        tuple(f"{text(pack, 'layer')} {text(pack, 'name')} {text(pack, 'tag')}".strip() for pack in packs),
        _texts(ours, "variables"),
        _texts(ours, "macros"),
        tuple(text(each, "version") for each in parts(spec, "versions")),
        tuple(text(each, "name") for each in parts(status, "inUseClusters")),
        len(parts(status, "inUseClusters")),
        text(annotations, "description"),
        when(meta, "lastModifiedTimestamp"),
        f"{name}:{version}",
        ", ".join(text(pack, "name") for pack in packs),
        tuple(tidy(tag) for tag in labels_to_tags(part(meta, "labels"))[:MAX_ITEMS]),
    )


def _place(pack: Mapping[str, Any]) -> int:
    layer = text(pack, "layer")
    return LAYERS.index(layer) if layer in LAYERS else len(LAYERS)


def _texts(doc: Mapping[str, Any], name: str) -> tuple[str, ...]:
    items = value(doc, name)
    return tuple(str(item) for item in items) if isinstance(items, list) else ()


async def profiles(client: CanCall) -> Documents:
    """Return all versions of profiles without their values, page by page. Raises `EdgewrightError`."""
    documents: Documents = []
    count = 1
    while len(documents) < count:
        params = {"limit": _PAGE, "offset": len(documents)}
        reply = await client.call("POST", protocol.PROFILES_SEARCH, "list of profiles", body={}, params=params)
        page = [dict(document) for document in parts(reply.data, "items")]
        documents += page
        count = integer(part(reply.data, "listmeta"), "count") or 0
        if not page:
            break
    return documents


async def publish(client: CanCall, uid: str) -> None:
    """Publish the draft of a profile. Raises `InvalidInput` with every error."""
    path = protocol.path(protocol.PROFILE_PUBLISH, uid=uid)
    await client.call("PATCH", path, "profile", patience=protocol.FETCH_SECONDS)


async def delete(client: CanCall, uid: str) -> None:
    """Delete a version of a profile. Raises `Conflict` while clusters use it."""
    await client.call("DELETE", protocol.path(protocol.PROFILE, uid=uid), "profile")


async def clone(client: CanCall, uid: str, name: str, version: str) -> str:
    """Copy a profile to another name or version; returns the uid. Raises `Conflict` for one that exists."""
    body = {"metadata": {"name": name, "version": version, "target": {"scope": "project"}}}
    path = protocol.path(protocol.PROFILE_CLONE, uid=uid)
    return text((await client.call("POST", path, "profile", body=body)).data, "uid")


async def set_labels(client: CanCall, uid: str, name: str, labels: Mapping[str, str]) -> None:
    """Replace the tags of a version. Raises `EdgewrightError`."""
    body = {"metadata": {"name": name, "labels": dict(labels)}}
    await client.call("PATCH", protocol.path(protocol.PROFILE_METADATA, uid=uid), "profile", body=body)


async def exported(client: CanCall, uid: str) -> Mapping[str, Any]:
    """Return a profile in Palette's JSON, masked values covered. Raises `EdgewrightError`."""
    path = protocol.path(protocol.PROFILE_EXPORT, uid=uid)
    data = (await client.call("GET", path, "profile")).data  # a file, as in Palette's API
    try:
        document: Any = json.loads(data) if isinstance(data, bytes) else data
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, Mapping):
        raise Failed("The plane sent an export of a profile that is not JSON.", "Look into its log.", "NotJSON")
    return document


async def validated(client: CanCall, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document with the registries that have each of its packs (`matchingRegistries`); nothing is stored.

    Raises `InvalidInput` with the packs and macros that are missing, `Conflict` for a version that exists.
    """
    path = protocol.PROFILES_IMPORT_VALIDATE
    answer: Mapping[str, Any] = (await client.call("POST", path, "profile", body=dict(document))).data
    return answer


async def send(client: CanCall, document: Mapping[str, Any], publish_it: bool) -> str:
    """Import a profile; returns the uid. Raises `InvalidInput` with what is missing, `Conflict` for one that exists."""
    params, patience = ({"publish": "true"}, protocol.FETCH_SECONDS) if publish_it else ({}, 0.0)
    path = protocol.PROFILES_IMPORT
    reply = await client.call("POST", path, "profile", body=dict(document), params=params, patience=patience)
    return text(reply.data, "uid")


class Applied(NamedTuple):
    """What an apply did, or would do: created, changed, published or none; the parts that change; masked places."""

    uid: str
    change: str
    published: bool
    parts: tuple[str, ...]
    masked: tuple[str, ...]


async def apply(client: CanCall, document: Mapping[str, Any], publish_it: bool, dry: bool = False) -> Applied:
    """Make a version of a profile what a document has; with `dry` nothing is stored. Raises `InvalidInput`."""
    params = {name: "true" for name, given in (("publish", publish_it), ("dryRun", dry)) if given}
    path, patience = protocol.OWN_PROFILES_APPLY, protocol.FETCH_SECONDS if publish_it else 0.0
    reply = await client.call("POST", path, "profile", body=dict(document), params=params, patience=patience)
    answer = reply.data if isinstance(reply.data, Mapping) else {}
    published = value(answer, "published") is True
    return Applied(
        text(answer, "uid"), text(answer, "change"), published, *(_texts(answer, k) for k in ("parts", "masked"))
    )


async def images(client: CanCall, uid: str) -> Mapping[str, Any]:
    """Return the images that a profile needs: `images`, `unknown` layers, `problems`. Raises `EdgewrightError`."""
    path = protocol.path(protocol.OWN_PROFILE_IMAGES, uid=uid)
    document: Mapping[str, Any] = (await client.call("GET", path, "profile")).data
    return document


async def macros(client: CanCall) -> dict[str, str]:
    """Return the macros that profiles of the client's scope can refer to; values are covered for viewers."""
    reply = await client.call("GET", protocol.PROFILES_MACROS, "list of macros")
    return {text(row, "name"): text(row, "value", 65536) for row in parts(reply.data, "macros")}


async def present(client: CanCall, uid: str) -> list[Mapping[str, Any]]:
    """Return the packs of a version with their values: those of its draft, else the published ones."""
    spec = part((await client.call("GET", protocol.path(protocol.PROFILE, uid=uid), "profile")).data, "spec")
    return parts(part(spec, "draft") or part(spec, "published"), "packs")


async def manifests(client: CanCall, uid: str) -> list[dict[str, str]]:
    """Return the texts of the manifests of each pack of a version by their names, in the order of `present`."""
    reply = await client.call("GET", protocol.path(protocol.PROFILE_ALL_MANIFESTS, uid=uid), "manifests")
    rows = [parts(part(pack, "spec"), "manifests") for pack in parts(part(reply.data, "spec"), "packs")]
    return [{text(item, "name"): str(item.get("content") or "") for item in row} for row in rows]


async def _read(client: CanCall, _page: int) -> Documents:
    return await profiles(client)


def _facts(row: ProfileRow, look: Look) -> tuple[Facts, ...]:
    facts = (
        ("name", row.name),
        ("version", row.version),
        ("type", row.kind),
        ("state", row.state),
        ("project", look.projects.get(row.project_uid, row.project_uid) or "tenant"),
        *((("description", row.description),) if row.description else ()),
        ("versions", ", ".join(row.versions)),
        ("tags", ", ".join(row.tags) or "-"),
        ("used by", ", ".join(row.clusters) or "no cluster"),
        ("changed", f"{stamp(row.modified)} ({ago(row.modified, look.now)} ago)" if row.modified else "-"),
        ("uid", row.uid),
    )
    layers = []
    for layer in reversed(row.layers):
        kind, _, rest = layer.partition(" ")
        layers.append((_LAYERS.get(kind, kind), rest))
    rest_ = tuple(("variable", name) for name in row.variables) + tuple(("macro", name) for name in row.macros)
    return (
        ("PROFILE", facts),
        ("LAYERS, top first", tuple(layers)),
        *((("VARIABLES AND MACROS", rest_),) if rest_ else ()),
    )


def _tone(row: ProfileRow) -> str:
    return {"published": "ok", "changed": "warn"}.get(row.state, "muted")


TABLE: Table[ProfileRow] = Table(
    "profile",
    columns=(
        Column(
            "name", "PROFILE", 12, most=32, tone="strong", order=lambda row: (row.name.casefold(), key(row.version))
        ),
        Column("version", "VERSION", 7, most=16, order=lambda row: key(row.version)),
        Column("kind", "TYPE", 4, most=14),
        Column("state", "STATE", 9, tone=_tone),
        Column("used", "USED BY", 7, right=True),
        Column("project", "PROJECT", 7, most=24, value=lambda row, look: look.projects.get(row.project_uid, "tenant")),
        Column("modified", "CHANGED", 7, right=True, age=True, tone="muted"),
        Column("tags", "TAGS", 6, most=24, tone="muted", value=lambda row, _: ", ".join(row.tags)),
        Column("stack", "LAYERS", 12, weight=3),
    ),
    listing=("name", "version", "kind", "state", "used", "project", "modified", "stack"),
    fields=(
        FilterField("uid", "text", "uid of the version", aliases=("id",), searched=True),
        FilterField("name", "text", "name of the profile", searched=True),
        FilterField("version", "text", "version of the profile", searched=True),
        FilterField("type", "word", "full, infrastructure or add-on", source="kind"),
        FilterField("state", "word", "draft, published or changed (published, with a draft)"),
        FilterField("layer", "text", "a layer as kind, pack and version", source="layers", searched=True),
        FilterField("variable", "text", "a variable that it has", source="variables"),
        FilterField("macro", "text", "a macro that it refers to", source="macros"),
        FilterField("cluster", "text", "a cluster that uses it", source="clusters", searched=True),
        FilterField("tag", "tags", "a tag: tag:key, tag.key:value", source="tags", aliases=("tags", "label")),
        FilterField("age", "age", "time since it was changed", source="modified"),
    ),
    example="state:draft  layer:k8s  free text",
    facts=_facts,
    headline=lambda row: f"{row.reference}: {row.kind}, {row.state}",
    nothing="No profile. + makes one in the wizard, i imports one.",
    add="No profile yet; import one: edgewright profile import PATH",
    printed="reference",
    unique=("reference",),
    order=lambda row: (row.name.casefold(), newest_first(row.version), row.uid),
    project_of=lambda row: row.project_uid,
    apart="Use NAME:VERSION",
    sort="name",
)
PROFILES = Collection(
    "profiles",
    ProfileRow,
    profile_row,
    noun="profile",
    change_kind="profile",
    cached=False,
    reading=Reading(_read, "profiles", "CanCall", hub_only=False, quiet=frozenset({ExitCode.NOT_FOUND})),
    table=TABLE,
)
