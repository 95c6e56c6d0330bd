"""Actions: verbs that create and delete SSH keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanManageKeys
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import entries, one_of
from edgewright.commands.key import verbs as declared
from edgewright.commands.key.files import read_public_key
from edgewright.core.errors import InvalidInput
from edgewright.core.slow_files import read_in_time
from edgewright.core.sshkey import read_key


class KeyCreate(declared.KeyCreate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read and check the key. Raises `InvalidInput`, `NotFound`."""
        name, file = str(args["name"]).strip(), str(args["public_key_file"])
        if not name or len(name) > 253 or not name.isprintable():
            raise InvalidInput("An SSH key needs a name of 1 to 253 printable characters.")
        text = await read_in_time(lambda: read_public_key(file), file)
        try:
            key = read_key(text)
        except ValueError as error:
            raise InvalidInput(f"The SSH key in {file} {str(error).rstrip(chr(46))}.") from None
        project = (await ctx.connection()).project_uid
        where = "the project in use" if project else "the tenant: every project lists it"
        lines = (f"{key.kind}, {key.bits} bits, {key.fingerprint} {key.comment}".strip(), f"It belongs to {where}.")
        return Plan(f"Add SSH key {name}", lines, (name,), (), self.cli_line(targets, args), None, text.strip())

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Add the key. Raises `Conflict` for a name or key that exists."""
        name = plan.touches[0]
        uid = await (await ctx.port(CanManageKeys)).create(name, plan.payload)
        return Outcome((uid,), (), f"SSH key {name} added.")


class KeyDelete(declared.KeyDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which keys. Raises `NotFound`, `Conflict`."""
        listed = await entries(ctx, "key")
        look = listed.look()
        keys = {row.uid: row for row in [one_of("key", listed.items, text).row for text in targets]}
        names = [key.name for key in keys.values()]
        lines = [f"{key.name}: {key.kind}, {key.fingerprint}, {look.project(key.project_uid)}" for key in keys.values()]
        lines.append("They are not offered any more; hosts that have them do not change.")
        title = f"Delete SSH key {names[0]}" if len(names) == 1 else f"Delete {len(names)} SSH keys"
        by_uid = dict(zip(keys, names, strict=True))
        return Plan(title, tuple(lines), tuple(keys), (), self.cli_line(names, {}), None, None, by_uid)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Delete, key by key."""
        keys = await ctx.port(CanManageKeys)
        return await for_each(plan, keys.delete, report, "deleted")
