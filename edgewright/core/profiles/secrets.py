"""Secrets of a profile: what an export covers, and what an import has to ask for again."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, FrozenSet, Iterator, List, Sequence, Tuple

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


def secret_paths(values: Values, schema: Sequence[SchemaEntry]) -> FrozenSet[str]:
    """Return the paths of the values that a schema marks as passwords."""
    patterns = [
        re.compile(re.escape(entry.name).replace(re.escape(".$[]"), r"\[[0-9]+\]")) for entry in schema if entry.secret
    ]
    if not patterns:
        return frozenset()
    return frozenset(path for path in values.scalars if any(pattern.fullmatch(path) for pattern in patterns))


def covered_text(values: Values, secrets: FrozenSet[str]) -> str:
    """Return a values text with the values at some paths covered; the rest stays byte for byte, references too."""
    scalars = (values.scalars[path] for path in secrets)
    places = sorted({(item.start, item.end, cover_of(values.text, item)) for item in scalars if _is_secret(item)})
    parts, at = [], 0
    for start, end, cover in places:
        parts += [values.text[at:start], cover]
        at = end
    return "".join([*parts, values.text[at:]])


def _is_secret(scalar: Scalar) -> bool:
    return bool(scalar.raw) and not scalar.pieces and scalar.raw != COVER


def cover_of(text: str, scalar: Scalar) -> str:
    """Return what is written instead of a secret value."""
    written = text[scalar.start : scalar.end]
    behind = written[len(written.rstrip()) :]
    return f'"{COVER}"' + ("\n" if "\n" in behind and scalar.style in ("|", ">") else behind)


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
    """Return a warning for each value that looks like a secret and that an export contains in the clear.

    That is a text whose key is called like a secret, and what a manifest of the kind Secret contains.
    """
    problems: List[Problem] = []
    hint = "Put it into a masked variable: '{{.spectro.var.NAME}}'."
    for layer in layers:
        for path, line in _exposed(layer):
            message = "This looks like a secret, and exports contain it."
            problems.append(warning(layer.key, path, message, hint, "Secret", line))
    return problems


def _exposed(layer: LayerValues) -> Iterator[Tuple[str, int]]:
    for path, scalar in layer.values.scalars.items():
        if path not in layer.secrets and _looks_secret(path, scalar):
            yield path, scalar.line
    for name, manifest in layer.manifests:
        kinds = [_kind(document) for document in manifest.document]
        for path, scalar in manifest.scalars.items():
            number = int(path[1 : path.index("]")])
            field = path[path.index("]") + 1 :].lstrip(".").split(".", 1)[0]
            of_secret = number < len(kinds) and kinds[number] == "Secret" and field in ("data", "stringData")
            if _looks_secret(path, scalar) or (of_secret and _is_secret(scalar)):
                yield f"{name}: {path}", scalar.line


def _kind(document: Any) -> Any:
    return document.get("kind") if isinstance(document, dict) else None


def _looks_secret(path: str, scalar: Scalar) -> bool:
    key = path.rsplit(".", 1)[-1]
    return _NAME.match(key) is not None and isinstance(scalar.value, str) and _is_secret(scalar)
