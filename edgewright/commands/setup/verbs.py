"""Verbs about this installation: settings, outside programs, completion."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command, Param


class ConfigShow(Command):
    """Show every setting, its value, and where the value comes from."""

    name = "config show"
    implementation = "setup.actions"
    title = "show"
    online = False
    console = False


class ConfigValidate(Command):
    """Check settings, contexts and key map; shows file, line and the nearest word for what is wrong."""

    name = "config validate"
    implementation = "setup.actions"
    title = "validate"
    online = False
    console = False


class Check(Command):
    """Show which external programs are installed, and what works without them."""

    name = "check"
    implementation = "setup.actions"
    title = "check"
    online = False
    console = False


class Completion(Command):
    """Print the completion script of a shell: eval "$(edgewright completion bash)"."""

    name = "completion"
    implementation = "setup.actions"
    title = "completion"
    params = (Param("shell", "which shell", required=True, choices=("bash", "zsh", "fish"), metavar="SHELL"),)
    online = False
    console = False


COMMANDS: tuple[type[Command], ...] = (ConfigShow, ConfigValidate, Check, Completion)
