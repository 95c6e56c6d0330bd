"""Verbs about builds: which run, which are done, what came of them."""

from __future__ import annotations

from edgewright.commands.base import Command

COMMANDS: tuple[type[Command], ...] = ()
