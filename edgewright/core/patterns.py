"""Regular expressions from outside (schemas of packs, variables of profiles), matched in linear time.

Palette takes the syntax of RE2. The `re` of Python backtracks: `^(a+)+$` of a stranger would occupy a thread for hours.
Here its parser gives the tree, and all alternatives are followed side by side, so that a match takes at most
(length of the text) x (size of the expression) steps. What RE2 does not have (references, looking ahead) is refused.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
import warnings
from typing import Any, Callable, Dict, List, NamedTuple, Set, Tuple

from edgewright.core.errors import InvalidInput

MAX_PATTERN = 1_000
"""Characters of an expression."""
MAX_STEPS = 2_000
"""Steps of a compiled expression; counted repeats are written out."""
MAX_TEXT = 2_000
"""Characters of a text that is matched; a longer one does not match."""
MAX_REPEAT = 1_000
"""As in RE2."""

_parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
_POSIX = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "0-9a-zA-Z", "upper": "A-Z", "lower": "a-z", "space": r"\t\n\v\f\r ",
    "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "word": "0-9A-Za-z_", "blank": r"\t ",
}  # fmt: skip
_DIGITS = frozenset("0123456789")
_WORD = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_SPACE = frozenset("\t\n\f\r ")
_CATEGORIES = {"DIGIT": _DIGITS, "WORD": _WORD, "SPACE": _SPACE}
_CHAR, _SPLIT, _JUMP, _AT, _MATCH = range(5)


class _Step(NamedTuple):
    kind: int
    test: Callable[[str], bool]
    name: str = ""
    to: Tuple[int, ...] = ()


def _never(_character: str) -> bool:
    return False


class Pattern:
    """A compiled expression."""

    def __init__(self, text: str, steps: Tuple[_Step, ...]) -> None:
        self.text = text
        self._steps = steps

    def cost(self, text: str) -> int:
        """Return how many steps a match of a text takes at most."""
        return min(len(text), MAX_TEXT) * len(self._steps)

    def search(self, text: str) -> bool:
        """Return whether the expression matches anywhere in the text, as RE2's `MatchString` does."""
        return self._run(text, anywhere=True)

    def fullmatch(self, text: str) -> bool:
        """Return whether the expression matches the complete text."""
        return self._run(text, anywhere=False)

    def _run(self, text: str, anywhere: bool) -> bool:
        if len(text) > MAX_TEXT:
            return False
        threads: Set[int] = set()
        for at in range(len(text) + 1):
            if anywhere or at == 0:
                threads.add(0)
            threads = self._closure(threads, text, at)
            if any(self._steps[number].kind == _MATCH for number in threads) and (anywhere or at == len(text)):
                return True
            if at == len(text) or (not threads and not anywhere):
                return False
            threads = self._after(threads, text[at])
        return False

    def _after(self, threads: Set[int], character: str) -> Set[int]:
        """Return the threads behind a character. Steps share the test of a set, which is asked once."""
        fits: Dict[Callable[[str], bool], bool] = {}
        result: Set[int] = set()
        for number in threads:
            step = self._steps[number]
            if step.kind != _CHAR:
                continue
            if step.test not in fits:
                fits[step.test] = step.test(character)
            if fits[step.test]:
                result.add(number + 1)
        return result

    def _closure(self, threads: Set[int], text: str, at: int) -> Set[int]:
        seen: Set[int] = set()
        stack = list(threads)
        while stack:
            number = stack.pop()
            if number in seen:
                continue
            seen.add(number)
            step = self._steps[number]
            if step.kind in (_SPLIT, _JUMP):
                stack.extend(step.to)
            elif step.kind == _AT and _matches_at(step.name, text, at):
                stack.append(number + 1)
        return seen


def _matches_at(name: str, text: str, at: int) -> bool:
    if name in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
        return at == 0
    if name in ("AT_END", "AT_END_STRING"):
        return at == len(text)
    if name == "LINE_START":
        return at == 0 or text[at - 1] == "\n"
    if name == "LINE_END":
        return at == len(text) or text[at] == "\n"
    inside = at > 0 and text[at - 1] in _WORD
    return (inside != (at < len(text) and text[at] in _WORD)) == (name == "AT_BOUNDARY")


@functools.lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """Return a compiled expression. Raises `InvalidInput` for one that is wrong, too large, or not one of RE2."""
    if len(text) > MAX_PATTERN:
        raise _refused(text, f"it is longer than {MAX_PATTERN:,} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _parser.parse(_as_python(text))
    except (re.error, OverflowError, RecursionError, ValueError) as wrong:
        raise _refused(text, str(wrong)[:100]) from None
    builder = _Builder(text)
    try:
        builder.sequence(tree, tree.state.flags)
    except RecursionError:
        raise _refused(text, "it is nested too deeply") from None
    builder.add(_Step(_MATCH, _never))
    return Pattern(text, tuple(builder.steps))


def _refused(text: str, why: str) -> InvalidInput:
    shown = text if len(text) <= 60 else text[:59] + "…"
    return InvalidInput(
        f"The regular expression {shown} cannot be used: {why}.", "Write it in the syntax of RE2.", "InvalidPattern"
    )


def _as_python(text: str) -> str:
    """Return an expression of RE2 as Python reads it: its names of character classes and of the end."""

    def change(match: Any) -> str:
        if match.group(1):
            return _POSIX.get(match.group(1), str(match.group()))
        return r"\Z" if match.group() == r"\z" else str(match.group())

    return re.sub(r"\[:([a-z]+):\]|\\.", change, text, flags=re.DOTALL)


class _Builder:
    """Writes the steps of a tree one after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps: List[_Step] = []
        self._tests: Dict[Tuple[str, int, int], Callable[[str], bool]] = {}
        """By kind, value and flags; a set is the same object in each repeat that is written out."""

    def add(self, step: _Step) -> int:
        if len(self.steps) >= MAX_STEPS:
            raise _refused(self.text, f"written out it has more than {MAX_STEPS:,} steps")
        self.steps.append(step)
        return len(self.steps) - 1

    def sequence(self, tree: Any, flags: int) -> None:
        for operation, value in tree:
            self.operation(str(operation), value, flags)

    def operation(self, name: str, value: Any, flags: int) -> None:
        if name in ("LITERAL", "NOT_LITERAL", "ANY", "IN", "CATEGORY"):
            key = (name, value if isinstance(value, int) else id(value), flags)
            test = self._tests.get(key)
            if test is None:
                test = self._tests[key] = _test(name, value, flags)
            self.add(_Step(_CHAR, test))
        elif name == "BRANCH":
            self.branch(value[1], flags)
        elif name == "SUBPATTERN":
            _group, added, removed, inner = value
            self.sequence(inner, (flags | added) & ~removed)
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            self.repeat(value, flags)
        elif name == "AT":
            place = str(value)
            if flags & re.MULTILINE and place in ("AT_BEGINNING", "AT_END"):
                place = "LINE_START" if place == "AT_BEGINNING" else "LINE_END"
            self.add(_Step(_AT, _never, place))
        else:
            raise _refused(self.text, "RE2 has no references, no looking around and no possessive repeats")

    def branch(self, alternatives: Any, flags: int) -> None:
        ends = []
        for number, alternative in enumerate(alternatives):
            last = number == len(alternatives) - 1
            split = -1 if last else self.add(_Step(_SPLIT, _never))
            self.sequence(alternative, flags)
            if not last:
                ends.append(self.add(_Step(_JUMP, _never)))
                self.steps[split] = _Step(_SPLIT, _never, "", (split + 1, len(self.steps)))
        for end in ends:
            self.steps[end] = _Step(_JUMP, _never, "", (len(self.steps),))

    def repeat(self, value: Any, flags: int) -> None:
        least, most, inner = value
        endless = most == _parser.MAXREPEAT
        if least > MAX_REPEAT or (not endless and most > MAX_REPEAT):
            raise _refused(self.text, f"it repeats more than {MAX_REPEAT:,} times")
        for _ in range(least):
            before = len(self.steps)
            self.sequence(inner, flags)
            if len(self.steps) == before:
                return  # it matches nothing but "", however often: `(((){1000}){1000}){1000}` ends here
        if endless:
            split = self.add(_Step(_SPLIT, _never))
            self.sequence(inner, flags)
            self.add(_Step(_JUMP, _never, "", (split,)))
            self.steps[split] = _Step(_SPLIT, _never, "", (split + 1, len(self.steps)))
            return
        splits = []
        for _ in range(most - least):
            splits.append(self.add(_Step(_SPLIT, _never)))
            self.sequence(inner, flags)
        for split in splits:
            self.steps[split] = _Step(_SPLIT, _never, "", (split + 1, len(self.steps)))


def _test(name: str, value: Any, flags: int) -> Callable[[str], bool]:
    """Return what decides whether one character fits."""
    if name == "ANY":
        return (lambda _character: True) if flags & re.DOTALL else (lambda character: character != "\n")
    items = value if name == "IN" else [("LITERAL" if name != "CATEGORY" else name, value)]
    negated = name == "NOT_LITERAL" or any(str(kind) == "NEGATE" for kind, _ in items)
    single: Set[str] = set()
    ranges: List[Tuple[str, str]] = []
    without: List[frozenset[str]] = []
    for kind, item in items:
        if str(kind) == "LITERAL":
            single.add(chr(item))
        elif str(kind) == "RANGE":
            ranges.append((chr(item[0]), chr(item[1])))
        elif str(kind) == "CATEGORY":
            word = str(item).rpartition("CATEGORY_")[2]
            if word.startswith("NOT_"):
                without.append(_CATEGORIES[word[4:]])
            else:
                single |= _CATEGORIES[word]

    def fits(character: str) -> bool:
        return (
            character in single
            or any(low <= character <= high for low, high in ranges)
            or any(character not in group for group in without)
        )

    if not flags & re.IGNORECASE:
        return (lambda character: not fits(character)) if negated else fits
    return lambda character: (fits(character.lower()) or fits(character.upper())) != negated
