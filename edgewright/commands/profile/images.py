"""Actions: the verb that lists the container images of a profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import find
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.commands.profile import tool_verbs as declared
from edgewright.core.text import clean
from edgewright.store.collections.catalogue import profiles as calls
from edgewright.store.collections.document_values import parts, text, texts, value

_COLUMNS = (Column("IMAGE"), Column("LAYER"), Column("NAMED BY"), Column("STATE"))


class ProfileImages(declared.ProfileImages):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the profile. Raises `NotFound`, `Conflict`."""
        row = (await find(ctx, "profile", targets[0])).row
        return Plan(f"Images of {row.reference}", (), (row.uid,), (), self.cli_line((row.reference,), args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the images; what could not be computed is in the note."""
        document = await calls.images(await ctx.port(CanCall), plan.touches[0])
        items = tuple(_item(row) for row in parts(document, "images"))
        notes = [clean(sentence, 500) for sentence in texts(document, "problems")]
        unknown = ", ".join(clean(name, 100) for name in texts(document, "unknown"))
        if unknown:
            notes.append(f"Images of these layers are not known, since their packs are not stored: {unknown}.")
        return Outcome((), result=Listing(_COLUMNS, items, "This profile names no image.", "\n".join(notes)))


def _item(row: Mapping[str, Any]) -> Item:
    image = text(row, "image")
    state = "has no value yet" if value(row, "open") is True else "complete"
    return Item(image, (image, text(row, "layer"), text(row, "source"), state), dict(row))
