"""The usage line of a verb; apart from the grammar because `edgewright --help` needs nothing else of it."""

from __future__ import annotations

from edgewright.commands.kernel.base import Command


def usage(command: type[Command], prog: str = "") -> str:
    """Return the usage line of a verb."""
    arguments = [prog or f"edgewright {command.name}"]
    if command.target is not None:
        word = command.target.kind.upper()
        arguments.append(word if command.target.most == 1 else f"{word}...")
    for param in sorted(command.params, key=lambda p: bool(p.flag)):
        shown = param.metavar or param.name.upper()
        if not param.flag:
            text = f"{shown}..." if param.many else shown
        elif param.kind == "flag":
            text = param.flag
        else:
            text = f"{param.flag} {'|'.join(param.choices) or shown}"
        arguments.append(text if param.required else f"[{text}]")
    if command.after_dashes:
        arguments.append(f"-- {command.after_dashes.upper()}")
    return " ".join(arguments)
