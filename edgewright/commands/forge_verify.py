"""The verb that boots an installer and watches it register."""

from __future__ import annotations

from edgewright.commands.base import Command

COMMANDS: tuple[type[Command], ...] = ()
