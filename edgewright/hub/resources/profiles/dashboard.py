"""Lists and searches of profiles (Palette's `/v1/dashboard/clusterprofiles`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

from edgewright.core.profiles import semver
from edgewright.hub.http import bodies
from edgewright.hub.http.filter_text import passes
from edgewright.hub.http.palette_bodies import profiles as palette
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.profiles import documents, stored
from edgewright.hub.profiles.index import ProfileIndex
from edgewright.hub.profiles.tables import ProfileRecord
from edgewright.hub.resources.profiles import access
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

Json = dict[str, Any]
Key = Callable[[ProfileRecord], Any]
_SORTS: dict[str, Key] = {
    "profileName": lambda record: record.name.casefold(),
    "environment": lambda record: str(stored.present(record)["cloudType"]),
    "profileType": lambda record: str(stored.present(record)["type"]),
    "creationTimestamp": lambda record: record.created,
    "lastModifiedTimestamp": lambda record: record.modified,
}


def _sorted(records: list[ProfileRecord]) -> list[ProfileRecord]:
    return sorted(records, key=lambda record: (record.name.casefold(), _version(record), record.uid))


def _version(record: ProfileRecord) -> tuple[Any, ...]:
    parsed = semver.parse(record.version)
    return (0, record.version) if parsed is None else (1, parsed.key)


def _shown(call: Call) -> list[ProfileRecord]:
    return [record for record in call.hub.part(ProfileIndex).by_uid.values() if access.visible(call, record)]


def _tags_match(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    def fold(value: str) -> str:
        return value.casefold() if rule.get("ignoreCase", True) else value

    tags = {fold(f"{key}:{value}" if value not in ("", "spectro__tag") else key) for key, value in labels.items()}
    return (
        all(fold(tag) in tags for tag in rule.get("eq") or ())
        and not any(fold(tag) in tags for tag in rule.get("ne") or ())
        and all(any(tag.startswith(fold(start)) for tag in tags) for start in rule.get("beginsWith") or ())
    )


def _version_matches(rule: Mapping[str, Any], version: str) -> bool:
    if rule.get("eq") and version != rule["eq"]:
        return False
    if rule.get("ne") and version == rule["ne"]:
        return False
    if rule.get("beginsWith") and not version.startswith(rule["beginsWith"]):
        return False
    parsed = semver.parse(version)
    for key, wanted in (("gt", 1), ("lt", -1)):
        if rule.get(key):
            bound = semver.parse(str(rule[key]))
            if parsed is None or bound is None or (parsed.key > bound.key) - (parsed.key < bound.key) != wanted:
                return False
    return True


def _passes(record: ProfileRecord, spec: Mapping[str, Any]) -> bool:
    """Return whether a profile is in a search (`v1ClusterProfileFilterSpec`); all conditions are required."""
    scope = spec.get("scope")
    if scope and scope != ("project" if record.project_uid else "tenant"):
        return False
    if not passes(record.name, spec.get("profileName") or {}):
        return False
    if not _version_matches(spec.get("version") or {}, record.version):
        return False
    if not (spec.get("profileType") or spec.get("environment") or spec.get("tags")):
        return True
    present = stored.present(record)
    if spec.get("profileType") and present["type"] not in spec["profileType"]:
        return False
    if spec.get("environment") and present["cloudType"] not in (*spec["environment"], "all"):
        return False
    return _tags_match(spec.get("tags") or {}, record.parts["metadata"].get("labels") or {})


async def search(call: Call) -> Response:
    """Search the profiles (`v1ClusterProfilesSummary`), paged."""
    body = await call.body()
    spec = body.get("filter") or {}
    results = []
    async with call.pace() as pace:
        for record in _sorted(_shown(call)):
            if _passes(record, spec):
                results.append(record)
            if pace.due:
                await pace.rest()
    for sort in reversed(body.get("sort") or ()):
        key = _SORTS.get(str(sort.get("field") or "profileName"), _SORTS["profileName"])
        results.sort(key=key, reverse=sort.get("order") == "desc")
    offset, limit = call.page()
    page = results[offset : offset + limit]
    items = [documents.summary(call.hub, record) for record in page]
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(page), len(results), limit)})


async def names(call: Call) -> Response:
    """List uid, name and version of the profiles (`v1ClusterProfilesMetadata`)."""
    items = []
    async with call.pace() as pace:
        for record in _sorted(_shown(call)):
            spec = {"version": record.version, "cloudType": stored.present(record)["cloudType"]}
            items.append({"metadata": {"uid": record.uid, "name": record.name}, "spec": spec})
            if pace.due:
                await pace.rest()
    return call.json({"items": items})


async def summary(call: Call) -> Response:
    """Return one profile as the search has it."""
    return call.json(documents.summary(call.hub, access.find(call)))


ROUTES = (
    Route(
        "POST", protocol.PROFILES_SEARCH, Access.READ, search, body=palette.CLUSTER_PROFILES_FILTER_SPEC,
        query=bodies.PAGE,
    ),
    Route("GET", protocol.PROFILES_NAMES, Access.READ, names),
    Route("GET", protocol.PROFILE_SUMMARY, Access.READ, summary),
)  # fmt: skip
