"""Actions: verbs that export profiles, compare them, and show what they resolve to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import Entry, entries, one_of
from edgewright.commands.kernel.lookup import find_hosts
from edgewright.commands.kernel.results import Text
from edgewright.commands.profile import comparing, preview
from edgewright.commands.profile import verbs as declared
from edgewright.commands.profile.reading import ProfileContent, content_of, values_in_cluster
from edgewright.commands.profile.rows import named_profiles
from edgewright.core.errors import InvalidInput, NotFound, UsageError
from edgewright.core.profiles import exchange
from edgewright.core.profiles.problems import raise_errors
from edgewright.core.profiles.resolve import Resolution
from edgewright.core.profiles.variables import COVER
from edgewright.core.small_file import local_path
from edgewright.core.text import amount, clean
from edgewright.profiles import directory
from edgewright.store.collections.catalogue import profiles as calls


class ProfileExport(declared.ProfileExport):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the profiles. Raises `NotFound`, `Conflict`."""
        rows = [entry.row for entry in await named_profiles(ctx, targets)]
        names = {row.uid: row.reference for row in rows}
        where = str(args.get("directory") or "").strip()
        title = f"Export {rows[0].reference}" if len(rows) == 1 else f"Export {len(rows)} profiles"
        lines = tuple(f"{row.reference} is written into {_folder(where, row, len(rows))}" for row in rows if where)
        cli = self.cli_line(tuple(names.values()), args)
        return Plan(title, lines, tuple(names), (), cli, None, {row.uid: row for row in rows}, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Print the documents, or write a directory for each. Raises `Failed` where it cannot be written."""
        client = await ctx.port(CanCall)
        where = str(args.get("directory") or "").strip()
        documents, written = [], 0
        for uid in plan.touches:
            document = await calls.exported(client, uid)
            documents.append(document)
            if where:
                folder = local_path(_folder(where, plan.payload[uid], len(plan.touches)))
                files = await asyncio.to_thread(directory.write_directory, folder, exchange.from_document(document))
                written += len(files)
                report(f"{plan.name_of(uid)}: {amount(len(files), 'file')} written")
        if not where:
            printed: Any = documents[0] if len(documents) == 1 else documents
            return Outcome(plan.touches, (), "", Text(json.dumps(printed, indent=2, ensure_ascii=False), printed))
        changed = f"{amount(written, 'file')} written" if written else "nothing changed"
        if len(plan.touches) > 1:
            return Outcome(plan.touches, (), f"{len(plan.touches)} profiles are in {where}: {changed}.")
        return Outcome(plan.touches, (), f"{plan.name_of(plan.touches[0]).replace(':', ' ')} is in {where}: {changed}.")


def _folder(where: str, row: Any, count: int) -> str:
    """Return the directory of one profile: the one that was named, or one of its own there when there are several."""
    return where if count == 1 else str(Path(where) / f"{row.name}-{row.version}")


class ProfileDiff(declared.ProfileDiff):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find both versions. Raises `NotFound`, `Conflict`, `UsageError`."""
        items = (await entries(ctx, "profile")).items
        names, cluster = list(targets), str(args.get("cluster") or "").strip()
        if len(names) == 3:
            names = [f"{names[0]}:{version}" for version in names[1:]]
        if cluster and len(names) != 1:
            raise UsageError("--cluster compares one version with the one that the cluster has.", "Name one version.")
        if not cluster and len(names) != 2:
            raise UsageError("Two versions are compared.", "edgewright profile diff NAME VERSION VERSION")
        sides = [one_of("profile", items, name) for name in names]
        if cluster:
            sides.insert(0, _present_of(items, cluster, sides[0]))
        if sides[0].row.uid == sides[1].row.uid:
            raise InvalidInput("A profile does not differ from itself.", "Name two versions.")
        rows = [entry.row for entry in sides]
        title = f"Compare {rows[0].reference} with {rows[1].reference}"
        shown = (rows[1].reference,) if cluster else tuple(row.reference for row in rows)
        return Plan(title, (), tuple(row.uid for row in rows), (), self.cli_line(shown, args), None, sides)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the changes by layer with what each would do."""
        before, after = [await content_of(ctx, entry) for entry in plan.payload]
        cluster = str(args.get("cluster") or "").strip()
        values = await values_in_cluster(ctx, plan.payload[0], cluster) if cluster else {}
        comparison = await asyncio.to_thread(comparing.compared, before, after, values)
        text = comparing.as_text(comparison, bool(args.get("lines")))
        return Outcome(plan.touches, (), "", Text(text, comparing.as_document(comparison)))


def _present_of(items: tuple[Entry, ...], cluster: str, other: Entry) -> Entry:
    """Return the version that a cluster has now, one of the same profile first. Raises `NotFound`."""
    used = [entry for entry in items if cluster in entry.row.clusters]
    if not used:
        raise NotFound(
            f"No profile is used by a cluster {clean(cluster)}.",
            "See which clusters use it: edgewright profile show NAME:VERSION",
        )
    return next((entry for entry in used if entry.row.name == other.row.name), used[0])


class ProfilePreview(declared.ProfilePreview):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the profile. Raises `NotFound`, `Conflict`, `UsageError` for a value that is not `NAME=VALUE`."""
        entry = (await named_profiles(ctx, targets))[0]
        values = _given(args.get("variables") or ())
        cli = self.cli_line((entry.row.reference,), args)
        return Plan(f"Resolve {entry.row.reference}", (), (entry.row.uid,), (), cli, None, (entry, values))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the resolved text of each layer, and the origin of each value with `-o json`.

        Raises `InvalidDocument` (exit 7) with every value that cannot be used.
        """
        entry, given = plan.payload
        content = await content_of(ctx, entry)
        values = preview.Values({}, {}) if args.get("plain") else preview.example(content.profile)
        if args.get("host"):
            values = values.over(await _host(ctx, str(args["host"])))
        variables = {**values.variables, **given}
        resolution = await asyncio.to_thread(content.resolved, variables, values.system)
        raise_errors(f"The profile {content.profile.label} with these values", resolution.problems)
        text, document = await asyncio.to_thread(_resolved_text, resolution, content, str(args.get("layer") or ""))
        masked = {variable.name for variable in content.profile.variables if variable.masked}
        shown = {name: COVER if name in masked and value else value for name, value in variables.items()}
        return Outcome(plan.touches, (), "", Text(text, {**document, "variables": shown}))


def _given(texts: Sequence[str]) -> dict[str, str]:
    values = {}
    for text in texts:
        name, sign, value = str(text).partition("=")
        if not sign or not name.strip():
            raise UsageError(f"{clean(text, 60)} is not NAME=VALUE.", "Write --set replicas=3")
        values[name.strip()] = value
    return values


async def _host(ctx: CommandContext, name: str) -> preview.Values:
    host = (await find_hosts(ctx, [name]))[0]
    projects = (await entries(ctx, "profile")).projects
    return preview.of_host(host.row, projects.get(host.row.project_uid, ""))


def _resolved_text(resolution: Resolution, content: ProfileContent, wanted: str) -> tuple[str, dict[str, Any]]:
    layers = [layer for layer in resolution.layers if wanted in ("", layer.layer.key, layer.layer.name)]
    if not layers:
        known = ", ".join(layer.layer.key for layer in resolution.layers)
        raise NotFound(f"{resolution.profile.label} has no layer {clean(wanted)}.", f"Its layers: {known}.")
    printed, rows = [], []
    for problem in resolution.problems:
        printed.append(f"# {problem.severity}: {problem.sentence()}")
    printed += [f"# not known: {note}" for note in content.notes]
    for layer in layers:
        own = layer.layer
        printed += [f"# layer {own.kind}: {own.key} {own.version}".rstrip(), layer.values.shown.rstrip("\n")]
        for name, manifest in layer.manifests:
            printed += [f"# layer {own.key}, manifest {name}", manifest.shown.rstrip("\n")]
        origins = {path: [origin.text() for origin in places] for path, places in layer.origins()}
        rows.append({"layer": own.key, "kind": own.kind, "pack": own.name, "version": own.version,
                     "values": layer.values.shown, "origins": origins})  # fmt: skip
    problems = [problem.as_dict() for problem in resolution.problems]
    document = {"profile": resolution.profile.label, "layers": rows, "problems": problems}
    return "\n".join(printed), document
