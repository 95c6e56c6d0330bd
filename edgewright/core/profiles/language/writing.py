"""How a value is written in place of a reference, so that it means itself there, and what the result then means.

Within quotes it is escaped, within a block its lines are indented, and without quotes only plain words are possible.
What cannot be written is refused with the advice to use quotes, never written as something else.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, Sequence, Tuple

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.values import Reference, Scalar
from edgewright.core.yaml import subset
from edgewright.core.yaml.scalars import resolve as resolve_word

_PLAIN = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`][^\n\r]*|[-?:][^\s,\[\]{}][^\n\r]*")
_UNSEEN = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that are written as escapes."""
_CONTENT = re.compile(r"\S")
BLOCKS = ("|", ">")


def _refuse(problem: str, hint: str = "Put the reference into double quotes.") -> NoReturn:
    raise InvalidInput(problem, hint, "NeedsQuotes")


def is_plain(text: str, flow: bool = False) -> bool:
    """Return whether a text means itself in YAML without quotes (it may mean a number or a boolean)."""
    if _PLAIN.fullmatch(text) is None or text != text.strip():
        return False
    if ": " in text or " #" in text or "\t" in text or text.endswith(":") or text.startswith(("---", "...")):
        return False
    return not (flow and (text[0] in ":?" or re.search(r"[,\[\]{}]", text)))


class Writer:
    """Writes values in place of the references of one scalar."""

    def __init__(self, scalar: Scalar, source: str) -> None:
        self.scalar = scalar
        self.source = source
        self.block = scalar.style in BLOCKS
        breaks = source.find("\n", scalar.start, scalar.end)
        self.several = not self.block and breaks >= 0
        content = _CONTENT.search(source, breaks, scalar.end) if self.block and breaks >= 0 else None
        self.first = content.start() if content is not None else -1

    def written(self, text: str, piece: Reference) -> str:
        """Return a value as it is written at the place of a reference. Raises `InvalidInput` where it cannot be."""
        if self.several and (not text or text != text.strip()):
            problem = "The value is empty or has spaces at its ends, in a text of several lines."
            _refuse(problem, "Write the text on one line.")
        if self.scalar.style == '"':
            escaped = json.dumps(text, ensure_ascii=False)[1:-1]
            return _UNSEEN.sub(lambda match: f"\\U{ord(match.group()):08X}", escaped)
        if self.block:
            return self._in_block(text, piece)
        if _UNSEEN.search(text):
            _refuse("The value has several lines, or characters that YAML does not take.")
        return text.replace("'", "''") if self.scalar.style == "'" else text

    def _in_block(self, text: str, piece: Reference) -> str:
        text = block_text(text)
        if _UNSEEN.search(text.replace("\n", "").replace("\t", "")):
            _refuse("The value has characters that YAML does not take.")
        if piece.start == self.first and (not text or text[0] in " \t\n"):
            _refuse("The value is empty or begins with a space, where a block begins.", "Put another line before it.")
        if "\n" not in text:
            return text
        if self.scalar.style == ">":
            _refuse("The value has several lines.", "Put the reference into double quotes or a | block.")
        before = self.source[self.source.rfind("\n", 0, piece.start) + 1 : piece.start]
        return text.replace("\n", "\n" + before[: len(before) - len(before.lstrip(" "))])


def block_text(text: str) -> str:
    """Return a value as it is put into a block: its last line has no end of its own."""
    return text.replace("\r\n", "\n").rstrip("\n")


def meaning(scalar: Scalar, texts: Sequence[str], resolved: str) -> Any:
    """Return what a value means once its references are replaced by `texts`; `resolved` is how it is written then.

    Raises `InvalidInput` where the text would mean something else than the values.
    """
    text = "".join(texts)
    if scalar.style in BLOCKS:
        return _block_meaning(scalar, texts, resolved)
    if scalar.style:
        return text
    if not is_plain(text, scalar.flow) if text else scalar.flow:
        _refuse(
            "The resolved value is not plain text and would change what the YAML means.", "Put the value into quotes."
        )
    return resolve_word(text) if len(text) <= 64 else text


def _block_meaning(scalar: Scalar, texts: Sequence[str], resolved: str) -> str:
    pairs: Sequence[Tuple[Any, str]] = list(zip(scalar.pieces, texts))
    expected = "".join(block_text(text) if isinstance(piece, Reference) else text for piece, text in pairs)
    header = resolved.split("\n", 1)[0]
    if re.search("[1-9]", header.split("#", 1)[0]):
        return expected  # the indentation is relative to what is around the block
    try:
        value = subset.load(f"key: {resolved}")["key"]
    except InvalidInput:
        value = None
    if not isinstance(value, str) or (scalar.style == "|" and value.strip("\n") != expected.strip("\n")):
        _refuse("The resolved value would change what the YAML means.")
    return value
