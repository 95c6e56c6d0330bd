"""Reading YAML: a document with the line of each key.

Reading never crashes and never hangs, whatever the bytes: size, depth and number of nodes are bounded, aliases are
copied within those bounds. Plain words mean what the agent's own reader takes them for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

from edgewright.core.cloudconfig.findings import Finding
from edgewright.core.errors import InvalidInput
from edgewright.yamltext.bounds import MAX_SIZE
from edgewright.yamltext.builder import Builder
from edgewright.yamltext.templates import hide_templates

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class Parsed(NamedTuple):
    """A document that was read: its keys, the line of each path, and what is odd about the text itself."""

    document: dict[str, Any]
    lines: dict[str, int]
    problems: list[Finding]

    def line_of(self, path: str) -> int:
        """Return the line of a path, or of the nearest thing above it that has one (0: none)."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return 0

    def placed(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings with their lines."""
        return [result if result.line else result._replace(line=self.line_of(result.path)) for result in findings]


def read(text: str, name: str = "The user-data", most: int = MAX_SIZE) -> Parsed:
    """Return the document in a text. Raises `InvalidInput` for what is not YAML, no map, or beyond the bounds.

    What can be read but would surprise (a key that is there twice, a second document, a tag) is in `problems`.
    `most` is the largest size in characters.
    """
    hidden: list[str] = []
    text = prepared(text, name, most, hidden)
    builder = Builder(hidden, name)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            if not builder.take(event):
                break
    except yaml.MarkedYAMLError as wrong:
        raise broken(name, wrong, text) from None
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as wrong:
        raise InvalidInput(f"{name} is not YAML: {str(wrong)[:200]}.", "Correct it.", "InvalidYaml") from None
    root = builder.root
    if root is None:
        root = {}
    if not isinstance(root, dict):
        raise InvalidInput(
            f"{name} is not a map of keys.", "It begins with #cloud-config and contains keys such as stylus.", "NotAMap"
        )
    return Parsed(root, builder.lines, builder.problems)


def prepared(text: str, name: str, most: int, hidden: list[str]) -> str:
    """Return a text as the parser takes it, its templates in `hidden`. Raises `InvalidInput` beyond the bounds."""
    if len(text) > most:
        raise InvalidInput(f"{name} is longer than {most // 1024 // 1024} MB.", "Shorten it, or divide it.", "TooBig")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        line = text.count("\n", 0, bad.start()) + 1
        raise InvalidInput(
            f"{name}, line {line}: the character U+{ord(bad.group()):04X} is not allowed.",
            "Take it out, or write it as base64.",
            "InvalidYaml",
        )
    return hide_templates(text, hidden)


def broken(name: str, wrong: yaml.MarkedYAMLError, text: str) -> InvalidInput:
    """Return the error for a text that is not YAML, with line and column."""
    mark = wrong.problem_mark or wrong.context_mark
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = (wrong.problem or wrong.context or "it cannot be read").strip().rstrip(".")
    hint = "Correct that line; look at the indentation and at quotes around texts with ': ' or '#'."
    lines = text.split("\n")
    if mark and mark.line < len(lines) and "\t" in lines[mark.line][: mark.column + 1]:
        hint = "YAML takes no tab for indentation; use spaces."
    return InvalidInput(f"{name}{place}: {problem}.", hint, "InvalidYaml")
