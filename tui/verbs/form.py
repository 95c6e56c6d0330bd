"""The form of a verb: a title with the objects it works on, one field for each parameter, each checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.core.hosts.tags import parse_tag
from edgewright.core.text import amount
from tui.modals.form import Check, Field
from tui.verbs.command_text import rows_of

if TYPE_CHECKING:
    from edgewright.commands.kernel.base import Command, Param
    from edgewright.store.engine.model import Model

STDIN = " (- for stdin)"
"""What a command line offers and a form has not: the console reads its keys there."""


def objects_text(command: type[Command], targets: Sequence[str], model: Model) -> str:
    """Return what a verb works on: the name of one object, how many of several; empty when it has no targets."""
    if command.target is None or not targets:
        return ""
    if len(targets) > 1:
        return amount(len(targets), command.target.kind)
    row = rows_of(command.target.kind, model).get(targets[0])
    return str(getattr(row, "name", "") or targets[0])


def form_title(command: type[Command], targets: Sequence[str], model: Model) -> str:
    """Return the title of the verb's form, e.g. `Add tags to 3 hosts`."""
    what = objects_text(command, targets, model)
    if command.asks:
        return command.asks.format(what=what)
    title = f"{command.title[:1].upper()}{command.title[1:]}"
    return f"{title} {what}" if what else title


def fields_of(params: Sequence[Param], answers: Mapping[str, str] | None = None) -> list[Field]:
    """Return the fields that ask for `params`, filled with earlier `answers` if any; a switch is not asked for."""
    return [
        Field(
            param.name,
            param.name.replace("_", " "),
            help=param.form or param.help.replace(STDIN, ""),
            value=str(param.default or "") if answers is None else answers.get(param.name, ""),
            required=param.required,
            secret=param.secret,
            check=_check(param),
        )
        for param in params
        if param.kind != "flag"
    ]


def values_of(command: type[Command], answers: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments that the answers of a form represent; an empty one is left out."""
    many = {param.name for param in command.params if param.many}
    return {name: (text.split() if name in many else text) for name, text in answers.items() if text}


def _check(param: Param) -> Check | None:
    if param.choices:
        return lambda text: "" if not text or text in param.choices else f"Enter {' or '.join(param.choices)}."
    if param.kind == "span":
        return _span_problem
    if param.name == "tags":
        return _tags_problem
    return None


def _span_problem(text: str) -> str:
    try:
        times.parse_span(text)
    except ValueError:
        return f"{text} is not a valid time span: enter e.g. 12h or 30d."
    return ""


def _tags_problem(text: str) -> str:
    for tag in text.split():
        try:
            parse_tag(tag)
        except ValueError as error:
            return f"Invalid tag: {error}."
    return ""
