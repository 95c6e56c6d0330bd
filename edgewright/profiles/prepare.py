"""From a profile and its packs to values that can be resolved and checked; the entry for hub, commands and forge."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.core.errors import InvalidInput
from edgewright.core.packs.pack import Pack
from edgewright.core.profiles import checks, exchange, variables
from edgewright.core.profiles.model import ADDON_LAYER, Layer, Profile
from edgewright.core.profiles.problems import Problem, error, raise_errors
from edgewright.core.profiles.resolve import Resolution, resolve
from edgewright.core.profiles.scope import Context, LayerValues
from edgewright.core.profiles.secrets import covered_text, secret_paths, suspicious
from edgewright.core.profiles.values import EMPTY, Values
from edgewright.yamltext.merge import merge
from edgewright.yamltext.values import UnreadableValues, read_manifest, read_values

DISPLAY = "pack.spectrocloud.com/display-name"
"""The value that names a layer whose pack is in the profile twice."""
MAX_SCALARS = 300_000
"""Values of all layers of a profile, defaults of packs included."""
MAX_EVALUATED = 500
"""References that `evaluated` takes."""
NO_PACKS: Mapping[str, Pack | None] = {}


class Readings:
    """Texts that were read, the last ones used: the defaults of a pack are the same for every profile with it.

    Any number of threads may share one. What it returns is shared too and must not be changed.
    """

    def __init__(self, most: int = 64, largest: int = 512 * 1024) -> None:
        self.most = most
        self.largest = largest
        self._stored: OrderedDict[tuple[str, str], Values] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, text: str, name: str, reader: Callable[[str, str], Values] = read_values) -> Values:
        """Return the values in a text; `name` is for errors. A text that cannot be read is not stored."""
        if not text:
            return EMPTY if reader is read_values else reader(text, name)
        key = (reader.__name__, text)
        with self._lock:
            stored = self._stored.get(key)
            if stored is not None:
                self._stored.move_to_end(key)
                return stored
        stored = reader(text, name)
        if len(text) <= self.largest:
            with self._lock:
                self._stored[key] = stored
                if len(self._stored) > self.most:
                    self._stored.popitem(last=False)
        return stored


class _Budget:
    """Reads the texts of one profile, and refuses the rest when they have too many values together."""

    def __init__(self, readings: Readings) -> None:
        self.readings = readings
        self.left = MAX_SCALARS

    def read(self, text: str, name: str, reader: Callable[[str, str], Values] = read_values) -> Values:
        """Return the values in a text."""
        if self.left < 0:
            message = f"{name} is not read: the profile has more than {MAX_SCALARS:,} values."
            raise InvalidInput(message, "Divide it into several profiles.", "TooBig")
        values = self.readings.read(text, name, reader)
        self.left -= len(values.scalars)
        return values


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A profile whose texts were read. A layer that cannot be read has no values, and a problem."""

    profile: Profile
    layers: tuple[LayerValues, ...]
    packs: Mapping[str, Pack | None]
    problems: tuple[Problem, ...]


def prepare(
    profile: Profile, packs: Mapping[str, Pack | None] = NO_PACKS, readings: Readings | None = None
) -> Prepared:
    """Read the values of a profile. `packs` are those of its layers by `NAME VERSION`, or by name.

    Keys of layers are their display names from here on. Nothing is raised: what cannot be read is a problem.
    """
    budget = _Budget(readings or Readings())
    problems: list[Problem] = []
    layers: list[LayerValues] = []
    named: list[Layer] = []
    by_key: dict[str, Pack | None] = {}
    for layer in profile.ordered():
        pack = packs.get(f"{layer.name} {layer.pack_version}") or packs.get(layer.key) or packs.get(layer.name)
        values, wrong = _values(layer, pack, budget)
        problems += wrong
        shown = values.scalars.get(DISPLAY)
        layer = dataclasses.replace(
            layer, display=shown.raw if shown is not None and not shown.pieces else layer.display
        )
        named.append(layer)
        by_key[layer.key] = pack
        layers.append(_layer(layer, pack, values, budget, problems))
    return Prepared(dataclasses.replace(profile, layers=tuple(named)), tuple(layers), by_key, tuple(problems))


def _values(layer: Layer, pack: Pack | None, readings: _Budget) -> tuple[Values, list[Problem]]:
    try:
        return readings.read(text_of(layer, pack), "The values"), []
    except InvalidInput as wrong:
        return EMPTY, [_unreadable(layer, "", wrong)]


def _unreadable(layer: Layer, path: str, wrong: InvalidInput) -> Problem:
    """Return the problem of a text of a layer, with its line where it is known."""
    if not isinstance(wrong, UnreadableValues):
        return error(layer.key, path, wrong.message, wrong.hint, wrong.code)
    return error(layer.key, path, wrong.problem, wrong.hint, wrong.code, wrong.line)


def text_of(layer: Layer, pack: Pack | None) -> str:
    """Return the text of a layer's values: its own, else the pack's with the chosen presets. Raises `InvalidInput`."""
    if layer.values.strip() or pack is None:
        return layer.values
    text = pack.values
    for name in layer.presets:
        text = with_preset(text, pack, name)
    return text


def with_preset(text: str, pack: Pack, name: str) -> str:
    """Return values with a preset of the pack applied, comments preserved. Raises `InvalidInput` for an unknown one.

    Another preset of the same group is not taken back: its keys are those that this one sets or removes.
    """
    preset = next((preset for preset in pack.presets if preset.name == name), None)
    if preset is None:
        return text  # `check_packs` reports it
    return merge(text, preset.add, preset.remove, f"The values with the preset {name}")


def _layer(layer: Layer, pack: Pack | None, values: Values, readings: _Budget, problems: list[Problem]) -> LayerValues:
    default = None
    presets: list[tuple[str, Values]] = []
    if pack is not None:
        try:
            default = readings.read(pack.values, f"The values of the pack {pack.name}")
            chosen = [preset for preset in pack.presets if preset.name in layer.presets]
            presets = [(item.name, readings.read(item.add, f"The preset {item.name}")) for item in chosen]
        except InvalidInput as wrong:
            problems.append(
                error(layer.key, "", wrong.message, wrong.hint, wrong.code)
            )  # of the pack, not of the layer
    manifests: list[tuple[str, Values]] = []
    for manifest in layer.manifests:
        try:
            text = readings.read(manifest.content, f"The manifest {manifest.name}", read_manifest)
            manifests.append((manifest.name, text))
        except InvalidInput as wrong:
            problems.append(_unreadable(layer, f"manifest {manifest.name}", wrong))
    return LayerValues(
        layer.key,
        layer.kind,
        layer.name,
        layer.pack_version,
        values,
        default,
        tuple(presets),
        tuple(manifests),
        secret_paths(values, pack.schema if pack is not None else ()),
    )


def check(prepared: Prepared, publish: bool = False, infra: Sequence[Pack] = ()) -> list[Problem]:
    """Return everything that is wrong with a profile, without resolving it."""
    too_big = {problem.layer for problem in prepared.problems if problem.code == "TooBig"}
    form = checks.check_form(prepared.profile, publish)
    return [
        *prepared.problems,
        *(problem for problem in form if problem.code != "TooBig" or problem.layer not in too_big),
        *checks.check_packs(prepared.profile, prepared.packs, infra),
        *checks.check_layers(prepared.layers, prepared.packs),
    ]


def resolved(prepared: Prepared, context: Context, infra: Resolution | None = None) -> Resolution:
    """Resolve a profile; for an add-on profile, `infra` is the resolved infrastructure profile of its cluster.

    The problems of the result are those of the values of variables, of the references, and of resolved values that the
    schemas of the packs do not take.
    """
    result = resolve(prepared.profile, prepared.layers, context, infra)
    result.problems[:0] = variables.check_values(prepared.profile.variables, context.variables)
    for layer in result.layers:
        pack = prepared.packs.get(layer.layer.key)
        if pack is not None and layer.values.origins:
            result.problems += checks.check_resolved(layer, pack)
    return result


def exported(prepared: Prepared) -> tuple[dict[str, Any], list[Problem]]:
    """Return the JSON of a profile with its secrets covered, and a warning for each value that looks like one still.

    Raises `InvalidDocument` for a layer that cannot be read: what of it is secret is not known.
    """
    raise_errors(f"The profile {prepared.profile.label} cannot be exported", prepared.problems)
    layers = tuple(
        dataclasses.replace(layer, values=covered_text(values.values, values.secrets)) if layer.values else layer
        for layer, values in zip(prepared.profile.layers, prepared.layers, strict=True)
    )
    document = exchange.to_document(dataclasses.replace(prepared.profile, layers=layers))
    return document, suspicious(prepared.layers)


def evaluated(prepared: Prepared, context: Context, references: Sequence[str]) -> dict[str, str]:
    """Return the values of references (`{{.spectro.var.x}}`) by their text; those without a value are left out."""
    texts = {f"v{number}": reference for number, reference in enumerate(references[:MAX_EVALUATED])}
    layer = Layer(
        "references", ADDON_LAYER, values="".join(f"{key}: {json.dumps(text)}\n" for key, text in texts.items())
    )
    profile = dataclasses.replace(prepared.profile, layers=(layer,))
    own = prepare(profile).layers
    result = resolve(profile, [*own, *prepared.layers], context).layers[0].values.results
    return {text: result[key] for key, text in texts.items() if key in result}
