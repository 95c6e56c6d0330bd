"""Writing YAML: block style, keys in the order given, texts of several lines as blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

WIDE = 1 << 30
"""No line is folded."""


class _Dumper(yaml.SafeDumper):
    """Block style, lists indented, texts of several lines as blocks, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    breaks = any(mark in value for mark in "\x85\u2028\u2029")  # YAML takes these for line ends, unless escaped
    style = '"' if breaks else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def write(value: Any, width: int = WIDE, ascii_only: bool = False) -> str:
    """Return a value (maps, lists, words) as YAML; `width` is where long lines are folded."""
    text: str = yaml.dump(
        _plain(value),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=not ascii_only,
        width=width,
    )
    return text


def _plain(value: Any) -> Any:
    """Return maps, lists and tuples as what the writer knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
