"""A version of a profile at the plane that is the base of another one, or is changed itself."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.core.errors import EdgewrightError
from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import Layer, Manifest, Profile
from edgewright.core.profiles.variables import COVER
from edgewright.store.collections.catalogue import profiles as calls
from edgewright.store.collections.document_values import parts, text

if TYPE_CHECKING:
    from edgewright.clients.ports import CanCall


class Base(NamedTuple):
    """A version that exists, with its uid. Defaults of its masked variables are covered: only the plane knows them."""

    uid: str
    profile: Profile

    @property
    def has_masked(self) -> bool:
        """Whether something of it is known to the plane alone."""
        return any(variable.masked and variable.default == COVER for variable in self.profile.variables)


async def load_profile(client: CanCall, uid: str) -> Base:
    """Return a version with its values as they are stored. Raises `NotFound`."""
    document = await calls.exported(client, uid)
    present = await calls.present(client, uid)
    has_manifests = any(parts(pack, "manifests") for pack in present)
    manifests = await calls.manifests(client, uid) if has_manifests else [{} for _ in present]
    profile = await asyncio.to_thread(exchange.from_document, document)
    rows = zip(profile.layers, present, manifests, strict=False)
    layers = tuple(_layer(layer, pack, texts) for layer, pack, texts in rows)
    return Base(uid, dataclasses.replace(profile, uid=uid, layers=layers or profile.layers))


def _layer(layer: Layer, pack: Mapping[str, Any], contents: Mapping[str, str]) -> Layer:
    """Return a layer with its values in the clear: an export covers what the schema of its pack calls a password."""
    registry = dataclasses.replace(layer.registry, uid=text(pack, "registryUid"))
    own = tuple(Manifest(item.name, contents.get(item.name, item.content)) for item in layer.manifests)
    values = pack.get("values")
    return dataclasses.replace(
        layer, registry=registry, manifests=own, values=values if isinstance(values, str) else layer.values
    )


async def store_changes(client: CanCall, profile: Profile, base: Base, *, publish: bool, edit: bool) -> str:
    """Change the version of `base`, or a copy of it, into `profile`; returns the uid. A copy that fails is deleted.

    The default of a masked variable that is still covered stays as it is. Raises what the plane reports.
    """
    uid = base.uid if edit else await calls.clone(client, base.uid, profile.name, profile.version)
    try:
        await calls.apply(client, exchange.to_document(profile, secrets=True), publish)
    except (EdgewrightError, asyncio.CancelledError):
        if not edit:
            await calls.delete(client, uid)
        raise
    return uid
