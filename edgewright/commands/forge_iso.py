"""Verbs that make installer ISOs and look at them."""

from __future__ import annotations

from edgewright.commands.base import Command

COMMANDS: tuple[type[Command], ...] = ()
