"""Tokens in values: `%h`, `%p`, `%r` and others, `~`, and `${NAME}` of the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from edgewright.clients.ssh.config.settings import Machine
from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean

_PERCENT = re.compile(r"%(.?)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9_]*)(\}?)")
MAX_VALUE = 8192
"""Characters of a value with its tokens replaced."""


def expand(text: str, percent: Mapping[str, str], what: str) -> str:
    """Return a text with each `%x` replaced. Raises `InvalidInput` for another one."""

    def value(match: re.Match[str]) -> str:
        if match[1] == "%":
            return "%"
        try:
            return percent[match[1]]
        except KeyError:
            raise InvalidInput(
                f"{what} of the SSH configuration has {clean(match[0], 10)}, which is not a known token.",
                "Correct it in ~/.ssh/config.",
            ) from None

    result = _PERCENT.sub(value, text)
    if len(result) > MAX_VALUE:
        raise InvalidInput(f"{what} of the SSH configuration is longer than {MAX_VALUE} characters.", "Shorten it.")
    return result


def expand_variables(text: str, machine: Machine, what: str) -> str:
    """Return a text with `${NAME}` replaced. Raises `InvalidInput` for a variable that is not set."""

    def value(match: re.Match[str]) -> str:
        if not match[2] or not match[1] or match[1] not in machine.environment:
            raise InvalidInput(
                f"{what} of the SSH configuration needs the variable {clean(match[1], 80) or '${'}, which is not set.",
                "Set it, or correct ~/.ssh/config.",
            )
        return machine.environment[match[1]]

    return _VARIABLE.sub(value, text)


def in_home(text: str, machine: Machine) -> str:
    """Return a path with `~` replaced by the home folder."""
    return str(machine.home) + text[1:] if text == "~" or text.startswith("~/") else text


def path_of(text: str, percent: Mapping[str, str], machine: Machine, what: str) -> str:
    """Return a path with everything replaced. Raises `InvalidInput`."""
    return in_home(expand(expand_variables(text, machine, what), percent, what), machine)
