"""Actions: verbs about this installation: settings, outside programs, completion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bindings import load_keymap
from edgewright.commands.kernel.completion import script
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Listing, Text
from edgewright.commands.setup import verbs as declared
from edgewright.commands.setup.programs import listing
from edgewright.config import contexts, locations, settings
from edgewright.core.errors import EdgewrightError


class ConfigShow(declared.ConfigShow):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give every setting with its source, and the files that are read."""
        items = []
        for name in settings.NAMES:
            value = getattr(ctx.settings, name)
            reported = "auto" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            source = ctx.settings.source(name)
            items.append(Item(name, (name, reported, source), {"name": name, "value": value, "source": source}))
        note = f"Files: {locations.folder('config')}; order: default, file, environment, option."
        return Outcome((), result=Listing((Column("SETTING"), Column("VALUE"), Column("FROM")), tuple(items), "", note))


class ConfigValidate(declared.ConfigValidate):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Check all files; each problem is reported. Raises the first one when there is any."""
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


class Check(declared.Check):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the list of programs."""
        return Outcome((), result=listing())


class Completion(declared.Completion):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the script."""
        text = script(str(args["shell"]))
        return Outcome((), result=Text(text.rstrip("\n"), text))
