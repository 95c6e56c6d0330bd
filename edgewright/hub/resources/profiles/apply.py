"""`POST /edgewright/v1/profiles/apply`: make a version of a profile what a document has, or report that it is so.

The document is that of Palette's import. The same document sent again changes nothing, so a directory in git can be
applied by a pipeline. With `dryRun=true` nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from starlette.responses import Response

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.changes import changed_parts, with_covered
from edgewright.core.profiles.imports import PackSource
from edgewright.core.profiles.model import FIRST_VERSION, Profile
from edgewright.core.profiles.secrets import to_give_again
from edgewright.core.profiles.variables import COVER
from edgewright.hub.http import shapes
from edgewright.hub.http.palette_bodies import profiles as palette
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.profiles import stored
from edgewright.hub.profiles.index import ProfileIndex
from edgewright.hub.resources.profiles import access, exchange, routes
from edgewright.hub.resources.profiles.access import Edited, Stored
from edgewright.profiles.prepare import prepare
from edgewright.wire import protocol
from edgewright.yamltext.values import read_values

Json = dict[str, Any]
CREATED, CHANGED, PUBLISHED, NONE = "created", "changed", "published", "none"
_SHOWN = 50
"""Parts that an answer names one by one."""


class _Change(NamedTuple):
    edited: Edited
    parts: tuple[str, ...]
    masked: tuple[str, ...]


async def apply(call: Call) -> Response:
    """Create or change a version; the answer has what was done and which parts changed."""
    body = await call.body()
    query = call.request.query_params
    dry, publish = query.get("dryRun") == "true", query.get("publish") == "true"
    profile = await access.work(call, lambda: exchange.read(body))
    sources = await exchange.sources_of(call, profile)
    known = call.hub.part(ProfileIndex).versions(call.project, profile.name)
    version = profile.version or FIRST_VERSION
    uid = next((uid for uid, other in known.items() if other == version), "")
    if not uid:
        return await _create(call, body, profile, sources, dry, publish)
    return await _update(call, uid, body, profile, sources, dry, publish)


async def _create(
    call: Call, body: Json, profile: Profile, sources: Mapping[str, list[PackSource]], dry: bool, publish: bool
) -> Response:
    masked = await access.work(call, lambda: _masked(profile))
    uid = ""
    if dry:
        exchange.template_of(profile, body, sources)
    else:
        uid = await exchange.insert(call, body, profile, sources, publish)
    return _answer(call, uid, CREATED, publish, (), masked)


async def _update(
    call: Call,
    uid: str,
    body: Json,
    profile: Profile,
    sources: Mapping[str, list[PackSource]],
    dry: bool,
    publish: bool,
) -> Response:
    call.params = {**call.params, "uid": uid}
    template = exchange.template_of(profile, body, sources)
    before = await access.read(call, access.writable(call))
    change = await access.work(call, partial(_changed, call, before, template, body, profile))
    due = publish and (before.draft is not None or bool(change.parts))
    action = CHANGED if change.parts else PUBLISHED if due else NONE
    if not dry and change.parts:
        edit = partial(_edit, call, template, body, profile)
        await access.change(call, "update", edit)
    if not dry and due:
        await routes.publish(call)
    published = due or (before.record.published and before.draft is None and not change.parts)
    return _answer(call, uid, action, published, change.parts, change.masked)


def _edit(call: Call, template: Json, body: Json, profile: Profile, now: Stored) -> Edited:
    return _changed(call, now, template, body, profile).edited


def _changed(call: Call, now: Stored, template: Json, body: Json, profile: Profile) -> _Change:
    """Return the content after the document, and what of it is another. Covered values are the stored ones. Blocking.

    Raises 422 for a covered value that is not stored: it would replace a secret by asterisks.
    """
    views, box = call.hub.part(PackIndex).views, call.hub.box
    record = now.record
    content = stored.template(template, now.present, views, box, exchange.variables_of(body))
    old = {str(item["name"]): item for item in now.present.get("packs") or ()}
    content["packs"] = [_uncovered(item, old.get(str(item["name"]), {})) for item in content["packs"]]
    metadata = exchange.metadata_of(profile, now.metadata)
    models = [
        stored.profile(record.name, record.version, meta, parts, box)
        for meta, parts in ((now.metadata, now.present), (metadata, content))
    ]
    open_ = _masked(models[1])
    if open_ and open_ != _masked(models[0]):
        raise stored.refused(InvalidInput(f"{', '.join(open_[:5])}: the value is masked and not stored here.",
                                          "Give the value.", "Masked"))  # fmt: skip
    parts = changed_parts(*models)
    text = "it is applied from a document"
    edited = Edited(text, content, now.live, metadata, record.name, record.version, record.published)
    return _Change(edited, parts, open_)


def _uncovered(item: Json, before: Json) -> Json:
    """Return a pack whose covered values are those that are stored."""
    values, old = str(item.get("values") or ""), str(before.get("values") or "")
    if COVER not in values or not old:
        return item
    try:
        return {**item, "values": with_covered(read_values(values), read_values(old))}
    except InvalidInput:
        return item  # the check of the values names the line


def _masked(profile: Profile) -> tuple[str, ...]:
    """Return the places of covered values: they have to be given before a publish."""
    return tuple(problem.place() for problem in to_give_again(profile, prepare(profile).layers))


def _answer(
    call: Call, uid: str, action: str, published: bool, parts: tuple[str, ...], masked: tuple[str, ...]
) -> Response:
    listed = [*parts[:_SHOWN], *([f"{len(parts) - _SHOWN} more"] if len(parts) > _SHOWN else [])]
    answer = {"uid": uid, "change": action, "published": published, "parts": listed, "masked": list(masked[:_SHOWN])}
    return call.json(answer)


_RETURNS = shapes.obj(
    uid=shapes.text(),
    change=shapes.text(16, CREATED, CHANGED, PUBLISHED, NONE),
    published=shapes.FLAG,
    parts=shapes.TEXTS,
    masked=shapes.TEXTS,
)
ROUTES = (
    Route(
        "POST", protocol.OWN_PROFILES_APPLY, Access.WRITE, apply, body=palette.CLUSTER_PROFILE_IMPORT_ENTITY,
        query={"publish": shapes.text(8), "dryRun": shapes.text(8)}, returns=_RETURNS,
    ),
)  # fmt: skip
