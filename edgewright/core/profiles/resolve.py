"""Resolving a profile: the text of each layer with its references replaced, and the origin of every value.

A text is changed only where a reference is: comments, order and quotes stay. What is put in is written so that it
means itself: quotes are escaped within quotes, lines are indented within a block, and an unquoted place takes plain
words only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.language.evaluate import Evaluator, NoValue, Result, hint_of
from edgewright.core.profiles.language.writing import BLOCKS, Writer, meaning
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
from edgewright.core.profiles.secrets import cover_of
from edgewright.core.profiles.values import Reference, Scalar, Values
from edgewright.core.profiles.variables import COVER

MOST_HINTS = 20
"""Problems for which the nearest known name is looked for: that takes time."""


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
    splices: Dict[int, Splice] = field(default_factory=dict)
    """By the place in the source: an alias brings the same place twice."""
    origins: Dict[str, Tuple[Origin, ...]] = field(default_factory=dict)
    """Origins of the values that have references, by path."""
    results: Dict[str, str] = field(default_factory=dict)
    """Texts of the values that have references, by path; one whose references have no value is not in it."""
    secrets: FrozenSet[str] = frozenset()
    """Paths whose values are covered in `shown` besides those of masked variables."""

    @property
    def text(self) -> str:
        """Return the text, secrets included."""
        return self._spliced(False)

    @property
    def shown(self) -> str:
        """Return the text with the values of masked variables and passwords covered."""
        return self._spliced(True)

    def _spliced(self, shown: bool) -> str:
        splices = [self.splices[start] for start in sorted(self.splices)]
        if shown and self.secrets:
            covers = self._covers()
            inside = [(cover.start, cover.end) for cover in covers]
            splices = [item for item in splices if not any(low <= item.start < high for low, high in inside)]
            splices = sorted([*splices, *covers])
        return _joined(self.source.text, 0, len(self.source.text), splices, shown)

    def has_all(self, scalar: Scalar) -> bool:
        """Return whether every reference of a value is replaced."""
        return all(piece.start in self.splices for piece in scalar.pieces if isinstance(piece, Reference))

    def _covers(self) -> List[Splice]:
        scalars = (self.source.scalars.get(path) for path in sorted(self.secrets))
        matches = {scalar.start: scalar for scalar in scalars if scalar is not None and scalar.raw}
        return [
            Splice(start, item.end, "", cover_of(self.source.text, item)) for start, item in sorted(matches.items())
        ]

    def part(self, scalar: Scalar) -> str:
        """Return how a value is written with its references replaced, secrets included."""
        places = (piece.start for piece in scalar.pieces if isinstance(piece, Reference))
        inside = [self.splices[place] for place in places if place in self.splices]
        return _joined(self.source.text, scalar.start, scalar.end, inside, False)


def _joined(text: str, start: int, end: int, splices: Sequence[Splice], shown: bool) -> str:
    parts, at = [], start
    for splice in splices:
        parts += [text[at : splice.start], splice.shown if shown else splice.text]
        at = splice.end
    return "".join([*parts, text[at:end]])


@dataclass
class ResolvedLayer:
    """A resolved layer: its values and its manifests."""

    layer: LayerValues
    values: ResolvedText
    manifests: Tuple[Tuple[str, ResolvedText], ...] = ()

    def finished(self) -> LayerValues:
        """Return the layer as others refer to it that are resolved later."""
        origins = self.values.origins
        results = {path: (text, origins.get(path, ())) for path, text in self.values.results.items()}
        return replace(self.layer, results=results)

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
    infra: Optional[Resolution] = None,
) -> Resolution:
    """Return a profile with its references replaced; the same input always gives the same result.

    `layers` are those of the profile in the order of the stack. `infra` is the resolved profile with the infrastructure
    of the same cluster: an add-on profile may refer to its packs. Nothing is raised for what is wrong in the profile,
    it is in `problems`.
    """
    beside = [layer.finished() for layer in infra.layers] if infra is not None else []
    everything = [*layers, *beside]
    below = infra.profile if infra is not None else None
    scope = Scope(profile.variables, everything, context, system_values(profile, below, everything))
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
        values.secrets = layer.secrets
        manifests = tuple((name, self.text(layer.key, text, name)) for name, text in layer.manifests)
        return ResolvedLayer(layer, values, manifests)

    def text(self, layer: str, source: Values, manifest: str = "") -> ResolvedText:
        result = ResolvedText(source, source.document)
        if not source.referring and not source.keys:
            return result
        change = _Copy(source.document)
        for path in source.referring:
            scalar = source.scalars[path]
            place = f"{manifest}: {path}" if manifest else path
            texts = self.scalar(layer, place, scalar, result, path)
            change.put(scalar.steps, self.meaning(layer, place, scalar, result, texts))
            if result.has_all(scalar):
                result.results[path] = "".join(texts)
        renamed: Dict[Tuple[Any, ...], Dict[Any, str]] = {}
        for keyed in source.keys:
            texts = self.scalar(layer, keyed.path, keyed.scalar, result, keyed.path)
            self.meaning(layer, keyed.path, keyed.scalar, result, texts)
            renamed.setdefault(keyed.scalar.steps[:-1], {})[keyed.scalar.steps[-1]] = "".join(texts)
        for steps in sorted(renamed, key=len, reverse=True):  # what is inside first: its path has the old names
            change.rename(steps, renamed[steps])
        result.document = change.document
        return result

    def scalar(self, layer: str, place: str, scalar: Scalar, result: ResolvedText, path: str) -> List[str]:
        """Return the pieces of a value as texts, and note splices and origins; what is wrong stays as it is."""
        texts: List[str] = []
        origins: List[Origin] = []
        writer = Writer(scalar, result.source.text)
        for piece in scalar.pieces:
            if not isinstance(piece, Reference):
                texts.append(piece)
                continue
            original = result.source.text[piece.start : piece.end]
            evaluated = self.reference(layer, place, piece) if len(self.problems) < MOST else None
            if evaluated is None:
                texts.append(original)
                continue
            origins += evaluated.origins
            try:
                text = writer.written(evaluated.text, piece)
            except InvalidInput as wrong:
                self.report(ERROR, layer, place, wrong, piece.line)
                texts.append(original)
                continue
            secret = any(origin.secret for origin in evaluated.origins)
            result.splices[piece.start] = Splice(piece.start, piece.end, text, COVER if secret else text)
            texts.append(evaluated.text)
        result.origins[path] = tuple(dict.fromkeys(origins))
        return texts

    def meaning(self, layer: str, place: str, scalar: Scalar, result: ResolvedText, texts: List[str]) -> Any:
        """Return what a value means with its references replaced; what would mean something else is reported."""
        if not result.has_all(scalar):
            return "".join(texts)  # a reference has no value
        resolved = result.part(scalar) if scalar.style in BLOCKS else ""
        try:
            return meaning(scalar, texts, resolved)
        except InvalidInput as wrong:
            self.report(ERROR, layer, place, wrong, scalar.line)
            return "".join(texts)

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
        hint = hint_of(wrong) if len(self.problems) < MOST_HINTS else wrong.hint
        self.problems.append(Problem(severity, layer, place, wrong.message, hint, wrong.code, line))


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

    def rename(self, steps: Sequence[Any], names: Mapping[Any, str]) -> None:
        parent = self._parent((*steps, next(iter(names))))
        if not isinstance(parent, dict):
            return
        items = [(names.get(name, name), value) for name, value in parent.items()]
        parent.clear()
        parent.update(items)
