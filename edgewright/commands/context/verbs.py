"""Verbs about contexts: which planes this user works with, and with which key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan, Target
from edgewright.commands.kernel.greet import activated, greet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.kernel.context import CommandContext


class ContextAdd(Command):
    """Remember a plane under a name; its key goes into the system keyring, or into a file that only you can read."""

    name = "context add"
    title = "add"
    params = (
        Param("name", "short name for the plane", required=True, metavar="NAME"),
        Param("url", "address of the hub or of Palette", flag="--url", required=True, metavar="URL"),
        Param("api_key_file", "file with the API key (- for stdin)", flag="--api-key-file", kind="file"),
        Param(
            "activation_file",
            "file with the activation link of a new user (- for stdin)",
            flag="--activation-file",
            kind="file",
        ),
        Param("ca", "certificate authority of the plane (PEM)", flag="--ca", kind="file"),
        Param("default_project", "project to work in", flag="--default-project", metavar="PROJECT"),
        Param("guarded", "this context is always read-only", flag="--always-read-only", kind="flag"),
        Param("no_check", "do not speak to the plane first", flag="--no-check", kind="flag"),
        Param("no_keyring", "store the key in a file even where there is a keyring", flag="--no-keyring", kind="flag"),
    )
    online = False
    console = False

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what will be stored. Raises `InvalidInput` for a name or an address that is none."""
        from edgewright.config.contexts import check_name, check_url
        from edgewright.core.errors import UsageError

        url = check_url(str(args["url"]))
        if not args.get("api_key_file") and not args.get("activation_file"):
            raise UsageError("The key of the plane is missing.", "Give --api-key-file FILE, or --activation-file FILE.")
        name = str(args["name"])
        check_name(name)
        return Plan(f"Remember {url} as {name}", (), (name,), (), self.cli_line(targets, args), None, url)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Speak to the plane, then remember it. Raises `Unreachable`, `Refused` when it does not let this key in."""
        from edgewright.config import contexts
        from edgewright.config.credentials import read_key_file

        name, url, ca = plan.touches[0], plan.payload, str(args.get("ca") or "")
        context = contexts.Context(
            name, url, ca=ca, project=str(args.get("default_project") or ""), read_only=bool(args.get("guarded"))
        )
        if args.get("activation_file"):
            key = await activated(context, read_key_file(str(args["activation_file"])), ctx.timeout)
        else:
            key = read_key_file(str(args["api_key_file"]))
        who = ""
        if not args.get("no_check"):
            who = await greet(context, key, ctx.timeout)
        ring = ctx.settings.keyring and not args.get("no_keyring")
        kept = contexts.add(context, key, use_keyring=ring)
        where = "the system keyring" if kept.key == "keyring" else "a file that only you can read"
        return Outcome((name,), (), f"Context {name} is in use{who}; its key is in {where}.")


class ContextUse(Command):
    """Work with another plane from now on."""

    name = "context use"
    title = "context"
    no_key = "Changing the plane by a slip of one key would be a bad surprise; type :context use NAME."
    aliases = ("context", "ctx")
    target = Target("context", 1, 1)
    opens = "contexts"
    online = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Make it the one in use. Raises `NotFound`."""
        from edgewright.config import contexts

        context = contexts.use(plan.touches[0])
        return Outcome((context.name,), (), f"Context {context.name} ({context.url}) is in use.")


class ContextList(Command):
    """List the planes that you know, the one in use marked."""

    name = "context list"
    title = "contexts"
    no_key = "The switch (:context) shows the same list."
    aliases = ("contexts",)
    opens = "contexts"
    online = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the contexts by name. Raises `InvalidInput` when their file is wrong."""
        from edgewright.commands.kernel.results import Column, Item, Listing
        from edgewright.config import contexts

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


class ContextRemove(Command):
    """Forget a plane and its key here; nothing on the plane changes."""

    name = "context remove"
    title = "remove"
    target = Target("context", 1, 1)
    danger = "destructive"
    online = False
    console = False

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is deleted. Raises `NotFound`."""
        from edgewright.config import contexts

        context = contexts.load().get(targets[0])
        lines = [f"The address {context.url} and its key are forgotten here; nothing on the plane changes."]
        if context.local_hub:
            lines.append(f"The hub that was started here leaves its data in {context.local_hub}.")
        title = f"Forget context {context.name}"
        gone = ("the key: you need it again to come back",)
        return Plan(title, tuple(lines), (context.name,), gone, self.cli_line(targets, args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Forget it."""
        from edgewright.config import contexts

        contexts.remove(plan.touches[0])
        return Outcome(plan.touches, (), f"Context {plan.touches[0]} is forgotten.")


COMMANDS: tuple[type[Command], ...] = (ContextAdd, ContextUse, ContextList, ContextRemove)
