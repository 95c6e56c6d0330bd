"""Export and import of a profile in Palette's JSON, and checks of packs that are not stored yet."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.responses import Response

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles import exchange, imports
from edgewright.core.profiles.imports import PackSource
from edgewright.core.profiles.model import FIRST_VERSION, Layer, Profile, Registry
from edgewright.core.profiles.problems import error, errors
from edgewright.hub.http import shapes
from edgewright.hub.http.multipart import file_of
from edgewright.hub.http.palette_bodies import profiles as palette
from edgewright.hub.http.problems import bad_request
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.packs.index import OWN, PackIndex
from edgewright.hub.profiles import layers as profile_layers
from edgewright.hub.profiles import stored
from edgewright.hub.profiles.index import MacroIndex
from edgewright.hub.profiles.tables import ProfileRecord
from edgewright.hub.resources.profiles import access, routes
from edgewright.profiles.prepare import exported, prepare
from edgewright.wire import protocol
from edgewright.yamltext import writer
from edgewright.yamltext.documents import read_one

Json = dict[str, Any]
FILE = "application/octet-stream"
"""The media type of a file in Palette's API, whatever is in it."""


async def export(call: Call) -> Response:
    """Return the profile as a file; masked variables, and values that a pack's schema calls passwords, are covered."""
    ending = call.choice("format") or "json"
    now = await access.read(call, access.find(call))
    record, index = now.record, call.hub.part(PackIndex)
    names = {uid: index.registry_name(uid) for uid in (*OWN, *index.registries)}
    profile = await access.work(call, partial(exported_profile, now, names))
    packs = await profile_layers.packs_of(call.hub, profile)

    def write() -> str:
        document, _warnings = exported(prepare(profile, packs))
        return writer.write(document) if ending == "yaml" else json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    try:
        text = await access.work(call, write)
    except InvalidInput as problem:
        raise stored.refused(problem) from None
    headers = {"Content-Disposition": f'attachment; filename="{file_name(record)}.{ending}"'}
    return Response(text.encode(), 200, {**headers, "Cache-Control": "no-store"}, FILE)


def file_name(record: ProfileRecord) -> str:
    """Return the name of a file with a profile, without its ending."""
    return f"{plain(record.name)}-{record.version}"


def plain(name: str) -> str:
    """Return a name as a header and any file system take it."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in name)


def exported_profile(now: access.Stored, names: Mapping[str, str]) -> Profile:
    """Return a profile with the names of its registries, by their uids. Blocking."""
    document = stored.document(now.record.name, now.record.version, now.metadata, now.present, None)
    for item in document["spec"]["template"]["packs"]:
        if "registry" in item:
            item["registry"]["metadata"]["name"] = names.get(item["registry"]["metadata"]["uid"], "")
    return read(document)


def _sources(index: PackIndex, layer: Layer) -> list[PackSource]:
    """Return the registries of this plane that have the pack of a layer."""
    anywhere = dataclasses.replace(layer, registry=Registry())
    return [
        PackSource(view.registry_uid, index.registry_name(view.registry_uid))
        for view in profile_layers.views_of(index, anywhere)
    ]


async def _report(call: Call, profile: Profile, sources: Mapping[str, list[PackSource]]) -> imports.ImportReport:
    macros = call.hub.part(MacroIndex)
    known = {*macros.of(""), *macros.of(call.project)}
    return await access.work(
        call,
        lambda: imports.report(profile, prepare(profile).layers, lambda layer: sources[layer.key], known, ()),
    )


def read(body: Json) -> Profile:
    """Return the profile in a document; raises 422 with everything that is not of its form."""
    try:
        return exchange.from_document(body)
    except InvalidInput as problem:
        raise stored.refused(problem) from None


async def _checked(call: Call, body: Json) -> tuple[Profile, Mapping[str, list[PackSource]]]:
    """Return the profile of an import and the registries of each layer; raises 409 and 422."""
    profile = await access.work(call, lambda: read(body))
    routes.refuse_known(call, profile.name, profile.version)
    return profile, await sources_of(call, profile)


async def sources_of(call: Call, profile: Profile) -> Mapping[str, list[PackSource]]:
    """Return the registries of each layer; raises 422 for packs and macros that are missing."""
    index = call.hub.part(PackIndex)
    sources = {layer.key: _sources(index, layer) for layer in profile.layers}
    report = await _report(call, profile, sources)
    access.refuse(f"The import of {profile.label}", report.as_problems())
    return sources


async def validate_import(call: Call) -> Response:
    """Return the document with the registries that have each pack (`matchingRegistries`); 422 for what is missing."""
    body = await call.body()
    profile, sources = await _checked(call, body)
    for item, layer in zip(_packs(body), profile.layers, strict=True):
        registry = item.get("registry") or {}
        matching = [{"uid": source.uid, "name": source.name, "kind": "pack"} for source in sources[layer.key]]
        item["registry"] = {**registry, "matchingRegistries": matching}
    return call.json(body)


async def import_(call: Call) -> Response:
    """Import a profile; refused with everything that is missing: packs, macros, a registry to choose."""
    return await _import(call, await call.body())


async def import_file(call: Call) -> Response:
    """Import the profile in the file of a form (part `importFile`), JSON or with `format=yaml` YAML."""
    ending = call.choice("format") or "json"
    content, kind = await call.raw_body(), call.request.headers.get("content-type", "")
    return await _import(call, await access.work(call, lambda: _in_form(content, kind, ending)))


def _in_form(content: bytes, kind: str, ending: str) -> Json:
    """Return the document in a form. Raises `Problem` 400 and 422. Blocking."""
    data = file_of(content, kind, "importFile")
    if ending == "json":
        value = shapes.decode(data)
    else:
        try:
            value = read_one(data.decode("utf-8"), "importFile")
        except UnicodeDecodeError:
            raise bad_request("The file is not UTF-8 text.") from None
        except InvalidInput as problem:
            raise stored.refused(problem) from None
    body: Json = shapes.check(value, palette.CLUSTER_PROFILE_IMPORT_ENTITY)
    return body


async def _import(call: Call, body: Json) -> Response:
    profile, sources = await _checked(call, body)
    publish = call.request.query_params.get("publish") == "true"
    return call.created(await insert(call, body, profile, sources, publish))


async def insert(
    call: Call, body: Json, profile: Profile, sources: Mapping[str, list[PackSource]], publish: bool
) -> str:
    """Store a profile that was imported and return its uid; raises as `routes.insert`."""
    views, box = call.hub.part(PackIndex).views, call.hub.box
    template = template_of(profile, body, sources)
    content = await access.work(call, lambda: stored.template(template, {}, views, box, variables_of(body)))
    metadata = metadata_of(profile, {})
    version = profile.version or FIRST_VERSION
    return await routes.insert(call, profile.name, version, metadata, content, publish)


def metadata_of(profile: Profile, before: Json) -> Json:
    """Return the metadata of an import over those that are stored; raises 413."""
    annotations = {**(before.get("annotations") or {}), "description": profile.description}
    return routes.metadata_of(profile.name, before, {"labels": dict(profile.labels), "annotations": annotations})


def _packs(body: Json) -> list[Json]:
    rows: list[Json] = ((body.get("spec") or {}).get("template") or {}).get("packs") or []
    return rows


def variables_of(body: Json) -> list[Json]:
    """Return the variables of a document."""
    rows: list[Json] = (body.get("spec") or {}).get("variables") or []
    return rows


def template_of(profile: Profile, body: Json, sources: Mapping[str, list[PackSource]]) -> Json:
    """Return the packs of an import with the registry of each; raises 422 where several have a pack."""
    packs: list[Json] = []
    open_ = []
    for item, layer in zip(_packs(body), profile.layers, strict=True):
        row = {key: value for key, value in item.items() if key not in ("registry", "version")}
        row["tag"] = layer.pack_version
        having = sources[layer.key]
        chosen = [source for source in having if source.uid == layer.registry.uid]
        chosen = chosen or [source for source in having if source.name == layer.registry.name] or having
        if layer.type != "manifest" and len(chosen) != 1:
            names = ", ".join(source.name for source in chosen)
            hint = "Send the uid of one in registry.metadata.uid."
            open_.append(error(layer.key, "", f"Several registries have this pack: {names}.", hint, "ChooseRegistry"))
        elif layer.type != "manifest":
            row["registryUid"] = chosen[0].uid
        packs.append(row)
    access.refuse(f"The import of {profile.label}", open_)
    return {"type": profile.type, "cloudType": profile.cloud, "packs": packs}


async def validate_packs(call: Call) -> Response:
    """Check packs and values of a template that is not stored; each pack with what is wrong in it."""
    record = access.find(call) if call.uid else None
    body = await call.body()
    views, box = call.hub.part(PackIndex).views, call.hub.box
    name, version, metadata, variables = "template", FIRST_VERSION, {}, []
    if record is not None:
        now = await access.read(call, record)
        name, version, metadata, variables = record.name, record.version, now.metadata, now.present["variables"]

    def make() -> Profile:
        content = {**stored.template(body, {}, views, box, []), "variables": variables}
        return stored.profile(name, version, metadata, content, box)

    profile = await access.work(call, make)
    wrong = errors(await access.findings(call, profile, False))
    by_layer: dict[str, list[Json]] = {layer.key: [] for layer in profile.layers}
    rest: list[Json] = []
    for finding in wrong:
        by_layer.get(finding.layer, rest).append({"code": finding.code, "message": finding.sentence()})
    results = [
        {"name": layer.name, "displayName": layer.key, "errors": by_layer[layer.key]} for layer in profile.layers
    ]
    if rest:
        results.append({"name": "", "displayName": "", "errors": rest})
    return call.json({"packs": {"results": results}})


_FORMAT = shapes.text(8, "json", "yaml")
_FORM = shapes.obj(importFile=shapes.text())
ROUTES = (
    Route("GET", protocol.PROFILE_EXPORT, Access.READ, export, query={"format": _FORMAT}),
    Route(
        "POST", protocol.PROFILES_IMPORT, Access.WRITE, import_, body=palette.CLUSTER_PROFILE_IMPORT_ENTITY,
        query={"publish": shapes.text(8)},
    ),
    Route(
        "POST", protocol.PROFILES_IMPORT_FILE, Access.WRITE, import_file, body=_FORM, sends="multipart/form-data",
        query={"publish": shapes.text(8), "format": _FORMAT},
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
