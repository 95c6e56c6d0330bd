"""Scalars and flow collections of the YAML subset: quoted texts, plain words, `[a, b]` and `{a: b}`.

The rules are those of YAML 1.1 as the usual Python reader has them, with two differences: times and base-60 numbers
stay text, since nothing in a cloud-config means them, and infinities stay text, since JSON has none.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Match, NamedTuple, NoReturn, Optional, Tuple

from edgewright.core.errors import InvalidInput

MAX_NESTING = 50


class YamlError(InvalidInput):
    """The text is not in the subset; `line` counts from 1."""

    default_code = "InvalidYaml"

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(f"Line {line}: {problem}.", hint="Correct that line and try again.")
        self.line = line


_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
_TRUE = frozenset(["yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_INT = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?", re.ASCII)
_SIMPLE_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}
_MARKS = {
    "&": "anchors are", "*": "aliases are", "!": "tags are", "%": "directives are", "@": "a word that begins with @ is",
    "`": "a word that begins with ` is",
}  # fmt: skip


class Scanned(NamedTuple):
    """A value and the offset behind its last character."""

    value: Any
    end: int


def resolve(word: str, typed: bool = True) -> Any:
    """Return the value of a plain word: null, true or false, a number, or the word itself.

    With `typed` false only null is recognised, so that `name: 007` stays `007`.
    """
    if word in _NULLS:
        return None
    if not typed:
        return word
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    if word[0] in "+-.0123456789":
        if _INT.fullmatch(word):
            return _integer(word)
        if _FLOAT.fullmatch(word):
            return float(word.replace("_", ""))
    return word


def _integer(word: str) -> Any:
    digits = word.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    try:
        if digits.startswith("0b"):
            return sign * int(digits[2:], 2)
        if digits.startswith("0x"):
            return sign * int(digits[2:], 16)
        return sign * (int(digits, 8) if len(digits) > 1 and digits[0] == "0" else int(digits))
    except ValueError:  # `0x_`, or more digits than Python takes
        return word


class Flow:
    """Reads quoted and flow values at an offset of the entire text; line numbers come from the offset."""

    def __init__(self, text: str, typed: bool) -> None:
        self.text = text
        self.typed = typed

    def fail(self, problem: str, offset: int) -> NoReturn:
        """Raise the error for a place in the text."""
        raise YamlError(problem, self.text.count("\n", 0, offset) + 1)

    def value(self, at: int, depth: int = 0) -> Scanned:
        """Return the quoted text or flow collection that begins at `at`."""
        if depth > MAX_NESTING:
            self.fail("it is nested too deeply", at)
        mark = self.text[at : at + 1]
        if mark == '"':
            return self.double(at)
        if mark == "'":
            return self.single(at)
        if mark == "[":
            return self._list(at, depth)
        return self._map(at, depth)

    def single(self, at: int) -> Scanned:
        """Return a 'quoted' text; two quotes in it mean one."""
        end = at + 1
        while True:
            end = self.text.find("'", end)
            if end < 0:
                self.fail("a quoted text begins here and does not end", at)
            if self.text[end : end + 2] != "''":
                break
            end += 2
        return Scanned(_fold(self.text[at + 1 : end]).replace("''", "'"), end + 1)

    def double(self, at: int) -> Scanned:
        """Return a "quoted" text with its escapes."""
        text, here, chunks, run = self.text, at + 1, [], []
        while True:
            if here >= len(text):
                self.fail("a quoted text begins here and does not end", at)
            character = text[here]
            if character == '"':
                break
            if character != "\\":
                run.append(character)
                here += 1
                continue
            chunks.append(("".join(run), False))
            run = []
            escape = text[here + 1 : here + 2]
            if escape == "\n":
                here += 2
                joined = re.compile(r"[ \t]*(\n[ \t]*)*").match(text, here)
                blank = text[here : joined.end()] if joined else ""
                chunks.append(("\n" * blank.count("\n"), True))
                here += len(blank)
            elif escape in _SIMPLE_ESCAPES and escape:
                chunks.append((_SIMPLE_ESCAPES[escape], True))
                here += 2
            elif escape in _HEX_ESCAPES and escape:
                digits = text[here + 2 : here + 2 + _HEX_ESCAPES[escape]]
                complete = len(digits) == _HEX_ESCAPES[escape] and re.fullmatch(r"[0-9a-fA-F]+", digits)
                if not complete or int(digits, 16) > 0x10FFFF:
                    self.fail("an escape in a quoted text is not complete", here)
                chunks.append((chr(int(digits, 16)), True))
                here += 2 + len(digits)
            else:
                self.fail(f"a quoted text has the unknown escape \\{escape}", here)
        chunks.append(("".join(run), False))
        return Scanned(_fold_chunks(chunks), here + 1)

    def skip(self, at: int) -> int:
        """Return the offset of the next character that is not a space, line end or comment."""
        text = self.text
        while at < len(text):
            if text[at] in " \t\n":
                at += 1
            elif text[at] == "#" and (at == 0 or text[at - 1] in " \t\n"):
                end = text.find("\n", at)
                at = len(text) if end < 0 else end
            else:
                return at
        return at

    def _list(self, at: int, depth: int) -> Scanned:
        items: List[Any] = []
        here = self.skip(at + 1)
        while self.text[here : here + 1] != "]":
            item = self._item(here, depth, at)
            items.append(item.value)
            here = self.skip(item.end)
            if self.text[here : here + 1] == ":":
                self.fail("a pair inside [ ] needs its own { }", here)
            here = self._comma(here, "]", at)
        return Scanned(items, here + 1)

    def _map(self, at: int, depth: int) -> Scanned:
        matches: Dict[str, Any] = {}
        here = self.skip(at + 1)
        while self.text[here : here + 1] != "}":
            key = self._item(here, depth, at, key=True)
            if isinstance(key.value, (list, dict)):
                self.fail("a key must be a word", here)
            name = "" if key.value is None else str(key.value)
            if name in matches:
                self.fail(f"the key {name[:60]} is there twice", here)
            if name == "<<":
                self.fail("merge keys are not read here", here)
            here = self.skip(key.end)
            value: Any = None
            if self.text[here : here + 1] == ":":
                here = self.skip(here + 1)
                if self.text[here : here + 1] not in (",", "}"):
                    item = self._item(here, depth, at)
                    value, here = item.value, self.skip(item.end)
            matches[name] = value
            here = self._comma(here, "}", at)
        return Scanned(matches, here + 1)

    def _comma(self, here: int, closing: str, at: int) -> int:
        mark = self.text[here : here + 1]
        if mark == ",":
            return self.skip(here + 1)
        if mark != closing:
            if not mark:
                self.fail(f"a bracket opens here and {closing} does not come", at)
            self.fail(f"a comma or {closing} is expected", here)
        return here

    def _item(self, here: int, depth: int, opened: int, key: bool = False) -> Scanned:
        mark = self.text[here : here + 1]
        if not mark:
            self.fail("a bracket opens here and does not close", opened)
        if mark in "\"'[{":
            return self.value(here, depth + 1)
        return self._plain(here, key)

    def _plain(self, at: int, key: bool) -> Scanned:
        text = self.text
        check_start(text[at : at + 2], lambda problem: self.fail(problem, at))
        if text[at] in ":#":
            self.fail(f"'{text[at]}' found where a value is expected", at)
        here = at
        while here < len(text):
            character = text[here]
            following = text[here + 1 : here + 2]
            if character in ",[]{}":
                break
            if character == ":" and (following == "" or following in " \t\n,[]{}"):
                break
            if character == "#" and text[here - 1] in " \t\n":
                break
            here += 1
        word = _fold(text[at:here].rstrip(" \t\n"))
        return Scanned(word if key else resolve(word, self.typed), here)


def check_start(two: str, fail: Callable[[str], NoReturn]) -> None:
    """Refuse a plain word by its first characters when the subset has no meaning for it."""
    first, second = two[:1], two[1:2]
    if first in _MARKS and first:
        fail(f"{_MARKS[first]} not read here; put the text into quotes if it is one")
    if first in "-?:" and first and (second == "" or second in " \t\n"):
        fail(f"'{first}' found where a value is expected")
    if first in ",]}" and first:
        fail(f"'{first}' found where a value is expected")
    if first in "|>" and first:
        fail("a block text cannot begin here")


def _fold(text: str) -> str:
    return _fold_chunks([(text, False)])


def _fold_chunks(chunks: List[Tuple[str, bool]]) -> str:
    """Join the pieces of a text over several lines: one line end is a space, each further one stays.

    Pieces marked true come from escapes and are never trimmed.
    """
    return "".join(piece if escaped else _FOLDS.sub(_breaks, piece) for piece, escaped in chunks)


_FOLDS = re.compile(r"[ \t]*\n(?:[ \t]*\n)*[ \t]*")


def _breaks(match: Match[str]) -> str:
    count = match.group(0).count("\n")
    return " " if count == 1 else "\n" * (count - 1)


def plain_line_end(line: str) -> int:
    """Return where a plain word on a block line ends: before a comment, else at the line's end."""
    comment = re.search(r"[ \t]#", line)
    return len(line) if comment is None else comment.start()


def find_colon(line: str, start: int) -> Optional[int]:
    """Return the offset of the colon that makes a plain key of `line[start:]`; `None` when there is none."""
    end = plain_line_end(line)
    match = re.compile(r":(?=[ \t]|$)").search(line, start, end)
    return None if match is None else match.start()
