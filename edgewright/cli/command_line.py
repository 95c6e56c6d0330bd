"""The first look at the command line: global options, noun, verb, and what is left. No parser is built for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edgewright.core.errors import UsageError

TAKES_VALUE = ("-o", "--output", "--context", "--project", "--timeout")
FLAGS = ("--read-only", "--yes", "-y", "--plan", "--ascii")
CONSOLE_FLAGS = ("--lines", "--last-frame")
"""Flags of the console alone; other verbs have options of these names."""
CONSOLE_NOUNS = ("", "demo", "replay", "guide")
"""Nouns that open the console."""
HELP = ("--help", "-h")
FORMS = ("table", "wide", "json", "yaml", "name", "text", "svg")
"""What `-o` may select; with any other word it may name the file that a verb writes (`out`)."""


class CommandLine(NamedTuple):
    """A command line, taken apart. `options` are the global ones, by their long names; `rest` follows the verb."""

    noun: str = ""
    rest: tuple[str, ...] = ()
    options: dict[str, str] = {}
    help: bool = False
    version: bool = False
    stray: str = ""
    """An unknown option before the noun."""

    @property
    def verb(self) -> str:
        """The first word after the noun, or ""."""
        return self.rest[0] if self.rest and not self.rest[0].startswith("-") else ""


def take(argv: Sequence[str]) -> CommandLine:
    """Take a command line apart. Global options are taken wherever they are, up to `--`.

    Raises `UsageError` for an option that lacks its value.
    """
    noun, rest, options, wants_help, version, stray = "", [], {}, False, False, ""
    left = list(argv)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            rest += [word, *left]
            break
        if name in TAKES_VALUE and (equals or name == word):
            if not equals:
                if not left:
                    raise UsageError(f"The option {name} lacks its value.", "See: edgewright --help")
                value = left.pop(0)
            if name == "-o":
                options["output" if value in FORMS else "out"] = value
            else:
                options[name.lstrip("-")] = value
        elif word.startswith("-o") and len(word) > 2 and word[2:].isalpha():
            options["output"] = word[2:]
        elif word in FLAGS:
            options[{"-y": "yes"}.get(word, word.lstrip("-"))] = "1"
        elif word in CONSOLE_FLAGS and noun in CONSOLE_NOUNS:
            options[word.lstrip("-")] = "1"
        elif word in HELP:
            wants_help = True
        elif word == "--version" and not noun:
            version = True
        elif noun:
            rest.append(word)
        elif word.startswith("-"):
            stray = stray or word
        else:
            noun = word
    return CommandLine(noun, tuple(rest), options, wants_help, version, stray)
