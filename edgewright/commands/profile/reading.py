"""A version of a profile with everything that it resolves with: its packs, the macros, and what could not be read.

The hub sends profiles with their values; the values, presets and schemas of their packs are asked for one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.bulk import AT_A_TIME
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import Entry
from edgewright.core.errors import EdgewrightError
from edgewright.core.packs.pack import Pack, Preset
from edgewright.core.packs.schema import SchemaEntry
from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import Profile
from edgewright.core.profiles.problems import Problem
from edgewright.core.profiles.resolve import Resolution
from edgewright.core.profiles.scope import Context, Macro
from edgewright.core.profiles.variables import COVER
from edgewright.packs import catalogue
from edgewright.profiles.prepare import Prepared, Readings, check, prepare, resolved
from edgewright.store.collections.catalogue import profiles as calls
from edgewright.store.collections.catalogue.clusters import variables
from edgewright.store.collections.document_values import part, parts, text, value
from edgewright.wire import protocol

READINGS = Readings()
"""Values of packs that were read: two versions of a profile, and all profiles, share most of them."""


class ProfileContent(NamedTuple):
    """One version of a profile. `packs` are by `NAME VERSION`; `notes` are sentences about what could not be read."""

    profile: Profile
    document: Mapping[str, Any]
    """Palette's JSON, masked values covered."""
    packs: Mapping[str, Pack | None]
    macros: Mapping[str, Macro]
    notes: tuple[str, ...] = ()

    def prepared(self) -> Prepared:
        """Return it with its texts read. Blocking: long values take a second."""
        return prepare(self.profile, self.packs, READINGS)

    def problems(self) -> list[Problem]:
        """Return what stops a publish, and warnings. Blocking."""
        return check(self.prepared(), publish=True)

    def resolved(self, values: Mapping[str, str] | None = None, system: Mapping[str, str] | None = None) -> Resolution:
        """Return it with references replaced by `values` of variables and of the system. Blocking.

        What has no value yet stays and is listed.
        """
        context = Context(values or {}, self.macros, system or {}, partial=True)
        return resolved(self.prepared(), context)


async def content_of(ctx: CommandContext, entry: Entry) -> ProfileContent:
    """Return the content of a profile of the list. Raises `EdgewrightError` when the profile itself cannot be read."""
    client = await ctx.port(CanCall)
    document = await calls.exported(client, entry.row.uid)
    profile = exchange.from_document(document, f"The profile {entry.row.reference}")
    uids = _pack_uids(entry.document)
    notes: list[str] = []
    gate = asyncio.Semaphore(AT_A_TIME)

    async def read(name: str, version: str) -> Pack | None:
        uid = uids.get((name, version), "")
        if not uid:
            return _shipped(name, version)
        try:
            async with gate:
                return await pack_of(client, uid)
        except EdgewrightError as error:
            notes.append(f"Pack {name} {version}: {error.message}")
            return _shipped(name, version)

    wanted = list(dict.fromkeys((layer.name, layer.pack_version) for layer in profile.layers))
    read_packs, macros = await asyncio.gather(
        asyncio.gather(*(read(name, version) for name, version in wanted)), _macros(client, entry, notes)
    )
    packs = {f"{name} {version}": pack for (name, version), pack in zip(wanted, read_packs, strict=True)}
    return ProfileContent(profile, document, packs, macros, tuple(notes))


def _pack_uids(document: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Return the uids of the packs of a profile as lists have it, by name and version."""
    spec = part(document, "specSummary")
    packs = parts(part(spec, "draft") or part(spec, "published"), "packs")
    return {(text(pack, "name"), text(pack, "tag")): text(pack, "packUid") for pack in packs}


def _shipped(name: str, version: str) -> Pack | None:
    return next((pack for pack in catalogue.packs() if (pack.name, pack.version) == (name, version)), None)


async def pack_of(client: CanCall, uid: str) -> Pack:
    """Return a pack of the plane with values, presets and schema (`v1PackTagEntity`). Raises `EdgewrightError`."""
    document = (await client.call("GET", protocol.path(protocol.PACK, uid=uid), "pack")).data
    tags = parts(document, "tags")
    tag = next((each for each in tags if text(each, "packUid") == uid), tags[0] if tags else {})
    rows = parts(document, "packValues")
    values = next((each for each in rows if text(each, "packUid") == uid), rows[0] if rows else {})
    name, version = text(document, "name"), text(tag, "version") or text(tag, "tag")
    return Pack(
        name,
        version,
        text(document, "layer"),
        text(document, "displayName"),
        values=str(value(values, "values") or ""),
        presets=tuple(_preset(each) for each in parts(values, "presets")),
        schema=tuple(_schema(each) for each in parts(values, "schema")),
        readme=str(value(values, "readme") or ""),
    )


def _preset(document: Mapping[str, Any]) -> Preset:
    return Preset(
        text(document, "name"),
        text(document, "displayName"),
        text(document, "group"),
        str(value(document, "add") or ""),
        tuple(_texts(document, "remove")),
    )


def _schema(document: Mapping[str, Any]) -> SchemaEntry:
    flags = value(document, "required") is True, value(document, "readonly") is True
    shape = str(value(document, "format") or "")
    return SchemaEntry(text(document, "name"), *flags, shape, tuple(_texts(document, "hints")))


def _texts(document: Mapping[str, Any], name: str) -> list[str]:
    items = value(document, name)
    return [str(item) for item in items] if isinstance(items, list) else []


async def _macros(client: CanCall, entry: Entry, notes: list[str]) -> dict[str, Macro]:
    """Return the macros that the profile can use, with their scope; a note when the plane does not list them."""
    if not entry.row.macros:
        return {}
    try:
        reply = await client.call("GET", protocol.PROFILES_MACROS, "macros")
        project = entry.row.project_uid
        path = protocol.path(protocol.PROJECT_MACROS, uid=project)
        own = (await client.call("GET", path, "macros")).data if project else {}
    except EdgewrightError as error:
        notes.append(f"Macros: {error.message}")
        return {}
    of_project = {text(each, "name") for each in parts(own, "macros")}
    return {
        name: Macro(str(value(each, "value") or ""), "project" if name in of_project else "tenant")
        for each in parts(reply.data, "macros")
        if (name := text(each, "name"))
    }


async def values_in_cluster(ctx: CommandContext, entry: Entry, cluster: str) -> dict[str, str]:
    """Return the values that a cluster gives to the variables of its version; covered ones are left out.

    Raises `EdgewrightError`.
    """
    uses = parts(part(entry.document, "status"), "inUseClusters")
    uid = next((text(use, "uid") for use in uses if cluster in (text(use, "name"), text(use, "uid"))), "")
    values = (await variables(await ctx.port(CanCall), uid)).get(entry.row.uid, {}) if uid else {}
    return {name: given for name, given in values.items() if given != COVER}
