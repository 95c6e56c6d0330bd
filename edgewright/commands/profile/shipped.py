"""Actions: the verb that lists the shipped profiles, and how one is read by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.commands.profile import tool_verbs as declared
from edgewright.config.nearest import suggestion
from edgewright.core.errors import NotFound
from edgewright.core.profiles import exchange
from edgewright.core.profiles.model import TYPES, Profile
from edgewright.core.text import clean
from edgewright.profiles import catalogue

_COLUMNS = (Column("PROFILE"), Column("VERSION"), Column("TYPE"), Column("ASKS FOR"), Column("LAYERS"))


class ProfileShipped(declared.ProfileShipped):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the shipped profiles, each with the variables that need a value."""
        profiles = await asyncio.to_thread(catalogue.profiles)
        items = tuple(Item(each.name, _cells(each), exchange.to_document(each)) for each in profiles)
        note = "Import one: edgewright profile import --shipped NAME"
        return Outcome((), result=Listing(_COLUMNS, items, note=note))


def _cells(profile: Profile) -> tuple[str, ...]:
    asks = [item.name for item in profile.variables if item.required and not item.default]
    layers = ", ".join(f"{layer.name} {layer.pack_version}" for layer in profile.ordered())
    return (profile.name, profile.version, TYPES[profile.type], ", ".join(asks) or "-", layers)


def shipped(name: str) -> Profile:
    """Return a shipped profile by its name. Blocking. Raises `NotFound`."""
    profiles = {each.name: each for each in catalogue.profiles()}
    if name not in profiles:
        message = f"No profile {clean(name, 80)} is shipped{suggestion(name, list(profiles))}."
        raise NotFound(message, "See them: edgewright profile shipped")
    return profiles[name]
