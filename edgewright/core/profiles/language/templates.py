"""The language between `{{` and `}}`: references to values, and functions that change them.

    {{ .spectro.var.replicas }}
    {{ .spectro.pack.kubernetes.version | default "1.19.0" }}
    {{ upper .spectro.macro.site | trunc 8 }}

A part of Go's templates: pipelines, functions, texts, numbers, `true` and `false`, parentheses. What does not mention
`.spectro` is not meant for us (Prometheus and Helm use the same brackets) and stays as it is.
"""

from __future__ import annotations

import functools
import re
from typing import Iterator, List, NamedTuple, NoReturn, Sequence, Tuple, Union

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.language.functions import FUNCTIONS
from edgewright.core.profiles.problems import suggestion

MAX_EXPRESSION = 2_000
"""Characters of one expression."""
MAX_NESTING = 20

_STOP = re.compile(r"\}\}|\\?\"|`")
_MENTION = re.compile(r"(?:^|[^\w.])\.?spectro\.")
_TOKEN = re.compile(
    r"""\s*(?:(?P<path>\.[A-Za-z_][^\s|()"`,]*)|(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`\n]*`)"""
    r"""|(?P<number>-?\d{1,18}(?:\.\d{1,18})?(?![\w.]))|(?P<word>\$?[A-Za-z_][\w.]*)|(?P<mark>[|()]))""",
    re.ASCII,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}


class Name(NamedTuple):
    """A reference: `space` is `var`, `macro`, `system` or `pack`, `name` what follows it."""

    space: str
    name: str

    def __str__(self) -> str:
        return f".spectro.{self.space}.{self.name}"


class Call(NamedTuple):
    """A function with its arguments; the value of the stage before in a pipeline is the last one."""

    function: str
    arguments: Tuple["Term", ...]


Term = Union[Name, Call, str, int, float, bool]
SPACES = ("var", "macro", "system", "pack")


def scan(text: str) -> Iterator[Tuple[int, int]]:
    r"""Yield start and end of each `{{...}}` of a text that refers to a value of the profile.

    Texts within one may contain braces; a quote may be written as `\"`, as within a quoted YAML value.
    """
    at = text.find("{{")
    while at >= 0:
        end = _end(text, at)
        if end < 0:
            at = text.find("{{", at + 2)
            continue
        if mentions(text[at + 2 : end - 2]):
            yield at, end
        at = text.find("{{", end)


def _end(text: str, start: int) -> int:
    """Return the end of the template that begins at `start`; -1 when none does."""
    at, following = start + 2, text.find("{{", start + 2)
    last = start + MAX_EXPRESSION + 4
    if following >= 0:
        last = min(last, following)  # nothing is read twice, so the time grows with the text only
    while True:
        match = _STOP.search(text, at, last)
        if match is None:
            return -1
        if match.group() == "}}":
            return match.end()
        at = match.end()
        closing = text.find(match.group(), at, last)
        while closing > 0 and match.group() == '"' and text[closing - 1] == "\\":
            closing = text.find('"', closing + 1, last)
        at = closing + len(match.group()) if closing >= 0 else at


def mentions(expression: str) -> bool:
    """Return whether an expression has a reference (`.spectro...`)."""
    return _MENTION.search(expression) is not None


@functools.lru_cache(maxsize=4096)
def parse(expression: str) -> Term:
    """Return what an expression means. Raises `InvalidInput` (`InvalidReference`, `UnknownFunction`)."""
    if len(expression) > MAX_EXPRESSION:
        raise _invalid(expression, f"it is longer than {MAX_EXPRESSION:,} characters")
    parser = _Parser(expression)
    term = parser.pipeline(0)
    if parser.tokens:
        raise _invalid(expression, f"{parser.tokens[0][1][:40]} is not expected there")
    return term


def names(term: Term) -> List[Name]:
    """Return the references in a term, in order."""
    if isinstance(term, Name):
        return [term]
    if isinstance(term, Call):
        return [name for argument in term.arguments for name in names(argument)]
    return []


def _invalid(expression: str, problem: str) -> InvalidInput:
    shown = " ".join(expression.split())
    shown = shown if len(shown) <= 80 else shown[:79] + "…"
    return InvalidInput(
        f"{{{{{shown}}}}} is not understood: {problem}.", "Write it as {{.spectro.var.NAME}}.", "InvalidReference"
    )


class _Parser:
    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens = self._tokens(expression)

    def fail(self, problem: str) -> NoReturn:
        raise _invalid(self.expression, problem)

    def _tokens(self, text: str) -> "List[Tuple[str, str]]":
        if text.startswith("-") or text.rstrip().endswith(" -"):
            self.fail("the marks {{- and -}} are not supported")
        result, at = [], 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                self.fail(f"{text[at:].strip()[:20]} cannot be read")
            result.append((str(match.lastgroup), match.group(str(match.lastgroup))))
            at = match.end()
        return result

    def pipeline(self, depth: int) -> Term:
        if depth > MAX_NESTING:
            self.fail(f"it is nested deeper than {MAX_NESTING} levels")
        term = self.stage(depth, ())
        while self.tokens and self.tokens[0] == ("mark", "|"):
            self.tokens.pop(0)
            if not self.tokens or self.tokens[0][0] != "word":
                self.fail("a function is expected behind |")
            term = self.stage(depth, (term,))
        return term

    def stage(self, depth: int, piped: "Sequence[Term]") -> Term:
        if not self.tokens:
            self.fail("it is empty")
        kind, text = self.tokens[0]
        if kind != "word" or text in ("true", "false"):
            return self.term(depth)
        self.tokens.pop(0)
        if text not in FUNCTIONS:
            self._unknown(text)
        arguments: List[Term] = []
        while self.tokens and self.tokens[0] not in (("mark", "|"), ("mark", ")")):
            arguments.append(self.term(depth))
        arguments += piped
        wanted = FUNCTIONS[text].arguments
        if len(arguments) != wanted:
            raise InvalidInput(
                f"The function {text} takes {wanted} value{'' if wanted == 1 else 's'}, not {len(arguments)}.",
                f"Write it as {FUNCTIONS[text].example}.",
                "InvalidReference",
            )
        return Call(text, tuple(arguments))

    def _unknown(self, text: str) -> NoReturn:
        if text.startswith("spectro."):
            self.fail(f"a reference begins with a dot: .{text[:60]}")
        raise InvalidInput(
            f"The function {text[:60]} is not supported in values.",
            suggestion(text, tuple(FUNCTIONS), "functions") or "docs/profiles.md lists the functions.",
            "UnknownFunction",
        )

    def term(self, depth: int) -> Term:
        if not self.tokens:
            self.fail("it ends too early")
        kind, text = self.tokens.pop(0)
        if kind == "path":
            return self._name(text)
        if kind == "text":
            return text[1:-1] if text[0] == "`" else re.sub(r"\\(.)", _unescape, text[1:-1])
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "word" and text in ("true", "false"):
            return text == "true"
        if (kind, text) == ("mark", "("):
            inner = self.pipeline(depth + 1)
            if not self.tokens or self.tokens.pop(0) != ("mark", ")"):
                self.fail("a ( does not close")
            return inner
        self.fail(f"{text[:40]} is not expected there")

    def _name(self, text: str) -> Name:
        parts = text.split(".", 3)
        if parts[1] != "spectro" or len(parts) < 4 or not parts[3] or parts[3].endswith("."):
            self.fail(f"{text[:60]} names no value")
        if parts[2] not in SPACES:
            hint = suggestion(parts[2], SPACES, "kinds of references")
            raise InvalidInput(f"{text[:80]} is not a known reference: .{parts[2][:40]}.", hint, "InvalidReference")
        return Name(parts[2], parts[3])


def _unescape(match: "re.Match[str]") -> str:
    return _ESCAPES.get(match.group(1), match.group())
