"""What the layers of a profile resolve with: the packs that they mean, with their texts, and macros."""

from __future__ import annotations

from dataclasses import replace

from edgewright.core.packs.pack import Pack
from edgewright.core.profiles.model import Layer, Profile
from edgewright.core.profiles.scope import Macro
from edgewright.hub.packs import use
from edgewright.hub.packs.index import OWN, PackIndex, View
from edgewright.hub.profiles.index import MacroIndex
from edgewright.hub.services import Services
from edgewright.packs import catalogue


async def packs_of(hub: Services, profile: Profile, fetch: bool = False, caller: str = "") -> dict[str, Pack | None]:
    """Return the packs of the layers by layer key, with their texts; those that this plane does not have are left out.

    With `fetch` what only a registry lists is fetched first, which raises `Problem`: for admins alone. Fetches count as
    those of `caller`.
    """
    index = hub.part(PackIndex)
    result: dict[str, Pack | None] = {}
    for layer in profile.layers:
        view = None if layer.type == "manifest" else next(iter(views_of(index, layer)), None)
        if view is not None and fetch:
            view = await use.fetched(hub, view, caller)
        if view is not None and view.pack is not None:
            values, readme = (await use.texts(hub, [view]))[view.uid]
            result[layer.key] = replace(view.pack, values=values, readme=readme)
    return result


def resolving_macros(hub: Services, project: str) -> dict[str, Macro]:
    """Return the macros with which a profile resolves in a project: those of the project over the tenant's."""
    index, box = hub.part(MacroIndex), hub.box
    result: dict[str, Macro] = {}
    for of in dict.fromkeys(("", project)):
        for name, record in index.of(of).items():
            result[name] = Macro(box.unseal(record.value_encrypted), "project" if of else "tenant", record.masked)
    return result


def views_of(index: PackIndex, layer: Layer) -> list[View]:
    """Return the packs that a layer may mean: that of its registry, else those of all, the hub's own first."""
    registries = [layer.registry.uid] if layer.registry.uid else [*OWN, *index.registries]
    uids = [catalogue.uid(registry, layer.name, layer.pack_version) for registry in registries]
    return [index.views[uid] for uid in uids if uid in index.views]
