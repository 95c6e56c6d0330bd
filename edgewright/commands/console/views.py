"""Verbs that open or change a view of the console, everywhere in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.commands.kernel.base import Command, Param
from edgewright.commands.kernel.params import CONSOLE_ONLY

if TYPE_CHECKING:
    pass


class Guide(Command):
    """Open the first steps, from a plane to an application that answers: what is done, what is next."""

    name = "guide"
    title = "first steps"
    no_key = "It is needed until the first application runs; Pulse and the message line name it until then."
    aliases = ("first-steps", "steps", "start")
    key_id = "first-steps"
    opens = "first-steps"
    online = False


class HubLog(Command):
    """Read the log of the hub that runs on this machine; it grows while it is open."""

    name = "hub log"
    title = "log of the hub"
    no_key = "It is read seldom."
    opens = "hub-log"
    online = False
    cli = False
    no_cli = "Read hub.log in the hub's data directory."


class Help(Command):
    """Show every key and verb that works here, in the command's own words."""

    name = "help"
    title = "all"
    keys = ("?",)
    aliases = ("h",)
    opens = "help"
    online = False
    cli = False
    no_cli = "The command line has --help."


class Quit(Command):
    """Leave the console; prompts once whether a hub that was started here keeps running."""

    name = "quit"
    title = "quit"
    keys = ("ctrl+q",)
    aliases = ("q", "q!", "exit")
    action = "leave"
    online = False
    cli = False
    no_cli = CONSOLE_ONLY


class Theme(Command):
    """Choose the colours: pick from the list, or name a theme."""

    name = "theme"
    title = "theme"
    keys = ("ctrl+t",)
    aliases = ("skin",)
    params = (Param("theme", "name of the theme", metavar="THEME"),)
    opens = "themes"
    online = False
    cli = False
    no_cli = "A theme belongs to the console; set it for good with `theme` in settings.toml."


class ReadOnly(Command):
    """Enter or leave read-only mode: in it every verb that changes something is refused."""

    name = "read-only"
    title = "read-only"
    keys = ("ctrl+o",)
    aliases = ("readonly", "ro")
    action = "read_only"
    online = False
    cli = False
    no_cli = "The command line has --read-only."


class Retry(Command):
    """Ask the plane now: reconnect at once if it was lost, else refresh."""

    name = "retry"
    needs = ("CanDescribe",)
    title = "refresh"
    keys = ("ctrl+r",)
    aliases = ("refresh", "reconnect")
    action = "retry"
    cli = False
    no_cli = CONSOLE_ONLY


class Messages(Command):
    """Show the messages of this session, newest last."""

    name = "messages"
    title = "messages"
    keys = ("!",)
    aliases = ("log", "msg")
    opens = "messages"
    online = False
    cli = False
    no_cli = CONSOLE_ONLY


class CommandLine(Command):
    """Type a verb by name, with completion."""

    name = "command"
    title = "command"
    keys = (":",)
    action = "command_line"
    online = False
    cli = False
    no_cli = "The command line is one."


COMMANDS: tuple[type[Command], ...] = (
    Guide,
    HubLog,
    Help,
    CommandLine,
    Retry,
    ReadOnly,
    Theme,
    Messages,
    Quit,
)
