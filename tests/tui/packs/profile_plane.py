"""A plane with versions of profiles, made of the shipped ones, and their packs: what the screens of profiles read."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from edgewright.core.errors import Failed
from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import Profile
from edgewright.packs import catalogue as packs
from edgewright.profiles import catalogue as shipped
from edgewright.wire import protocol
from tests.tui.plane import FakePlane

MODIFIED = "2026-11-22T08:00:00.000Z"


class Reply(NamedTuple):
    data: Any


def _changed(profile: Profile) -> Profile:
    """Return the version after: a value of the OS, a stage, one of Kubernetes, and a layer more."""
    layers = []
    for layer in profile.layers:
        text = layer.values.replace("force: false", "force: true").replace("Period: 60s", "Period: 90s")
        text = text.replace("stages: {}", "stages:\n  boot:\n    - name: clock")
        layers.append(replace(layer, values=text))
    return replace(profile, layers=tuple(layers))


@cache
def versions() -> dict[str, tuple[Profile, str]]:
    """Return profiles with their state, by uid."""
    by_name = {profile.name: profile for profile in shipped.profiles()}
    shop = replace(by_name["one-node"], name="shop-small", description="Tills and cameras of a shop")
    large = by_name["three-control-planes-addons"]
    return {
        "p-1": (shop, "published"),
        "p-2": (replace(_changed(shop), version="1.1.0"), "changed"),
        "p-4": (replace(shop, version="1.10.0", layers=shop.layers[:2]), "draft"),
        "p-3": (replace(large, name="clinic-three-control-planes", version="0.9.0"), "draft"),
    }


def summary(uid: str, labels: dict[str, str]) -> dict[str, Any]:
    """Return a version as the plane's search has it."""
    profile, state = versions()[uid]
    rows = [
        {"layer": each.kind, "name": each.name, "tag": each.pack_version, "type": "spectro",
         "packUid": f"{each.name} {each.pack_version}"} for each in profile.layers
    ]  # fmt: skip
    template = {"type": profile.type, "cloudType": "edge-native", "packs": rows}
    parts = {"draft": ("draft",), "published": ("published",), "changed": ("draft", "published")}[state]
    clusters = [{"uid": "c-1", "name": "harbour"}] if uid == "p-1" else []
    return {
        "metadata": {
            "uid": uid,
            "name": profile.name,
            "labels": labels,
            "annotations": {"scope": "tenant", "description": profile.description},
            "lastModifiedTimestamp": MODIFIED,
        },
        "specSummary": {
            "version": profile.version,
            "versions": [],
            **dict.fromkeys(parts, template),
            "edgewright": {"variables": [each.name for each in profile.variables], "macros": []},
        },
        "status": {"isPublished": state != "draft", "inUseClusters": clusters},
    }


def tag_entity(uid: str) -> dict[str, Any]:
    """Return a pack with its values and schema (`v1PackTagEntity`)."""
    name, _, version = uid.partition(" ")
    pack = next(each for each in packs.packs() if (each.name, each.version) == (name, version))
    rows = [
        {"name": each.name, "required": each.required, "readonly": each.readonly, "format": each.format,
         "hints": list(each.hints)} for each in pack.schema
    ]  # fmt: skip
    values = {"packUid": uid, "values": pack.values, "presets": [], "schema": rows, "readme": ""}
    tags = [{"packUid": uid, "tag": version, "version": version}]
    return {"name": name, "layer": pack.layer, "displayName": pack.title, "tags": tags, "packValues": [values]}


class ProfilePlane(FakePlane):
    """Answers what the screens and verbs of profiles ask; `broken` are packs that its registry does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: dict[str, dict[str, str]] = {uid: {"team": "shops"} if uid == "p-1" else {} for uid in versions()}
        self.broken: set[str] = set()
        self.wrote: list[tuple[str, str, Any]] = []

    async def port(self, wanted: type) -> Any:
        return self

    async def call(self, method: str, path: str, *_: Any, body: Any = None, **__: Any) -> Reply:
        self._called(method, path)
        if method != "GET" and path != protocol.PROFILES_SEARCH:
            self.wrote.append((method, path, body))
            if path.endswith("/metadata"):
                self.labels[path.split("/")[-2]] = body["metadata"]["labels"]
            return Reply({"uid": "p-new"})
        if path == protocol.PROFILES_SEARCH:
            items = [summary(uid, self.labels[uid]) for uid in versions()]
            return Reply({"items": items, "listmeta": {"count": len(items)}})
        if path.startswith("/v1/spectroclusters/"):
            values = [{"name": "podCidr", "value": "10.7.0.0/16"}, {"name": "treeRef", "value": "********"}]
            return Reply([{"profileUid": "p-1", "variables": values}])
        if path.endswith("/export"):
            return Reply(json.dumps(exchange.to_document(versions()[path.split("/")[-2]][0])).encode())
        if path.startswith("/v1/packs/"):
            uid = path.rpartition("/")[2].replace("%20", " ")
            if uid in self.broken:
                raise Failed(f"The registry does not have {uid}.")
            return Reply(tag_entity(uid))
        return Reply({"items": [], "macros": []})
