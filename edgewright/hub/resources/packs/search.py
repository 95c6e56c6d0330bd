"""Which packs a list or a search means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from edgewright.core.filters import palette as listfilter
from edgewright.hub.http.filter_text import order, passes
from edgewright.hub.http.problems import bad_request
from edgewright.hub.packs.index import PackIndex, View

_PROPERTIES: dict[str, Callable[[View], str]] = {
    "metadata.uid": lambda view: view.uid,
    "metadata.name": lambda view: view.name,
    "spec.name": lambda view: view.name,
    "spec.version": lambda view: view.version,
    "spec.layer": lambda view: view.layer,
    "spec.type": lambda view: view.kind,
    "spec.displayName": lambda view: view.title,
    "spec.registryUid": lambda view: view.registry_uid,
    "spec.addonType": lambda view: view.pack.addon_type if view.pack else "",
    "spec.cloudTypes": lambda view: "",
}
_SORTS: dict[str, Callable[[View], str]] = {
    "name": lambda view: view.name,
    "type": lambda view: view.kind,
    "layer": lambda view: view.layer,
    "addOnType": lambda view: view.pack.addon_type if view.pack else "",
    "displayName": lambda view: view.title.casefold(),
}


def filtered(index: PackIndex, text: str) -> list[View]:
    """Return the versions that `filters` leaves (Palette's older dialect); raises 400 for a filter that is wrong.

    `spec.cloudTypes=edge-native` matches packs for that cloud and for all of them.
    """
    try:
        alternatives = listfilter.parse(text, _PROPERTIES)
    except ValueError as error:
        raise bad_request(str(error)) from None
    if not alternatives:
        return list(index.views.values())
    return [
        view
        for view in index.views.values()
        if any(all(_matches(view, term) for term in terms) for terms in alternatives)
    ]


def _matches(view: View, term: listfilter.Term) -> bool:
    if term.property == "spec.cloudTypes":
        return _for_cloud(view, term.value) != term.negated
    return (_PROPERTIES[term.property](view) == term.value) != term.negated


def _for_cloud(view: View, cloud: str) -> bool:
    clouds = view.pack.cloud_types if view.pack is not None else ()
    return not clouds or "all" in clouds or cloud in clouds


def searched(index: PackIndex, body: Mapping[str, Any]) -> list[list[View]]:
    """Return what a search finds (`v1PacksFilterSpec`): versions of one name, layer and kind together."""
    spec = body.get("filter") or {}
    wanted: dict[str, Callable[[View], str]] = {
        "layer": lambda view: view.layer,
        "type": lambda view: view.kind,
        "registryUid": lambda view: view.registry_uid,
        "addOnType": lambda view: view.pack.addon_type if view.pack else "",
        "addOnSubType": lambda view: view.pack.addon_subtype if view.pack else "",
    }
    views: Iterable[View] = index.views.values()
    for key, value in wanted.items():
        allowed = set(spec.get(key) or ())
        if allowed:
            views = [view for view in views if value(view) in allowed]
    clouds = spec.get("environment") or ()
    if clouds:
        views = [view for view in views if any(_for_cloud(view, cloud) for cloud in clouds)]
    sources = set(spec.get("source") or ())
    if sources:
        views = [view for view in views if view.pack and view.pack.annotations.get("source") in sources]
    if spec.get("isFips"):
        views = [view for view in views if view.pack and view.pack.annotations.get("fips") == "true"]
    for key in ("name", "displayName"):
        rule = spec.get(key) or {}
        if rule:
            views = [view for view in views if passes(view.name if key == "name" else view.title, rule)]
    groups: dict[tuple[str, str, str], list[View]] = {}
    for view in views:
        groups.setdefault((view.name, view.layer, view.kind), []).append(view)
    results = list(groups.values())
    for field, descending in order(body, "name") or [("name", False)]:
        key_of = _SORTS.get(field, _SORTS["name"])
        results.sort(key=lambda group: key_of(group[0]), reverse=descending)
    return results
