"""The lines of a configuration file: keyword, words and the raw rest; quotes and comments as OpenSSH reads them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean

MAX_BYTES = 1 << 20
"""Bytes of one configuration file."""
HINT = "Correct the line; `ssh -G HOST` shows what OpenSSH reads."


class ConfigLine(NamedTuple):
    """One line: `keyword` in small letters, `rest` as it is after it, `arguments` without quotes and comments."""

    place: str
    keyword: str
    rest: str
    arguments: tuple[str, ...]

    def problem(self, message: str) -> InvalidInput:
        """Return the error for this line; `message` continues the sentence `FILE line N: `."""
        return InvalidInput(f"{self.place}: {message}", HINT)


def read_lines(path: Path, *, trusted: bool, missing_is_empty: bool = True) -> Iterator[ConfigLine]:
    """Yield the lines of a file, without empty ones and comments.

    Raises `InvalidInput` for a file that cannot be read, is too long, or, unless `trusted`, that others may write.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if missing_is_empty:
            return
        raise InvalidInput(f"There is no file {clean(path, 200)}.", "Name a configuration of OpenSSH.") from None
    except OSError as error:
        raise InvalidInput(
            f"{clean(path, 200)} cannot be read: {error.strerror}.", "Correct its permissions."
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not (stat.S_ISREG(status.st_mode) or str(path) == os.devnull):
            raise InvalidInput(f"{clean(path, 200)} is not a file.", "Name a configuration of OpenSSH.")
        if not trusted and (status.st_uid not in (0, os.getuid()) or status.st_mode & 0o022):
            raise InvalidInput(
                f"Others may write {clean(path, 200)}, so it is not used.",
                f"Correct that: chmod go-w {clean(path, 200)}",
            )
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"{clean(path, 200)} is longer than {MAX_BYTES} bytes.", "Split it with Include.")
    for number, text in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        line = parse_line(text, f"{clean(path, 200)} line {number}")
        if line is not None:
            yield line


def parse_line(text: str, place: str) -> ConfigLine | None:
    """Return one line, None for an empty one or a comment. Raises `InvalidInput`."""
    stripped = text.rstrip(" \t\r\n\f")
    keyword, rest = delimited(stripped.lstrip(" \t"))
    if not keyword or keyword.startswith("#"):
        return None
    if not rest:
        raise InvalidInput(f"{place}: there is no value after {clean(keyword, 40)}.", HINT)
    return ConfigLine(place, keyword.lower(), rest, split_arguments(rest, place))


def delimited(text: str) -> tuple[str, str]:
    """Return the first word, which ends at a blank or at one `=`, and the rest (`strdelim`)."""
    if text.startswith('"'):
        word, _, rest = text[1:].partition('"')
        return word, rest.lstrip(" \t")
    for index, character in enumerate(text):
        if character in " \t=":
            rest = text[index:].lstrip(" \t")
            if rest.startswith("="):
                rest = rest[1:].lstrip(" \t")
            return text[:index], rest
    return text, ""


def split_arguments(text: str, place: str) -> tuple[str, ...]:
    """Return the words of a text: quotes of both kinds, backslashes, `#` at the start of a word ends it (`argv_split`).

    Raises `InvalidInput` for a quote that is not closed.
    """
    arguments: list[str] = []
    index, size = 0, len(text)
    while index < size:
        if text[index] in " \t":
            index += 1
            continue
        if text[index] == "#":
            break
        word, quote = "", ""
        while index < size:
            character, following = text[index], text[index + 1 : index + 2]
            escapes = bool(following) and (following in "'\"\\" or (following == " " and not quote))
            if character == "\\" and escapes:
                word += following
                index += 1
            elif not quote and character in " \t":
                break
            elif not quote and character in "'\"":
                quote = character
            elif quote and character == quote:
                quote = ""
            else:
                word += character
            index += 1
        if quote:
            raise InvalidInput(f"{place}: a quote is not closed.", HINT)
        arguments.append(word)
    return tuple(arguments)
