"""Actions: the verb that writes a cluster definition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import entries, one_of
from edgewright.commands.profile import tool_verbs as declared
from edgewright.core.errors import InvalidInput
from edgewright.core.profiles import definition, exchange
from edgewright.core.profiles.problems import raise_errors
from edgewright.core.profiles.secrets import to_give_again
from edgewright.core.small_file import local_path
from edgewright.core.text import amount
from edgewright.profiles.archive import write_archive
from edgewright.profiles.prepare import prepare
from edgewright.store.collections.catalogue import profiles as calls
from edgewright.store.collections.catalogue.profiles import ProfileRow


class ProfileDefinition(declared.ProfileDefinition):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the profiles and check that they make one cluster. Raises `NotFound`, `InvalidDocument`."""
        items = (await entries(ctx, "profile")).items
        rows: dict[str, ProfileRow] = {}
        for text in targets:
            row = one_of("profile", items, text).row
            rows[row.uid] = row
        client = await ctx.port(CanCall)
        profiles = [exchange.from_document(await calls.exported(client, uid)) for uid in rows]
        name = str(args.get("name") or "").strip() or profiles[0].name
        raise_errors(f"The cluster definition {name}", definition.check(profiles))
        masked = await asyncio.to_thread(
            lambda: [f"{each.label}, {open_.place()}" for each in profiles for open_ in _covered(each)]
        )
        lines = [f"{each.label}: {amount(len(each.layers), 'layer')}" for each in profiles]
        if masked and not args.get("covered"):
            message = f"The plane covers {amount(len(masked), 'value')} of these profiles: {'; '.join(masked[:5])}."
            raise InvalidInput(
                message, "Write it without them: --covered; they have to be given at the host.", "Masked"
            )
        lines += [f"{place}: covered, to be given at the host" for place in masked[:20]]
        names = {row.uid: row.reference for row in rows.values()}
        cli = self.cli_line(tuple(names.values()), args)
        path = local_path(str(args["out"]))
        if path.suffix not in (".tgz", ".gz"):
            raise InvalidInput(f"{path} does not end in .tgz.", "Name a file like site.tgz.")
        return Plan(f"Write {path}", tuple(lines), tuple(rows), (), cli, None, (path, name, profiles), names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Write the file, for its owner alone. Raises `Failed` where it cannot be written."""
        path, name, profiles = plan.payload
        size = await asyncio.to_thread(write_archive, path, name, profiles)
        return Outcome(plan.touches, (), f"{path} written: {amount(len(profiles), 'profile')}, {size} bytes.")


def _covered(profile: Any) -> list[Any]:
    return to_give_again(profile, prepare(profile).layers)
