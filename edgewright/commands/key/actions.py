"""Actions: verbs about SSH keys: list, show, create, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanManageKeys
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Listing
from edgewright.commands.key import rows
from edgewright.commands.key import verbs as declared
from edgewright.commands.key.files import read_public_key
from edgewright.core import times
from edgewright.core.errors import InvalidInput
from edgewright.core.filters.fields import SSH_KEY_FIELDS
from edgewright.core.filters.filters import parse
from edgewright.core.sshkey import read_key


class KeyCreate(declared.KeyCreate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read and check the key. Raises `InvalidInput`, `NotFound`."""
        name, file = str(args["name"]).strip(), str(args["public_key_file"])
        if not name or len(name) > 253 or not name.isprintable():
            raise InvalidInput("An SSH key needs a name of 1 to 253 printable characters.")
        text = await asyncio.to_thread(read_public_key, file)  # a path may be a pipe, or on a dead share
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


class KeyList(declared.KeyList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the keys that match, by name. Raises `InvalidInput` for a filter that cannot be read."""
        wanted = parse(" ".join(args.get("filter") or ()), SSH_KEY_FIELDS)
        found = [key for key in await rows.every_key(ctx) if wanted.matches(key.get)]
        now = times.now()
        add = "No SSH key yet; add one: edgewright key create NAME --public-key-file FILE"
        empty = "No SSH key matches." if args.get("filter") else add
        return Outcome((), result=Listing(rows.COLUMNS, tuple(rows.item(key, now) for key in found), empty))


class KeyShow(declared.KeyShow):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return one key. Raises `NotFound`, `Conflict`."""
        return Outcome((), result=rows.detail(await rows.find_key(ctx, plan.touches[0]), times.now()))


class KeyDelete(declared.KeyDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which keys. Raises `NotFound`, `Conflict`."""
        keys = {key.uid: key for key in [await rows.find_key(ctx, word) for word in targets]}
        names = [key.name for key in keys.values()]
        lines = [f"{key.name}: {key.kind}, {key.fingerprint}, {key.project}" for key in keys.values()]
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
