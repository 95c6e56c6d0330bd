"""What users of kubectl and k9s type: label selectors (`-l site=berlin,env!=test`) and fuzzy text (`-f brln`)."""

from __future__ import annotations

import re
from typing import List, NamedTuple, Tuple

_KEY = r"[A-Za-z0-9][\w./-]*"
_VALUE = r"[A-Za-z0-9][\w.-]*"
_REQUIREMENT = re.compile(
    rf"(?P<absent>!)?(?P<key>{_KEY}?)"
    rf"(?:(?P<op>==|=|!=)(?P<value>{_VALUE})|\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?(?=[\s,]|$)"
)


_SET = re.compile(r"\s+(?:not)?in(?=[\s(]|$)\s*(?P<open>\()?")
"""What `in` looks like behind a key; without its values it is not another word of the filter."""


class SelectorError(ValueError):
    """The selector cannot be read; `position` is the offset of the first character that is wrong, from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class Requirement(NamedTuple):
    """One condition of a selector. No `values`: the key is there, whatever its value."""

    negated: bool
    key: str
    values: Tuple[str, ...]


def selector(text: str, at: int) -> Tuple[List[Requirement], int]:
    """Return the requirements of the selector that begins at `at`, and where it ends.

    The grammar is that of Kubernetes (equality- and set-based). Raises `SelectorError`.
    """
    requirements: List[Requirement] = []
    while True:
        match = _REQUIREMENT.match(text, at)
        if match is None or (match["absent"] and (match["op"] or match["set"])):
            raise SelectorError("this is not a condition of a label selector", at)
        values: Tuple[str, ...] = ()
        if match["op"]:
            values = (match["value"],)
        elif match["set"]:
            values = tuple(part.strip() for part in match["values"].split(","))
            if not all(re.fullmatch(_VALUE, value) for value in values):
                raise SelectorError("a value in these parentheses is missing or not valid", match.start("values"))
        else:
            _refuse_open_set(text, match.end())
        negated = bool(match["absent"]) or match["op"] == "!=" or match["set"] == "notin"
        requirements.append(Requirement(negated, match["key"], values))
        at = match.end()
        if text[at : at + 1] != ",":
            return requirements, at
        at += 1
        while text[at : at + 1] == " ":
            at += 1


def _refuse_open_set(text: str, at: int) -> None:
    """Raise `SelectorError` when `in` or `notin` follows a key, but not its values in parentheses."""
    begun = _SET.match(text, at)
    if begun is None:
        return
    if begun["open"]:
        raise SelectorError("the list of values opens here and does not close", begun.start("open"))
    raise SelectorError("the values in parentheses are missing here", begun.end())


def fuzzy(text: str) -> str:
    """Return an expression that finds the characters of `text` in their order, with any others between.

    Each step skips only characters that are not the next wanted one, so that the search time stays linear.
    """
    folded = text.casefold()
    return re.escape(folded[:1]) + "".join(f"[^{re.escape(item)}]*{re.escape(item)}" for item in folded[1:])
