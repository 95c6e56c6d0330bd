"""The two readers of a `.arg` line: godotenv, by which Earthly reads it, and a POSIX shell, which sources it.

The first follows godotenv 1.5.1 (parser.go) rule by rule, the second the shell's rules for an assignment. Both fill in
`$NAME` and `${NAME}` from the lines above; the environment is the shell's alone, so what it gives cannot be known here.
"""

from __future__ import annotations

import re
from typing import List, Mapping, NamedTuple, Optional

_SPACES = "\t\v\f\r \x85\xa0"
"""What godotenv takes for a space within a line."""
_EXPAND = re.compile(r"(\\)?\$\(?\{?([A-Z0-9_]+)?\}?")
_NAME = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_ENDS = ";&|<>()"
MOST = 64 * 1024
"""Characters of a value; what variables make longer is cut, and the shell's reading is unknown."""
_TOO_LONG = f"is longer than {MOST // 1024} KiB once its variables are filled in"


class Earthly(NamedTuple):
    """What godotenv reads: the value, the text behind it (spaces and a comment), and why it fails on the file."""

    value: str
    tail: str = ""
    trouble: str = ""


class Shell(NamedTuple):
    """What a shell reads: the value (None: it cannot be known here, or is not set), and why."""

    value: Optional[str]
    trouble: str = ""


def earthly_value(rest: str, before: Mapping[str, str]) -> Earthly:
    """Return the value behind `KEY=` as godotenv reads it; `before` is what the lines above set."""
    quote = rest[:1]
    if quote in ("'", '"'):
        end = next((at for at in range(1, len(rest)) if rest[at] == quote and rest[at - 1] != "\\"), -1)
        if end < 0:
            return Earthly(rest, trouble="has a quote that does not end")
        value = rest[:end].strip(quote)
        if quote == '"':
            value = _expanded(_unescaped(value), before)
        tail = rest[end + 1 :]
        behind = tail.strip(_SPACES)
        if behind and not behind.startswith("#"):
            return Earthly(value, tail, "has something behind its closing quote, at which Earthly cannot read the file")
        return Earthly(value, tail)
    end = len(rest)
    for at in range(len(rest) - 1, 0, -1):  # the last # with a space before it begins the comment
        if rest[at] == "#" and rest[at - 1] in _SPACES:
            end = at
            break
    word = rest[:end].rstrip(_SPACES)
    return Earthly(_expanded(word, before), rest[len(word) :])


def _unescaped(text: str) -> str:
    lines = {"n": "\n", "r": "\r"}
    text = re.sub(r"\\(.)", lambda result: lines.get(result.group(1), result.group()), text)
    return re.sub(r"\\([^$])", r"\1", text, flags=re.DOTALL)


def _expanded(text: str, before: Mapping[str, str]) -> str:
    """Return a text with its variables filled in, cut at `MOST`: lines that double each other grow without end."""
    parts: List[str] = []
    at = size = 0
    for match in _EXPAND.finditer(text):
        name = match.group(2)
        filled = match.group()[1:] if match.group(1) else before.get(name, "") if name else match.group()
        parts += [text[at : match.start()], filled]
        size += len(parts[-1]) + len(parts[-2])
        at = match.end()
        if size > MOST:
            return "".join(parts)[:MOST]
    return ("".join(parts) + text[at:])[:MOST]


def shell_value(rest: str, before: Mapping[str, Optional[str]]) -> Shell:
    """Return the value behind `KEY=` as `source` takes it; `before` is what the lines above set (None: not known)."""
    parts: List[str] = []
    at, size, quoted = 0, 0, False
    while at < len(rest):
        letter = rest[at]
        if letter == "'" and not quoted:
            end = rest.find("'", at + 1)
            if end < 0:
                return Shell(None, "has a quote that does not end")
            parts.append(rest[at + 1 : end])
            at = end + 1
            continue
        if letter == '"':
            quoted, at = not quoted, at + 1
            continue
        if letter == "$":
            name = _NAME.match(rest, at)
            if name is None:
                follows = rest[at + 1 : at + 2]
                ends = '"' if quoted else ""
                if not follows or follows in " \t" or follows == ends or (follows in ".,:/=%+-" and not quoted):
                    parts.append("$")
                    at += 1
                    continue
                return Shell(None, "has $ in it, at which a shell does more than fill in a name")
            word = name.group(1) or name.group(2)
            filled = before.get(word)
            if filled is None:
                why = "which no line above sets: Earthly reads nothing there, a shell what its environment has"
                return Shell(None, f"takes ${word}, {why}" if word not in before else f"takes ${word}, not known here")
            parts.append(filled)
            size += len(filled)
            if size > MOST:
                return Shell(None, _TOO_LONG)
            at = name.end()
            continue
        if letter == "~" and not quoted and (at == 0 or rest[at - 1] == ":"):
            return Shell(None, "has ~ in front, which a shell takes for a home directory")
        if letter == "`":
            return Shell(None, "has ` in it, at which a shell runs a command")
        if letter == "\\":
            follows = rest[at + 1 : at + 2]
            if not follows:
                return Shell(None, "ends with a backslash, at which a shell continues with the next line")
            stored = "\\" if quoted and follows not in ("$", "`", '"', "\\") else ""
            parts.append(stored + follows)
            at += 2
            continue
        if not quoted and letter in " \t":
            behind = rest[at:].strip()
            if behind and not behind.startswith("#"):
                return Shell(None, "has a space outside of quotes: a shell runs what follows it as a command")
            break
        if not quoted and letter in _ENDS:
            return Shell(None, f"has {letter} outside of quotes, which a shell takes for the end of the value")
        parts.append(letter)
        at += 1
    if quoted:
        return Shell(None, "has a quote that does not end")
    return Shell("".join(parts))
