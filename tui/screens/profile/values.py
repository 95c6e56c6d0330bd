"""The values of a layer with where each came from, and a variable in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgewright.core.profiles.model import LAYER_NAMES, Profile, Variable
from edgewright.core.profiles.problems import ERROR, OPEN, WARNING, Problem
from edgewright.core.profiles.resolve import ResolvedLayer, ResolvedText
from edgewright.core.profiles.scope import PACK_DEFAULT, Origin
from edgewright.core.profiles.usage import references
from edgewright.core.profiles.values import Scalar
from edgewright.core.profiles.variables import COVER
from edgewright.core.text import amount, clean
from tui.widgets.lines import Line, Role, cut, cut_left, heading, line, pad, spread, wrap, wrapped_facts

SIGNS: Mapping[str, tuple[str, Role]] = {ERROR: ("▲", "bad"), WARNING: ("▲", "warn"), OPEN: ("○", "muted")}
Rows = Sequence[tuple[str, Sequence[Origin]]]
MOST_VALUE = 300
"""Characters of a value that are shown."""


def layer_lines(
    layer: ResolvedLayer, every: Rows, problems: Sequence[Problem], width: int, everything: bool, most: int = 0
) -> list[Line]:
    """Return a layer: its pack, what is wrong, then each value with its origin; pack defaults with `everything`.

    `every` are path and origins of its values; at most `most` are shown, 0 for all.
    """
    own = layer.layer
    title = f"{LAYER_NAMES.get(own.kind, own.kind)}: {own.name} {own.version}".rstrip()
    out = [spread([(title, "strong")], [], width)]
    if own.default is None:
        out += wrap("The pack is not known here, so its defaults are not known.", width, "○ ", "  ", role="muted")
    for problem in problems:
        if problem.layer == own.key:
            sign, role = SIGNS[problem.severity]
            out += wrap(problem.sentence(), width, f"{sign} ", "  ", role=role)
    changed = [row for row in every if not is_default(row[1])]
    shown = every if everything or not changed else changed
    right = f"{len(shown):,} of {len(every):,}, v shows all" if len(shown) < len(every) else f"{len(every):,}"
    out += [Line(), heading("VALUES", width, right)]
    out += value_rows(layer.values, shown[: most or len(shown)], width)
    if most and len(shown) > most:
        out.append(line((f"  and {len(shown) - most:,} more; enter on the layer shows all", "muted")))
        return out
    for name, text in layer.manifests:
        out += [Line(), heading(f"MANIFEST {name}", width)]
        out += [line("  ", clean(each, 1000)) for each in text.shown.splitlines()]
    return out


def is_default(origins: Sequence[Origin]) -> bool:
    """Whether a value is as in the pack, and made of nothing else."""
    return len(origins) == 1 and origins[0].kind == PACK_DEFAULT


def value_rows(text: ResolvedText, rows: Rows, width: int) -> list[Line]:
    """Return path, value and origin of each value; on narrow screens the origin is below, where it is not the pack."""
    paths = min(max((len(path) for path, _ in rows), default=4), max(width * 2 // 5, 12))
    three = width >= 76
    values = max((width - paths - 6) // 2, 10) if three else max(width - paths - 4, 8)
    out: list[Line] = []
    for path, origins in rows:
        default = is_default(origins)
        role: Role = "muted" if default else ""
        value = shown_value(text, path, origins)
        where = "; ".join(origin_text(origin) for origin in (*origins[1:], origins[0]))
        pieces = ["  ", (pad(cut_left(path, paths), paths), role or "accent"), "  ", (pad(value, values), role)]
        if three:
            room = max(width - paths - values - 6, 4)
            pieces += ["  ", (cut(where, room), "muted")]
        out.append(line(*pieces, key=f"value/{path}"))  # type: ignore[arg-type]
        if not three and not default:
            out.append(line("    ", (cut(where, max(width - 4, 4)), "muted")))
    return out


def shown_value(text: ResolvedText, path: str, origins: Sequence[Origin]) -> str:
    """Return a value on one line, with references replaced; secrets are covered."""
    scalar: Scalar | None = text.source.scalars.get(path)
    if path in text.secrets or any(origin.secret for origin in origins):
        return COVER
    raw = text.results.get(path, scalar.raw if scalar is not None else "")
    flat = " ".join(raw.split()) if "\n" in raw else raw
    return clean(flat, MOST_VALUE) if flat else '""'


def origin_text(origin: Origin) -> str:
    """Return where a value came from, as `docs/profiles.md` calls it; a value of the layer with its line."""
    if origin.kind == PACK_DEFAULT:
        return origin.kind
    line_of = f", line {origin.line}" if origin.line and origin.kind == "layer value" else ""
    return f"{origin.text()}{line_of}"


def variable_lines(profile: Profile, variable: Variable, width: int) -> list[Line]:
    """Return the definition of a variable, and every place that refers to it."""
    default = COVER if variable.masked and variable.default else variable.default
    flags = [name for name, on in (
        ("required", variable.required), ("masked", variable.masked), ("hidden", variable.hidden),
        ("read-only", variable.read_only),
    ) if on]  # fmt: skip
    pairs = [
        ("display name", variable.display or "-"),
        ("input", f"{variable.input}, {variable.format}"),
        ("default", default or "-"),
        ("flags", ", ".join(flags) or "-"),
        *((("pattern", variable.regex),) if variable.regex else ()),
        *(("option", f"{each.value}  {each.label}".rstrip()) for each in variable.options),
    ]
    out = [heading(variable.name, width), *wrapped_facts(pairs, 12, width, 2)]
    if variable.description:
        out += wrap(variable.description, width, "  ", "  ", role="muted")
    places: dict[str, list[int]] = {}
    for name, place in references(profile):
        if name.space == "var" and name.name == variable.name:
            places.setdefault(place.layer, []).append(place.line)
    layers = [key for key in places if key]
    out.append(line("  ", (f"used in {amount(len(layers), 'layer')}" if layers else "not used in a layer", "muted")))
    for key, lines in places.items():
        where = key or "default of a variable"
        numbers = ", ".join(str(number) for number in dict.fromkeys(lines) if number)
        text = f"    {where}" + (f", line {numbers}" if numbers else "")
        out.append(line(cut(text, width), key=f"layer/{key}" if key else ""))
    return out
