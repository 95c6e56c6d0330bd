"""The path of a line of YAML, found from its indentation alone: what is typed is often not YAML yet."""

from __future__ import annotations

import re
from collections.abc import Callable

MOST_LINES = 20_000
"""Lines that are looked at, upwards from the cursor."""
_LINE = re.compile(
    r"""(?P<indent>\ *)(?P<dashes>(?:-\ +)*)(?P<bare>-$)?
    (?:(?P<key>"[^"]*"|'[^']*'|[^\s\#'"{\[&*!|>%@`-][^\#:]*?)\s*:(?=\s|$))?""",
    re.VERBOSE,
)


def _parsed(line: str) -> tuple[int, int, str] | None:
    """Return indentation, number of dashes and key of a line; None for one without content."""
    stripped = line.strip()
    if not stripped or stripped.startswith("#"):
        return None
    match = _LINE.match(line)
    if match is None:
        return None
    dashes = match["dashes"].count("-") + (1 if match["bare"] else 0)
    return len(match["indent"]), dashes, (match["key"] or "").strip("'\"")


def path_at(row: int, line_of: Callable[[int], str]) -> str:
    """Return the dotted path of the value at a line (`charts.web.ports[].port`), "" where there is none."""
    here = _parsed(line_of(row)[:400])
    column = len(line_of(row)) - len(line_of(row).lstrip()) if here is None else 0
    parts: list[str] = []
    if here is None:
        limit = column
    else:
        indent, dashes, key = here
        limit = _take(parts, indent, dashes, key)
    for other in range(row - 1, max(row - MOST_LINES, 0) - 1, -1):
        if limit <= 0 and not (parts and parts[-1] == "[]"):
            break
        parsed = _parsed(line_of(other)[:400])
        if parsed is None:
            continue
        indent, dashes, key = parsed
        inner = indent + 2 * dashes
        listed = bool(parts) and parts[-1] == "[]"
        if key and not dashes and (indent < limit or (listed and indent <= limit)):
            parts.append(key)
            limit = indent
        elif dashes and indent < limit and not listed:
            if key and inner < limit:
                parts.append(key)
            parts.append("[]")
            limit = indent
    path = ""
    for part in reversed(parts):
        path += part if part == "[]" else f".{part}" if path else part
    return path


def _take(parts: list[str], indent: int, dashes: int, key: str) -> int:
    """Add key and dashes of the line itself, innermost first; return the indentation that what is above is below of."""
    if key:
        parts.append(key)
    parts += ["[]"] * dashes
    return indent


def indent_after(line: str) -> str:
    """Return the spaces that a line begun after `line` has: two more after a key without a value."""
    indent = line[: len(line) - len(line.lstrip(" "))]
    stripped = line.strip()
    dashes = re.match(r"(?:- +)+", stripped)
    deeper = " " * len(dashes.group()) if dashes else ""
    if stripped.endswith(":") and not stripped.startswith("#"):
        return f"{indent}{deeper}  "
    if dashes and ":" in stripped:
        return indent + deeper
    return indent
