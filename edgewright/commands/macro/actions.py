"""Actions: verbs that show, set and remove macros."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import Entries, Entry, detail, entries, one_of
from edgewright.commands.kernel.results import Section
from edgewright.commands.macro import verbs as declared
from edgewright.core.errors import InvalidInput, NotFound, UsageError
from edgewright.core.slow_files import in_thread
from edgewright.core.small_file import read_small_file
from edgewright.core.text import clean
from edgewright.store.collections.catalogue import macros as calls
from edgewright.store.collections.catalogue.macros import MacroRow

MOST = 4096
"""Characters of a value."""
COVER = "********"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", re.ASCII)


class MacroSet(declared.MacroSet):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the value, and what the plane has now. Raises `UsageError`, `InvalidInput`, `NotFound`."""
        name = str(args["name"]).strip()
        if not _NAME.fullmatch(name):
            message = f"{clean(name, 60)} is not the name of a macro."
            raise InvalidInput(message, "It has letters, digits, _ and -, and begins with a letter.", "MacroName")
        content, masked = await in_thread(lambda check: _value(args)), _masked(args)
        client, project = await ctx.port(CanCall), await _project(ctx, args)
        path = await calls.place(client, project)
        before = (await calls.values(client, path)).get(name)
        where = f"in the project {ctx.project or project}" if project else "in the tenant"
        if before is not None and before[1] and masked is None and not args.get("file"):
            raise UsageError(f"The macro {name} is masked: its value is read from a file.", "Give --file FILE.")
        shown = COVER if masked or (masked is None and before is not None and before[1]) else clean(content, 200)
        lines = [f"{where}: {name} = {shown}"]
        if before is None:
            lines.append("It is new.")
        elif not before[1] and before[0] == content and not masked:
            lines.append("It has this value already.")
        elif not before[1]:
            lines.append(f"Its value now: {clean(before[0], 200)}")
        if masked:
            lines.append("It is masked: the plane never shows the value from now on.")
        payload = (path, content, masked)
        return Plan(f"Set macro {name}", tuple(lines), (name,), (), self.cli_line(targets, args), None, payload)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Store the macro. Raises `Refused` for a role that may not."""
        path, content, masked = plan.payload
        await calls.put_macro(await ctx.port(CanCall), path, plan.touches[0], content, masked)
        return Outcome(plan.touches, (), f"Macro {plan.touches[0]} set.")


class MacroShow(declared.MacroShow):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return one macro. Raises `NotFound`, `Conflict`."""
        every = await entries(ctx, "macro")
        entry = await _macro_of(ctx, every, plan.touches[0], args)
        client = await ctx.port(CanCall)
        values = await calls.values(client, await calls.place(client, entry.row.project_uid))
        content = values.get(entry.row.name, (COVER, True))[0]
        document = {**entry.document, "spec": {**entry.document.get("spec", {}), "value": content}}
        result = detail("macro", entry.row, document, every.look())
        (section, *_) = result.sections
        shown = clean(content, MOST) or "(empty)"
        facts = tuple((label, shown if label == calls.VALUE else text) for label, text in section.facts)
        return Outcome((), result=result._replace(sections=(Section(section.title, facts),)))


class MacroRemove(declared.MacroRemove):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which macros, and which profiles refer to them. Raises `NotFound`, `Conflict`."""
        every = await entries(ctx, "macro")
        rows: dict[str, MacroRow] = {}
        for text in targets:
            row = (await _macro_of(ctx, every, text, args)).row
            rows[row.uid] = row
        names = {row.uid: row.name for row in rows.values()}
        profiles = [entry.row for entry in (await entries(ctx, "profile")).items]
        lines = []
        for row in rows.values():
            where = every.projects.get(row.project_uid, row.project_uid) or "tenant"
            users = sorted({each.reference for each in profiles if row.name in each.macros})
            used = f"referred to by {', '.join(users[:5])}" if users else "no profile refers to it"
            lines.append(f"{row.name} ({where}): {used}{f' and {len(users) - 5} more' if len(users) > 5 else ''}")
        title = f"Remove macro {next(iter(names.values()))}" if len(names) == 1 else f"Remove {len(names)} macros"
        undo = tuple(f"the value of {name}" for name in names.values())
        cli = self.cli_line(tuple(names.values()), args)
        return Plan(title, tuple(lines), tuple(names), undo, cli, None, tuple(rows.values()), names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Remove them, place by place. Raises `NotFound` for one that was removed meanwhile."""
        client = await ctx.port(CanCall)
        by_project: dict[str, list[str]] = {}
        for row in plan.payload:
            by_project.setdefault(row.project_uid, []).append(row.name)
        for project, names in by_project.items():
            await calls.remove_macros(client, await calls.place(client, project), names)
        names = [row.name for row in plan.payload]
        text = f"Macro {names[0]} removed." if len(names) == 1 else f"{len(names)} macros removed."
        return Outcome(plan.touches, (), text)


async def _project(ctx: CommandContext, args: Mapping[str, Any]) -> str:
    """Return the uid of the project in use, "" for the tenant."""
    return "" if args.get("tenant") else str((await ctx.connection()).project_uid or "")


async def _macro_of(ctx: CommandContext, every: Entries, text: str, args: Mapping[str, Any]) -> Entry:
    """Return a macro by uid, or by name in the project in use, else in the tenant. Raises `NotFound`."""
    by_uid = next((entry for entry in every.items if entry.row.uid == text), None)
    if by_uid is not None:
        return by_uid
    project = await _project(ctx, args)
    own = tuple(entry for entry in every.items if entry.row.project_uid == project)
    if any(entry.row.name == text for entry in own):
        return one_of("macro", own, text)
    elsewhere = next((entry for entry in every.items if entry.row.name == text), None)
    if elsewhere is not None:
        here = "the project in use" if project else "the tenant"
        other = every.projects.get(elsewhere.row.project_uid, elsewhere.row.project_uid)
        hint = f"Add --project {other}" if other else "Add --tenant."
        raise NotFound(f"There is no macro {text} in {here}.", hint)
    return one_of("macro", own, text)


def _masked(args: Mapping[str, Any]) -> bool | None:
    if args.get("masked") and args.get("plain"):
        raise UsageError("A macro is masked or plain, not both.", "See: edgewright macro set --help")
    return True if args.get("masked") else False if args.get("plain") else None


def _value(args: Mapping[str, Any]) -> str:
    """Return the value of the arguments. Blocking. Raises `UsageError`, `NotFound`, `InvalidInput`."""
    given, path = args.get("value"), str(args.get("file") or "")
    if (given in (None, "")) == (not path):
        raise UsageError("Give the value, or --file FILE.", "See: edgewright macro set --help")
    if not path:
        if args.get("masked"):
            hint = "Write it to a file that only you can read and give --file FILE, or - for the standard input."
            raise UsageError("A masked value is not given on the command line: others see it there.", hint)
        content = str(given)
    else:
        content = _file(path)
    if len(content) > MOST:
        raise InvalidInput(f"The value has more than {MOST} characters.", "Make it shorter.", "TooBig")
    if content == COVER:
        raise InvalidInput(f"{COVER} is what a value that is not shown looks like.", "Give the value.")
    return content


def _file(path: str) -> str:
    try:
        return read_small_file(path, MOST + 2).removesuffix("\n").removesuffix("\r")
    except FileNotFoundError:
        raise NotFound(f"There is no file {clean(path)}.", "Check the path.") from None
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"{clean(path)} cannot be read as text.", "Check the file.") from None
