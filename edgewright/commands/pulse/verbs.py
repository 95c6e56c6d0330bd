"""The verb that shows the fleet's problems and counts."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command


class Pulse(Command):
    """Show what is wrong now, worst first, with the fleet's counts."""

    name = "pulse"
    implementation = "pulse.actions"
    needs = ("CanDescribe", "CanListHosts", "CanListTokens")
    uses = ("CanHandleProblems", "CanReadAlerts")
    title = "pulse"
    keys = ("1",)
    aliases = ("pu", "pulses", "home")
    opens = "pulse"


COMMANDS: tuple[type[Command], ...] = (Pulse,)
