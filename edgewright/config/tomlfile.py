"""TOML files with positions: read strictly, with file and line of what is wrong; write the few forms that are used."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewright.core.errors import InvalidInput


def parse(text: str, path: Path) -> dict[str, Any]:
    """Return the parsed file. Raises `InvalidInput` naming file and line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        last = max(len(text.splitlines()), 1)
        where = f", line {match.group(1) if match else last}"
        what = re.sub(r" \(at .*\)$", "", str(error)) if match else "the file ends inside a value"
        raise InvalidInput(f"{path}{where}: {what}.", "Fix that line.") from None


def line_of(text: str, key: str, table: str = "") -> int:
    """Return the line (from 1) where `key` is set in `table`, or the table's own line, or 1."""
    inside = not table
    table_line = 1
    name = re.compile(rf"""\s*(["']?){re.escape(key)}\1\s*=""")
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        if header and "=" not in line.split("[", 1)[0]:
            inside = header.group(1).replace('"', "").replace("'", "") == table
            table_line = number if inside else table_line
        elif inside and name.match(line):
            return number
    return table_line


def dump(values: Mapping[str, Any]) -> str:
    """Return TOML for texts, numbers, flags and two levels of tables; empty texts and None are left out."""
    lines: list[str] = []
    tables: list[str] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            tables.append(_table(_key(key), value))
        elif value not in (None, ""):
            lines.append(f"{_key(key)} = {_value(value)}")
    return "\n\n".join(filter(None, ["\n".join(lines), *tables])) + "\n"


def _table(prefix: str, values: Mapping[str, Any]) -> str:
    own = [f"{_key(k)} = {_value(v)}" for k, v in values.items() if not isinstance(v, Mapping) and v not in (None, "")]
    inner = [_table(f"{prefix}.{_key(k)}", v) for k, v in values.items() if isinstance(v, Mapping)]
    head = [f"[{prefix}]\n" + "\n".join(own)] if own or not inner else []
    return "\n\n".join(head + inner)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
