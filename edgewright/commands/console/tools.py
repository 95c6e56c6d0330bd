"""Verbs that run the console without its usual surroundings: one frame, a recording, a demonstration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.commands.kernel.base import FRAMES, Command, Param

if TYPE_CHECKING:
    from edgewright.clients.ports import PortName

FLEET: tuple[PortName, ...] = (
    "CanDescribe",
    "CanListHosts",
    "CanListTokens",
    "CanListProjects",
    "CanReadEvents",
    "CanReadAudits",
)
"""What the model of the console is read by."""


class Render(Command):
    """Draw one frame of a screen without a terminal, from the live plane or a recording."""

    name = "render"
    needs = FLEET
    uses = ("CanCall", "CanHandleProblems", "CanListOperations", "CanReadAlerts")
    title = "render"
    outputs = ("text", "svg")
    params = (
        Param("screen", "which screen", required=True, choices=FRAMES, metavar="SCREEN"),
        Param("size", "columns x lines", flag="--size", default="80x24", metavar="CxL"),
        Param("theme", "name of the theme", flag="--theme", metavar="THEME"),
        Param("file", "a recording to draw from", flag="--from", kind="file"),
        Param("host", "for screen host: which one", flag="--host", metavar="HOST"),
        Param("cluster", "for screen cluster: which one", flag="--cluster", metavar="CLUSTER"),
    )
    console = False


class Record(Command):
    """Write the event log of the console's model into a file, until Ctrl-C."""

    name = "record"
    needs = FLEET
    uses = ("CanFollow", "CanHandleProblems", "CanListOperations", "CanReadAlerts")
    title = "record"
    params = (
        Param("file", "where to", required=True, kind="file"),
        Param("duration", "stop after this long, e.g. 10m", flag="--for", kind="span"),
    )
    console = False


class Replay(Command):
    """Open a recording in the console and step through its time."""

    name = "replay"
    title = "replay"
    params = (Param("file", "the recording", required=True, kind="file"),)
    online = False
    console = False


class Demo(Command):
    """Open the console on a simulated fleet: real protocol, simulated hosts, faults happening."""

    name = "demo"
    title = "demo"
    params = (
        Param("hosts", "how many hosts", flag="--hosts", kind="int", default=60, metavar="N"),
        Param(
            "clusters",
            "how many clusters the hosts form, 0 to 30",
            flag="--clusters",
            kind="int",
            default=30,
            metavar="N",
        ),
        Param("no_console", "print where it is and run until Ctrl-C", flag="--no-console", kind="flag"),
        Param("data", "store the hub's data here instead of a temporary directory", flag="--data", kind="file"),
    )
    online = False
    console = False


COMMANDS: tuple[type[Command], ...] = (Render, Record, Replay, Demo)
