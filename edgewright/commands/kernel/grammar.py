"""From words to arguments and back: one grammar for the command line, the `:` line and "the same as" lines.

argparse does the work and is loaded when a verb was chosen, never for the program's `--help`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from edgewright.commands.kernel.base import Command
from edgewright.commands.kernel.line import NEGATED
from edgewright.commands.kernel.params import Param
from edgewright.commands.kernel.usage import usage
from edgewright.core import times
from edgewright.core.errors import UsageError

if TYPE_CHECKING:
    import argparse

_GUARD = "\x00"
"""Put before a filter word like `-state:ready`, so that it is not taken for an option."""


def parser_for(command: type[Command], prog: str = "") -> argparse.ArgumentParser:
    """Return the parser of one verb: its targets and parameters. Errors are `UsageError`s."""
    name = prog or command.name

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            sentence = message[:1].upper() + message[1:]
            raise UsageError(f"{sentence.rstrip('.')}.", f"See: {prog or 'edgewright ' + command.name} --help")

    parser = Parser(
        prog=name,
        description=(command.__doc__ or "").strip(),
        allow_abbrev=False,
        add_help=False,
        usage=usage(command, name),
    )
    target = command.target
    if target is not None:
        metavar = target.kind.upper()
        nargs: Any = None if target.most == 1 and target.least else "+" if target.least else "*"
        parser.add_argument("targets", metavar=metavar, nargs=nargs, help=f"name or uid of the {target.kind}")
    for param in command.params:
        _add(parser, param)
    return parser


def _add(parser: argparse.ArgumentParser, param: Param) -> None:
    if param.kind == "flag":
        parser.add_argument(param.flag, dest=param.name, action="store_true", help=param.help)
        return
    options: dict[str, Any] = {"help": param.help, "type": _reader(param)}
    if param.choices:
        options["choices"] = param.choices
    if param.metavar or not param.choices:
        options["metavar"] = param.metavar or param.name.upper()
    if param.flag:
        default = _reader(param)(param.default) if isinstance(param.default, str) else param.default
        many = {"action": "append"} if param.many else {}
        parser.add_argument(
            param.flag,
            dest=param.name,
            required=param.required,
            default=[] if param.many else default,
            **many,
            **options,
        )
    else:
        nargs = ("+" if param.required else "*") if param.many else (None if param.required else "?")
        parser.add_argument(param.name, nargs=nargs, default=[] if param.many else param.default, **options)


def _reader(param: Param) -> Any:
    """Return what turns a word into the parameter's value."""

    def span(text: str) -> float:
        try:
            return times.parse_span(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    def moment(text: str) -> float | None:
        try:
            return times.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    def integer(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = -1
        if number < 0:
            raise argparse.ArgumentTypeError(f"{text} is not an integer from 0 on")
        return number

    return {"span": span, "time": moment, "int": integer}.get(param.kind, str)


def parse(
    command: type[Command], text: Sequence[str], parser: argparse.ArgumentParser | None = None
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return targets and arguments from the words after the verb. Raises `UsageError`."""
    parser = parser or parser_for(command)
    text, tail = _apart(command, text)
    guarded = [_GUARD + w if any(p.name == "filter" for p in command.params) and NEGATED.match(w) else w for w in text]
    result = vars(parser.parse_intermixed_args(guarded))
    targets = result.pop("targets", ())
    args = {
        name: [v.removeprefix(_GUARD) for v in value] if name == "filter" else value for name, value in result.items()
    }
    args.update(tail)
    return ((targets,) if isinstance(targets, str) else tuple(targets)), args


def _apart(command: type[Command], text: Sequence[str]) -> tuple[Sequence[str], dict[str, str]]:
    """Return the words before `--`, and the argument of a verb that takes all after it. Raises `UsageError`."""
    if not command.after_dashes:
        return text, {}
    arguments = list(text)
    if "--" not in arguments or not " ".join(arguments[arguments.index("--") + 1 :]).strip():
        raise UsageError(
            f"`{command.name}` needs `--` and a {command.after_dashes} after it.",
            f"See: edgewright {command.name} --help",
        )
    place = arguments.index("--")
    return arguments[:place], {command.after_dashes: " ".join(arguments[place + 1 :])}
