"""User-data as text: read with the line of each key, written deterministically.

Reading never crashes and never hangs, whatever the bytes: size, depth and number of nodes are bounded, aliases are
copied within those bounds. Plain words mean what the agent's own reader takes them for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import yaml

from edgewright.core.cloudconfig.findings import Finding, error, note
from edgewright.core.errors import InvalidInput
from edgewright.core.yaml.scalars import resolve

HEADER = "#cloud-config"
MAX_SIZE = 1024 * 1024
"""Bytes of a user-data file: what collects configuration on the host skips bigger ones."""
MAX_DEPTH = 40
MAX_NODES = 100_000
"""Maps, lists and values of one document, copies of aliases counted."""
MAX_PATH = 300
"""Characters of a path that is kept for its line; longer ones are told by what stands above them."""

_HEADS: tuple[tuple[bytes, str], ...] = (
    *((b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")),
    *((b"PK\3\4", "a workbook or ZIP archive"), (b"\x1f\x8b", "compressed with gzip"), (b"%PDF", "a PDF")),
    *((b"\xd0\xcf\x11\xe0", "an old Office document"), (b"\x7fELF", "a program")),
)
"""First bytes of what is taken for a text by mistake (Notepad's "Unicode", PowerShell's `>` write UTF-16)."""
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_TEMPLATE = re.compile(r"\{\{[^{}\n]*\}\}")
_MARKED = re.compile("\ue000([0-9]+)\ue001")
_TEXT_TAGS = ("!", "!!str", "tag:yaml.org,2002:str")


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
        return [found if found.line else found._replace(line=self.line_of(found.path)) for found in findings]


def decode(data: bytes, name: str = "The user-data", most: int = MAX_SIZE) -> str:
    """Return the text of a file's bytes, with its byte order mark. Raises `InvalidInput`: too big, or not UTF-8."""
    if len(data) > most:
        raise InvalidInput(
            f"{name} is bigger than {most // 1024 // 1024} MB; the host's collector skips what is bigger than 1 MB.",
            "Put what is big into the image or a content bundle.",
            "TooBig",
        )
    other = _other_encoding(data)
    if other:
        raise InvalidInput(f"{name} is {other}, not UTF-8 text.", "Save it as UTF-8 without BOM.", "NotText")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        said = f"{name} is not UTF-8 text: line {line} holds the byte 0x{data[wrong.start]:02X}."
        raise InvalidInput(
            said, "Save it as UTF-8 (an editor of Windows writes its own code page).", "NotText"
        ) from None


def _other_encoding(data: bytes) -> str:
    """Return what a file is that is no UTF-8 text, by its first bytes; "" when they say nothing."""
    for head, what in _HEADS:
        if data.startswith(head):
            return what
    head = data[:200]
    return "UTF-16" if len(head) >= 8 and head.count(0) * 3 >= len(head) else ""


def read(text: str, name: str = "The user-data") -> Parsed:
    """Return the document in a text. Raises `InvalidInput` for what is no YAML, no map, or beyond the bounds.

    What can be read but would surprise (a key that stands twice, a second document, a tag) is in `problems`.
    """
    if len(text) > MAX_SIZE:
        raise InvalidInput(f"{name} is longer than 1 MB.", "Put what is big into the image.", "TooBig")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        line = text.count("\n", 0, bad.start()) + 1
        raise InvalidInput(
            f"{name}, line {line}: the character U+{ord(bad.group()):04X} is not allowed.",
            "Take it out, or write it as base64.",
            "InvalidYaml",
        )
    hidden: list[str] = []
    text = hide_templates(text, hidden)
    builder = _Builder(hidden, name)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            if not builder.take(event):
                break
    except yaml.MarkedYAMLError as wrong:
        raise _broken(name, wrong, text) from None
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as wrong:
        raise InvalidInput(f"{name} is no YAML: {str(wrong)[:200]}.", "Correct it.", "InvalidYaml") from None
    root = builder.root
    if root is None:
        root = {}
    if not isinstance(root, dict):
        raise InvalidInput(f"{name} is no map of keys.", "It begins with #cloud-config and holds keys such as stylus.")
    return Parsed(root, builder.lines, builder.problems)


def hide_templates(text: str, hidden: list[str]) -> str:
    """Return a text with each Go template as one odd word: they are no YAML until they are filled in on the host."""
    if "\ue000" in text:
        return text

    def hide(found: re.Match[str]) -> str:
        hidden.append(found.group())
        return f"\ue000{len(hidden) - 1}\ue001"

    return _TEMPLATE.sub(hide, text)


def show_templates(text: str, hidden: list[str]) -> str:
    """Return a text with the templates that `hide_templates` took out."""
    if not hidden or "\ue000" not in text:
        return text

    def show(found: re.Match[str]) -> str:
        place = int(found.group(1)[:9])
        return hidden[place] if place < len(hidden) else found.group()

    return _MARKED.sub(show, text)


def _broken(name: str, wrong: yaml.MarkedYAMLError, text: str) -> InvalidInput:
    mark = wrong.problem_mark or wrong.context_mark
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = (wrong.problem or wrong.context or "it cannot be read").strip().rstrip(".")
    hint = "Correct that line; look at the indentation and at quotes around texts with ': ' or '#'."
    lines = text.split("\n")
    if mark and mark.line < len(lines) and "\t" in lines[mark.line][: mark.column + 1]:
        hint = "YAML takes no tab for indentation; use spaces."
    return InvalidInput(f"{name}{place}: {problem}.", hint, "InvalidYaml")


def _word(text: str) -> Any:
    """Return what a plain word means; a number that nobody writes (endless digits, infinite) stays text."""
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


class _Builder:
    """Makes the document out of the parser's events, with a stack of its own and within the bounds."""

    def __init__(self, hidden: list[str], name: str) -> None:
        self.hidden = hidden
        self.name = name
        self.root: Any = None
        self.lines: dict[str, int] = {}
        self.problems: list[Finding] = []
        self.stack: list[_Frame] = []
        self.anchors: dict[str, Any] = {}
        self.nodes = 0
        self.copied = 0
        self.done = False

    def refuse(self, problem: str, event: Any, hint: str = "Write it without.") -> InvalidInput:
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
        if self.nodes > MAX_NODES:
            raise self.refuse(f"it holds more than {MAX_NODES:,} values", event, "No user-data needs that; shorten it.")

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
        self._say_odd("a tag", event)
        return _word(text) if event.tag.rsplit(":", 1)[-1] in ("int", "bool", "null", "float") else text

    def _say_odd(self, what: str, event: Any) -> None:
        if any(found.code == "NotPortable" and what in found.message for found in self.problems):
            return
        message = f"It uses {what}, which the Edgewright agent does not read."
        found = note("", message, "Write the value out where it is needed.", "NotPortable")
        self.problems.append(found._replace(line=event.start_mark.line + 1))

    def _key(self, frame: _Frame, text: str, event: Any) -> None:
        path = f"{frame.path}.{text}" if frame.path else text
        if text in frame.value and text != "<<":
            shown = path[:120]
            found = error(shown, f"{shown} stands twice.", "Keep one of them: some readers refuse the file.", "Doubled")
            self.problems.append(found._replace(line=event.start_mark.line + 1))
        frame.key = text
        self._line(path, event)

    def _line(self, path: str, event: Any) -> None:
        if len(path) <= MAX_PATH:
            self.lines.setdefault(path, event.start_mark.line + 1)

    def _open(self, event: Any) -> None:
        self._count(event)
        if len(self.stack) >= MAX_DEPTH:
            raise self.refuse(f"it is nested deeper than {MAX_DEPTH} levels", event, "No user-data needs that.")
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            raise self.refuse("a key must be a word", event, "Put the text into quotes if it is one.")
        if event.tag not in (None, "!") and not event.implicit:
            self._say_odd("a tag", event)
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
            for name, one in value.items():
                frame.value.setdefault(name, one)
            return
        frame.value[key] = value

    def _alias(self, event: Any) -> None:
        self._say_odd("an alias", event)
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
        if isinstance(value, str):
            self.copied += len(value)
            if self.copied > MAX_SIZE:
                raise self.refuse("its aliases make it longer than 1 MB", event)
        if isinstance(value, dict):
            return {key: self._copy(one, event, depth + 1) for key, one in value.items()}
        if isinstance(value, list):
            return [self._copy(one, event, depth + 1) for one in value]
        return value


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


def dump(document: Mapping[str, Any], head: Iterable[str] = ()) -> str:
    """Return a document as user-data: `#cloud-config` first, then `head` as comment lines, keys in the order given."""
    body = yaml.dump(
        _plain(document),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=1 << 30,
    )
    comments = "".join(f"# {line}".rstrip() + "\n" for line in head)
    return f"{HEADER}\n{comments}{'' if body.strip() == '{}' else body}"


def _plain(value: Any) -> Any:
    """Return maps, lists and tuples as what the writer knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
