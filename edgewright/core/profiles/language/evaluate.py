"""Evaluating references: what they name may have references itself; cycles are found and named, sizes are bounded."""

from __future__ import annotations

from itertools import islice
from typing import Any, Dict, Iterable, List, NamedTuple, Sequence, Tuple, Union

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.language import templates
from edgewright.core.profiles.language.functions import FUNCTIONS, text_of, too_big
from edgewright.core.profiles.language.templates import Call, Name, Term
from edgewright.core.profiles.model import MAX_TOTAL, MAX_VALUES
from edgewright.core.profiles.problems import suggestion
from edgewright.core.profiles.scope import MACRO, PACK, SYSTEM, VARIABLE, LayerValues, Meaning, Origin, Scope
from edgewright.core.profiles.values import Reference
from edgewright.core.text import clean

MAX_REFERENCES = 20_000
"""References that are evaluated for one profile."""
MAX_CHAIN = 50
"""References that lead from one to the next."""
MAX_NEAR = 2_000
"""Names among which the nearest one is looked for."""
MAX_ORIGINS = 20
"""Origins that are listed for one value."""


class Result(NamedTuple):
    """The text of a reference, and what it was made of: the named value first, then what that refers to."""

    text: str
    origins: Tuple[Origin, ...]


class NoValue(Exception):
    """A name without a value; `pending`: it has one when a cluster or an answer exists.

    `near` is the name, and the names that are known: the nearest one is looked for when the problem is reported only.
    """

    def __init__(self, message: str, hint: str, code: str, pending: bool = False, near: "Near" = ("", (), "")) -> None:
        super().__init__(message)
        self.message, self.hint, self.code, self.pending, self.near = message, hint, code, pending, near


Near = Tuple[str, Iterable[str], str]


def hint_of(wrong: "Union[NoValue, InvalidInput]") -> str:
    """Return the next step: the nearest known name where there is one."""
    if not isinstance(wrong, NoValue):
        return wrong.hint
    name, known, what = wrong.near
    return suggestion(name, tuple(islice(known, MAX_NEAR)), what) or wrong.hint


class Evaluator:
    """Evaluates expressions; the result of each name is stored, so that each is computed once."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._results: Dict[Name, Union[Result, NoValue, InvalidInput]] = {}
        self._chain: List[Name] = []
        self._count = 0
        self._size = 0
        self._worked = 0

    def expression(self, text: str) -> Result:
        """Return what an expression gives. Raises `InvalidInput` or `NoValue`."""
        self._count += 1
        if self._count > MAX_REFERENCES:
            raise InvalidInput(
                f"The profile has more than {MAX_REFERENCES:,} references.",
                "Divide it into several profiles.",
                "TooBig",
            )
        origins: List[Origin] = []
        value = text_of(self._term(templates.parse(text), origins))
        self._size += len(value)
        if len(value) > MAX_VALUES or self._size > MAX_TOTAL:
            raise too_big()
        return Result(value, tuple(dict.fromkeys(origins))[:MAX_ORIGINS])

    def _term(self, term: Term, origins: List[Origin]) -> Any:
        if isinstance(term, Name):
            result = self._name(term)
            origins += result.origins
            return result.text
        if not isinstance(term, Call):
            return term
        if term.function == "default":
            return self._default(term.arguments, origins)
        value = FUNCTIONS[term.function].run(*[self._term(item, origins) for item in term.arguments])
        self._worked += len(value)
        if len(value) > MAX_VALUES or self._worked > MAX_TOTAL:  # `b64enc | b64enc | ...` grows without end
            raise too_big()
        return value

    def _default(self, arguments: Sequence[Term], origins: List[Origin]) -> Any:
        """Evaluate the value first: where it has none, the other is taken."""
        try:
            value = text_of(self._term(arguments[1], origins))
        except NoValue as missing:
            if missing.code not in ("UnknownKey", "MissingValue", "NoCluster"):
                raise  # a name that is misspelt is not a value that is missing
            value = ""
        return value or self._term(arguments[0], origins)

    def _name(self, name: Name) -> Result:
        stored = self._results.get(name)
        if stored is None:
            try:
                stored = self._evaluated(name)
            except (NoValue, InvalidInput) as wrong:
                stored = wrong
            self._results[name] = stored
        if isinstance(stored, Exception):
            raise stored
        return stored

    def _evaluated(self, name: Name) -> Result:
        if name in self._chain:
            cycle = [*self._chain[self._chain.index(name) :], name]
            shown = " -> ".join(str(item)[len(".spectro.") :] for item in cycle[:6])
            more = " -> ..." if len(cycle) > 6 else ""
            raise InvalidInput(
                f"References form a cycle: {shown}{more}.", "Give one of them a value of its own.", "ReferenceCycle"
            )
        if len(self._chain) >= MAX_CHAIN:
            raise InvalidInput(
                f"More than {MAX_CHAIN} references lead from one to the next.", "Refer to the value itself.", "TooDeep"
            )
        meaning = self._meaning(name)
        self._chain.append(name)
        try:
            parts, origins = [], [meaning.origin, *meaning.further]
            for piece in meaning.pieces:
                if isinstance(piece, Reference):
                    result = self.expression(piece.expression)
                    parts.append(result.text)
                    origins += result.origins
                else:
                    parts.append(piece)
        finally:
            self._chain.pop()
        if any(origin.secret for origin in origins):
            origins[0] = origins[0]._replace(secret=True)
        return Result("".join(parts), tuple(origins))

    def _meaning(self, name: Name) -> Meaning:
        if name.space == "var":
            return self._variable(name.name)
        if name.space == "macro":
            return self._macro(name.name)
        return self._system(name.name) if name.space == "system" else self._pack(name.name)

    def _variable(self, name: str) -> Meaning:
        variable = self.scope.variables.get(name)
        if variable is None:
            raise self._unknown("variable", "var", name, "UnknownVariable", "Define it in the profile.")
        value = self.scope.context.variables.get(name, "") or variable.default
        if not value and variable.required:
            raise NoValue(f"The variable {name} has no value.", "Give it a value.", "MissingValue", pending=True)
        return Meaning(pieces_of(value), Origin(VARIABLE, name, secret=variable.masked))

    def _macro(self, name: str) -> Meaning:
        macro = self.scope.context.macros.get(name)
        if macro is None:
            raise self._unknown("macro", "macro", name, "UnknownMacro", "Create it in the project or the tenant.")
        return Meaning(pieces_of(macro.value), Origin(MACRO, name, scope=macro.scope, secret=macro.masked))

    def _system(self, name: str) -> Meaning:
        value = self.scope.system.get(name)
        if value is not None:
            return Meaning((value,), Origin(SYSTEM, name))
        if name not in self.scope.known("system"):
            raise self._unknown("system value", "system", name, "UnknownReference", "docs/profiles.md lists them.")
        message = f"The system value {name} is not known here."
        raise NoValue(message, "It has a value when a cluster uses it.", "NoCluster", pending=True)

    def _pack(self, name: str) -> Meaning:
        layer, path = self.scope.pack_of(name)
        if layer is None:
            message, hint = (
                f"No layer has the pack {clean(path, 80)}.",
                "Add the layer, or resolve it with its profile.",
            )
            near = (path, self.scope.known("pack"), "layers")
            raise NoValue(message, hint, "UnknownPack", pending=self.scope.context.partial, near=near)
        scalar = layer.values.scalars.get(path)
        if scalar is None:
            raise self._no_scalar(layer, path)
        origin = Origin(PACK, layer.name, layer.key, path, scalar.line, secret=path in layer.secrets)
        if layer.results is not None and scalar.pieces:
            if path not in layer.results:
                message = f"The value {clean(path, 80)} of the pack {layer.key} has references without a value."
                raise NoValue(message, "Resolve its profile first.", "MissingValue", pending=True)
            text, further = layer.results[path]
            return Meaning((text,), origin, further)
        return Meaning(scalar.pieces or ((text_of(scalar.raw),) if scalar.value is not None else ()), origin)

    def _no_scalar(self, layer: LayerValues, path: str) -> Exception:
        if path in layer.values.lines:
            message = f"{clean(path, 80)} of the pack {layer.key} is a map or a list, not one value."
            return InvalidInput(message, "Name one of the values in it.", "NotAValue")
        message, hint = (
            f"The values of the pack {layer.key} have no {clean(path, 80)}.",
            'Add it, or use default "...".',
        )
        return NoValue(message, hint, "UnknownKey", near=(path, layer.values.scalars, "keys"))

    def _unknown(self, what: str, space: str, name: str, code: str, otherwise: str) -> NoValue:
        near = (name, self.scope.known(space), f"{what}s")
        return NoValue(f"There is no {what} {clean(name, 80)}.", otherwise, code, near=near)


def pieces_of(value: str) -> Tuple[Any, ...]:
    """Return a text as its literal parts and its references."""
    pieces: List[Any] = []
    at = 0
    for start, end in templates.scan(value):
        pieces += [value[at:start], Reference(start, end, value[start + 2 : end - 2], 0)]
        at = end
    return (*pieces, value[at:])
