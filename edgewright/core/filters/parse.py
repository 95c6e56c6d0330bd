"""The grammar of filters: text to terms, and terms back to their canonical text.

    term   = ["-" | "!"] (word | "phrase" | /regex/ | field op values | tag.KEY (":" | "=") values)
    op     = ":" | "=" | "!=" | "<" | "<=" | ">" | ">="
    values = value {"," value};   value = word | "phrase" | /regex/ | "-" (not set) | "*" (anything set)
    also as in kubectl and k9s: "-l" selector (site=berlin,env!=test), "-f" fuzzy word

Terms are separated by blanks and all must match; commas are alternatives.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Tuple

from edgewright.core.errors import InvalidInput
from edgewright.core.filters.fields import FilterField, index, nearest
from edgewright.core.filters.labels import SelectorError, fuzzy, selector

_OPERATOR = re.compile(r"<=|>=|!=|<|>|=|:")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PLAIN_KEY = re.compile(r"[\w./-]+")
_NESTED = re.compile(r"\([^()]*(?:[+*}]|\|)[^()]*\)+[+*{]")
"""A repeated group that repeats or chooses inside: the forms whose search time can double with each letter."""
_LIKE_A_TAG = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\.")
_OPTION = re.compile(r"(?:-([lf])|--selector)(?:\s+|$)")
_FUZZY_LENGTH = 40
_COMPARISONS = ("<", "<=", ">", ">=")


class FilterError(InvalidInput):
    """The filter cannot be read; `position` is the offset of the first character that is wrong, from 0."""

    default_code = "InvalidFilter"

    def __init__(self, message: str, position: int, hint: str = "") -> None:
        super().__init__(message, hint)
        self.position = position


class Value(NamedTuple):
    """One alternative: `kind` is `text`, `regex`, `unset` or `any`."""

    kind: str
    text: str = ""


class Term(NamedTuple):
    """One condition. `field` is empty for free text; `key` is set for `tag.KEY`; `at` is where it was."""

    negated: bool
    field: str
    op: str
    values: Tuple[Value, ...]
    key: str = ""


class Placed(NamedTuple):
    """A term and the offset at which it began."""

    term: Term
    at: int


def parse_terms(text: str, fields: Tuple[FilterField, ...]) -> List[Placed]:
    """Return the terms in `text`; raises `FilterError`."""
    scanner = _Scanner(text, fields)
    matches: List[Placed] = []
    while scanner.skip_spaces():
        at = scanner.at
        matches += [Placed(term, at) for term in scanner.terms()]
    return matches


def render(terms: List[Term]) -> str:
    """Return the canonical text of terms; parsing it gives the same terms."""
    return " ".join(_render(term) for term in terms)


class _Scanner:
    def __init__(self, text: str, fields: Tuple[FilterField, ...]) -> None:
        self.text = text
        self.at = 0
        self.fields = fields
        self.index: Dict[str, FilterField] = index(fields)

    def skip_spaces(self) -> bool:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at < len(self.text)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def at_end(self) -> bool:
        return self.at >= len(self.text) or self.text[self.at].isspace()

    def terms(self) -> List[Term]:
        option = _OPTION.match(self.text, self.at)
        if option is None:
            return [self.term()]
        start, self.at = self.at, option.end()
        if option[1] == "f":
            word = self.bare(",")
            if not word:
                raise FilterError("The word behind -f is missing.", start, "Write -f brln to find berlin.")
            return [Term(False, "", ":", (Value("regex", fuzzy(word[:_FUZZY_LENGTH])),))]
        tags = next((field for field in self.fields if field.kind == "tags"), None)
        if tags is None:
            raise FilterError("This list has no labels.", start, "Filter by a field, for example name:berlin.")
        try:
            wanted, self.at = selector(self.text, self.at)
        except SelectorError as error:
            message = str(error)
            hint = "Write -l site=berlin,env!=test or -l site in (a,b)."
            raise FilterError(f"{message[:1].upper()}{message[1:]}.", error.position, hint) from None
        return [
            Term(
                item.negated,
                tags.name,
                ":",
                tuple(Value("text", text) for text in item.values) or (Value("any"),),
                item.key,
            )
            for item in wanted
        ]

    def term(self) -> Term:
        start = self.at
        negated = False
        while self.peek() in ("-", "!"):
            negated = not negated
            self.at += 1
        if self.at_end():
            raise FilterError("A minus without a term.", start, "Write -state:ready, or put it into quotes.")
        if self.peek() in ('"', "/"):
            return Term(negated, "", ":", (self.value(alone=True),))
        name = _NAME.match(self.text, self.at)
        if name is not None:
            operator = _OPERATOR.match(self.text, name.end())
            if operator is not None:
                return self.comparison(negated, name.group(), operator.group(), operator.end())
            if self.text[name.end() : name.end() + 1] == "." and self.is_tags(name.group()):
                return self.tag(negated, name.end() + 1)
        return Term(negated, "", ":", (Value("text", self.bare(",")),))

    def is_tags(self, name: str) -> bool:
        field = self.index.get(name.casefold())
        return field is not None and field.kind == "tags"

    def comparison(self, negated: bool, name: str, op: str, after: int) -> Term:
        field = self.index.get(name.casefold())
        if field is None:
            close = nearest(name, self.fields)
            names, quotes = ", ".join(field.name for field in self.fields), "Quotes make it plain text."
            hint = f"Did you mean {close}? {quotes}" if close else f"{quotes} Fields: {names}."  # a list may be cut
            raise FilterError(f"There is no field {name[:40]}.", self.at, hint)
        started, self.at = self.at, after
        if op == "!=":
            negated, op = not negated, "="
        values = self.values()
        if op in _COMPARISONS and (len(values) > 1 or values[0].kind != "text"):
            raise FilterError(f"{field.name}{op} takes one plain value.", started)
        return Term(negated, field.name, op, values)

    def tag(self, negated: bool, after: int) -> Term:
        self.at = after
        if self.peek() == '"':
            key = self.quoted()
        else:
            match = _PLAIN_KEY.match(self.text, after)
            key = match.group() if match else ""
            self.at = after + len(key)
        if not key:
            raise FilterError("The key of a tag is missing.", after, "Write tag.site:berlin.")
        field = next(field for field in self.fields if field.kind == "tags")
        if self.at_end():
            return Term(negated, field.name, ":", (Value("any"),), key)
        operator = _OPERATOR.match(self.text, self.at)
        if operator is None or operator.group() in _COMPARISONS:
            raise FilterError(f"A colon is expected after tag.{key[:40]}.", self.at, "Write tag.site:berlin.")
        self.at = operator.end()
        flipped = operator.group() == "!="
        return Term(negated != flipped, field.name, ":", self.values(), key)

    def values(self) -> Tuple[Value, ...]:
        matches = [self.value()]
        while self.peek() == ",":
            self.at += 1
            matches.append(self.value())
        if not self.at_end():
            raise FilterError("A space is missing here.", self.at)
        return tuple(dict.fromkeys(matches))

    def value(self, alone: bool = False) -> Value:
        start = self.at
        mark = self.peek()
        if mark == '"':
            value = Value("text", self.quoted())
        elif mark == "/":
            value = Value("regex", self.regex())
        else:
            word = self.bare("")
            if not word:
                raise FilterError("A value is missing here.", start, 'Write "-" for one that is not set.')
            value = {"-": Value("unset"), "*": Value("any")}.get(word, Value("text", word))
        if alone and not self.at_end():
            raise FilterError("A space is missing here.", self.at)
        return value

    def bare(self, also: str) -> str:
        """Read up to a space or a comma; free words (`also` a comma) contain their commas."""
        start = self.at
        while not self.at_end() and (also or self.text[self.at] != ","):
            self.at += 1
        return self.text[start : self.at]

    def quoted(self) -> str:
        start, here = self.at, self.at + 1
        out: List[str] = []
        while here < len(self.text):
            character = self.text[here]
            if character == '"':
                self.at = here + 1
                return "".join(out)
            if character == "\\" and self.text[here + 1 : here + 2] in ('"', "\\"):
                here += 1
                character = self.text[here]
            out.append(character)
            here += 1
        raise FilterError("A quote opens here and does not close.", start)

    def regex(self) -> str:
        start, here = self.at, self.at + 1
        out: List[str] = []
        while here < len(self.text):
            character = self.text[here]
            if character == "/":
                self.at = here + 1
                pattern = "".join(out)
                try:
                    if _NESTED.search(pattern):
                        raise FilterError(
                            "This expression repeats a group that repeats or chooses inside; that can take for ever.",
                            start,
                            "Write it without the outer repetition: /(a+)+/ finds the same as /a+/.",
                        )
                    re.compile(pattern)
                except (re.error, OverflowError, RecursionError) as error:
                    raise FilterError(f"The expression between / / is not valid: {error}.", start) from None
                return pattern
            if character == "\\" and here + 1 < len(self.text):
                following = self.text[here + 1]
                out.append("/" if following == "/" else character + following)
                here += 2
                continue
            out.append(character)
            here += 1
        raise FilterError("A / begins an expression here, and its end is missing.", start, "Quotes make it a text.")


def _render(term: Term) -> str:
    sign = "-" if term.negated else ""
    values = ",".join(_render_value(value, free=not term.field) for value in term.values)
    if not term.field:
        return sign + values
    if term.key:
        key = term.key if _PLAIN_KEY.fullmatch(term.key) else _quote(term.key)
        return f"{sign}{term.field}.{key}:{values}"
    return f"{sign}{term.field}{term.op}{values}"


def _render_value(value: Value, free: bool) -> str:
    if value.kind == "unset":
        return "-"
    if value.kind == "any":
        return "*"
    if value.kind == "regex":
        return "/" + _slashed(value.text) + "/"
    text = value.text
    plain = text and not any(c.isspace() or c in ',"' for c in text) and text[0] not in "-!/" and text != "*"
    if free and plain:
        plain = not any(c in ":<>=" for c in text) and not _LIKE_A_TAG.match(text) and text not in ("l", "f")
    return text if plain else _quote(text)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _slashed(pattern: str) -> str:
    out, here = [], 0
    while here < len(pattern):
        if pattern[here] == "\\":
            out.append(pattern[here : here + 2])
            here += 2
            continue
        out.append("\\/" if pattern[here] == "/" else pattern[here])
        here += 1
    return "".join(out)
