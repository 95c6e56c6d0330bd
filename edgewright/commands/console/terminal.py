"""Verbs of the console about its terminal: copy, mouse, freeze, background."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command
from edgewright.commands.kernel.params import CONSOLE_ONLY


class Copy(Command):
    """Copy uid, name, address, token text or command line to the terminal's clipboard (OSC 52)."""

    name = "copy"
    title = "copy"
    keys = ("c",)
    aliases = ("yank",)
    action = "copy"
    on_rows = (1, 0)
    online = False
    cli = False
    no_cli = CONSOLE_ONLY


class Mouse(Command):
    """Switch the mouse off and on: while it is off, the terminal itself selects text."""

    name = "mouse"
    title = "mouse"
    keys = ("f9",)
    action = "mouse"
    online = False
    cli = False
    no_cli = CONSOLE_ONLY


class Freeze(Command):
    """Freeze the screen to read or copy it; the data continues, and the next key shows it."""

    name = "freeze"
    title = "freeze"
    keys = ("F",)
    aliases = ("pause",)
    action = "freeze"
    online = False
    cli = False
    no_cli = CONSOLE_ONLY


class Background(Command):
    """Put the console into the background of the shell that started it; `fg` brings it back."""

    name = "background"
    title = "background"
    keys = ("ctrl+z",)
    aliases = ("suspend",)
    action = "background"
    online = False
    cli = False
    no_cli = CONSOLE_ONLY


COMMANDS: tuple[type[Command], ...] = (Copy, Mouse, Freeze, Background)
