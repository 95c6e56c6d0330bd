"""The check of several files at once: offline for each, then plane and network, then what clashes between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.forge.userdata_plane import ask
from edgewright.core.cloudconfig.findings import Finding, ordered
from edgewright.core.cloudconfig.network.network import check_plan
from edgewright.core.errors import InvalidInput
from edgewright.core.times import now
from edgewright.forge.userdata.files import findings, findings_over, load
from edgewright.forge.userdata.online import check_online, not_checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgewright.commands.kernel.context import CommandContext


async def check_files(ctx: CommandContext, args: Mapping[str, Any]) -> dict[str, list[Finding]]:
    """Return the findings of each file, the worst first. Raises `NotFound`, `Failed` for one that cannot be read."""
    over = load(args["over"]) if args.get("over") else None
    matches: dict[str, list[Finding]] = {}
    documents: dict[str, Mapping[str, Any]] = {}
    offline, profile = bool(args.get("offline")), args["profile"]
    for name in dict.fromkeys(args["files"]):
        try:
            loaded = load(name)
            if over is None or loaded.parsed is None:
                every, document = findings(loaded, profile, now()), loaded.document
                network = await _network(ctx, document, offline=offline) if loaded.parsed is not None else []
                every += loaded.parsed.placed(network) if loaded.parsed is not None else []
            else:
                every, others, layers = findings_over(loaded, over, profile, now())
                document = layers.document
                mine, theirs = layers.split(await _network(ctx, document, offline=offline))
                every += mine
                matches[over.name] = ordered([*matches.get(over.name, []), *others, *theirs])
        except InvalidInput as wrong:
            message = wrong.message.removeprefix(f"{name}, ").removeprefix(f"{name} ")
            message = message[:1].upper() + message[1:]
            matches[name] = [Finding("error", "", message, wrong.hint, wrong.code, _line(message))]
            continue
        if loaded.parsed is not None:
            documents[name] = document
        matches[name] = ordered([*matches.get(name, []), *every])
    if args.get("site_plan"):
        _plan(matches, documents)
    return matches


def _line(message: str) -> int:
    """Return the line that a sentence such as `Line 3, column 2: ...` begins with."""
    parts = message.replace(":", " ").replace(",", " ").split()
    return int(parts[1]) if len(parts) > 1 and parts[0] == "Line" and parts[1].isdigit() else 0


async def _network(ctx: CommandContext, document: Mapping[str, Any], *, offline: bool) -> list[Finding]:

    if offline:
        return not_checked(document)

    known = await ask(ctx, document)
    return await check_online(
        document,
        tokens=known.tokens,
        hosts=known.hosts,
        projects=known.projects,
        why_no_tokens=known.why or "no plane was asked for its tokens",
        timeout=min(ctx.timeout, 5.0),
    )


def _plan(matches: dict[str, list[Finding]], documents: Mapping[str, Mapping[str, Any]]) -> None:
    """Add what clashes between the files to the later one of each pair."""
    for clash in check_plan(list(documents.items())):
        name, _, path = clash.path.partition(": ")
        if name in matches:
            matches[name] = ordered([*matches[name], clash._replace(path=path)])
