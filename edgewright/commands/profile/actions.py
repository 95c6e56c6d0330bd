"""Actions: verbs that import, export, check, compare, publish, clone and delete profiles."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import entries, one_of
from edgewright.commands.kernel.results import Text
from edgewright.commands.profile import verbs as declared
from edgewright.commands.profile.shipped import shipped
from edgewright.core.clusters.predict import predict
from edgewright.core.errors import InvalidInput, NotFound, UsageError
from edgewright.core.profiles import diff, exchange
from edgewright.core.profiles.model import MAX_TOTAL, Profile
from edgewright.core.profiles.problems import Problem, errors, raise_errors
from edgewright.core.profiles.scope import Context
from edgewright.core.small_file import read_small_file
from edgewright.core.text import amount, clean
from edgewright.packs import catalogue
from edgewright.profiles import directory
from edgewright.profiles.prepare import Prepared, check, prepare, resolved
from edgewright.store.collections.catalogue import profiles as calls
from edgewright.store.collections.catalogue.profiles import ProfileRow

_SHOWN = 200
"""Characters of a value that a diff prints."""


class ProfileImport(declared.ProfileImport):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the profile and check its form; the plane checks its packs. Raises `NotFound`, `InvalidDocument`."""
        source, name = (str(args.get(key) or "").strip() for key in ("source", "shipped"))
        if bool(source) == bool(name):
            hint = "See the shipped ones: edgewright profile shipped"
            raise UsageError("Name the path of a profile, or a shipped one by --shipped.", hint)
        profile = await asyncio.to_thread(shipped, name) if name else await asyncio.to_thread(_read, source)
        wrong = errors(await asyncio.to_thread(_form, profile))
        raise_errors(f"The profile {profile.label}", wrong)
        document = exchange.to_document(profile, secrets=True)
        lines = [f"{layer.kind}: {layer.name} {layer.pack_version}" for layer in reversed(profile.ordered())]
        lines.append("It is published at once." if args.get("publish") else "It is a draft until it is published.")
        cli = self.cli_line(targets, args)
        title = f"Import profile {profile.label}"
        return Plan(title, tuple(lines), (profile.label,), (), cli, None, (document, bool(args.get("publish"))))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Send the profile. Raises `InvalidInput` with what is missing there, `Conflict` for a version that exists."""
        document, publish = plan.payload
        uid = await calls.send(await ctx.port(CanCall), document, publish)
        state = "imported and published" if publish else "imported as a draft"
        return Outcome((uid,), (), f"Profile {plan.touches[0]} {state}.")


def _read(source: str) -> Profile:
    """Return the profile in a directory or a JSON file. Blocking. Raises `NotFound`, `InvalidInput`."""
    path = Path(source).expanduser()
    if path.is_dir():
        return directory.read_directory(path)
    try:
        text = read_small_file(str(path), MAX_TOTAL + 1)
    except FileNotFoundError:
        raise NotFound(f"There is no file {clean(source)}.", "Check the path.") from None
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"{clean(source)} cannot be read as text.", "Check the file.") from None
    if len(text) > MAX_TOTAL:
        raise InvalidInput(f"{clean(source)} is larger than a profile can be.", "Check the path.", "TooBig")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise InvalidInput(f"{clean(source)} is not JSON: {problem}.", "Export the profile again.") from None
    return exchange.from_document(document, f"The profile in {clean(source)}")


def _form(profile: Profile) -> list[Problem]:
    return list(check(prepare(profile)))


def _prepared(profile: Profile) -> Prepared:
    """Return a profile with the packs of the built-in catalogue; others are unknown."""
    shipped = {(pack.name, pack.version): pack for pack in catalogue.packs()}
    packs = {layer.key: shipped.get((layer.name, layer.pack_version)) for layer in profile.layers}
    return prepare(profile, packs)


class ProfileExport(declared.ProfileExport):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the profile. Raises `NotFound`, `Conflict`."""
        row = (await _rows(ctx, targets))[0]
        where = str(args.get("directory") or "")
        lines = (f"written into {where}",) if where else ()
        return Plan(f"Export {row.reference}", lines, (row.uid,), (), self.cli_line((row.reference,), args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Print the document, or write the directory. Raises `Failed` where it cannot be written."""
        document = await calls.exported(await ctx.port(CanCall), plan.touches[0])
        where = str(args.get("directory") or "")
        if not where:
            text = json.dumps(document, indent=2, ensure_ascii=False)
            return Outcome(plan.touches, (), "", Text(text, document))
        profile = exchange.from_document(document)
        written = await asyncio.to_thread(directory.write_directory, Path(where).expanduser(), profile)
        changed = f"{amount(len(written), 'file')} written" if written else "nothing changed"
        return Outcome(plan.touches, (), f"{profile.label} is in {where}: {changed}.")


class ProfileValidate(declared.ProfileValidate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the profile. Raises `NotFound`, `InvalidInput`."""
        source = str(args["source"]).strip()
        profile = await asyncio.to_thread(_read, source)
        return Plan(f"Check {profile.label}", (), (profile.label,), (), self.cli_line(targets, args), None, profile)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return warnings and open values; raises `InvalidDocument` (exit 7) with every error."""
        profile: Profile = plan.payload

        def look() -> list[Problem]:
            prepared = _prepared(profile)
            return [*check(prepared, publish=True), *resolved(prepared, Context(partial=True)).problems]

        problems = await asyncio.to_thread(look)
        raise_errors(f"The profile {profile.label}", problems)
        lines = [f"{problem.severity}: {problem.sentence()}" for problem in problems]
        lines.append(f"{profile.label} can be published: no error.")
        document = {"profile": profile.label, "problems": [problem.as_dict() for problem in problems]}
        return Outcome(plan.touches, (), "", Text("\n".join(lines), document))


class ProfileDiff(declared.ProfileDiff):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find both profiles. Raises `NotFound`, `Conflict`."""
        rows = await _rows(ctx, targets)
        if len(rows) != 2:
            raise InvalidInput("A profile does not differ from itself.", "Name two versions.")
        names = tuple(row.reference for row in rows)
        uids = tuple(row.uid for row in rows)
        return Plan(f"Compare {names[0]} with {names[1]}", (), uids, (), self.cli_line(names, args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the changes by layer with what each would do."""
        client = await ctx.port(CanCall)
        documents = [await calls.exported(client, uid) for uid in plan.touches]
        text, document = await asyncio.to_thread(_compared, documents, bool(args.get("lines")))
        return Outcome(plan.touches, (), "", Text(text, document))


def _compared(documents: Sequence[Mapping[str, Any]], lines: bool) -> tuple[str, dict[str, Any]]:
    before, after = (
        resolved(_prepared(exchange.from_document(document)), Context(partial=True)) for document in documents
    )
    difference = diff.compare(before, after)
    forecast = predict(difference, before, after)
    by_change = {id(each.change): each for each in forecast.predictions}
    rows, printed = [], [f"{difference.before} -> {difference.after}: {forecast.sentence()}"]
    for layer in difference.layers:
        if layer.what == "same":
            continue
        version = f"{layer.version_before or '-'} -> {layer.version_after or '-'}"
        printed.append(f"\n{layer.kind} {layer.layer} ({layer.what}, {version})")
        for change in layer.changes:
            prediction = by_change.get(id(change))
            place = f"{change.manifest}: {change.path}" if change.manifest else change.path or "pack"
            behaviour = prediction.behaviour if prediction is not None else "unknown"
            reason = prediction.reason if prediction is not None else ""
            values = f"{_short(change.before)} -> {_short(change.after)}"
            printed.append(f"  {place}: {values}  [{behaviour}{': ' + reason if reason else ''}]")
            row = {"layer": change.layer, "path": place, "what": change.what, "behaviour": behaviour}
            rows.append({**row, "before": change.before, "after": change.after, "reason": reason})
        if lines:
            printed += [f"  {clean(line, 500)}" for line in layer.unified()]
    if not rows:
        printed.append("Nothing differs.")
    document = {"before": difference.before, "after": difference.after, "changes": rows, "effect": forecast.sentence()}
    return "\n".join(printed), document


def _short(value: Any) -> str:
    return "-" if value is None else clean(json.dumps(value, ensure_ascii=False, default=str), _SHOWN)


class ProfilePublish(declared.ProfilePublish):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which profiles. Raises `NotFound`, `Conflict`."""
        return _of_rows(self, "Publish", await _rows(ctx, targets))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Publish, profile by profile."""
        client = await ctx.port(CanCall)
        return await for_each(plan, lambda uid: calls.publish(client, uid), report, "published")


class ProfileClone(declared.ProfileClone):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return the copy. Raises `NotFound`, `Conflict`."""
        row = (await _rows(ctx, targets))[0]
        name, version = str(args.get("name") or row.name).strip(), str(args["version"]).strip()
        cli = self.cli_line((row.reference,), args)
        lines = (f"copy of {row.reference}, a draft",)
        names = {row.uid: row.reference}
        return Plan(f"Create profile {name} {version}", lines, (row.uid,), (), cli, None, (name, version), names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Make the copy. Raises `Conflict` for a name and version that exist."""
        name, version = plan.payload
        uid = await calls.clone(await ctx.port(CanCall), plan.touches[0], name, version)
        return Outcome((uid,), (), f"Profile {name} {version} created as a draft.")


class ProfileDelete(declared.ProfileDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which profiles. Raises `NotFound`, `Conflict`."""
        rows = await _rows(ctx, targets)
        return _of_rows(self, "Delete", rows, tuple(f"{row.reference} is deleted for good" for row in rows))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Delete, profile by profile."""
        client = await ctx.port(CanCall)
        return await for_each(plan, lambda uid: calls.delete(client, uid), report, "deleted")


def _of_rows(verb: Any, word: str, rows: Sequence[ProfileRow], cannot_undo: tuple[str, ...] = ()) -> Plan:
    names = {row.uid: row.reference for row in rows}
    title = f"{word} profile {rows[0].reference}" if len(rows) == 1 else f"{word} {len(rows)} profiles"
    lines = tuple(f"{row.reference}: {row.state}, {row.stack}" for row in rows)
    cli = verb.cli_line(tuple(names.values()), {})
    return Plan(title, lines, tuple(names), cannot_undo, cli, None, None, names)


async def _rows(ctx: CommandContext, targets: Sequence[str]) -> list[ProfileRow]:
    items = (await entries(ctx, "profile")).items
    rows: dict[str, ProfileRow] = {}
    for text in targets:
        row = one_of("profile", items, text).row
        rows[row.uid] = row
    return list(rows.values())
