"""Cluster definitions (`.tgz`) for a host without a plane: of one profile, or of several that make a cluster."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from starlette.responses import Response

from edgewright.core.errors import InvalidDocument, InvalidInput
from edgewright.core.profiles import exchange as documents
from edgewright.core.profiles.definition import MAX_PROFILES
from edgewright.core.profiles.model import Layer, Profile
from edgewright.hub.http.palette_bodies import profiles as palette
from edgewright.hub.http.problems import Problem, not_found
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.packs.index import OWN, PackIndex
from edgewright.hub.profiles import layers as profile_layers
from edgewright.hub.profiles import stored
from edgewright.hub.profiles.index import ProfileIndex
from edgewright.hub.profiles.tables import ProfileRecord
from edgewright.hub.resources.profiles import access, exchange
from edgewright.profiles import archive
from edgewright.profiles.prepare import exported, prepare
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]


async def of_profile(call: Call) -> Response:
    """Return the profile as a cluster definition; masked values are covered.

    Raises 422 for a profile that does not make a cluster alone, such as one of add-ons.
    """
    record = access.find(call)
    return await _answer(call, record.name, exchange.file_name(record), [(record, {})])


async def of_cluster(call: Call) -> Response:
    """Return profiles, with the values that are sent for their packs, as one cluster definition.

    Masked values are covered. Raises 404 for a profile that the caller does not see, 422 for profiles that do not make
    one cluster, and for packs that a profile does not have.
    """
    body = await call.body()
    name, spec = str((body.get("metadata") or {}).get("name") or ""), body.get("spec") or {}
    if not name:
        raise Problem(422, "NoName", "The cluster definition has no name. Set metadata.name.")
    if spec.get("cloudType") != wire.CLOUD_TYPE:
        raise Problem(422, "NotAvailable", f"Only clusters of the type {wire.CLOUD_TYPE} are available here.")
    sent = spec.get("profiles") or []
    uids = [str(item["uid"]) for item in sent]
    if len(uids) > MAX_PROFILES:
        raise Problem(422, "TooManyProfiles", f"A cluster definition has at most {MAX_PROFILES} profiles.")
    twice = next((uid for uid in uids if uids.count(uid) > 1), "")
    if twice:
        raise Problem(422, "ProfileTwice", f"The profile {twice} is named twice; remove one.")
    chosen = []
    for item in sent:
        record = call.hub.part(ProfileIndex).by_uid.get(str(item["uid"]))
        if record is None or not access.visible(call, record):
            raise not_found("cluster profile", str(item["uid"]))
        chosen.append((record, {str(pack["name"]): pack for pack in item.get("packs") or ()}))
    return await _answer(call, name, exchange.plain(name), chosen)


async def _answer(call: Call, name: str, file: str, chosen: list[tuple[ProfileRecord, dict[str, Json]]]) -> Response:
    index = call.hub.part(PackIndex)
    names = {uid: index.registry_name(uid) for uid in (*OWN, *index.registries)}
    parts, size = [], 0
    for record, packs in chosen:
        now = await access.read(call, record)
        size += max(map(len, now.texts))
        if size > archive.MAX_UNPACKED:  # more than a reader of the file takes, and much memory
            text = f"The profiles are larger than {archive.MAX_UNPACKED // 1024**2} MB together; leave some out."
            raise Problem(422, "TooBig", text)
        profile = _with_values(await access.work(call, partial(exchange.exported_profile, now, names)), packs)
        parts.append((profile, await profile_layers.packs_of(call.hub, profile)))

    def write() -> bytes:
        made = [exported(prepare(profile, packs))[0] for profile, packs in parts]
        return archive.pack(name, [documents.from_document(document) for document in made])

    try:
        data = await access.work(call, write)
    except InvalidInput as problem:
        raise stored.refused(problem) from None
    except InvalidDocument as problem:
        raise Problem(422, "InvalidDefinition", f"{problem.message} {problem.hint}".strip()) from None
    headers = {"Content-Disposition": f'attachment; filename="{file}.tgz"', "Cache-Control": "no-store"}
    return Response(data, 200, headers, exchange.FILE)


def _with_values(profile: Profile, packs: dict[str, Json]) -> Profile:
    """Return a profile with values and manifests that were sent for its packs; raises 422 for a pack it has not."""
    other = sorted(packs.keys() - {layer.name for layer in profile.layers})
    if other:
        raise Problem(422, "UnknownPack", f"The profile {profile.label} has no pack {other[0]}.")
    return dataclasses.replace(
        profile, layers=tuple(_layer(layer, packs[layer.name]) if layer.name in packs else layer
                              for layer in profile.layers)
    )  # fmt: skip


def _layer(layer: Layer, sent: Json) -> Layer:
    contents = {str(part.get("name")): str(part.get("content") or "") for part in sent.get("manifests") or ()}
    manifests = tuple(
        dataclasses.replace(part, content=contents.get(part.name) or part.content) for part in layer.manifests
    )
    return dataclasses.replace(layer, values=str(sent.get("values") or "") or layer.values, manifests=manifests)


ROUTES = (
    Route("GET", protocol.PROFILE_DEFINITION, Access.READ, of_profile),
    Route("POST", wire.DEFINITION, Access.READ, of_cluster, body=palette.CLUSTER_DEFINITION_ENTITY),
)
