"""The verb that lists problems with who handles them."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class AlertList(Command):
    """List problems, worst first, with who handles them."""

    name = "alert list"
    implementation = "alert.actions"
    needs = ("CanDescribe", "CanListHosts", "CanListTokens")
    uses = ("CanHandleProblems", "CanReadAlerts")
    title = "alerts"
    params = (Param("only_open", "only what has no assignee yet", flag="--open", kind="flag"),)
    console = False


COMMANDS: tuple[type[Command], ...] = (AlertList,)
