"""Actions: verbs about contexts: which planes this user works with, and with which key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.commands.context import verbs as declared
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.greet import activated, greet
from edgewright.commands.kernel.results import Column, Item, Listing
from edgewright.config import contexts
from edgewright.config.contexts import check_name, check_urls
from edgewright.config.credentials import read_key_file
from edgewright.core.errors import UsageError
from edgewright.core.slow_files import read_in_time


class ContextAdd(declared.ContextAdd):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what will be stored. Raises `InvalidInput` for a name or an address that is none."""
        url, also = check_urls(str(args["url"]))
        if not args.get("api_key_file") and not args.get("activation_file"):
            raise UsageError("The key of the plane is missing.", "Give --api-key-file FILE, or --activation-file FILE.")
        name = str(args["name"])
        check_name(name)
        return Plan(f"Remember {url} as {name}", (), (name,), (), self.cli_line(targets, args), None, (url, also))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Speak to the plane, then remember it. Raises `Unreachable`, `Refused` when it does not let this key in."""
        name, (url, also), ca = plan.touches[0], plan.payload, str(args.get("ca") or "")
        context = contexts.Context(
            name,
            url,
            ca=ca,
            project=str(args.get("default_project") or ""),
            read_only=bool(args.get("guarded")),
            also=also,
        )
        file = str(args.get("activation_file") or args["api_key_file"])
        key = await read_in_time(lambda: read_key_file(file), file)
        if args.get("activation_file"):
            key = await activated(context, key, ctx.timeout)
        who = ""
        if not args.get("no_check"):
            who = await greet(context, key, ctx.timeout)
        ring = ctx.settings.keyring and not args.get("no_keyring")
        stored = contexts.add(context, key, use_keyring=ring)
        where = "the system keyring" if stored.key == "keyring" else "a file that only you can read"
        return Outcome((name,), (), f"Context {name} is in use{who}; its key is in {where}.")


class ContextUse(declared.ContextUse):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Make it the one in use. Raises `NotFound`."""
        context = contexts.use(plan.touches[0])
        return Outcome((context.name,), (), f"Context {context.name} ({context.url}) is in use.")


class ContextList(declared.ContextList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the contexts by name. Raises `InvalidInput` when their file is wrong."""
        known = contexts.load()
        chosen = known.choose()
        titles = ("", "CONTEXT", "PLANE", "PROJECT", "MODE", "KEY")
        items = []
        every = {item.name: item for item in [*known.items.values(), *([chosen] if chosen else [])]}
        for name, item in sorted(every.items()):
            current = chosen is not None and name == chosen.name
            mode = "read-only" if item.read_only else "read-write"
            document = {
                "name": name,
                "url": item.url,
                "also": item.also.split(),
                "current": current,
                "project": item.project,
                "readOnly": item.read_only,
                "ca": item.ca,
                "key": item.key.split(":", 1)[0],
            }
            cells = ("*" if current else "", name, item.url, item.project or "all", mode, item.key)
            items.append(Item(name, cells, document))
        empty = "There is no context yet; add one: edgewright context add NAME --url URL --api-key-file FILE"
        return Outcome((), result=Listing(tuple(map(Column, titles)), tuple(items), empty))


class ContextRemove(declared.ContextRemove):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is deleted. Raises `NotFound`."""
        context = contexts.load().get(targets[0])
        lines = [f"The address {context.url} and its key are forgotten here; nothing on the plane changes."]
        if context.local_hub:
            lines.append(f"The hub that was started here leaves its data in {context.local_hub}.")
        title = f"Forget context {context.name}"
        removed = ("the key: you need it again to come back",)
        return Plan(title, tuple(lines), (context.name,), removed, self.cli_line(targets, args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Forget it."""
        contexts.remove(plan.touches[0])
        return Outcome(plan.touches, (), f"Context {plan.touches[0]} is forgotten.")
