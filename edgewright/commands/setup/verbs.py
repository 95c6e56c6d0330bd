"""Verbs about this installation: settings, outside programs, completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgewright.commands.kernel.context import CommandContext


class ConfigShow(Command):
    """Show every setting, its value, and where the value comes from."""

    name = "config show"
    title = "show"
    online = False
    console = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give every setting with its source, and the files that are read."""
        from edgewright.commands.kernel.results import Column, Item, Listing
        from edgewright.config import locations, settings

        items = []
        for name in settings.NAMES:
            value = getattr(ctx.settings, name)
            told = "auto" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            source = ctx.settings.source(name)
            items.append(Item(name, (name, told, source), {"name": name, "value": value, "source": source}))
        note = f"Files: {locations.folder('config')}; order: default, file, environment, option."
        return Outcome((), result=Listing((Column("SETTING"), Column("VALUE"), Column("FROM")), tuple(items), "", note))


class ConfigValidate(Command):
    """Check settings, contexts and key map; shows file, line and the nearest word for what is wrong."""

    name = "config validate"
    title = "validate"
    online = False
    console = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Check all files; each problem is reported. Raises the first one when there is any."""
        from edgewright.commands.kernel.bindings import load_keymap
        from edgewright.config import contexts, locations, settings
        from edgewright.core.errors import EdgewrightError

        problems: list[EdgewrightError] = list(settings.examine()[1])
        try:
            contexts.load()
        except EdgewrightError as error:
            problems.append(error)
        problems += load_keymap().problems
        for problem in problems[1:]:
            report(problem.message)
        if problems:
            raise problems[0]
        return Outcome((), message=f"The files in {locations.folder('config')} are right.")


class Check(Command):
    """Show which external programs are installed, and what works without them."""

    name = "check"
    title = "check"
    online = False
    console = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the list of programs."""
        from edgewright.commands.setup.programs import listing

        return Outcome((), result=listing())


class Completion(Command):
    """Print the completion script of a shell: eval "$(edgewright completion bash)"."""

    name = "completion"
    title = "completion"
    params = (Param("shell", "which shell", required=True, choices=("bash", "zsh", "fish"), metavar="SHELL"),)
    online = False
    console = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the script."""
        from edgewright.commands.kernel.completion import script
        from edgewright.commands.kernel.results import Text

        text = script(str(args["shell"]))
        return Outcome((), result=Text(text.rstrip("\n"), text))


COMMANDS: tuple[type[Command], ...] = (ConfigShow, ConfigValidate, Check, Completion)
