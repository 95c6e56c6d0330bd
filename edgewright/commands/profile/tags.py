"""Actions: verbs that add tags to profiles and remove them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.profile import verbs as declared
from edgewright.commands.profile.rows import named_profiles
from edgewright.core.errors import InvalidInput
from edgewright.core.hosts import tags
from edgewright.store.collections.catalogue import profiles as calls


class ProfileTag(declared.ProfileTag):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which tags are added to which version. Raises `InvalidInput` for a text that is not a tag."""
        return await _plan(self, ctx, targets, args, remove=False)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Write the tags, version by version."""
        return await _write(ctx, plan, report)


class ProfileUntag(declared.ProfileUntag):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which tags are removed from which version. Raises `InvalidInput` for a text that is not a tag."""
        return await _plan(self, ctx, targets, args, remove=True)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Write the tags, version by version."""
        return await _write(ctx, plan, report)


async def _plan(
    command: Command, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any], *, remove: bool
) -> Plan:
    """Return the plan; its payload is uid to (name, new labels) for the versions that change."""
    try:
        wanted = [tags.parse_tag(tag) for tag in args.get("tags") or ()]
    except ValueError as error:
        raise InvalidInput(f"A tag is wrong: {error}.", "Write --tag team:shops") from None
    lines: list[str] = []
    changes: dict[str, tuple[str, dict[str, str]]] = {}
    profiles = await named_profiles(ctx, targets)
    for entry in profiles:
        labels = (entry.document.get("metadata") or {}).get("labels") or {}
        before = {str(key): str(value) for key, value in labels.items()}
        after = tags.without_tags(before, wanted) if remove else {**before, **dict(wanted)}
        lines.append(f"{entry.row.reference}: {'  '.join(tags.changes(before, after)) or 'nothing changes'}")
        if after != before:
            changes[entry.row.uid] = (entry.row.name, after)
    names = {entry.row.uid: entry.row.reference for entry in profiles}
    what = profiles[0].row.reference if len(profiles) == 1 else f"{len(profiles)} profiles"
    cli = command.cli_line(tuple(names.values()), args)
    return Plan(f"{'Untag' if remove else 'Tag'} {what}", tuple(lines), tuple(names), (), cli, None, changes, names)


async def _write(ctx: CommandContext, plan: Plan, report: Callable[[str], None]) -> Outcome:
    """Write what the plan lists; a version that does not change counts as done."""
    client = await ctx.port(CanCall)

    async def write(uid: str) -> None:
        if uid in plan.payload:
            await calls.set_labels(client, uid, *plan.payload[uid])

    outcome = await for_each(plan, write, report, "has new tags" if plan.payload else "has these tags already")
    if outcome.failed or not plan.payload:
        return outcome
    message = plan.lines[0] if len(plan.touches) == 1 else f"Tags of {len(plan.payload)} profiles changed."
    return outcome._replace(message=message)
