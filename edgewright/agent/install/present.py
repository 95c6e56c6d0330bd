"""The options that the installed agent has, read from its unit: an update needs no flag again."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List

from edgewright.agent.install import unit
from edgewright.agent.install.install import ETC, UNITS, InstallOptions

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_FILES = {
    "--token-file": ("token_file", ETC + "/token"),
    "--pairing-key-file": ("pairing_key_file", ETC + "/pairing-key"),
    "--ca": ("ca", ETC + "/ca.crt"),
    "--user-data": ("user_data", ETC + "/user-data"),
}

_TIMES = {"--interval": "interval", "--silence-limit": "silence"}


def as_installed(spec: InstallOptions) -> InstallOptions:
    """Return `spec` with the options of the unit below `spec.root` where none are given.

    A plane that is named in `spec`, or a host without the agent, leaves it as it is. A token that was removed after the
    registration is not asked for.
    """
    command = _command(spec)
    if spec.endpoint or spec.user_data or not command:
        return spec
    values: Dict[str, Any] = {}
    for number, word in enumerate(command):
        value = command[number + 1] if number + 1 < len(command) else ""
        if word == "--endpoint":
            values["endpoint"] = value
        elif word == "--data":
            values["data"] = value
        elif word == "--budget" and value.isdigit():
            values["budget"] = spec.budget or int(value)
        elif word in _TIMES:
            name = _TIMES[word]
            values[name] = getattr(spec, name) or _seconds(value)
        elif word in ("--metered", "--observe"):
            values[word[2:]] = True
        elif word in _FILES:
            name, place = _FILES[word]
            path = os.path.join(spec.root, place.lstrip("/"))
            if os.path.exists(path):
                values[name] = getattr(spec, name) or path
    start = command[: command.index("run")] if "run" in command else []
    if start:
        values["prefix"] = os.path.dirname(start[-1])
    if len(start) > 1:
        values["python"] = start[0]
    return spec._replace(**values)


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0


def _command(spec: InstallOptions) -> List[str]:
    """Return the words that the unit starts; none without a unit."""
    try:
        with open(os.path.join(spec.root, UNITS.lstrip("/"), unit.NAME), encoding="utf-8") as file:
            lines = [line for line in file if line.startswith("ExecStart=")]
    except (OSError, UnicodeDecodeError):
        return []
    return unquoted(lines[0].partition("=")[2]) if lines else []


def unquoted(line: str) -> List[str]:
    """Return the words of an ExecStart line as `unit.quote` wrote them."""
    arguments = []
    for match in _WORD.finditer(line):
        word = re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2]
        arguments.append(word.replace("%%", "%").replace("$$", "$"))
    return arguments
