"""Secrets of a profile: what an export covers, and what an import has to ask for again."""

from __future__ import annotations

import dataclasses
import re
from typing import List, Sequence, Tuple

from edgewright.core.packs.schema import SchemaEntry
from edgewright.core.profiles.model import Profile, Variable
from edgewright.core.profiles.problems import OPEN, Problem, warning
from edgewright.core.profiles.scope import LayerValues
from edgewright.core.profiles.values import Scalar, Values
from edgewright.core.profiles.variables import COVER

_NAME = re.compile(
    r"(?:.*[a-z0-9_.-])?(?:pass(?:wd|word|phrase)?|token|secret|(?:api|private|access|secret)[_-]?key)s?\Z",
    re.IGNORECASE,
)


def covered_variables(variables: Sequence[Variable]) -> Tuple[Variable, ...]:
    """Return variables with the default values of masked ones covered; references are left out."""
    return tuple(
        dataclasses.replace(item, default=COVER) if item.masked and item.default and "{{" not in item.default else item
        for item in variables
    )


def covered_text(values: Values, schema: Sequence[SchemaEntry]) -> str:
    """Return a values text with what the schema marks as a password covered; the rest stays byte for byte."""
    places: List[Tuple[int, int, str]] = []
    for entry in schema:
        if not entry.secret:
            continue
        pattern = re.compile(re.escape(entry.name).replace(re.escape(".$[]"), r"\[[0-9]+\]"))
        for path, scalar in values.scalars.items():
            if pattern.fullmatch(path) and _is_secret(scalar):
                places.append((scalar.start, scalar.end, _cover(values.text, scalar)))
    parts, at = [], 0
    for start, end, cover in sorted(set(places)):
        if start >= at:
            parts += [values.text[at:start], cover]
            at = end
    return "".join([*parts, values.text[at:]])


def _is_secret(scalar: Scalar) -> bool:
    return bool(scalar.raw) and not scalar.pieces and scalar.raw != COVER


def _cover(text: str, scalar: Scalar) -> str:
    written = text[scalar.start : scalar.end]
    behind = written[len(written.rstrip()) :]
    return f'"{COVER}"' + ("\n" if "\n" in behind and scalar.style in "|>" and scalar.style else behind)


def to_give_again(profile: Profile, layers: Sequence[LayerValues]) -> List[Problem]:
    """Return where a covered value has to be replaced by the real one after an import."""
    problems = [
        Problem(OPEN, "", f"variables.{item.name}", "The value is masked.", "Give the value again.", "Masked")
        for item in profile.variables
        if item.default == COVER
    ]
    for layer in layers:
        for path, scalar in layer.values.scalars.items():
            if scalar.raw == COVER:
                message = "The value is masked."
                problems.append(Problem(OPEN, layer.key, path, message, "Give the value again.", "Masked", scalar.line))
    return problems


def suspicious(layers: Sequence[LayerValues]) -> List[Problem]:
    """Return a warning for each value whose key is that of a secret and which an export would contain in the clear."""
    problems: List[Problem] = []
    for layer in layers:
        for path, scalar in layer.values.scalars.items():
            key = path.rsplit(".", 1)[-1]
            if _NAME.match(key) and isinstance(scalar.value, str) and _is_secret(scalar):
                message = "This looks like a secret, and exports contain it."
                hint = "Put it into a masked variable: '{{.spectro.var.NAME}}'."
                problems.append(warning(layer.key, path, message, hint, "Secret", scalar.line))
    return problems
