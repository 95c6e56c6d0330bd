"""The schema of a pack's values: `{{ required | readonly | format "${number:[1-10]}" | hints "..." }}` for a path.

Palette's schema.yaml names paths with dots; `$[]` in a path is every item of a list. A format is text with types in it:
`${ipv4} - ${ipv4}` is two addresses.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Iterator, List, Mapping, NamedTuple, Tuple

from edgewright.core import patterns
from edgewright.core.errors import DocumentProblem, InvalidInput
from edgewright.core.packs.versions import is_semantic

TYPES = ("string", "number", "boolean", "password", "list", "ipv4", "version")
MAX_FORMAT = 2_000
MAX_COST = 10_000_000
"""Steps that the expressions of a schema may take for all values; a million take about 0.15 s."""
_SLOT = re.compile(r"\$\{([A-Za-z0-9]+)(?::(?:/((?:[^/\\]|\\.|/(?!\}))*)/|\[([^\]]*)\]))?\}")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?")
_RANGE = re.compile(r"\s*(-?\d{1,18}(?:\.\d{1,18})?)\s*-\s*(-?\d{1,18}(?:\.\d{1,18})?)\s*")


class Slot(NamedTuple):
    """One `${TYPE...}` of a format; of regex, options and range at most one is set."""

    type: str
    regex: str = ""
    options: Tuple[str, ...] = ()
    lowest: str = ""
    highest: str = ""


@dataclass(frozen=True)
class SchemaEntry:
    """What a value at a path must be."""

    name: str
    required: bool = False
    readonly: bool = False
    format: str = ""
    hints: Tuple[str, ...] = ()

    @property
    def slots(self) -> Tuple[Slot, ...]:
        """Return the types in the format, in order."""
        return tuple(_slot(match) for match in _SLOT.finditer(self.format))

    @property
    def type(self) -> str:
        """Return the type where the format is one type; "string" for several and for text around one."""
        slots = self.slots
        return slots[0].type if len(slots) == 1 and _SLOT.fullmatch(self.format) else "string" if self.format else ""

    @property
    def regex(self) -> str:
        """Return the expression of the only type."""
        slots = self.slots
        return slots[0].regex if len(slots) == 1 else ""

    @property
    def options(self) -> Tuple[str, ...]:
        """Return what a list permits."""
        slots = self.slots
        return slots[0].options if len(slots) == 1 else ()

    @property
    def secret(self) -> bool:
        """Return whether the value is masked."""
        return any(slot.type == "password" for slot in self.slots)

    def cost(self, value: Any) -> int:
        """Return how many steps the expressions of the format take at most for a value."""
        if not isinstance(value, (str, int, float)):
            return 0
        cost, text = 0, str(value)
        for slot in self.slots:
            if slot.regex:
                try:
                    cost += patterns.compiled(slot.regex).cost(text)
                except InvalidInput:
                    continue  # reported where the schema is read
        return cost

    def check(self, value: Any) -> str:
        """Return what is wrong with a value, as the end of a sentence; "" when it fits.

        References (`{{.spectro...}}`) have no value yet and are not judged.
        """
        if value is None or value == "":
            return "is required" if self.required else ""
        if isinstance(value, str) and "{{" in value:
            return ""
        if not self.format:
            return ""
        if isinstance(value, (dict, list)):
            return f"must be {self._wanted()} and not {'a map' if isinstance(value, dict) else 'a list'}"
        only = self.type
        if only == "boolean":
            return "" if isinstance(value, bool) else "must be true or false"
        if only == "number" and (isinstance(value, bool) or not _NUMBER.fullmatch(str(value))):
            return "must be a number"
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        return "" if self._fits(text) else f"must be {self._wanted()}"

    def _fits(self, text: str) -> bool:
        slots, end, literals = self.slots, 0, []
        for match in _SLOT.finditer(self.format):
            literals.append(self.format[end : match.start()])
            end = match.end()
        literals.append(self.format[end:])
        if not slots:
            return text == self.format
        return _split(text, literals, slots)

    def _wanted(self) -> str:
        slots = self.slots
        if len(slots) != 1 or not _SLOT.fullmatch(self.format):
            return f"in the form {self.format}"
        slot = slots[0]
        if slot.options:
            return f"one of {', '.join(slot.options)}"
        if slot.lowest:
            return f"a number from {slot.lowest} to {slot.highest}"
        labels = {"ipv4": "an IPv4 address", "version": "a semantic version", "number": "a number"}
        return f"text that matches {slot.regex}" if slot.regex else labels.get(slot.type, f"a {slot.type}")


def _split(text: str, literals: List[str], slots: Tuple[Slot, ...]) -> bool:
    """Return whether a text is the literals with a fitting value between each two; the shortest value counts."""
    if not text.startswith(literals[0]):
        return False
    at = len(literals[0])
    for number, slot in enumerate(slots):
        following = literals[number + 1]
        last = number == len(slots) - 1
        if last:
            if not text.endswith(following):
                return False
            end = len(text) - len(following)
        else:
            end = text.find(following, at) if following else at
        if end < at or not _slot_fits(slot, text[at:end]):
            return False
        at = end + len(following)
    return at == len(text)


def _slot_fits(slot: Slot, text: str) -> bool:
    if slot.regex:
        try:
            if not patterns.compiled(slot.regex).search(text):
                return False
        except InvalidInput:
            return True  # `problems` reports the expression; a value is not to blame for it
    if slot.options and text not in slot.options:
        return False
    if slot.type == "number":
        if not _NUMBER.fullmatch(text):
            return False
        return not slot.lowest or float(slot.lowest) <= float(text) <= float(slot.highest)
    if slot.type == "boolean":
        return text in ("true", "false")
    if slot.type == "ipv4":
        try:
            ipaddress.IPv4Address(text)
        except ValueError:
            return False
    return slot.type != "version" or is_semantic(text)


def _slot(match: Any) -> Slot:
    kind, regex, brackets = match.group(1), match.group(2) or "", match.group(3)
    if brackets is None:
        return Slot(kind, regex)
    limits = _RANGE.fullmatch(brackets) if kind == "number" else None
    if limits is not None:
        return Slot(kind, lowest=limits.group(1), highest=limits.group(2))
    return Slot(kind, options=tuple(part.strip().strip('"') for part in brackets.split(",") if part.strip()))


def parse_entry(name: str, template: str) -> SchemaEntry:
    """Return the entry of one template. Raises `InvalidInput` for one that is not understood."""
    text = template.strip()
    if not (text.startswith("{{") and text.endswith("}}")) or len(text) > MAX_FORMAT:
        raise InvalidInput(f"The schema of {name} is not a template.", 'Write it as {{ required | format "..." }}.')
    required = readonly = False
    shape, hints = "", []
    for part in _parts(text[2:-2]):
        word, rest = part.split(None, 1) if len(part.split(None, 1)) == 2 else (part, "")
        values = [re.sub(r"\\(.)", _unescaped, value) for value in _STRING.findall(rest)]
        if word == "required":
            required = True
        elif word == "readonly":
            readonly = True
        elif word == "format" and len(values) == 1:
            shape = values[0]
        elif word == "hints" and values:
            hints += values
        elif word:
            raise InvalidInput(
                f"The schema of {name} has {word[:40]}, which is not understood.",
                'It may have required, readonly, format "..." and hints "...".',
            )
    entry = SchemaEntry(name, required, readonly, shape, tuple(hints))
    for slot in entry.slots:
        if slot.type not in TYPES:
            raise InvalidInput(f"The schema of {name} has the type {slot.type}.", f"Types: {', '.join(TYPES)}.")
        if slot.regex:
            patterns.compiled(slot.regex)
    return entry


def _unescaped(match: Any) -> str:
    # `\"` is a quote; other escapes belong to the expression: the files have `\d` and not `\\d`
    return str(match.group(1)) if match.group(1) in '"' else str(match.group())


def _parts(text: str) -> Iterator[str]:
    """Yield what is between the `|` of a template, those in quotes not counted."""
    start, at = 0, 0
    while at < len(text):
        if text[at] == '"':
            match = _STRING.match(text, at)
            at = match.end() if match else len(text)
            continue
        if text[at] == "|":
            yield text[start:at].strip()
            start = at + 1
        at += 1
    yield text[start:].strip()


def from_document(document: Mapping[str, Any]) -> Tuple[Tuple[SchemaEntry, ...], Tuple[DocumentProblem, ...]]:
    """Return the entries of a schema.yaml that was read, and what is wrong in it."""
    entries, problems = [], []
    for name, value in document.items():
        template = value.get("schema") if isinstance(value, Mapping) else value
        if template is None:
            continue
        if not isinstance(template, str):
            problems.append(DocumentProblem(str(name), "the schema must be a text", "", "InvalidSchema"))
            continue
        try:
            entries.append(parse_entry(str(name), template))
        except InvalidInput as wrong:
            problems.append(DocumentProblem(str(name), wrong.message, wrong.hint, "InvalidSchema"))
    return tuple(entries), tuple(problems)


def sentence(hint: str) -> str:
    """Return a hint of a schema as a sentence: packs write `reference of the image` as well as `Image.`."""
    text = hint.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def values_at(document: Any, path: str) -> Iterator[Tuple[str, Any]]:
    """Yield each path and value that a name of a schema means; a missing one yields `None`.

    Keys may contain dots themselves: the longest key that is there counts.
    """
    yield from _at(document, path.split("."), "")


def _at(value: Any, steps: List[str], path: str) -> Iterator[Tuple[str, Any]]:
    if not steps:
        yield path, value
        return
    if steps[0] in ("$[]", "[]"):
        for number, item in enumerate(value if isinstance(value, list) else ()):
            yield from _at(item, steps[1:], f"{path}[{number}]")
        return
    if isinstance(value, Mapping):
        for count in range(len(steps), 0, -1):
            name = ".".join(steps[:count])
            if name in value:
                yield from _at(value[name], steps[count:], f"{path}.{name}" if path else name)
                return
    yield f"{path}.{'.'.join(steps)}" if path else ".".join(steps), None


def check_values(entries: Tuple[SchemaEntry, ...], document: Mapping[str, Any]) -> List[DocumentProblem]:
    """Return what is wrong with values, by the schema; values are a document that was read."""
    problems: List[DocumentProblem] = []
    left = MAX_COST
    for entry in entries:
        for path, value in values_at(document, entry.name):
            left -= entry.cost(value)
            if left < 0:
                message = f"{path} and what follows is not checked: the expressions of the schema take too long."
                return [*problems, DocumentProblem(path, message, "Use shorter values or expressions.", "TooBig")]
            wrong = entry.check(value)
            if wrong:
                hint = sentence(entry.hints[0]) if entry.hints else ""
                problems.append(DocumentProblem(path, f"{path} {wrong}.", hint, "SchemaViolation"))
    return problems
