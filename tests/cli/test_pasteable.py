"""A command that we print can be pasted: every path and name in it is quoted for a shell, in every module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.commands.kernel import registry
from tests.support import ROOT

NOUNS = "|".join(sorted(registry.NOUNS))
BEGIN = re.compile(rf"\bedgewright (?:{NOUNS}) |\bchmod \d+ ")
END = re.compile(r"[;()`]|\. |   |, ")
"""What ends a command inside a sentence."""
SAFE = {
    "build.id", "build", "build_id", "self.id", "noun", "command.name", "param.flag", "self.uid", "self.token_uid",
    "uid", "words_", "words[1]", "words[2]", "first", "takes", "flag", "seen", "values", "_quoted(told)",
    "' '.join(OUTPUTS)", "_quoted(_noun_help(noun))", "_quoted(command.help())", "_quoted(param.help)",
    "shlex.join(words)", "shlex.join(parts)", "member.name", "host.name", "kubernetes.distribution", "near",
    "kubernetes.full", "definition.KIND", "' --publish' if publish else ''",
    "known[0].name", "__version__", "row.uid", "kind", "noun.upper()",
}  # fmt: skip
"""Placeholders that hold an id or a word of our own, and the texts of completion scripts."""


def placeholders(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and source of each placeholder of an f-string that stands inside a command."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        inside = False
        for part in node.values:
            if isinstance(part, ast.Constant):
                text = str(part.value)
                begin = list(BEGIN.finditer(text))
                if begin:
                    inside = not END.search(text, begin[-1].end())
                elif END.search(text):
                    inside = False
            elif inside and isinstance(part, ast.FormattedValue):
                yield node.lineno, ast.unparse(part.value)


def sources() -> list[Path]:
    return sorted(path for part in ("edgewright", "tui") for path in (ROOT / part).rglob("*.py"))


def test_paths_and_names_in_commands_are_quoted() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {source}"
        for path in sources()
        for line, source in placeholders(ast.parse(path.read_text("utf-8")))
        if "quote(" not in source and source not in SAFE
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('f"Next: edgewright forge verify {out}   boots it"', ["out"]),
        ('f"{out} is there; see: edgewright build show {x.y}"', ["x.y"]),
        ('f"Add it: edgewright context add NAME --url {url} --api-key-file FILE (or {b})"', ["url"]),
        ('f"the token of edgewright is {name}"', []),
    ],
)
def test_it_finds_them(text: str, found: list[str]) -> None:
    assert [source for _, source in placeholders(ast.parse(text))] == found
