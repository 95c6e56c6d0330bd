"""From the events of a YAML parser to a document with the line of each key, within the bounds."""

from __future__ import annotations

import math
from typing import Any

import yaml

from edgewright.core.cloudconfig.findings import Finding, error, note
from edgewright.core.errors import InvalidInput
from edgewright.core.yaml.scalars import resolve
from edgewright.yamltext.bounds import MAX_DEPTH, MAX_NODES, MAX_PATH, MAX_SIZE
from edgewright.yamltext.templates import show_templates

_TEXT_TAGS = ("!", "!!str", "tag:yaml.org,2002:str")


def _word(text: str) -> Any:
    """Return what a plain word means; a number that is not written like this (endless digits, infinite) stays text."""
    value = resolve(text) if len(text) <= 64 else text
    return text if isinstance(value, float) and not math.isfinite(value) else value


class _Frame:
    """A map or list that is being read."""

    __slots__ = ("anchor", "key", "path", "value")

    def __init__(self, value: Any, path: str, anchor: str | None) -> None:
        self.value = value
        self.path = path[:MAX_PATH]
        self.anchor = anchor
        self.key: str | None = None


class Builder:
    """Makes the document out of the parser's events, with a stack of its own and within the bounds."""

    def __init__(self, hidden: list[str], name: str, most_nodes: int = MAX_NODES, *, places: bool = True) -> None:
        self.hidden = hidden
        self.name = name
        self.most_nodes = most_nodes
        self.places = places
        """Whether the line of each path is stored: as much again as the document."""
        self.root: Any = None
        self.lines: dict[str, int] = {}
        self.problems: list[Finding] = []
        self.odd: set[str] = set()
        self.stack: list[_Frame] = []
        self.anchors: dict[str, Any] = {}
        self.nodes = 0
        self.copied = 0
        self.done = False

    def refuse(self, problem: str, event: Any, hint: str = "Write it without.") -> InvalidInput:
        """Return the error for something at an event."""
        line = event.start_mark.line + 1 if event.start_mark else 0
        return InvalidInput(f"{self.name}, line {line}: {problem}.", hint, "InvalidYaml")

    def take(self, event: Any) -> bool:
        """Take one event; False when the document has ended and the rest need not be read."""
        if isinstance(event, yaml.DocumentStartEvent) and self.done:
            line = event.start_mark.line + 1 if event.start_mark else 0
            self.problems.append(
                Finding("error", "", "A second document begins; only the first is used.", "Join them.", "TwoDocs", line)
            )
            return False
        if isinstance(event, yaml.DocumentEndEvent):
            self.done = True
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            frame = self.stack.pop()
            if frame.anchor:
                self.anchors[frame.anchor] = frame.value
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        return True

    def _count(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > self.most_nodes:
            raise self.refuse(f"it contains more than {self.most_nodes:,} values", event, "Shorten it, or divide it.")

    def _scalar(self, event: Any) -> None:
        self._count(event)
        text = show_templates(event.value, self.hidden)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self._key(frame, text, event)
            return
        plain = event.implicit[0] and event.style in (None, "")
        value: Any = _word(text) if plain else text
        if event.tag not in (None, *_TEXT_TAGS) and not plain:
            value = self._tagged(event, text)
        if event.anchor:
            self.anchors[event.anchor] = value
        self._put(value, event)

    def _tagged(self, event: Any, text: str) -> Any:
        self._report_odd("a tag", event)
        return _word(text) if event.tag.rsplit(":", 1)[-1] in ("int", "bool", "null", "float") else text

    def _report_odd(self, what: str, event: Any) -> None:
        if what in self.odd:
            return
        self.odd.add(what)
        message = f"It uses {what}, which the Edgewright agent does not read."
        result = note("", message, "Write the value out where it is needed.", "NotPortable")
        self.problems.append(result._replace(line=event.start_mark.line + 1))

    def _key(self, frame: _Frame, text: str, event: Any) -> None:
        path = f"{frame.path}.{text}" if frame.path else text
        if text in frame.value and text != "<<":
            shown = path[:120]
            result = error(
                shown,
                f"{shown} is there twice.",
                "Remove all but one of them: some readers refuse the file.",
                "Doubled",
            )
            self.problems.append(result._replace(line=event.start_mark.line + 1))
        frame.key = text
        self._line(path, event)

    def _line(self, path: str, event: Any) -> None:
        if self.places and len(path) <= MAX_PATH:
            self.lines.setdefault(path, event.start_mark.line + 1)

    def _open(self, event: Any) -> None:
        self._count(event)
        if len(self.stack) >= MAX_DEPTH:
            raise self.refuse(f"it is nested deeper than {MAX_DEPTH} levels", event, "No user-data needs that.")
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            raise self.refuse("a key must be a word", event, "Put the text into quotes if it is one.")
        if event.tag not in (None, "!") and not event.implicit:
            self._report_odd("a tag", event)
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self._path()
        self._put(value, event)
        self.stack.append(_Frame(value, path, event.anchor))

    def _path(self) -> str:
        if not self.stack:
            return ""
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            return f"{frame.path}[{len(frame.value)}]"
        return f"{frame.path}.{frame.key}" if frame.path else str(frame.key)

    def _put(self, value: Any, event: Any) -> None:
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            self._line(f"{frame.path}[{len(frame.value)}]", event)
            frame.value.append(value)
            return
        key, frame.key = str(frame.key), None
        if key == "<<" and isinstance(value, dict):
            for name, item in value.items():
                frame.value.setdefault(name, item)
            return
        frame.value[key] = value

    def _alias(self, event: Any) -> None:
        self._report_odd("an alias", event)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            raise self.refuse("a key must be a word", event)
        if event.anchor not in self.anchors:
            raise self.refuse(f"the alias *{event.anchor[:60]} names nothing that ended before it", event)
        self._put(self._copy(self.anchors[event.anchor], event), event)

    def _copy(self, value: Any, event: Any, depth: int = 0) -> Any:
        self._count(event)
        if depth + len(self.stack) > MAX_DEPTH:
            raise self.refuse(f"it is nested deeper than {MAX_DEPTH} levels", event, "No user-data needs that.")
        self.copied += len(value) if isinstance(value, str) else sum(map(len, value)) if isinstance(value, dict) else 0
        if self.copied > MAX_SIZE:
            raise self.refuse("its aliases make it longer than 1 MB", event)
        if isinstance(value, dict):
            return {key: self._copy(item, event, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self._copy(item, event, depth + 1) for item in value]
        return value
