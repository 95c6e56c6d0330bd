"""Tags on and off: what would change per host, and the writing of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.clients.ports import CanTag
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.lookup import find_hosts
from edgewright.commands.kernel.registry import observed_reason
from edgewright.core.errors import InvalidInput, Refused
from edgewright.core.hosts import tags

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext


async def plan_labels(
    command: Command, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any], *, take_off: bool
) -> Plan:
    """Return the plan; its payload is uid to (name, new labels) for the hosts that change.

    Raises `InvalidInput` for a text that is not a tag, `NotFound`, and `Refused` for a host that is only observed.
    """
    try:
        wanted = [tags.parse_tag(tag) for tag in args.get("tags") or ()]
    except ValueError as error:
        raise InvalidInput(f"A tag is wrong: {error}.", "Write --tag site:berlin") from None
    lines: list[str] = []
    changes: dict[str, tuple[str, dict[str, str]]] = {}
    hosts = await find_hosts(ctx, targets)
    for host in hosts:
        if host.row.observed:
            raise Refused(observed_reason(host.name, command.name), "Leave it out.")
        labels = (host.document.get("metadata") or {}).get("labels") or {}
        before = {str(key): str(value) for key, value in labels.items()}
        after = tags.without_tags(before, wanted) if take_off else {**before, **dict(wanted)}
        lines.append(f"{host.name}: {'  '.join(tags.changes(before, after)) or 'nothing changes'}")
        if after != before:
            changes[host.uid] = (str((host.document.get("metadata") or {}).get("name") or host.uid), after)
    verb = "Untag" if take_off else "Tag"
    title = f"{verb} {hosts[0].name}" if len(hosts) == 1 else f"{verb} {len(hosts)} hosts"
    uids = tuple(host.uid for host in hosts)
    return Plan(
        title, tuple(lines), uids, (), command.cli_line(uids, args), None, changes, {h.uid: h.name for h in hosts}
    )


async def write_labels(ctx: CommandContext, plan: Plan, report: Callable[[str], None]) -> Outcome:
    """Write what the plan lists; a host that does not change counts as done."""
    hosts = await ctx.port(CanTag)

    async def write(uid: str) -> None:
        if uid in plan.payload:
            name, labels = plan.payload[uid]
            await hosts.set_labels(uid, name, labels)

    outcome = await for_each(plan, write, report, "has new tags" if plan.payload else "has these tags already")
    if outcome.failed or not plan.payload:
        return outcome
    change = plan.lines[0] if len(plan.touches) == 1 else f"Tags of {len(plan.payload)} hosts changed."
    return outcome._replace(message=change)
