"""Reading the values of a layer, and manifests: each value with its path, its place, and the references in it.

A template `{{...}}` with a reference is not YAML before it is replaced, so the parser sees a word of the same length
instead: every offset it reports is one of the text itself. Size, depth and number of values are bounded, aliases
are copied within those bounds, and no text makes it crash or hang.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import yaml

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.language import templates
from edgewright.core.profiles.model import MAX_VALUES
from edgewright.core.profiles.values import Keyed, Reference, Scalar, Values
from edgewright.core.yaml.scalars import resolve
from edgewright.yamltext.bounds import MAX_PATH

MAX_DEPTH = 60
MAX_NODES = 150_000
"""Keys, values, maps and lists of one text, copies of aliases counted."""
MAX_DOCUMENTS = 500
MAX_DOUBLED = 20
"""Keys that may be there twice."""
_NOWHERE = "\0"

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue002-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_MARK = re.compile("\ue000x*\ue001")
_TEXT_TAGS = ("!", "!!str", "tag:yaml.org,2002:str")
_WORD_TAGS = ("int", "float", "bool", "null")


class UnreadableValues(InvalidInput):
    """A text that cannot be read: `problem` is a sentence, `line` counts from 1 (0: not one line)."""

    def __init__(self, name: str, problem: str, hint: str, code: str, line: int = 0, column: int = 0) -> None:
        place = f", line {line}" if line else ""
        place += f", column {column}" if column else ""
        super().__init__(f"{name}{place}: {problem}.", hint, code)
        self.problem = f"{problem[:1].upper()}{problem[1:]}."
        self.line = line


def read_values(text: str, name: str = "The values") -> Values:
    """Return the values in a text: one map of keys. Raises `InvalidInput` with the line for anything else."""
    source, documents = _read(text, name)
    if len(documents) > 1:
        raise UnreadableValues(
            name, "a second document begins", "Values are one map of keys.", "TwoDocs", documents[1][1]
        )
    document = documents[0][0] if documents else None
    document = {} if document is None else document
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else "one value"
        raise UnreadableValues(name, f"this is {kind}, not a map of keys", "Write it as `key: value`.", "NotAMap")
    return source.values(document)


def read_manifest(text: str, name: str = "The manifest") -> Values:
    """Return the documents of a manifest; paths begin with the number of the document. Raises `InvalidInput`."""
    source, documents = _read(text, name, numbered=True)
    return source.values([document for document, _line in documents])


def _read(text: str, name: str, numbered: bool = False) -> tuple[_Builder, list[tuple[Any, int]]]:
    if len(text) > MAX_VALUES or len(text.encode("utf-8", "replace")) > MAX_VALUES:
        limit = MAX_VALUES // 1024 // 1024
        raise UnreadableValues(name, f"the text is larger than {limit} MB", "Shorten it.", "TooBig")
    text = text.removeprefix("\ufeff")
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        line = text.count("\n", 0, bad.start()) + 1
        problem = f"the character U+{ord(bad.group()):04X} is not allowed"
        raise UnreadableValues(name, problem, "Remove it, or write it as an escape in quotes.", "InvalidYaml", line)
    builder = _Builder(text, name, numbered)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(builder.hidden, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line, column = (builder.line(mark.index), mark.column + 1) if mark else (0, 0)
        problem = (wrong.problem or wrong.context or "it cannot be read").strip().rstrip(".")
        hint = "Look at the indentation, and at quotes around texts with ': ' or '#'."
        raise UnreadableValues(name, problem, hint, "InvalidYaml", line, column) from None
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as wrong:
        raise UnreadableValues(name, f"this is not YAML: {str(wrong)[:200]}", "Correct it.", "InvalidYaml") from None
    return builder, builder.documents


class _Frame:
    """A map or list that is being read. `key` is the key whose value comes next."""

    __slots__ = ("anchor", "flow", "is_list", "key", "merge", "path", "steps", "value")

    def __init__(self, value: Any, path: str, steps: tuple[str | int, ...], anchor: str | None, flow: bool) -> None:
        self.value = value
        self.is_list = isinstance(value, list)
        self.path = path
        self.steps = steps
        self.anchor = anchor
        self.flow = flow
        self.key: str | None = None
        self.merge: list[dict[str, Any]] = []


class _Builder:
    """Makes values out of the parser's events, with a stack of its own."""

    def __init__(self, text: str, name: str, numbered: bool) -> None:
        self.text = text
        self.name = name
        self.numbered = numbered
        self.templates = list(templates.scan(text))
        self.starts = [start for start, _end in self.templates]
        self.hidden = self._hidden()
        self.shifted = any("\n" in text[start:end] for start, end in self.templates)
        self.breaks: list[int] = []
        self.documents: list[tuple[Any, int]] = []
        self.lines: dict[str, int] = {}
        self.scalars: dict[str, Scalar] = {}
        self.referring: list[str] = []
        self.keys: list[Keyed] = []
        self.doubled: list[tuple[str, int]] = []
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, str]] = {}
        self.merged: dict[int, str] = {}  # paths at which merged maps were written, by the id of the map
        self.nodes = 0
        self.copied = 0
        self.began = 1
        self._takers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._open,
            yaml.SequenceStartEvent: self._open,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def _hidden(self) -> str:
        parts, at = [], 0
        for start, end in self.templates:
            parts += [self.text[at:start], "\ue000", "x" * (end - start - 2), "\ue001"]
            at = end
        return "".join([*parts, self.text[at:]])

    def values(self, document: Any) -> Values:
        """Return what was read."""
        return Values(
            self.text,
            document,
            self.lines,
            self.scalars,
            tuple(self.keys),
            tuple(self.doubled),
            tuple(dict.fromkeys(self.referring)),
        )

    def line(self, offset: int, otherwise: int = -1) -> int:
        """Return the line of an offset; `otherwise` is the parser's, which templates of several lines make wrong."""
        if otherwise >= 0 and not self.shifted:
            return otherwise + 1
        if not self.breaks:
            self.breaks = [match.start() for match in re.finditer("\n", self.text)] or [len(self.text)]
        return bisect_left(self.breaks, offset) + 1

    def refuse(self, problem: str, event: Any, hint: str = "Write it without.") -> UnreadableValues:
        """Return the error for something at an event."""
        return UnreadableValues(self.name, problem, hint, "InvalidYaml", self.line(event.start_mark.index))

    def take(self, event: Any) -> None:
        """Take one event."""
        taker = self._takers.get(type(event))
        if taker is not None:
            taker(event)

    def _document(self, event: Any) -> None:
        if len(self.documents) >= MAX_DOCUMENTS:
            raise self.refuse(f"it has more than {MAX_DOCUMENTS} documents", event, "Divide it.")
        self.began = self.line(event.start_mark.index)
        self.anchors.clear()

    def _count(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.refuse(
                f"it contains more than {MAX_NODES:,} keys and values", event, "Divide it; mind its aliases."
            )

    def _scalar(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._count(event)
        mark = event.start_mark
        style = event.style or ""
        raw = event.value
        pieces: tuple[str | Reference, ...] = ()
        if "\ue000" in raw:
            pieces = self._pieces(raw, mark.index, style)
            raw = "".join(self.text[p.start : p.end] if isinstance(p, Reference) else p for p in pieces)
        line = self.line(mark.index) if self.shifted else mark.line + 1
        frame = self.stack[-1] if self.stack else None
        if frame is not None and not frame.is_list and frame.key is None:
            self._key(frame, raw, line, pieces, event)
            return
        value: Any = raw
        if not style and not pieces and event.tag is None:
            value = _word(raw)
        elif event.tag is not None and event.tag not in _TEXT_TAGS:
            value = _word(raw) if event.tag.rsplit(":", 1)[-1] in _WORD_TAGS or not style else raw
        path, steps = self._place()
        if event.anchor:
            self.anchors[event.anchor] = (value, path)
        flow = frame is not None and frame.flow
        end = event.end_mark.index
        scalar = Scalar(value, raw, line, style, flow, pieces, steps if pieces else (), mark.index, end)
        self._store(path, scalar)
        self._put(value, path, line)

    def _store(self, path: str, scalar: Scalar) -> None:
        if len(path) <= MAX_PATH:
            self.scalars[path] = scalar
            if scalar.pieces:
                self.referring.append(path)
        elif scalar.pieces:
            problem = f"a reference is in a path of more than {MAX_PATH} characters"
            raise UnreadableValues(self.name, problem, "Shorten the keys.", "TooDeep", scalar.line)

    def _pieces(self, raw: str, start: int, style: str) -> tuple[str | Reference, ...]:
        """Return the text and the references of a scalar that begins at an offset."""
        at = bisect_left(self.starts, start)
        pieces: list[str | Reference] = []
        behind = 0
        for match in _MARK.finditer(raw):
            begin, stop = self.templates[at]
            expression = self.text[begin + 2 : stop - 2]
            if style == '"':
                expression = expression.replace('\\"', '"')
            elif style == "'":
                expression = expression.replace("''", "'")
            pieces += [raw[behind : match.start()], Reference(begin, stop, expression, self.line(begin))]
            behind, at = match.end(), at + 1
        return tuple(piece for piece in [*pieces, raw[behind:]] if piece != "")

    def _key(self, frame: _Frame, key: str, line: int, pieces: tuple[str | Reference, ...], event: Any) -> None:
        path = f"{frame.path}.{key}" if frame.path else key
        if key in frame.value and key != "<<":
            self.doubled.append((path, line))
            if len(self.doubled) > MAX_DOUBLED:
                problem = f"more than {MAX_DOUBLED} keys are there twice"
                raise UnreadableValues(self.name, problem, "Remove all but one of each.", "Doubled", line)
            self._forget(path)
        frame.key = key
        if pieces:
            steps = (*frame.steps, key)
            place = (event.start_mark.index, event.end_mark.index)
            self.keys.append(Keyed(path, Scalar(key, key, line, event.style or "", frame.flow, pieces, steps, *place)))
        if len(path) <= MAX_PATH:
            self.lines[path] = line

    def _forget(self, path: str) -> None:
        """Remove the values of a key that is there twice: the last one counts."""
        below = (f"{path}.", f"{path}[")
        for known in [known for known in self.scalars if known == path or known.startswith(below)]:
            del self.scalars[known]
            if known in self.referring:
                self.referring.remove(known)

    def _place(self) -> tuple[str, tuple[str | int, ...]]:
        """Return the path of the value that comes now, and its steps."""
        if not self.stack:
            number = len(self.documents)
            return (f"[{number}]", (number,)) if self.numbered else ("", ())
        frame = self.stack[-1]
        if frame.is_list:
            number = len(frame.value)
            return f"{frame.path}[{number}]", (*frame.steps, number)
        if frame.key == "<<":
            return f"{frame.path}.<<" if frame.path else "<<", frame.steps
        return f"{frame.path}.{frame.key}" if frame.path else str(frame.key), (*frame.steps, str(frame.key))

    def _open(self, event: Any) -> None:
        self._count(event)
        if len(self.stack) >= MAX_DEPTH:
            raise self.refuse(f"it is nested deeper than {MAX_DEPTH} levels", event)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and not frame.is_list and frame.key is None:
            raise self.refuse("a key must be a word", event, "Put the text into quotes if it is one.")
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        path, steps = self._place()
        self._put(value, path, self.line(event.start_mark.index, event.start_mark.line))
        self.stack.append(_Frame(value, path, steps, event.anchor, bool(event.flow_style)))

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        for merged in {id(each): each for each in frame.merge}.values():  # the same one again adds nothing
            source = self.merged.get(id(merged), _NOWHERE)
            for name, item in merged.items():
                if name not in frame.value:
                    self._grow(len(name), event)
                    path = f"{frame.path}.{name}" if frame.path else name
                    written = f"{source}.{name}" if source else name
                    frame.value[name] = self._copy(item, written, path, (*frame.steps, name), event)
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.value, frame.path)

    def _put(self, value: Any, path: str, line: int) -> None:
        if not self.stack:
            self.documents.append((value, self.began))
            return
        frame = self.stack[-1]
        if frame.is_list:
            if len(path) <= MAX_PATH:
                self.lines[path] = line
            if isinstance(value, dict) and frame.path.endswith("<<"):
                self.merged[id(value)] = path
            frame.value.append(value)
            return
        key, frame.key = str(frame.key), None
        if key == "<<" and isinstance(value, dict):
            self.merged.setdefault(id(value), path)
            frame.merge.append(value)
        elif key == "<<" and isinstance(value, list):
            frame.merge += [item for item in value if isinstance(item, dict)]
        else:
            frame.value[key] = value

    def _alias(self, event: Any) -> None:
        frame = self.stack[-1] if self.stack else None
        if frame is not None and not frame.is_list and frame.key is None:
            raise self.refuse("a key must be a word", event)
        if event.anchor not in self.anchors:
            raise self.refuse(f"the alias *{event.anchor[:60]} names nothing that ended before it", event)
        value, source = self.anchors[event.anchor]
        path, steps = self._place()
        line = self.line(event.start_mark.index, event.start_mark.line)
        if frame is not None and not frame.is_list and frame.key == "<<":
            self._count(event)
            if isinstance(value, dict):
                self.merged[id(value)] = source
            self._put(value, path, line)  # copied when the map ends: its own keys win
            return
        self._put(self._copy(value, source, path, steps, event), path, line)

    def _copy(self, value: Any, source: str, path: str, steps: tuple[str | int, ...], event: Any) -> Any:
        """Return a copy of an aliased value; its values get their new paths too."""
        self._count(event)
        if len(steps) > MAX_DEPTH:
            raise self.refuse(f"it is nested deeper than {MAX_DEPTH} levels", event)
        if isinstance(value, dict):
            self._grow(sum(map(len, value)), event)
            return {
                key: self._copy(item, f"{source}.{key}" if source else key, f"{path}.{key}", (*steps, key), event)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [
                self._copy(item, f"{source}[{number}]", f"{path}[{number}]", (*steps, number), event)
                for number, item in enumerate(value)
            ]
        self._grow(len(value) if isinstance(value, str) else 8, event)
        scalar = self.scalars.get(source)
        if scalar is not None:
            self._store(path, scalar._replace(steps=steps if scalar.pieces else ()))
        return value

    def _grow(self, size: int, event: Any) -> None:
        """Count the characters that aliases copy, keys included."""
        self.copied += size
        if self.copied > MAX_VALUES:
            raise self.refuse("its aliases make it larger than 5 MB", event)


def _word(text: str) -> Any:
    """Return what a plain word means; a number that is not written like this (endless digits, infinite) stays text."""
    value = resolve(text) if len(text) <= 64 else text
    return text if isinstance(value, float) and not math.isfinite(value) else value
