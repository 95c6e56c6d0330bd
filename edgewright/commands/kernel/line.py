"""The command line that does the same as a verb with its targets and arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from edgewright.commands.kernel.params import Param, Target

NEGATED = re.compile(r"-(?:tag\.)?[A-Za-z][\w.-]*(?::|[<>]=?|=)")
"""A filter word that looks like an option: `-state:ready`."""


class Declared(Protocol):
    """What of a verb its command line is made from."""

    name: str
    target: Target | None
    params: tuple[Param, ...]
    after_dashes: str


def command_line(command: Declared, targets: Sequence[str], args: Mapping[str, Any]) -> str:
    """Return the command line that does the same, quoted for a shell; parameters at their default are left out."""
    positional = list(targets) if command.target is not None else []
    flags: list[str] = []
    for param in command.params:
        value = args.get(param.name)
        if value in (None, "", [], ()) or value is False:
            continue
        texts = [_text(param, v) for v in (value if isinstance(value, (list, tuple)) else [value])]
        if not param.flag:
            positional += texts
        elif param.kind == "flag":
            flags.append(param.flag)
        elif param.many or texts != [str(param.default)]:
            for text in texts:
                flags += [f"{param.flag}={text}"] if text.startswith("-") else [param.flag, text]
    tail = ["--", str(args.get(command.after_dashes) or "")] if command.after_dashes else []
    dashes = ["--"] if not tail and any(w.startswith("-") and not NEGATED.match(w) for w in positional) else []
    arguments = [*flags, *dashes, *positional] if dashes else [*positional, *flags, *tail]
    import shlex  # not before the first frame of the console

    return shlex.join(["edgewright", *command.name.split(), *arguments])


def _text(param: Param, value: Any) -> str:
    if param.kind == "span" and isinstance(value, (int, float)):
        for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60)):
            if value >= seconds and value % seconds == 0:
                return f"{int(value // seconds)}{unit}"
        return f"{value:g}s"
    if param.kind == "time" and isinstance(value, (int, float)):
        from edgewright.core import times

        return times.rfc3339(value)
    return str(value)
