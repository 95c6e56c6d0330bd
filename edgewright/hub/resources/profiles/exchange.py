"""Export and import of a profile in Palette's JSON, and checks of packs that are not stored yet."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.responses import Response

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles import exchange, imports
from edgewright.core.profiles.imports import PackSource
from edgewright.core.profiles.model import FIRST_VERSION, Layer, Profile
from edgewright.core.profiles.problems import error, errors
from edgewright.hub.http import shapes
from edgewright.hub.http.palette_bodies import profiles as palette
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.profiles import stored
from edgewright.hub.profiles.index import MacroIndex, ProfileIndex
from edgewright.hub.resources.profiles import access, routes
from edgewright.profiles.prepare import exported, prepare
from edgewright.wire import protocol
from edgewright.yamltext import writer

Json = dict[str, Any]
_FILE = "application/octet-stream"
"""The media type of a file in Palette's API, whatever is in it."""


async def export(call: Call) -> Response:
    """Return the profile as a file; masked variables, and values that a pack's schema calls passwords, are covered."""
    ending = call.choice("format") or "json"
    record = access.find(call)
    draft, live = await access.content(call, record)
    index = call.hub.part(PackIndex)
    stored_ = stored.document(record.name, record.version, record.parts["metadata"], draft or live or {}, None)
    for item in stored_["spec"]["template"]["packs"]:
        if "registry" in item:
            item["registry"]["metadata"]["name"] = index.registry_name(item["registry"]["metadata"]["uid"])
    profile = _read(stored_)
    packs = await access.packs_of(call, profile)

    def write() -> str:
        document, _warnings = exported(prepare(profile, packs))
        return writer.write(document) if ending == "yaml" else json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    try:
        text = await asyncio.to_thread(write)
    except InvalidInput as problem:
        raise stored.refused(problem) from None
    name = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in record.name)
    headers = {"Content-Disposition": f'attachment; filename="{name}-{record.version}.{ending}"'}
    return Response(text.encode(), 200, {**headers, "Cache-Control": "no-store"}, _FILE)


def _sources(index: PackIndex, layer: Layer) -> list[PackSource]:
    """Return the registries of this plane that have the pack of a layer."""
    return [
        PackSource(view.registry_uid, index.registry_name(view.registry_uid))
        for view in index.views.values()
        if view.name == layer.name and view.version == layer.pack_version
    ]


def _report(call: Call, profile: Profile) -> imports.ImportReport:
    index, macros = call.hub.part(PackIndex), call.hub.part(MacroIndex)
    known = {*macros.of(""), *macros.of(call.project)}
    versions = call.hub.part(ProfileIndex).versions(call.project, profile.name).values()
    layers = prepare(profile).layers
    return imports.report(profile, layers, lambda layer: _sources(index, layer), known, versions)


def _read(body: Json) -> Profile:
    try:
        return exchange.from_document(body)
    except InvalidInput as problem:
        raise stored.refused(problem) from None


async def validate_import(call: Call) -> Response:
    """Return the document with the registries that have each pack (`matchingRegistries`); 422 for what is missing."""
    body = await call.body()
    profile = _read(body)
    report = await asyncio.to_thread(_report, call, profile)
    access.refuse(f"The import of {profile.name} {profile.version}", report.as_problems())
    index = call.hub.part(PackIndex)
    for item, layer in zip(_packs(body), profile.layers, strict=True):
        sources = _sources(index, layer)
        registry = item.get("registry") or {}
        item["registry"] = {
            **registry,
            "matchingRegistries": [{"uid": source.uid, "name": source.name, "kind": "pack"} for source in sources],
        }
    return call.json(body)


async def import_(call: Call) -> Response:
    """Import a profile; refused with everything that is missing: packs, macros, a registry to choose."""
    body = await call.body()
    profile = _read(body)
    what = f"The import of {profile.name} {profile.version}"
    report = await asyncio.to_thread(_report, call, profile)
    access.refuse(what, report.as_problems())
    publish = call.request.query_params.get("publish") == "true"
    if publish:
        access.refuse(what, [finding._replace(severity="error") for finding in report.masked])
    index = call.hub.part(PackIndex)
    content = stored.template(_template(profile, body, index, what), {}, index, call.hub.box, _variables(body))
    metadata = routes.metadata_of(
        profile.name, {}, {"labels": dict(profile.labels), "annotations": {"description": profile.description}}
    )
    version = profile.version or FIRST_VERSION
    return call.created(await routes.insert(call, profile.name, version, metadata, content, publish))


def _packs(body: Json) -> list[Json]:
    rows: list[Json] = ((body.get("spec") or {}).get("template") or {}).get("packs") or []
    return rows


def _variables(body: Json) -> list[Json]:
    rows: list[Json] = (body.get("spec") or {}).get("variables") or []
    return rows


def _template(profile: Profile, body: Json, index: PackIndex, what: str) -> Json:
    """Return the packs of an import with the registry of each; raises 422 where several have a pack."""
    packs, open_ = [], []
    for item, layer in zip(_packs(body), profile.layers, strict=True):
        row = {key: value for key, value in item.items() if key not in ("registry", "version")}
        row["tag"] = layer.pack_version
        sources = _sources(index, layer)
        chosen = [source for source in sources if source.uid == layer.registry.uid]
        chosen = chosen or [source for source in sources if source.name == layer.registry.name] or sources
        if layer.type != "manifest" and len(chosen) != 1:
            names = ", ".join(source.name for source in chosen)
            hint = "Send the uid of one in registry.metadata.uid."
            open_.append(error(layer.key, "", f"Several registries have this pack: {names}.", hint, "ChooseRegistry"))
        elif layer.type != "manifest":
            row["registryUid"] = chosen[0].uid
        packs.append(row)
    access.refuse(what, open_)
    return {"type": profile.type, "cloudType": profile.cloud, "packs": packs}


async def validate_packs(call: Call) -> Response:
    """Check packs and values of a template that is not stored; each pack with what is wrong in it."""
    if call.uid:
        access.find(call)
    body = await call.body()
    index = call.hub.part(PackIndex)
    content = stored.template(body, {}, index, call.hub.box, [])
    name, version = "template", FIRST_VERSION
    metadata: Json = {}
    if call.uid:
        record = access.find(call)
        draft, live = await access.content(call, record)
        name, version, metadata = record.name, record.version, record.parts["metadata"]
        content["variables"] = (draft or live or {})["variables"]
    profile = stored.profile(name, version, metadata, content, call.hub.box)
    wrong = errors(await access.findings(call, profile, False))
    results = [
        {
            "name": layer.name,
            "displayName": layer.key,
            "errors": [
                {"code": finding.code, "message": finding.sentence()} for finding in wrong if finding.layer == layer.key
            ],
        }
        for layer in profile.layers
    ]
    keys = {layer.key for layer in profile.layers}
    rest = [{"code": finding.code, "message": finding.sentence()} for finding in wrong if finding.layer not in keys]
    if rest:
        results.append({"name": "", "displayName": "", "errors": rest})
    return call.json({"packs": {"results": results}})


_FORMAT = shapes.text(8, "json", "yaml")
ROUTES = (
    Route("GET", protocol.PROFILE_EXPORT, Access.READ, export, query={"format": _FORMAT}),
    Route(
        "POST", protocol.PROFILES_IMPORT, Access.WRITE, import_, body=palette.CLUSTER_PROFILE_IMPORT_ENTITY,
        query={"publish": shapes.text(8)},
    ),
    Route(
        "POST", protocol.PROFILES_IMPORT_VALIDATE, Access.READ, validate_import,
        body=palette.CLUSTER_PROFILE_IMPORT_ENTITY,
    ),
    Route(
        "POST", protocol.PROFILES_VALIDATE_PACKS, Access.READ, validate_packs,
        body=palette.CLUSTER_PROFILE_TEMPLATE_DRAFT,
    ),
    Route(
        "POST", protocol.PROFILE_VALIDATE_PACKS, Access.READ, validate_packs,
        body=palette.CLUSTER_PROFILE_TEMPLATE_DRAFT,
    ),
)  # fmt: skip
