"""The verb that shows the fleet's problems and counts, and those of its screen: the next step, and who handles it.

The command line has the same under `alert`: acknowledge, assign, note, silence.
"""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.kernel.base import Command, Danger, Scope
from edgewright.commands.kernel.params import CONSOLE_ONLY


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


class _OnProblem(Command):
    """What these verbs share: they work on the problem under the cursor."""

    scope: ClassVar[Scope] = "pulse"
    cli = False
    no_cli = CONSOLE_ONLY


class NextStep(_OnProblem):
    """Open what helps with a problem: its log, its largest directories, the hosts behind it."""

    name = "next"
    title = "next step"
    keys = ("n",)
    action = "next_step"
    online = False


class _Handle(_OnProblem):
    """What changes who handles a problem; the plane stores it for every console."""

    danger: ClassVar[Danger] = "write"


class Acknowledge(_Handle):
    """Acknowledge a problem for every console, or take that back; it moves below the others until its cause changes."""

    name = "acknowledge"
    needs = ("CanListHosts",)
    uses = ("CanHandleProblems",)
    title = "acknowledge"
    keys = ("a",)
    aliases = ("ack",)
    action = "acknowledge"
    no_cli = "The command line has alert acknowledge."


class Assign(_Handle):
    """Assign a problem to a user by name."""

    name = "assign"
    needs = ("CanHandleProblems",)
    title = "assign"
    keys = ("A",)
    action = "assign"
    no_cli = "The command line has alert assign."


class Note(_Handle):
    """Write a note on a problem, for every console."""

    name = "note"
    needs = ("CanHandleProblems",)
    title = "note"
    keys = ("w",)
    action = "note"
    no_cli = "The command line has alert note."


class Silence(_Handle):
    """Silence a problem for a while: no messages about it, and it moves below the others."""

    name = "silence"
    needs = ("CanHandleProblems",)
    title = "silence"
    keys = ("s",)
    action = "silence"
    no_cli = "The command line has alert silence."


class OpenSite(_OnProblem):
    """Open the host behind a problem by SSH, plane or not: Doctor first."""

    name = "open site"
    title = "site"
    keys = ("S",)
    action = "site_open"
    online = False
    no_cli = "The command line has site open."


COMMANDS: tuple[type[Command], ...] = (Pulse, NextStep, Acknowledge, Assign, Note, Silence, OpenSite)
