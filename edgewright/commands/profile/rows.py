"""Profiles that a user names: by uid, by `NAME:VERSION`, or by a name that has one version."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import Entry, entries, one_of


async def named_profiles(ctx: CommandContext, targets: Sequence[str]) -> list[Entry]:
    """Return the profiles in the order in which they are named, each once. Raises `NotFound`, `Conflict`."""
    items = (await entries(ctx, "profile")).items
    result: dict[str, Entry] = {}
    for text in targets:
        entry = one_of("profile", items, text)
        result[entry.row.uid] = entry
    return list(result.values())
