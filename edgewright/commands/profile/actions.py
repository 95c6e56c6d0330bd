"""Actions: verbs that check, publish, clone and delete profiles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Text
from edgewright.commands.profile import verbs as declared
from edgewright.commands.profile.importing import read_source
from edgewright.commands.profile.rows import named_profiles
from edgewright.core.errors import InvalidInput
from edgewright.core.profiles import semver
from edgewright.core.profiles.model import Profile
from edgewright.core.profiles.problems import Problem, raise_errors
from edgewright.core.profiles.scope import Context
from edgewright.core.text import clean
from edgewright.packs import catalogue
from edgewright.profiles.prepare import Prepared, check, prepare, resolved
from edgewright.store.collections.catalogue import profiles as calls
from edgewright.store.collections.catalogue.profiles import ProfileRow


def _prepared(profile: Profile) -> Prepared:
    """Return a profile with the packs of the built-in catalogue; others are unknown."""
    shipped = {(pack.name, pack.version): pack for pack in catalogue.packs()}
    packs = {layer.key: shipped.get((layer.name, layer.pack_version)) for layer in profile.layers}
    return prepare(profile, packs)


class ProfileValidate(declared.ProfileValidate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read the profile. Raises `NotFound`, `InvalidInput`."""
        source = str(args["source"]).strip()
        profile = await asyncio.to_thread(read_source, source)
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


class ProfileVersion(declared.ProfileVersion):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return the new version. Raises `NotFound`, `Conflict`, `InvalidInput` for a version that is not semantic."""
        row = (await _rows(ctx, targets))[0]
        version = str(args["version"]).strip()
        if semver.parse(version) is None:
            raise InvalidInput(f"{clean(version, 60)} is not a semantic version.", "Write it like 1.2.0.")
        cli = self.cli_line((row.reference,), args)
        lines = (f"copy of {row.reference}, a draft; {row.reference} stays as it is",)
        title = f"Create version {version} of {row.name}"
        return Plan(title, lines, (row.uid,), (), cli, None, (row.name, version), {row.uid: row.reference})

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Make the copy. Raises `Conflict` for a version that exists."""
        name, version = plan.payload
        uid = await calls.clone(await ctx.port(CanCall), plan.touches[0], name, version)
        return Outcome((uid,), (), f"Version {version} of {name} created as a draft.")


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


async def _rows(ctx: CommandContext, targets: Sequence[str]) -> list[ProfileRow]:
    return [entry.row for entry in await named_profiles(ctx, targets)]


def _of_rows(verb: Any, word: str, rows: Sequence[ProfileRow], cannot_undo: tuple[str, ...] = ()) -> Plan:
    names = {row.uid: row.reference for row in rows}
    title = f"{word} profile {rows[0].reference}" if len(rows) == 1 else f"{word} {len(rows)} profiles"
    lines = tuple(f"{row.reference}: {row.state}, {row.stack}" for row in rows)
    cli = verb.cli_line(tuple(names.values()), {})
    return Plan(title, lines, tuple(names), cannot_undo, cli, None, None, names)
