"""Verbs that change who handles a problem: acknowledge, assign, note, silence. The plane stores it for all consoles."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param, Target


class AlertAcknowledge(Command):
    """Mark problems as seen: no repeated messages. It ends when the problem no longer exists or has another cause."""

    name = "alert acknowledge"
    implementation = "alert.changes"
    needs = ("CanDescribe", "CanListHosts", "CanListTokens")
    uses = ("CanHandleProblems", "CanReadAlerts")
    title = "acknowledge"
    danger = "write"
    target = Target("alert")
    params = (Param("off", "take it back", flag="--off", kind="flag"),)
    console = False


class AlertAssign(Command):
    """Assign a problem to a user; without a name it has no assignee."""

    name = "alert assign"
    implementation = "alert.changes"
    needs = ("CanDescribe", "CanHandleProblems", "CanListHosts", "CanListTokens")
    uses = ("CanReadAlerts",)
    title = "assign"
    danger = "write"
    target = Target("alert", 1, 1)
    params = (Param("assignee", "name of who has it; none removes it", metavar="NAME"),)
    console = False


class AlertNote(Command):
    """Write a note about a problem for every console; without a text the note is removed."""

    name = "alert note"
    implementation = "alert.changes"
    needs = ("CanDescribe", "CanHandleProblems", "CanListHosts", "CanListTokens")
    uses = ("CanReadAlerts",)
    title = "note"
    danger = "write"
    target = Target("alert", 1, 1)
    params = (Param("text", "the note; none removes it", metavar="TEXT"),)
    console = False


class AlertSilence(Command):
    """Send no messages about problems until a time; what lasts longer is sent then."""

    name = "alert silence"
    implementation = "alert.changes"
    needs = ("CanDescribe", "CanHandleProblems", "CanListHosts", "CanListTokens")
    uses = ("CanReadAlerts",)
    title = "silence"
    danger = "write"
    target = Target("alert")
    params = (
        Param("span", "for how long, e.g. 30m, 4h, 2d", flag="--for", kind="span", default="4h"),
        Param("off", "end it now", flag="--off", kind="flag"),
    )
    console = False


COMMANDS: tuple[type[Command], ...] = (AlertAcknowledge, AlertAssign, AlertNote, AlertSilence)
