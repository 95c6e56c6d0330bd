"""Resolving a profile: the text of each layer with its references replaced, and the origin of every value.

A text is changed only where a reference is: comments, order and quotes stay. What is put in is written so that it
means itself: quotes are escaped within quotes, lines are indented within a block, and an unquoted place takes plain
words only.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.evaluate import Evaluator, NoValue, Result
from edgewright.core.profiles.model import Profile
from edgewright.core.profiles.problems import ERROR, MOST, OPEN, Problem
from edgewright.core.profiles.scope import (
    LAYER,
    PACK_DEFAULT,
    PRESET,
    Context,
    LayerValues,
    Origin,
    Scope,
    system_values,
)
from edgewright.core.profiles.values import Reference, Scalar, Values
from edgewright.core.profiles.variables import COVER
from edgewright.core.yaml.scalars import resolve as resolve_word

_PLAIN = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`][^\n\r]*|[-?:][^\s,\[\]{}][^\n\r]*", re.DOTALL)
_UNSEEN = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that are written as escapes."""


class Splice(NamedTuple):
    """A place of the text that is replaced; `shown` is what users see instead where it is a secret."""

    start: int
    end: int
    text: str
    shown: str


@dataclass
class ResolvedText:
    """A text with its references replaced. `document` is what it means, as a YAML reader would return it."""

    source: Values
    document: Any = None
    splices: List[Splice] = field(default_factory=list)
    origins: Dict[str, Tuple[Origin, ...]] = field(default_factory=dict)
    """Origins of the values that have references, by path."""

    @property
    def text(self) -> str:
        """Return the text, secrets included."""
        return self._spliced(False)

    @property
    def shown(self) -> str:
        """Return the text with the values of masked variables covered."""
        return self._spliced(True)

    def _spliced(self, shown: bool) -> str:
        parts, at = [], 0
        for splice in sorted(set(self.splices)):  # an alias brings the same place twice
            parts += [self.source.text[at : splice.start], splice.shown if shown else splice.text]
            at = splice.end
        return "".join([*parts, self.source.text[at:]])


@dataclass
class ResolvedLayer:
    """A resolved layer: its values and its manifests."""

    layer: LayerValues
    values: ResolvedText
    manifests: Tuple[Tuple[str, ResolvedText], ...] = ()

    def origin(self, path: str) -> Tuple[Origin, ...]:
        """Return where the value at a path came from, the place of its text first, then what that refers to."""
        scalar = self.layer.values.scalars.get(path)
        if scalar is None:
            return ()
        return (self._written(path, scalar), *self.values.origins.get(path, ()))

    def origins(self) -> Iterator[Tuple[str, Tuple[Origin, ...]]]:
        """Yield each value's path and where it came from, in the order of the text."""
        references = self.values.origins
        for path, scalar in self.layer.values.scalars.items():
            yield path, (self._written(path, scalar), *references.get(path, ()))

    def _written(self, path: str, scalar: Scalar) -> Origin:
        layer = self.layer
        for name, added in layer.presets:
            other = added.scalars.get(path)
            if other is not None and other.raw == scalar.raw:
                return Origin(PRESET, name, layer.key, path, scalar.line)
        other = layer.default.scalars.get(path) if layer.default is not None else None
        if other is not None and other.raw == scalar.raw and other.value == scalar.value:
            return Origin(PACK_DEFAULT, layer.name, layer.key, path, scalar.line)
        return Origin(LAYER, "", layer.key, path, scalar.line)


@dataclass
class Resolution:
    """A resolved profile. `problems` are errors, and what has no value yet (`open`) in a partial resolution."""

    profile: Profile
    layers: Tuple[ResolvedLayer, ...]
    problems: List[Problem]

    def layer(self, key: str) -> Optional[ResolvedLayer]:
        """Return a layer by its key."""
        return next((layer for layer in self.layers if layer.layer.key == key), None)


def resolve(
    profile: Profile,
    layers: Sequence[LayerValues],
    context: Context,
    beside: Sequence[LayerValues] = (),
    infra: Optional[Profile] = None,
) -> Resolution:
    """Return a profile with its references replaced; the same input always gives the same result.

    `layers` are those of the profile in the order of the stack. `beside` are layers of other profiles of the same
    cluster: an add-on profile may refer to packs of its `infra` profile. Nothing is raised for what is wrong in the
    profile: it is in `problems`.
    """
    everything = [*layers, *beside]
    scope = Scope(profile.variables, everything, context, system_values(profile, infra, everything))
    work = _Work(Evaluator(scope), context.partial)
    resolved = tuple(work.layer(layer) for layer in layers)
    return Resolution(profile, resolved, work.problems)


class _Work:
    def __init__(self, evaluator: Evaluator, partial: bool) -> None:
        self.evaluator = evaluator
        self.partial = partial
        self.problems: List[Problem] = []

    def layer(self, layer: LayerValues) -> ResolvedLayer:
        values = self.text(layer.key, layer.values)
        manifests = tuple((name, self.text(layer.key, text, name)) for name, text in layer.manifests)
        return ResolvedLayer(layer, values, manifests)

    def text(self, layer: str, source: Values, manifest: str = "") -> ResolvedText:
        result = ResolvedText(source, source.document)
        if not source.referring and not source.keys:
            return result
        change = _Copy(source.document)
        for path in source.referring:
            scalar = source.scalars[path]
            texts = self.scalar(layer, f"{manifest}: {path}" if manifest else path, scalar, result, path)
            change.put(scalar.steps, _meaning(scalar, texts))
        for keyed in reversed(source.keys):
            texts = self.scalar(layer, keyed.path, keyed.scalar, result, keyed.path)
            change.rename(keyed.scalar.steps, "".join(texts))
        result.document = change.document
        return result

    def scalar(self, layer: str, place: str, scalar: Scalar, result: ResolvedText, path: str) -> List[str]:
        """Return the pieces of a value as texts, and note splices and origins; what is wrong stays as it is."""
        texts: List[str] = []
        origins: List[Origin] = []
        for piece in scalar.pieces:
            if not isinstance(piece, Reference):
                texts.append(piece)
                continue
            original = result.source.text[piece.start : piece.end]
            evaluated = self.reference(layer, place, piece)
            if evaluated is None:
                texts.append(original)
                continue
            origins += evaluated.origins
            try:
                written = _written(evaluated.text, scalar, result.source.text, piece)
            except InvalidInput as wrong:
                self.report(ERROR, layer, place, wrong, piece.line)
                texts.append(original)
                continue
            secret = any(origin.secret for origin in evaluated.origins)
            result.splices.append(Splice(piece.start, piece.end, written, COVER if secret else written))
            texts.append(evaluated.text)
        if not scalar.style and len(texts) > 1:
            self.plain(layer, place, scalar, "".join(texts))
        result.origins[path] = tuple(dict.fromkeys(origins))
        return texts

    def plain(self, layer: str, place: str, scalar: Scalar, text: str) -> None:
        """Report a value without quotes that would mean something else once its references are replaced."""
        if "{{" not in text and text and not is_plain(text, scalar.flow):
            message = "The resolved value is not plain text and would change what the YAML means."
            wrong = InvalidInput(message, "Put the value into quotes.", "NeedsQuotes")
            self.report(ERROR, layer, place, wrong, scalar.line)

    def reference(self, layer: str, place: str, piece: Reference) -> Optional[Result]:
        try:
            return self.evaluator.expression(piece.expression)
        except NoValue as missing:
            pending = missing.pending and self.partial
            self.report(OPEN if pending else ERROR, layer, place, missing, piece.line)
        except InvalidInput as wrong:
            self.report(ERROR, layer, place, wrong, piece.line)
        return None

    def report(self, severity: str, layer: str, place: str, wrong: Any, line: int) -> None:
        if len(self.problems) < MOST:
            self.problems.append(Problem(severity, layer, place, wrong.message, wrong.hint, wrong.code, line))


def is_plain(text: str, flow: bool = False) -> bool:
    """Return whether a text means itself in YAML without quotes (it may mean a number or a boolean)."""
    if _PLAIN.fullmatch(text) is None or text != text.strip():
        return False
    if ": " in text or " #" in text or text.endswith(":") or text.startswith(("---", "...")):
        return False
    return not (flow and re.search(r"[,\[\]{}]", text))


def _written(text: str, scalar: Scalar, source: str, piece: Reference) -> str:
    """Return a value as it is written at the place of a reference. Raises `InvalidInput` where it cannot be."""
    if scalar.style == '"':
        return _escaped(text)
    if _UNSEEN.search(text.replace("\n", "").replace("\r", "").replace("\t", "")):
        raise InvalidInput(
            "The value has characters that YAML does not take.", "Put the reference into double quotes.", "NeedsQuotes"
        )
    if "\n" in text or "\r" in text:
        if scalar.style != "|":
            raise InvalidInput(
                "The value has several lines.", "Put the reference into double quotes or a | block.", "NeedsQuotes"
            )
        begin = source.rfind("\n", 0, piece.start) + 1
        line = source[begin : piece.start]
        indent = line[: len(line) - len(line.lstrip(" "))]
        return text.rstrip("\n").replace("\n", "\n" + indent)
    return text.replace("'", "''") if scalar.style == "'" else text


def _escaped(text: str) -> str:
    return _UNSEEN.sub(lambda match: f"\\U{ord(match.group()):08X}", json.dumps(text, ensure_ascii=False)[1:-1])


def _meaning(scalar: Scalar, texts: Sequence[str]) -> Any:
    text = "".join(texts)
    if scalar.style == "|":
        return "".join(
            item.rstrip("\n") if isinstance(piece, Reference) else item for piece, item in zip(scalar.pieces, texts)
        )
    if scalar.style or "{{" in text:
        return text
    return resolve_word(text) if len(text) <= 64 else text


class _Copy:
    """A document with some values replaced: what is on the way to them is copied, the rest is shared."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self._copied: Dict[int, Any] = {}

    def _own(self, container: Any) -> Any:
        if id(container) in self._copied:
            return container
        copy = dict(container) if isinstance(container, Mapping) else list(container)
        self._copied[id(copy)] = copy
        return copy

    def _parent(self, steps: Sequence[Any]) -> Any:
        """Return the container of a value; `None` for one that is not in the document (a list that is merged)."""
        here = self.document = self._own(self.document)
        for step in steps[:-1]:
            inside = step in here if isinstance(here, dict) else isinstance(step, int) and step < len(here)
            if not inside or not isinstance(here[step], (dict, list)):
                return None
            here[step] = self._own(here[step])
            here = here[step]
        inside = steps[-1] in here if isinstance(here, dict) else isinstance(steps[-1], int) and steps[-1] < len(here)
        return here if inside else None

    def put(self, steps: Sequence[Any], value: Any) -> None:
        parent = self._parent(steps)
        if parent is not None:
            parent[steps[-1]] = value

    def rename(self, steps: Sequence[Any], key: str) -> None:
        parent = self._parent(steps)
        if not isinstance(parent, dict):
            return
        items = [(key if name == steps[-1] else name, value) for name, value in parent.items()]
        parent.clear()
        parent.update(items)
