"""A plane for the profile wizard: built-in catalogue, a Helm registry, profiles in a dict, and what was sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from edgewright.core.errors import Conflict, EdgewrightError, NotFound
from edgewright.core.packs.pack import Pack
from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import Profile
from edgewright.hub.packs import pack_documents
from edgewright.hub.packs.index import BUILTIN, Listed, PackIndex, View
from edgewright.packs import catalogue
from edgewright.packs.catalogue import uid as pack_uid
from edgewright.profiles.catalogue import profiles
from edgewright.wire import protocol
from tests.tui.plane import FakePlane

CHARTS = "5f2b00000000000000000001"


class Reply(NamedTuple):
    data: Any


@cache
def index() -> PackIndex:
    return PackIndex([], [])


@cache
def views() -> dict[str, View]:
    """Return the built-in packs, and two versions of a chart that only a registry lists."""
    found = dict(index().views)
    for version in ("2.1.0", "2.0.0"):
        listed = Listed("echo", version, "helm", "Answers with what it was asked")
        uid = pack_uid(CHARTS, "echo", version)
        found[uid] = View(uid, CHARTS, "echo", version, "addon", "helm", None, next(iter(found.values())).rank, listed)
    return found


def charts_pack(version: str) -> Pack:
    return Pack("echo", version, "addon", "Echo", "helm", "charts:\n  echo:\n    replicas: 1\n")


def values_of(uid: str) -> str:
    view = views()[uid]
    shipped = {(pack.name, pack.version): pack.values for pack in catalogue.packs()}
    return shipped.get((view.name, view.version), "")


def pack_document(uid: str, values: bool) -> dict[str, Any]:
    view = views()[uid]
    if view.registry_uid == CHARTS and values:
        view = view._replace(pack=charts_pack(view.version), stored=True)
        return pack_documents.summary(view, charts_pack(view.version).values, "charts")
    name = "charts" if view.registry_uid == CHARTS else catalogue.NAME
    return pack_documents.summary(view, values_of(uid) if values else "", name)


def shipped(name: str = "one-node", version: str = "1.0.0", **changes: Any) -> Profile:
    """Return a shipped profile, with the registry of its packs."""
    profile = next(item for item in profiles() if item.name == name)
    return replace(profile, version=version, **changes)


class ProfilePlane(FakePlane):
    """Answers what the wizard asks. `sent` are the documents that were stored, `gate` delays a pack."""

    def __init__(self, *known: Profile, macros: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.known = {f"prof-{number}": profile for number, profile in enumerate(known, 1)}
        self.macros = dict(macros or {})
        self.sent: list[tuple[str, Any, Any]] = []
        self.refused: EdgewrightError | None = None
        self.pack_gate: asyncio.Event | None = None

    async def port(self, wanted: type) -> Any:
        return self

    async def call(
        self, method: str, path: str, what: str, *, body: Any = None, params: Any = None, **more: Any
    ) -> Reply:
        self._called(path, what)
        if method == "GET" and path == protocol.OWN_PACKS:
            rows = {
                (view.registry_uid, view.name if view.pack is None else uid): uid
                for uid, view in reversed(views().items())
            }
            return Reply({"items": [pack_document(uid, False) for uid in rows.values()]})
        if path == protocol.PROFILES_SEARCH:
            return Reply({"items": [self._row(uid) for uid in self.known], "listmeta": {"count": len(self.known)}})
        if path == protocol.PROFILES_MACROS:
            return Reply({"macros": [{"name": name, "value": value} for name, value in self.macros.items()]})
        uid = path.rsplit("/", 1)[-1]
        if method == "GET" and path.startswith(protocol.OWN_PACKS):
            if self.pack_gate is not None:
                await self.pack_gate.wait()
            return Reply(pack_document(uid, True))
        if "/registries/" in path:
            name = path.split("/")[3]
            versions = [view for view in views().values() if view.name == name and view.registry_uid == uid]
            return Reply(pack_documents.tag_entity(versions, []))
        return self._profiles(method, path, body, params)

    def _profiles(self, method: str, path: str, body: Any, params: Any) -> Reply:
        parts = path.split("/")
        uid = parts[3] if len(parts) > 3 else ""
        if path in (protocol.PROFILES_IMPORT, protocol.OWN_PROFILES_APPLY) or path.endswith("/clone"):
            if self.refused is not None:
                raise self.refused
            self.sent.append((path, body, params))
            if path.endswith("/clone"):
                made = body["metadata"]
                self.known["prof-copy"] = replace(self.known[uid], name=made["name"], version=made["version"])
                return Reply({"uid": "prof-copy"})
            name, version = body["metadata"]["name"], body["spec"]["version"]
            same = next((uid for uid, item in self.known.items() if (item.name, item.version) == (name, version)), "")
            if same and path == protocol.PROFILES_IMPORT:
                raise Conflict(f"The cluster profile '{name}' {version} exists already.", "Use another version.")
            uid = same or f"prof-{len(self.known) + 1}"
            self.known[uid] = exchange.from_document(body)
            return Reply({"uid": uid, "change": "created", "published": False, "parts": [], "masked": []})
        if uid not in self.known:
            raise NotFound(f"There is no profile {uid}.")
        if method == "DELETE":
            del self.known[uid]
            return Reply(None)
        profile = self.known[uid]
        if path.endswith("/export"):
            return Reply(exchange.to_document(profile))
        if path.endswith("/manifests"):
            rows = [
                [{"name": item.name, "content": item.content} for item in layer.manifests] for layer in profile.layers
            ]
            return Reply({"spec": {"packs": [{"spec": {"manifests": row}} for row in rows]}})
        packs = [
            {
                "name": layer.name,
                "values": layer.values,
                "registryUid": BUILTIN,
                "manifests": [{"name": part.name} for part in layer.manifests],
            }
            for layer in profile.layers
        ]
        return Reply({"spec": {"draft": {"packs": packs}}})

    def _row(self, uid: str) -> dict[str, Any]:
        profile = self.known[uid]
        packs = [{"layer": item.kind, "name": item.name, "tag": item.pack_version} for item in profile.layers]
        return {
            "metadata": {"uid": uid, "name": profile.name, "annotations": {"scope": "tenant"}},
            "specSummary": {"version": profile.version, "draft": {"type": profile.type, "packs": packs}},
            "status": {"isPublished": False},
        }
