"""Verbs about this installation: settings, outside programs, completion."""

from __future__ import annotations

from edgewright.commands.base import Command, Param


class ConfigShow(Command):
    """Show every setting, its value, and where the value comes from."""

    name = "config show"
    title = "show"
    online = False
    console = False


class ConfigValidate(Command):
    """Check settings, contexts and key map; says file, line and the nearest word for what is wrong."""

    name = "config validate"
    title = "validate"
    online = False
    console = False


class Check(Command):
    """Say which outside programs are here, and what works without them."""

    name = "check"
    title = "check"
    online = False
    console = False


class Completion(Command):
    """Print the completion script of a shell: eval "$(edgewright completion bash)"."""

    name = "completion"
    title = "completion"
    params = (Param("shell", "which shell", required=True, choices=("bash", "zsh", "fish"), metavar="SHELL"),)
    online = False
    console = False


COMMANDS: tuple[type[Command], ...] = (ConfigShow, ConfigValidate, Check, Completion)
