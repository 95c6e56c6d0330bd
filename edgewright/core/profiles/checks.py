"""Whether a profile is complete and consistent: its form, its layers, its packs, its values.

`check_form` needs the profile alone, `check_packs` the packs of its layers, `check_layers` the values that were read.
"""

from __future__ import annotations

import difflib
import re
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from edgewright.core.errors import InvalidInput
from edgewright.core.packs import stack
from edgewright.core.packs.pack import Pack
from edgewright.core.packs.schema import check_values
from edgewright.core.profiles import semver
from edgewright.core.profiles.language import templates
from edgewright.core.profiles.model import (
    ADDON,
    ADDON_LAYER,
    CNI,
    FULL,
    K8S,
    LAYER_NAMES,
    LAYERS,
    MAX_LAYERS,
    MAX_MANIFESTS,
    MAX_TOTAL,
    MAX_VALUES,
    OS,
    PACK_TYPES,
    TYPES,
    Layer,
    Profile,
)
from edgewright.core.profiles.problems import ERROR, WARNING, Problem, error, suggestion, warning
from edgewright.core.profiles.resolve import ResolvedLayer
from edgewright.core.profiles.scope import LayerValues
from edgewright.core.profiles.variables import check_definitions
from edgewright.core.text import clean

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,126}[A-Za-z0-9])?", re.ASCII)
PACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
MOST_PRESETS = 20
"""Presets of a layer that are looked at."""
MOST_MISSPELT = 20
"""Keys of one map, and warnings of one layer."""
NEEDED = (OS, K8S, CNI)
"""Layers that a full or infrastructure profile cannot do without; storage is optional."""


def check_form(profile: Profile, publish: bool = False) -> List[Problem]:
    """Return what is wrong with the profile itself. A draft may miss layers (a warning), a published one may not."""
    problems: List[Problem] = []
    if NAME.fullmatch(profile.name) is None:
        message = "The name has 1 to 128 letters, digits, spaces and . _ -, and begins and ends with a letter or digit."
        problems.append(error("", "name", message, "Change the name.", "InvalidName"))
    if profile.type not in TYPES:
        message = f"{clean(profile.type, 40)!r} is not a type of profile."
        problems.append(error("", "type", message, suggestion(profile.type, tuple(TYPES), "types"), "InvalidType"))
    if semver.parse(profile.version) is None:
        message = f"{clean(profile.version, 40)!r} is not a semantic version."
        problems.append(error("", "version", message, "Write it as 1.0.0.", "InvalidVersion"))
    problems += _sizes(profile)
    problems += _layers(profile, publish)
    problems += check_definitions(profile.variables)
    return problems


def _sizes(profile: Profile) -> List[Problem]:
    problems: List[Problem] = []
    if len(profile.layers) > MAX_LAYERS:
        problems.append(error("", "layers", f"A profile has at most {MAX_LAYERS} layers.", "Divide it.", "TooBig"))
    total = 0
    for layer in profile.layers[:MAX_LAYERS]:
        if len(layer.manifests) > MAX_MANIFESTS:
            message = f"A layer has at most {MAX_MANIFESTS} manifests."
            problems.append(error(layer.key, "manifests", message, "Join some.", "TooBig"))
        for what, text in (("values", layer.values), *((item.name, item.content) for item in layer.manifests)):
            size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
            total += size
            if size > MAX_VALUES:
                message = f"The text is larger than {MAX_VALUES // 1024 // 1024} MB."
                problems.append(error(layer.key, clean(what, 80), message, "Shorten it.", "TooBig"))
    if total > MAX_TOTAL:
        message = f"The values of all layers are larger than {MAX_TOTAL // 1024 // 1024} MB."
        problems.append(error("", "layers", message, "Divide the profile.", "TooBig"))
    return problems


def _layers(profile: Profile, publish: bool) -> List[Problem]:
    problems: List[Problem] = []
    kinds: Dict[str, List[str]] = {}
    keys: Dict[str, int] = {}
    for layer in profile.layers[:MAX_LAYERS]:
        problems += _layer(layer)
        kinds.setdefault(layer.kind, []).append(layer.key)
        keys[layer.key] = keys.get(layer.key, 0) + 1
        if keys[layer.key] == 2:
            message = "Two layers have the same name."
            hint = "Give each its own pack.spectrocloud.com/display-name in its values."
            problems.append(error(layer.key, "", message, hint, "DuplicateLayer"))
    for kind in LAYERS[:-1]:
        if len(kinds.get(kind, ())) > 1:
            names = " and ".join(kinds[kind][:4])
            message = f"The profile has {len(kinds[kind])} {LAYER_NAMES[kind]} layers: {names}."
            problems.append(error("", "layers", message, "Remove all but one.", "DuplicateLayer"))
    problems += _type(profile, kinds, ERROR if publish else WARNING)
    return problems


def _type(profile: Profile, kinds: Mapping[str, Sequence[str]], missing: str) -> List[Problem]:
    if profile.type == ADDON:
        wrong = [kind for kind in LAYERS[:-1] if kind in kinds]
        if wrong:
            names = ", ".join(LAYER_NAMES[kind] for kind in wrong)
            message = f"An add-on profile has add-on layers only; this one has: {names}."
            return [error("", "layers", message, "Remove them, or make it a full profile.", "WrongLayer")]
        if not kinds:
            return [Problem(missing, "", "layers", "The profile has no layer.", "Add a layer.", "MissingLayer")]
        return []
    problems = []
    absent = [LAYER_NAMES[kind] for kind in NEEDED if kind not in kinds]
    if absent and profile.type in TYPES:
        message = f"The profile has no layer for: {', '.join(absent)}."
        problems.append(Problem(missing, "", "layers", message, "Add what is missing.", "MissingLayer"))
    if ADDON_LAYER in kinds and profile.type not in (FULL, ADDON) and profile.type in TYPES:
        message = "An infrastructure profile has no add-on layers."
        problems.append(error("", "layers", message, "Make it a full profile, or remove them.", "WrongLayer"))
    return problems


def _layer(layer: Layer) -> List[Problem]:
    problems: List[Problem] = []
    key = clean(layer.key, 80)
    if PACK_NAME.fullmatch(layer.name) is None:
        message = f"{clean(layer.name, 60)!r} is not the name of a pack."
        problems.append(error(key, "name", message, "Letters, digits and . _ - are allowed.", "InvalidName"))
    if layer.kind not in LAYERS:
        message = f"{clean(layer.kind, 40)!r} is not a layer." if layer.kind else "It is not known which layer this is."
        problems.append(error(key, "layer", message, suggestion(layer.kind, LAYERS, "layers"), "InvalidLayer"))
    if layer.type not in PACK_TYPES:
        message = f"{clean(layer.type, 40)!r} is not a type of pack."
        problems.append(error(key, "type", message, suggestion(layer.type, PACK_TYPES, "types"), "InvalidType"))
    names = [manifest.name for manifest in layer.manifests]
    if len(set(names)) < len(names):
        problems.append(
            error(key, "manifests", "Two manifests have the same name.", "Rename one.", "DuplicateManifest")
        )
    return problems


def check_packs(profile: Profile, packs: Mapping[str, Optional[Pack]], infra: Sequence[Pack] = ()) -> List[Problem]:
    """Return what the packs of the layers (by the layer's key) demand: presets, versions of each other.

    A pack that is not known is `None` and a warning: nothing about its layer can be checked. `infra` are the packs of
    the infrastructure profile beside an add-on profile.
    """
    problems: List[Problem] = []
    for layer in profile.ordered():
        pack = packs.get(layer.key)
        if pack is None:
            if layer.type != "manifest":
                message = f"The pack {layer.name} {layer.pack_version} is not known here; its values are not checked."
                problems.append(warning(layer.key, "", message, "Add its registry, or import the pack.", "UnknownPack"))
            continue
        problems += _presets(layer, pack)
        if pack.layer != layer.kind:
            message = f"The pack {pack.name} belongs to the layer {pack.layer}, not {layer.kind}."
            problems.append(error(layer.key, "layer", message, f"Use it as layer {pack.layer}.", "WrongLayer"))
    known = [pack for pack in packs.values() if pack is not None]
    complete = profile.type != ADDON or bool(infra)
    complete = complete and all(pack is not None for pack in packs.values())
    for wrong in stack.check([*known, *infra], complete):
        if wrong.code == "Dependency":  # layers that are there twice are reported by the form
            problems.append(error(wrong.key, "", wrong.message, wrong.hint, "Dependency"))
    return problems


def _presets(layer: Layer, pack: Pack) -> List[Problem]:
    problems: List[Problem] = []
    by_name = {preset.name: preset for preset in pack.presets}
    groups: Dict[str, str] = {}
    for name in layer.presets[:MOST_PRESETS]:
        preset = by_name.get(name)
        if preset is None:
            hint = suggestion(name, tuple(by_name), "presets")
            message = f"The pack {pack.name} has no preset {clean(name, 60)!r}."
            problems.append(error(layer.key, "presets", message, hint, "UnknownPreset"))
            continue
        other = groups.setdefault(preset.group, name) if preset.group else name
        if other != name:
            message = f"The presets {other} and {name} are of one group ({preset.group}); choose one of them."
            problems.append(error(layer.key, "presets", message, "", "PresetConflict"))
    return problems


def check_layers(layers: Sequence[LayerValues], packs: Mapping[str, Optional[Pack]]) -> List[Problem]:
    """Return what is wrong with the values of each layer: the pack's schema, keys that are there twice."""
    problems: List[Problem] = []
    for layer in layers:
        values = layer.values
        for path, line in values.doubled:
            message = "The key is there twice; the last one counts."
            problems.append(warning(layer.key, path, message, "Remove all but one.", "Doubled", line))
        if layer.default is not None:
            problems += _misspelt(layer, layer.default.document)
        pack = packs.get(layer.key)
        if pack is None or not pack.schema or not isinstance(values.document, dict):
            continue
        default = layer.default.document if layer.default is not None else {}
        for wrong in check_values(pack.schema, values.document):
            problems.append(
                error(layer.key, wrong.key, wrong.message, wrong.hint, wrong.code, values.line_of(wrong.key))
            )
        problems += _read_only(layer, pack, default)
    return problems


def _misspelt(layer: LayerValues, default: object) -> List[Problem]:
    """Return a warning for each key that the pack's values do not have and that is like one which is missing here.

    Other keys that the pack's values do not have are fine: a chart takes more than its pack lists.
    """
    problems: List[Problem] = []
    pending: List[Tuple[str, object, object]] = [("", layer.values.document, default)]
    while pending and len(problems) < MOST_MISSPELT:
        path, here, known = pending.pop()
        if not isinstance(here, dict) or not isinstance(known, dict):
            continue
        pending += [(f"{path}.{key}" if path else key, here[key], known[key]) for key in here if key in known]
        missing = [key for key in known if key not in here][:MOST_MISSPELT]
        for key in [key for key in here if key not in known][:MOST_MISSPELT] if missing else ():
            near = difflib.get_close_matches(key[:200], missing, n=1, cutoff=0.8)
            if near:
                place = f"{path}.{key}" if path else key
                message = "The values of the pack have no such key."
                hint = f"Did you mean {near[0]}?"
                problems.append(warning(layer.key, place, message, hint, "UnknownKey", layer.values.line_of(place)))
    return problems


def _read_only(layer: LayerValues, pack: Pack, default: object) -> List[Problem]:
    """Return a problem for each value that the schema marks as read-only and that is not the pack's own."""
    problems: List[Problem] = []
    if layer.default is None or not isinstance(default, dict):
        return problems
    for entry in pack.schema:
        if not entry.readonly:
            continue
        before, now = layer.default.scalars.get(entry.name), layer.values.scalars.get(entry.name)
        if before is not None and (now is None or now.raw != before.raw):
            message = "The pack marks this value as read-only."
            hint = "Restore the value of the pack."
            line = layer.values.line_of(entry.name)
            problems.append(error(layer.key, entry.name, message, hint, "ReadOnly", line))
    return problems


def check_resolved(layer: ResolvedLayer, pack: Pack) -> List[Problem]:
    """Return the values with references that the schema of the pack does not take once they are resolved."""
    values, document = layer.values, layer.values.document
    problems: List[Problem] = []
    for wrong in check_values(pack.schema, document) if isinstance(document, dict) else ():
        if wrong.key in values.origins or wrong.code == "TooBig":
            line = values.source.line_of(wrong.key)
            problems.append(error(layer.layer.key, wrong.key, wrong.message, wrong.hint, wrong.code, line))
    return problems


def check_expressions(layers: Sequence[LayerValues]) -> List[Problem]:
    """Return what is wrong with the references themselves, without evaluating them, as an editor needs it."""
    problems: List[Problem] = []
    for layer in layers:
        for reference in layer.values.references():
            try:
                templates.parse(reference.expression)
            except InvalidInput as wrong:
                problems.append(error(layer.key, "", wrong.message, wrong.hint, wrong.code, reference.line))
    return problems
