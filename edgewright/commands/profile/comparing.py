"""Two versions of a profile compared: what differs by layer, and what each change would do to hosts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from edgewright.commands.profile.reading import ProfileContent
from edgewright.core.clusters.predict import EFFECTS, UNKNOWN, Forecast, Prediction, predict, summed
from edgewright.core.profiles import diff
from edgewright.core.profiles.diff import Change, LayerDiff, ProfileDiff
from edgewright.core.profiles.textdiff import SAME
from edgewright.core.text import clean

_SHOWN = 200
"""Characters of a value that are shown."""


class LayerChange(NamedTuple):
    """What differs in a layer, with the prediction for each change and the most that happens."""

    difference: LayerDiff
    predictions: tuple[Prediction, ...]
    forecast: Forecast


class Comparison(NamedTuple):
    """Two versions compared: the layers that differ, from the bottom of the stack."""

    difference: ProfileDiff
    forecast: Forecast
    layers: tuple[LayerChange, ...]
    notes: tuple[str, ...] = ()
    """What could not be read: the comparison may lack it."""

    @property
    def title(self) -> str:
        """Return what is compared."""
        return f"{self.difference.before} -> {self.difference.after}"


def compared(before: ProfileContent, after: ProfileContent, variables: Mapping[str, str] | None = None) -> Comparison:
    """Return what differs; `variables` are values that both are resolved with. Blocking."""
    sides = [_resolved(content, variables or {}) for content in (before, after)]
    difference = diff.compare(*sides)
    forecast = predict(difference, *sides)
    by_layer: dict[str, list[Prediction]] = {}
    for prediction in forecast.predictions:
        by_layer.setdefault(prediction.change.layer, []).append(prediction)
    layers = tuple(
        LayerChange(layer, tuple(rows), summed(rows))
        for layer in difference.layers
        if layer.what != SAME
        for rows in [by_layer.get(layer.layer, [])]
    )
    return Comparison(difference, forecast, layers, tuple(dict.fromkeys((*before.notes, *after.notes))))


def _resolved(content: ProfileContent, variables: Mapping[str, str]) -> Any:
    known = {variable.name for variable in content.profile.variables}
    return content.resolved({name: value for name, value in variables.items() if name in known})


def place_of(change: Change) -> str:
    """Return which value it is: its path, that of a manifest, or the pack itself."""
    if change.what == SAME:
        return "comments and order"
    return f"{change.manifest}: {change.path}".rstrip(": ") if change.manifest else change.path or "pack"


def values_of(change: Change) -> str:
    """Return `before -> after` on one line; secrets are covered."""
    return "" if change.what == SAME else f"{short(change.before)} -> {short(change.after)}"


def short(value: Any) -> str:
    """Return a value on one line; `-` for none."""
    return "-" if value is None else clean(json.dumps(value, ensure_ascii=False, default=str), _SHOWN)


def why(prediction: Prediction) -> str:
    """Return the reason of a prediction; empty where it only repeats that no rule covers the change."""
    return "" if prediction.reason == EFFECTS[UNKNOWN] else prediction.reason


def as_text(comparison: Comparison, lines: bool) -> str:
    """Return a comparison for the command line, with the lines that differ when `lines` is true."""
    printed = [f"{comparison.title}: {comparison.forecast.sentence()}"]
    for layer in comparison.layers:
        difference = layer.difference
        version = f"{difference.version_before or '-'} -> {difference.version_after or '-'}"
        printed.append(f"\n{difference.kind} {difference.layer} ({difference.what}, {version})")
        for prediction in layer.predictions:
            reason = f": {prediction.reason}" if prediction.reason else ""
            values = f": {values_of(prediction.change)}" if prediction.change.what != SAME else ""
            printed.append(f"  {place_of(prediction.change)}{values}  [{prediction.behaviour}{reason}]")
        if lines:
            printed += [f"  {clean(line, 500)}" for line in difference.unified()]
    if not comparison.layers:
        printed.append("Nothing differs.")
    return "\n".join([*printed, *(f"\nNot known: {note}" for note in comparison.notes)])


def as_document(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as `-o json` prints it."""
    rows = [
        {
            "layer": prediction.change.layer,
            "path": place_of(prediction.change),
            "what": prediction.change.what,
            "behaviour": prediction.behaviour,
            "rule": prediction.rule,
            "before": prediction.change.before,
            "after": prediction.change.after,
            "reason": prediction.reason,
        }
        for layer in comparison.layers
        for prediction in layer.predictions
    ]
    return {
        "before": comparison.difference.before,
        "after": comparison.difference.after,
        "behaviour": comparison.forecast.behaviour if rows else "no-op",
        "unknown": comparison.forecast.unknown,
        "effect": comparison.forecast.sentence(),
        "changes": rows,
        "notes": list(comparison.notes),
    }
