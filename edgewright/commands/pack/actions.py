"""Actions: verbs that import, fetch and delete packs, and print their values."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import entries, find, one_of
from edgewright.commands.kernel.results import Text
from edgewright.commands.pack import verbs as declared
from edgewright.core.errors import Conflict, InvalidInput, UsageError
from edgewright.core.small_file import local_path
from edgewright.core.text import clean
from edgewright.packs import archive, directory, reader
from edgewright.store.collections.catalogue import packs as calls
from edgewright.store.collections.catalogue.packs import PackRow
from edgewright.store.collections.document_values import EXTENSION, part
from edgewright.wire import protocol


class PackImport(declared.PackImport):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Read and check the pack, or find its registry. Raises `NotFound`, `InvalidInput`, `InvalidDocument`."""
        source, cli = str(args["source"]).strip(), self.cli_line(targets, args)
        if args.get("registry"):
            return await self._from_registry(ctx, source, args, cli)
        if args.get("version"):
            raise UsageError("--version is for a pack of a registry.", "Name the registry: --registry NAME")
        data, title, lines = await asyncio.to_thread(_read, source)
        return Plan(f"Import pack {title}", lines, (title,), (), cli, None, data)

    async def _from_registry(self, ctx: CommandContext, source: str, args: Mapping[str, Any], cli: str) -> Plan:
        name, _, tag = source.rpartition(":") if ":" in source else (source, "", "")
        version = str(args.get("version") or tag)
        if not name or not version:
            raise UsageError("A pack of a registry needs its version.", "Write NAME:VERSION, or give --version.")
        registry = (await find(ctx, "registry", str(args["registry"]))).row
        body = {"registryUid": registry.uid, "name": name, "version": version}
        title = f"{clean(name, 128)} {clean(version, 128)}"
        return Plan(f"Import pack {title}", (f"fetched from {registry.name}",), (title,), (), cli, None, body)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Send the pack, or let the plane fetch it. Raises `Conflict` for a version that exists."""
        client, payload = await ctx.port(CanCall), plan.payload
        if isinstance(payload, bytes):
            digest = hashlib.sha256(payload).hexdigest()
            await calls.send_blob(client, digest, payload)
            payload = {"blob": digest, "name": plan.touches[0]}
        uid = await calls.import_pack(client, payload)
        return Outcome((uid,), (), f"Pack {plan.touches[0]} imported.")


def _read(source: str) -> tuple[bytes, str, tuple[str, ...]]:
    """Return the archive of a pack on this machine, its name and version, and what it contains. Blocking."""
    path = local_path(source)
    loaded = reader.from_path(path)
    pack = loaded.pack
    if path.is_dir():
        data = archive.pack(directory.read(path), path.resolve().name)
    elif path.suffix.lower() in (".yaml", ".yml"):
        data = archive.pack(reader.manifest_pack(loaded))
    else:
        data = archive.read_file(path)
    if len(data) > protocol.MAX_BLOB:
        raise InvalidInput(
            f"{source} has more than {protocol.MAX_BLOB // 1024**2} MiB as an archive.",
            "Leave out what is big.",
            "TooBig",
        )
    lines = [f"layer {pack.layer}, {len(pack.charts)} charts, {len(pack.manifests)} manifests"]
    lines += [f"needs the image {image}" for image in pack.images[:20]]
    if len(pack.images) > 20:
        lines.append(f"and {len(pack.images) - 20} further images")
    return data, f"{pack.name} {pack.version}", tuple(lines)


class PackValues(declared.PackValues):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Find the pack. Raises `NotFound`, `Conflict`."""
        row = await _row(ctx, targets[0])
        return Plan(f"Values of {row.reference}", (), (row.uid,), (), self.cli_line((row.reference,), args))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the values or the README. Raises `Unreachable` where the plane cannot fetch the pack."""
        document = await calls.pack(await ctx.port(CanCall), plan.touches[0])
        spec = part(document, "spec")
        key, holder = ("readme", part(spec, EXTENSION)) if args.get("readme") else ("values", spec)
        content = str(holder.get(key) or "")
        harmless = "\n".join(clean(line.replace("\t", "    "), limit=10_000) for line in content.split("\n"))
        return Outcome(plan.touches, (), "", Text(harmless.rstrip("\n"), {key: content}))


class PackFetch(declared.PackFetch):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which packs. Raises `NotFound`, `Conflict`."""
        rows = await _rows(ctx, targets)
        names = {row.uid: row.reference for row in rows}
        lines = tuple(f"{row.reference}: {row.upstream or row.registry}" for row in rows)
        title = f"Fetch pack {rows[0].reference}" if len(rows) == 1 else f"Fetch {len(rows)} packs"
        return Plan(title, lines, tuple(names), (), self.cli_line(tuple(names.values()), {}), None, None, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Fetch, pack by pack."""
        client = await ctx.port(CanCall)

        async def fetch(uid: str) -> None:
            await calls.fetch_content(client, uid)

        return await for_each(plan, fetch, report, "fetched")


class PackDelete(declared.PackDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which packs. Raises `NotFound`, `Conflict` for one that is not stored."""
        rows = await _rows(ctx, targets)
        for row in rows:
            if row.content != "stored":
                raise Conflict(f"The pack {row.reference} is not stored, so it cannot be deleted.", "Name another one.")
        names = {row.uid: row.reference for row in rows}
        title = f"Delete pack {rows[0].reference}" if len(rows) == 1 else f"Delete {len(rows)} packs"
        lines = tuple(names.values())
        return Plan(title, lines, tuple(names), (), self.cli_line(lines, {}), None, None, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Delete, pack by pack."""
        client = await ctx.port(CanCall)
        return await for_each(plan, lambda uid: calls.delete_pack(client, uid), report, "deleted")


async def _row(ctx: CommandContext, text: str) -> PackRow:
    return (await _rows(ctx, (text,)))[0]


async def _rows(ctx: CommandContext, targets: Sequence[str]) -> list[PackRow]:
    items = (await entries(ctx, "pack")).items
    rows: dict[str, PackRow] = {}
    for text in targets:
        row = one_of("pack", items, text).row
        rows[row.uid] = row
    return list(rows.values())
