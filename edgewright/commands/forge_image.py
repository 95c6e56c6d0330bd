"""The verb that builds and pushes provider images."""

from __future__ import annotations

from edgewright.commands.base import Command

COMMANDS: tuple[type[Command], ...] = ()
