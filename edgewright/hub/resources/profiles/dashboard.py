"""Lists and searches of profiles (Palette's `/v1/dashboard/clusterprofiles`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from edgewright.core.profiles import semver
from edgewright.hub.http import bodies
from edgewright.hub.http.filter_text import order, passes
from edgewright.hub.http.palette_bodies import profiles as palette
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.profiles import documents
from edgewright.hub.profiles.entries import Entry
from edgewright.hub.profiles.index import ProfileIndex
from edgewright.hub.resources.profiles import access
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

Json = dict[str, Any]
Entries = Sequence[Entry]
_SORTS: dict[str, Callable[[Entry], Any]] = {
    "profileName": lambda entry: entry.folded,
    "environment": lambda entry: entry.cloud,
    "profileType": lambda entry: entry.kind,
    "creationTimestamp": lambda entry: entry.record.created,
    "lastModifiedTimestamp": lambda entry: entry.record.modified,
}
_PIECE = 2_000
"""Profiles that are looked at before the work may give way."""


def _shown(call: Call) -> Entries:
    """Return the profiles that the caller sees, by name and version."""
    ordered, scope = call.hub.part(ProfileIndex).ordered(), call.scope
    if scope.everything:
        return ordered
    return [entry for entry in ordered if not entry.record.project_uid or scope.covers(entry.record.project_uid)]


def _pieces(entries: Entries) -> Iterator[Entries]:
    return (entries[start : start + _PIECE] for start in range(0, len(entries), _PIECE))


def _by_name(entries: Entries, rule: Mapping[str, Any]) -> Entries:
    """Return those whose name passes a condition; one without case is on names that are folded already."""
    if not rule:
        return entries
    if not rule.get("ignoreCase", True):
        return [entry for entry in entries if passes(entry.record.name, rule)]
    folded = {key: str(rule[key]).casefold() for key in ("eq", "ne", "contains", "beginsWith") if rule.get(key)}
    if "eq" in folded:
        entries = [entry for entry in entries if entry.folded == folded["eq"]]
    if "ne" in folded:
        entries = [entry for entry in entries if entry.folded != folded["ne"]]
    if "contains" in folded:
        part = folded["contains"]
        entries = [entry for entry in entries if part in entry.folded]
    if "beginsWith" in folded:
        begin = folded["beginsWith"]
        entries = [entry for entry in entries if entry.folded.startswith(begin)]
    return entries


def _by_version(entries: Entries, rule: Mapping[str, Any]) -> Entries:
    if rule.get("eq"):
        entries = [entry for entry in entries if entry.record.version == rule["eq"]]
    if rule.get("ne"):
        entries = [entry for entry in entries if entry.record.version != rule["ne"]]
    if rule.get("beginsWith"):
        entries = [entry for entry in entries if entry.record.version.startswith(rule["beginsWith"])]
    for name in ("gt", "lt"):
        if not rule.get(name):
            continue
        parsed = semver.parse(str(rule[name]))
        if parsed is None:
            return []
        bound = parsed.key
        known = [entry for entry in entries if entry.version_key is not None]
        if name == "gt":
            entries = [entry for entry in known if entry.version_key > bound]  # type: ignore[operator]
        else:
            entries = [entry for entry in known if entry.version_key < bound]  # type: ignore[operator]
    return entries


def _by_tags(entries: Entries, rule: Mapping[str, Any]) -> Entries:
    if not any(rule.get(name) for name in ("eq", "ne", "beginsWith")):
        return entries
    folds = rule.get("ignoreCase", True)
    equal, unequal, begins = (
        [str(tag).casefold() if folds else str(tag) for tag in rule.get(name) or ()]
        for name in ("eq", "ne", "beginsWith")
    )
    needed, unwanted = frozenset(equal), frozenset(unequal)
    pairs = [(entry, entry.folded_tags if folds else entry.tags) for entry in entries]
    pairs = [(entry, tags) for entry, tags in pairs if needed <= tags and not unwanted & tags]
    for begin in begins:
        pairs = [(entry, tags) for entry, tags in pairs if any(tag.startswith(begin) for tag in tags)]
    return [entry for entry, _ in pairs]


def _narrowed(entries: Entries, spec: Mapping[str, Any]) -> Entries:
    """Return the profiles that are in a search (`v1ClusterProfileFilterSpec`); all conditions are required."""
    scope = spec.get("scope")
    if scope:
        entries = [entry for entry in entries if scope == ("project" if entry.record.project_uid else "tenant")]
    entries = _by_name(entries, spec.get("profileName") or {})
    entries = _by_version(entries, spec.get("version") or {})
    if spec.get("profileType"):
        kinds = frozenset(spec["profileType"])
        entries = [entry for entry in entries if entry.kind in kinds]
    if spec.get("environment"):
        clouds = frozenset((*spec["environment"], "all"))
        entries = [entry for entry in entries if entry.cloud in clouds]
    return _by_tags(entries, spec.get("tags") or {})


async def search(call: Call) -> Response:
    """Search the profiles (`v1ClusterProfilesSummary`), paged."""
    body = await call.body()
    spec = body.get("filter") or {}
    results: list[Entry] = []
    async with call.pace() as pace:
        for piece in _pieces(_shown(call)):
            results += _narrowed(piece, spec)
            if pace.due:
                await pace.rest()
        for field, descending in order(body, "profileName"):
            results.sort(key=_SORTS.get(field, _SORTS["profileName"]), reverse=descending)
            if pace.due:
                await pace.rest()
    offset, limit = call.page()
    page = results[offset : offset + limit]
    items = [documents.summary(call.hub, entry.record) for entry in page]
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(page), len(results), limit)})


async def names(call: Call) -> Response:
    """List uid, name and version of the profiles (`v1ClusterProfilesMetadata`)."""
    items: list[Json] = []
    async with call.pace() as pace:
        for piece in _pieces(_shown(call)):
            items += [
                {
                    "metadata": {"uid": entry.record.uid, "name": entry.record.name},
                    "spec": {"version": entry.record.version, "cloudType": entry.cloud},
                }
                for entry in piece
            ]
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
