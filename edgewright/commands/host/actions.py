"""Actions: verbs that show edge hosts, and the one that announces a new one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanListHosts, CanRegisterHosts
from edgewright.commands.host import rows as host_rows
from edgewright.commands.host import verbs as declared
from edgewright.commands.host.conditions import condition_of_found
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.lookup import FoundHost, absent_verbs, every_host, find_host, project_text, saved_filter
from edgewright.commands.kernel.results import Listing, Text
from edgewright.config.credentials import read_key_file
from edgewright.core import times
from edgewright.core.errors import InvalidInput
from edgewright.core.filters.command_line import filter_of
from edgewright.core.filters.tag_filter import passes
from edgewright.core.hosts.hosts import check_uid
from edgewright.core.hosts.tags import tags_to_labels
from edgewright.core.slow_files import read_in_time


class HostList(declared.HostList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give the hosts that match. Raises `UsageError` for a filter that cannot be read."""
        wanted = filter_of(args)
        hosts = [host async for host in every_host(ctx) if wanted.matches(host.row.get)]
        if args.get("saved"):
            saved = await saved_filter(ctx, str(args["saved"]))
            hosts = [host for host in hosts if passes(saved, (host.document.get("metadata") or {}).get("labels") or {})]
        hosts.sort(key=_order(args.get("sort") or "name"))
        limit = args.get("limit")
        now = times.now()
        items = tuple(host_rows.item(host, now) for host in hosts[:limit])
        note = f"{len(items)} of {len(hosts)} hosts; the rest is cut by --limit." if len(items) < len(hosts) else ""
        empty = "No host matches." if wanted or args.get("saved") else "There is no host yet."
        return Outcome((), result=Listing(host_rows.COLUMNS, items, empty, note))


class HostShow(declared.HostShow):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give one host, by uid or name. Raises `NotFound`, or `Conflict` when the name is not unique."""
        now = times.now()
        host = await find_host(ctx, plan.touches[0])
        condition = await condition_of_found(ctx, host, now)
        project = await project_text(ctx, host.row.project_uid)
        return Outcome((), result=host_rows.detail(host, condition, now, await absent_verbs(ctx), project))


class HostRegister(declared.HostRegister):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what will be created. Raises `InvalidInput` for a UID or a tag that breaks its rules."""
        uid = str(args["uid"])
        problems = check_uid(uid)
        if problems:
            raise InvalidInput(problems[0], "Give the UID exactly as the host will report it.")
        try:
            labels = tags_to_labels(args.get("tags") or ())
        except ValueError as error:
            raise InvalidInput(f"A tag is wrong: {error}.", "Write --tag site:berlin") from None
        if args.get("pairing_key_file") and args.get("make_pairing_key"):
            raise InvalidInput("Give a pairing key file or let one be made, not both.")
        key = "with a pairing key" if args.get("pairing_key_file") or args.get("make_pairing_key") else "with any token"
        lines = (f"{uid} will be unpaired until its agent comes; it is let in {key}.",)
        return Plan(f"Register {uid}", lines, (uid,), (), self.cli_line(targets, args), None, labels)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Pre-register the host. Raises `Conflict` when it is there already."""
        key = ""
        if args.get("pairing_key_file"):
            file = str(args["pairing_key_file"])
            key = await read_in_time(lambda: read_key_file(file), file)
        elif args.get("make_pairing_key"):
            key = secrets.token_hex(16)
        uid = await (await ctx.port(CanRegisterHosts)).create(
            str(args["uid"]), plan.payload, str(args.get("arch") or ""), key, str(args.get("host_name") or "")
        )
        document = await (await ctx.port(CanListHosts)).get(uid)
        made = bool(args.get("make_pairing_key"))
        text = key if made else ""
        message = f"{uid} may come now" + ("; its pairing key is on stdout." if made else ".")
        if made:
            document.setdefault("spec", {}).setdefault("host", {})["hostPairingKey"] = key
        return Outcome((uid,), (), message, Text(text, document, uid))


def _order(field: str) -> Callable[[FoundHost], tuple[Any, ...]]:
    """Return the sort key of a listing: names go up, times from the newest, health from the worst; unknown last."""
    worst = {"unhealthy": 0, "unknown": 1, "healthy": 2}

    def key(host: FoundHost) -> tuple[Any, ...]:
        row = host.row
        if field == "health":
            return (worst.get(row.health, 3), row.name, row.uid)
        if field == "state":
            return (row.state, row.name, row.uid)
        if field in ("since", "seen", "created"):
            moment = {"since": row.since or row.created, "seen": row.last_seen, "created": row.created}[field]
            return (moment is None, -(moment or 0.0), row.name, row.uid)
        return (row.name, row.uid)

    return key
