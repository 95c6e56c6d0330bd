"""What the profile wizard may call: packs, macros and profiles of the plane, checks, the preview, and storing it.

Coroutines ask the plane. Everything else is blocking and takes up to a second for large profiles: call it in a thread.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.profile import preview
from edgewright.commands.profile.comparing import Comparison, place_of, values_of
from edgewright.commands.profile.comparing import compared as compare
from edgewright.commands.profile.reading import READINGS, ProfileContent
from edgewright.commands.profile.stored import Base, load_profile, store_changes
from edgewright.core.profiles import exchange, lifecycle, semver
from edgewright.core.profiles.model import Profile
from edgewright.core.profiles.problems import ERROR, Problem
from edgewright.core.profiles.resolve import Resolution
from edgewright.core.profiles.resources import Pool, check_pools, demands
from edgewright.core.profiles.scope import Context, Macro
from edgewright.core.profiles.secrets import covered_text
from edgewright.core.profiles.variables import COVER
from edgewright.profiles.directory import files_of, write_directory
from edgewright.profiles.prepare import check, prepare, resolved, with_preset
from edgewright.store.collections.catalogue import packs as pack_calls
from edgewright.store.collections.catalogue import profiles as calls
from edgewright.store.collections.catalogue.offers import Offer, PackVersion, offer_of, pack_of, versions_in
from edgewright.store.collections.catalogue.profiles import ProfileRow, profile_row
from edgewright.yamltext.merge import merge

if TYPE_CHECKING:
    from pathlib import Path

    from edgewright.commands.kernel.context import CommandContext
    from edgewright.core.packs.pack import Pack
    from edgewright.store.collections.hosts import HostRow

__all__ = ["Base", "place_of", "values_of", "with_preset"]


class Plane(NamedTuple):
    """What a plane has for a profile. `macros` are those that its profiles can refer to."""

    offers: tuple[Offer, ...]
    profiles: tuple[ProfileRow, ...]
    macros: Mapping[str, Macro]


class Findings(NamedTuple):
    """What a check of a profile found: everything that is wrong, and what it resolves to (None: it cannot be)."""

    problems: tuple[Problem, ...]
    resolution: Resolution | None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return what stops a publish."""
        return tuple(problem for problem in self.problems if problem.severity == ERROR)


async def look(ctx: CommandContext) -> Plane:
    """Return what the plane has: packs, versions of profiles, macros. Raises `EdgewrightError`."""
    client = await ctx.port(CanCall)
    offers = [offer_of(document) for document in await pack_calls.packs(client)]
    rows = [profile_row(document) for document in await calls.profiles(client)]
    macros = {name: Macro(value, "plane", value == COVER) for name, value in (await calls.macros(client)).items()}
    return Plane(tuple(item for item in offers if item), tuple(row for row in rows if row), macros)


async def versions(ctx: CommandContext, offer: Offer) -> tuple[PackVersion, ...]:
    """Return the versions of a pack at its registry, newest first. Raises `EdgewrightError`."""
    return versions_in(await pack_calls.versions(await ctx.port(CanCall), offer.name, offer.registry_uid))


async def pack(ctx: CommandContext, uid: str) -> Pack:
    """Return a pack with values, presets and schema; the plane fetches it first where only a registry has it.

    Raises `EdgewrightError`.
    """
    return pack_of(await pack_calls.pack(await ctx.port(CanCall), uid))


async def load(ctx: CommandContext, uid: str) -> Base:
    """Return a version of a profile with its values; defaults of masked variables are covered. Raises `NotFound`."""
    return await load_profile(await ctx.port(CanCall), uid)


def version_before(profile: Profile, rows: Sequence[ProfileRow], base: Base | None) -> str:
    """Return the uid of the version that a profile is compared with: the one it was made of, else the next lower one.

    "" when there is none.
    """
    if base is not None:
        return base.uid
    own = semver.parse(profile.version)
    known = {row.version: row.uid for row in rows if row.name == profile.name}
    ordered = lifecycle.ordered_versions(known)
    parsed = {text: semver.parse(text) for text in ordered}
    lower = [text for text in ordered if own and (other := parsed[text]) is not None and other.key < own.key]
    return known[lower[-1]] if lower else ""


def examine(
    profile: Profile,
    packs: Mapping[str, Pack | None],
    macros: Mapping[str, Macro],
    *,
    variables: Mapping[str, str] | None = None,
    system: Mapping[str, str] | None = None,
    publish: bool = False,
) -> Findings:
    """Return everything that is wrong with a profile and what it resolves to; what has no value yet stays. Blocking."""
    prepared = prepare(profile, packs, READINGS)
    problems = check(prepared, publish)
    context = Context(variables=variables or {}, macros=macros, system=system or {}, partial=True)
    result = resolved(prepared, context)
    every = [*problems, *result.problems]
    return Findings(tuple(dict.fromkeys(every)), result)


def host_problems(
    resolution: Resolution, packs: Mapping[str, Pack | None], name: str, cpu: int, memory_mb: int
) -> list[Problem]:
    """Return what a host does not have of what the layers need on each host; what is not known is not judged."""
    by_key = {layer.layer.key: packs.get(f"{layer.layer.name} {layer.layer.version}") for layer in resolution.layers}
    wanted, problems = demands(resolution.layers, by_key)
    each = [demand for demand in wanted if demand.each_host]
    return [*problems, *check_pools(each, [Pool(name, False, 1, cpu * 1000.0, float(memory_mb))])]


def named_apart(values: str, name: str) -> str:
    """Return values that give a pack which is there twice a name of its own; comments stay. Raises `InvalidInput`."""
    return merge(values, f'pack:\n  spectrocloud.com/display-name: "{name}"\n', (), "The values")


def preview_values(profile: Profile, given: Mapping[str, str], host: HostRow | None, project: str) -> preview.Values:
    """Return what a preview is resolved with: examples, over them values given, and what a host decides."""
    values = preview.example(profile).over(preview.Values({name: text for name, text in given.items() if text}, {}))
    return values if host is None else values.over(preview.of_host(host, project))


def compared(
    before: Profile, after: Profile, packs: Mapping[str, Pack | None], macros: Mapping[str, Macro]
) -> Comparison:
    """Return what differs between two versions, and what each change would do to hosts. Blocking."""
    earlier, later = (ProfileContent(profile, {}, packs, macros) for profile in (before, after))
    return compare(earlier, later)


class ProfileStore(Command):
    """Store the profile of the wizard. Not a verb of its own: the command line has `apply -f DIRECTORY`."""

    name = "profile store"
    role = "admin"
    needs = ("CanCall",)
    title = "store"
    danger = "write"
    console = False
    cli = False

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Store it: as a new version, or what differs from the base."""
        client = await ctx.port(CanCall)
        profile, base, publish, edit = plan.payload
        if base is not None and (edit or base.has_masked):
            uid = await store_changes(client, profile, base, publish=publish, edit=edit)
        else:
            uid = await calls.send(client, exchange.to_document(profile, secrets=True), publish)
        return Outcome((uid,), (), f"Profile {profile.label} {'published' if publish else 'stored as a draft'}.")


async def store(ctx: CommandContext, profile: Profile, base: Base | None, *, publish: bool, edit: bool = False) -> str:
    """Store a profile at the plane and return its uid: a new version, or with `edit` the version that `base` is.

    A base with masked values is copied at the plane, since only the plane knows them. Raises `Refused` in a read-only
    session, `Conflict` for a version that exists, `InvalidInput` with everything that is wrong.
    """
    lines = tuple(f"{layer.kind}: {layer.name} {layer.pack_version}" for layer in reversed(profile.ordered()))
    cli = f"edgewright apply -f DIRECTORY{' --publish' if publish else ''}"
    title = f"{'Change' if edit else 'Create'} profile {profile.label}"
    plan = Plan(title, lines, (profile.label,), (), cli, None, (profile, base, publish, edit))
    outcome = await registry.run(ProfileStore, ctx, (), {}, plan=plan)
    return str(outcome.done[0])


class Written(NamedTuple):
    """What was written: paths that changed, whether something is covered, layers whose passwords may be readable."""

    files: list[str]
    covered: bool
    open: tuple[str, ...]


def _shared(profile: Profile, packs: Mapping[str, Pack | None]) -> tuple[Profile, tuple[str, ...]]:
    """Return the profile with passwords of values covered, and the layers where it is not known what is one."""
    prepared = prepare(profile, packs, READINGS)
    unread = {problem.layer for problem in prepared.problems}
    read = zip(profile.ordered(), prepared.layers, strict=True)
    layers = tuple(
        dataclasses.replace(layer, values=covered_text(values.values, values.secrets)) if values.secrets else layer
        for layer, values in read
    )
    unknown = tuple(layer.key for layer in layers if layer.key in unread and layer.values)
    return dataclasses.replace(profile, layers=layers), unknown


def shared_files(profile: Profile, packs: Mapping[str, Pack | None]) -> dict[str, bytes]:
    """Return the files of a profile for others: passwords and defaults of masked variables are covered. Blocking."""
    return files_of(_shared(profile, packs)[0])


def save_directory(path: Path, profile: Profile, packs: Mapping[str, Pack | None]) -> Written:
    """Write the profile as a directory for others: what `edgewright apply -f` reads, with secrets covered. Blocking.

    Raises `Failed`, `InvalidInput`.
    """
    covered, unread = _shared(profile, packs)
    masked = any(variable.masked and variable.default for variable in profile.variables)
    passwords = [layer.values for layer in covered.layers] != [layer.values for layer in profile.ordered()]
    return Written(write_directory(path, covered), masked or passwords, unread)
