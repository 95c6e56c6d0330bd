"""The verb that does what a file says: an answer file or a document."""

from __future__ import annotations

from edgewright.commands.base import Command

COMMANDS: tuple[type[Command], ...] = ()
