"""Actions: boot the active or the passive slot of a host that is open, or reset it; its state for the console too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.clients.ssh.boot.host_boot import read_boot, set_next_boot
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site import page_verbs as declared
from edgewright.core.boot.actions import Action, boot_passive, reset, return_to_active
from edgewright.core.boot.state import BootState
from edgewright.core.errors import Refused, TimedOut, Unreachable, UsageError
from edgewright.core.text import clean

if TYPE_CHECKING:
    from edgewright.commands.site.opened import Site


async def state_of(site: Site) -> BootState:
    """Return how the host of a site booted. Raises `EdgewrightError`; a lost link is known to the site then."""
    connection = await site.use()
    try:
        return await read_boot(connection, clean(site.name, 80))
    except Unreachable as error:
        await site.broke(error)
        raise


def _plan(site: Site | None, state: BootState | None, action: Action | None, typed: bool) -> Plan:
    """Return the plan of an action. Raises `UsageError`, `Refused` with the reason why it is not possible."""
    if site is None or state is None or action is None:
        raise UsageError("The next boot is set on the Boot page of a site.", "Open it: :site open TARGET, then b")
    if action.reason:
        raise Refused(action.reason, action.hint, "NotPossible")
    if not state.name:
        raise Refused("The host reports no name that can be typed.", "Use its shell.", "NoName")
    if not state.boot_id:
        raise Refused("The host does not report which boot this is.", "Use its shell.", "NoBootId")
    lines = (*action.lines, "RUN ON THE HOST, as root:", *(f"  {command}" for command in action.commands))
    title = f"{action.title}: {state.name}"
    lost = action.lost or ("what runs on the host stops",)
    return Plan(title, lines, (site.target,), lost, "", state.name if typed else None, (site, state, action))


async def _apply(plan: Plan) -> Outcome:
    site, state, action = plan.payload
    connection = await site.use()
    site.did(f"next boot {action.entry}")
    try:
        await set_next_boot(connection, clean(site.name, 80), state, action)
    except (Unreachable, TimedOut) as error:
        if isinstance(error, Unreachable):
            await site.broke(error)
        raise type(error)(
            f"{error.message} Whether the next boot of {state.name} was set is not known.",
            "When the host is back this page shows what its next boot is set to.",
            "OutcomeUnknown",
        ) from None
    return Outcome(plan.touches, (), f"{state.name} restarts; its next boot is {action.entry}.")


class SiteBootActive(declared.SiteBootActive):
    """See the declaration. The arguments are the open `site` and the `state` that its page shows."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Show commands and effects. Raises `UsageError`, `Refused`."""
        state = args.get("state")
        return _plan(args.get("site"), state, return_to_active(state) if state is not None else None, False)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Set the next boot and restart. Raises `EdgewrightError`."""
        return await _apply(plan)


class SiteBootPassive(declared.SiteBootPassive):
    """See the declaration. The arguments are those of `SiteBootActive`."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Show commands and effects. Raises `UsageError`, `Refused`."""
        state = args.get("state")
        return _plan(args.get("site"), state, boot_passive(state) if state is not None else None, False)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Set the next boot and restart. Raises `EdgewrightError`."""
        return await _apply(plan)


class SiteReset(declared.SiteReset):
    """See the declaration. The arguments are those of `SiteBootActive`."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Show what is emptied and what is retained. Raises `UsageError`, `Refused`."""
        state = args.get("state")
        return _plan(args.get("site"), state, reset(state) if state is not None else None, True)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Set the next boot and restart. Raises `EdgewrightError`."""
        return await _apply(plan)
