"""What the profile wizard shows: the stack, a layer, variables, the preview, the summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from edgewright.core.packs.pack import Pack
from edgewright.core.packs.schema import SchemaEntry
from edgewright.core.profiles.model import ADDON_LAYER, INFRA, LAYER_NAMES, TYPES, Layer, Variable
from edgewright.core.profiles.problems import ERROR, OPEN, WARNING, Problem
from edgewright.core.profiles.scope import MACRO, PACK, PRESET, SYSTEM, VARIABLE
from edgewright.core.text import amount, clean
from tui.widgets.lines import Line, Piece, Role, Span, cut, heading, line, pad, spread, wrap
from tui.widgets.profiles.stack import StackLayer, missing_layer, stack_lines
from tui.wizards.parts.steps import steps_line as title_line
from tui.wizards.profile.pages import PAGES, SUMMARY
from tui.wizards.profile.wizard_state import ProfileState

SIGNS: dict[str, tuple[str, Role]] = {ERROR: ("▲", "bad"), WARNING: ("‼", "warn"), OPEN: ("○", "muted")}
INSERTED = (VARIABLE, MACRO, SYSTEM, PACK, PRESET)
"""Origins that a preview names; the rest is as written."""
MOST_CHANGES = 200
"""Changes of one layer that the summary lists."""


def title(state: ProfileState) -> str:
    """Return what the wizard makes: a new profile, a new version, or a change of a version."""
    name = clean(state.profile.name, 40)
    if state.edit:
        return f"Change {name} {state.profile.version}"
    return f"New version of {name}" if state.base is not None else "New profile"


def steps_line(state: ProfileState, width: int) -> Line:
    """Return the title with the page's number and the steps; pages that were visited and have no error are ticked."""
    parts = [page.key for page in PAGES] + [SUMMARY]
    done = {key for key in parts[:-1] if key in state.seen and not state.errors_of(key)}
    return title_line(f"{title(state)}  {state.at + 1} of {len(parts)}", parts, parts.index(state.key), done, width)


def counted(problems: Iterable[Problem]) -> str:
    """Return how many errors and warnings there are, e.g. `2 errors, 1 warning`; "" for none."""
    severities = [problem.severity for problem in problems]
    parts = [(severities.count(ERROR), "error"), (severities.count(WARNING), "warning")]
    return ", ".join(amount(number, word) for number, word in parts if number)


def problem_lines(problems: Sequence[Problem], width: int, keyed: bool = False) -> list[Line]:
    """Return problems as sentences with their place; `keyed` lines lead to the place when enter is pressed."""
    out: list[Line] = []
    for number, problem in enumerate(problems):
        sign, role = SIGNS.get(problem.severity, SIGNS[ERROR])
        key = f"problem/{number}" if keyed else ""
        out += wrap(problem.sentence(), width, f"{sign} ", "  ", role=role, key=key)
    return out


# Layers --------------------------------------------------------------------------------------------------------------


def layers_lines(state: ProfileState, width: int, low: bool) -> list[Line]:
    """Return the stack; missing layers and the line that adds an add-on can be pointed at."""
    kinds = {layer.kind for layer in state.layers}
    rows = [
        StackLayer(
            layer.kind, layer.key, layer.pack_version, _note(state, layer), f"layer/{place}", _sign(state, layer)
        )
        for place, layer in enumerate(state.layers)
    ]
    rows += [missing_layer(kind, f"add/{kind}") for kind in state.needed() if kind not in kinds]
    out = stack_lines(rows, width, low=low) if rows else []
    general = [row for row in state.problems if row.path == "layers" and not row.layer and row.code != "MissingLayer"]
    out += problem_lines(general, width)
    if state.profile.type != INFRA:
        out.insert(0, line(("+ ", "accent"), ("add an add-on layer", "muted"), key=f"add/{ADDON_LAYER}"))
    return out


def _note(state: ProfileState, layer: Layer) -> str:
    wrong = counted(state.layer_problems(layer))
    if wrong:
        return wrong
    pack = state.pack(layer)
    if pack is None:
        return "pack not known here" if layer.type != "manifest" else amount(len(layer.manifests), "manifest")
    return "values of the pack" if not layer.values or layer.values == pack.values else "values changed"


def _sign(state: ProfileState, layer: Layer) -> Span:
    severities = {problem.severity for problem in state.layer_problems(layer)}
    for severity in (ERROR, WARNING):
        if severity in severities:
            return Span(*SIGNS[severity])
    return Span(" ")


def layer_lines(state: ProfileState, layer: Layer, offer: Any, width: int) -> list[Line]:
    """Describe a layer: the pack, where it is from, what it brings, and what is wrong with it."""
    pack = state.pack(layer)
    head = f"{layer.name} {layer.pack_version}"
    out = [line((head, "strong"), (f"  {LAYER_NAMES.get(layer.kind, layer.kind)}", "muted"))]
    out += problem_lines(state.layer_problems(layer)[:5], width)
    if offer is not None:
        out += _offer_details(offer, width)
    elif pack is not None:
        out += _brings(pack.images, tuple(preset.display_name or preset.name for preset in pack.presets), width)
    if layer.presets:
        out += wrap(f"preset {', '.join(layer.presets)}", width, role="muted")
    return out


def offer_lines(offer: Any, width: int) -> list[Line]:
    """Return what the plane has of a pack: title, registry, mark, images, presets, dependencies."""
    return [*wrap(f"{offer.name} {offer.version}: {offer.title}", width, role="strong"), *_offer_details(offer, width)]


def _offer_details(offer: Any, width: int) -> list[Line]:
    out: list[Line] = []
    if offer.mark:
        out += wrap(offer.mark, width, "‼ ", "  ", role="warn")
    out += wrap(f"{LAYER_NAMES.get(offer.layer, offer.layer)}, {offer.kind}, {offer.registry}", width, role="muted")
    if offer.description:
        out += wrap(offer.description, width)
    place = f"upstream {offer.upstream}" if offer.upstream else offer.content
    out += wrap(place, width, role="muted")
    out += [item for dependency in offer.dependencies for item in wrap(dependency, width, role="muted")]
    return [*out, *_brings(offer.images, offer.presets, width)]


def _brings(images: Sequence[str], presets: Sequence[str], width: int) -> list[Line]:
    out: list[Line] = []
    if presets:
        out += wrap(f"presets: {', '.join(presets)}", width, role="muted")
    if images:
        out.append(line((amount(len(images), "image"), "muted")))
        out += [line((cut(f"  {image}", width), "muted")) for image in images]
    return out


# Values --------------------------------------------------------------------------------------------------------------


def value_lines(state: ProfileState, layer: Layer, path: str, row: int, width: int) -> list[Line]:
    """Return what is known of the value under the cursor, and a problem: that of its line, else the first one."""
    problems = state.value_problems(layer)
    here = [problem for problem in problems if problem.line == row + 1]
    entry = schema_entry(state.pack(layer), path) if path else None
    text = entry_text(entry) if entry is not None else ""
    head = [] if here or not path else [line((path, "strong"), (f"  {text}" if text else "", "muted"))]
    if head and head[0].width > width and not problems:
        head = [line((cut(path, width), "strong")), *wrap(text, width, "  ", "  ", "muted")]
    return [*head, *problem_lines((here or problems)[:2], width)]


def schema_entry(pack: Pack | None, path: str) -> SchemaEntry | None:
    """Return what the schema of a pack has for a path; `[]` in it is any item of a list."""
    if pack is None:
        return None
    return next((entry for entry in pack.schema if entry.name.replace("$[]", "[]").replace(".[]", "[]") == path), None)


def entry_text(entry: SchemaEntry) -> str:
    """Describe a schema, e.g. `required; a number from 1 to 5; at most the number of nodes`."""
    parts = ["required"] if entry.required else []
    parts += ["read-only"] if entry.readonly else []
    if entry.options:
        parts.append(f"one of {', '.join(entry.options)}")
    elif entry.format:
        parts.append(_slots(entry))
    return "; ".join([*parts, *entry.hints])


def _slots(entry: SchemaEntry) -> str:
    slot = entry.slots[0] if len(entry.slots) == 1 else None
    if slot is None:
        return clean(entry.format, 80)
    if slot.lowest:
        return f"{slot.type} from {slot.lowest} to {slot.highest}"
    return f"{slot.type} that matches {clean(slot.regex, 60)}" if slot.regex else slot.type


def values_side(state: ProfileState, layer: Layer, width: int) -> list[Line]:
    """Return what is beside the editor: problems, presets, and what the schema of the pack restricts."""
    out = problem_lines(state.layer_problems(layer), width)
    if layer.manifests:
        names = ", ".join(manifest.name for manifest in layer.manifests)
        out += wrap(f"Manifests of its own, edited as files: {names}", width, role="muted")
    pack = state.pack(layer)
    if pack is None:
        return out
    if pack.presets:
        out += [line(), heading("PRESETS", width, "F8 applies one")]
        for preset in pack.presets:
            sign: Piece = ("■ ", "ok") if preset.name in layer.presets else "  "
            out.append(line(sign, preset.display_name or preset.name, (f"  {preset.group}", "muted")))
    if pack.schema:
        out += [line(), heading("SCHEMA", width)]
        for entry in pack.schema:
            out += [line((cut(entry.name, width), "accent")), *wrap(entry_text(entry), width, "  ", "  ", "muted")]
    if pack.readme.strip():
        out += [line(), heading("README", width)]
        for text in pack.readme.split("\n")[:200]:
            out += wrap(clean(text, 1000), width) if text.strip() else [line()]
    return out[1:] if out and not out[0].spans else out


# Variables -----------------------------------------------------------------------------------------------------------


def variables_lines(state: ProfileState, width: int) -> list[Line]:
    """Return a line for each variable with the layers that use it, for each that is missing, and for a new one."""
    uses = state.uses()
    wrong = {
        problem.path.removeprefix("variables."): problem
        for problem in state.problems
        if problem.path.startswith("variables.")
    }
    out: list[Line] = []
    room = min(max((len(item.name) for item in state.profile.variables), default=8), 30)
    for place, variable in enumerate(state.profile.variables):
        key = f"variable/{place}"
        sign: Piece = SIGNS[ERROR] if variable.name in wrong else " "
        left: list[Piece] = [sign, " ", (pad(variable.name, room), "strong"), f"  {_format(variable)}"]
        out.append(spread(left, [(_used(uses.get(variable.name, ())), "muted")], width, key))
        if variable.name in wrong:
            out += wrap(f"{wrong[variable.name].message} {wrong[variable.name].hint}", width, "    ", "    ", "bad")
    for name in state.undefined():
        left = [SIGNS[ERROR], " ", (pad(name, room), "bad"), "  is not defined: enter adds it"]
        out.append(spread(left, [(_used(uses[name]), "muted")], width, f"missing/{name}"))
    out.append(line("  ", ("+ ", "accent"), ("add a variable", "muted"), key="new"))
    return out


def _format(variable: Variable) -> str:
    marks = [word for word, there in (("required", variable.required), ("masked", variable.masked),
             ("hidden", variable.hidden), ("read-only", variable.read_only)) if there]  # fmt: skip
    default = "" if not variable.default else " = ********" if variable.masked else f" = {clean(variable.default, 40)}"
    kind = variable.input if variable.input == "dropdown" else variable.format
    return ", ".join([f"{kind}{default}", *marks])


def _used(layers: Sequence[str]) -> str:
    return f"used in {amount(len(layers), 'layer')}" if layers else "not used"


def variable_lines(state: ProfileState, variable: Variable, width: int) -> list[Line]:
    """Describe a variable and list the layers that use it."""
    out = [line((variable.display or variable.name, "strong"))]
    out += wrap(variable.description, width) if variable.description else []
    out += wrap(f"pattern {variable.regex}", width, role="muted") if variable.regex else []
    options = ", ".join(option.value for option in variable.options)
    out += wrap(f"options {options}", width, role="muted") if options else []
    used = state.uses().get(variable.name, ())
    out += wrap(f"used in {', '.join(used)}" if used else "not used in any layer", width, role="muted")
    return out


# Preview -------------------------------------------------------------------------------------------------------------


def preview_lines(resolution: Any, problems: Sequence[Problem], width: int) -> list[Line]:
    """Return what the profile resolves to, layer by layer from the top, with the origin of what was inserted."""
    out = problem_lines(problems, width)
    out += [line()] if out else []
    for layer in reversed(resolution.layers):
        kind = LAYER_NAMES.get(layer.layer.kind, layer.layer.kind)
        out.append(heading(f"{layer.layer.key} {layer.layer.version}", width, kind))
        out += _resolved_text(layer.values, _origins(layer), width)
        for name, text in layer.manifests:
            out.append(line((f"manifest {name}", "muted")))
            out += _resolved_text(text, {}, width)
        out.append(line())
    return out


def _origins(layer: Any) -> Mapping[int, str]:
    """Return the origin of inserted values by their line in the source, from 1."""
    scalars = layer.layer.values.scalars
    result: dict[int, str] = {}
    for path, origins in layer.origins():
        texts = [origin.text() for origin in origins if origin.kind in INSERTED]
        if texts and path in scalars:
            result.setdefault(scalars[path].line, ", ".join(dict.fromkeys(texts)))
    return result


def _resolved_text(text: Any, origins: Mapping[int, str], width: int) -> list[Line]:
    shown = [clean(item.replace("\t", "  "), 2000) for item in text.shown.rstrip("\n").split("\n")]
    same = len(shown) == len(text.source.text.rstrip("\n").split("\n"))  # a value of several lines moves what is below
    out: list[Line] = []
    for number, item in enumerate(shown, 1):
        origin = origins.get(number, "") if same else ""
        role: Role = "muted" if item.lstrip().startswith("#") else ""
        out.append(spread([(f"  {item}", role)], [(f"← {origin}", "info")] if origin else [], width))
    return out


# Summary -------------------------------------------------------------------------------------------------------------


def summary_lines(state: ProfileState, refused: str, width: int) -> list[Line]:
    """Return what is stored, and what stops a publish."""
    errors = [problem for problem in state.problems if problem.severity == ERROR]
    out: list[Line] = []
    if refused:
        out += wrap(refused, width, "▬ ", "  ", role="parked")
    elif errors:
        text = f"{amount(len(errors), 'error')} must be fixed before it is published; s stores it as a draft."
        out.append(line(("▲ ", "bad"), (text, "strong")))
    else:
        keys: list[Piece] = [("Store it as a draft: ", "strong"), ("s", "accent"), ("  Publish it: ", "strong")]
        out.append(line(("• ", "ok"), *keys, ("p", "accent")))
    out += [line(), *problem_lines(state.problems, width, keyed=True)] if state.problems else []
    out += [line(), heading("PROFILE", width, "enter goes back to the page")]
    out += _facts(state, width)
    return [*out, line()]


def _facts(state: ProfileState, width: int) -> list[Line]:
    profile = state.profile
    labels = ", ".join(f"{key}={value}" if value else key for key, value in profile.labels.items())
    facts = [
        ("about", "name", f"{clean(profile.name, 128)} {profile.version}"),
        ("about", "type", TYPES.get(profile.type, profile.type)),
        *((("about", "description", clean(profile.description, 500)),) if profile.description else ()),
        *((("about", "tags", clean(labels, 500)),) if labels else ()),
    ]
    layers = [
        ("layers", LAYER_NAMES.get(layer.kind, layer.kind), f"{layer.key} {layer.pack_version}")
        for layer in reversed(profile.layers)
    ]
    names = ", ".join(variable.name for variable in profile.variables)
    rows = [*facts, *layers, *((("variables", "variables", names),) if names else ())]
    return [
        line("  ", (pad(label, 14), "muted"), "  ", cut(value, max(width - 18, 8)), key=f"page/{page}/{number}")
        for number, (page, label, value) in enumerate(rows)
    ]


def changes_lines(comparison: Any, before: str, texts: Any, width: int) -> list[Line]:
    """Return what differs from the version before, with what each change would do to hosts.

    `before` is shown while there is no comparison; `texts` has `place_of` and `values_of`.
    """
    if comparison is None:
        return [heading("CHANGES", width), line((f"  {before}", "muted"))] if before else []
    out = [heading(f"CHANGES from {comparison.difference.before}", width, "d shows the lines")]
    if not comparison.layers:
        return [*out, line(("  Nothing differs in its layers.", "muted"))]
    out += wrap(comparison.forecast.sentence(), width, "  ", "  ")
    for layer in comparison.layers:
        item = layer.difference
        versions = f"{item.version_before or '-'} → {item.version_after or '-'}"
        text = item.what if item.version_before == item.version_after else versions
        out.append(line("  ", (item.layer, "strong"), (f"  {text}", "muted")))
        for prediction in layer.predictions[:MOST_CHANGES]:
            place, values = texts.place_of(prediction.change), texts.values_of(prediction.change)
            shown = f"{place}: {values}" if values else place
            behaviour = prediction.behaviour
            out.append(spread([f"    {clean(shown, 500)}"], [(behaviour, _tone(behaviour))], width))
        if len(layer.predictions) > MOST_CHANGES:
            out.append(line((f"    and {len(layer.predictions) - MOST_CHANGES} more", "muted")))
    return out


def _tone(behaviour: str) -> Role:
    roles: dict[str, Role] = {"no-op": "muted", "reload": "info", "restart": "warn", "reboot": "warn"}
    return roles.get(behaviour, "bad")
