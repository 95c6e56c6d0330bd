"""What the screen of a profile shows, as lines: the stack, variables, versions, clusters, problems, facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from edgewright.commands.kernel.described import Entry
from edgewright.commands.profile.reading import ProfileContent
from edgewright.core.profiles.model import ADDON, CNI, CSI, K8S, OS
from edgewright.core.profiles.problems import ERROR, OPEN, Problem
from edgewright.core.profiles.resolve import Resolution, ResolvedLayer
from edgewright.core.profiles.scope import LAYER, PRESET, Origin
from edgewright.core.profiles.usage import layers_by_variable
from edgewright.core.profiles.variables import COVER
from edgewright.core.text import amount
from edgewright.store.collections.catalogue.profiles import ProfileRow
from edgewright.store.table import ago, stamp
from tui.widgets.lines import (
    Line,
    Role,
    Span,
    clip_line,
    columns,
    cut,
    heading,
    line,
    spread,
    wrap,
    wrapped_facts,
)
from tui.widgets.profiles.stack import StackLayer, stack_lines

STATES: Mapping[str, tuple[str, Role]] = {
    "draft": ("draft", "muted"),
    "published": ("published", "ok"),
    "changed": ("published, with a draft", "warn"),
}
MOST_PROBLEMS = 6
ROOM = 60
"""Cells from which the first line has the use too."""


class Resolved(NamedTuple):
    """A profile resolved without a cluster, with what the screens show of it: long values take time, so in a thread."""

    resolution: Resolution
    problems: tuple[Problem, ...]
    origins: Mapping[str, Sequence[tuple[str, Sequence[Origin]]]]
    """Path and origins of each value, by the key of the layer."""
    notes: Mapping[str, str]
    """How each layer differs from its pack, by its key."""
    used: Mapping[str, Sequence[str]]
    """Layers that use each variable, by its name."""

    @classmethod
    def of(cls, content: ProfileContent) -> Resolved:
        """Resolve a profile. Blocking."""
        resolution = content.resolved()
        origins = {layer.layer.key: list(layer.origins()) for layer in resolution.layers}
        notes = {layer.layer.key: layer_note(layer, origins[layer.layer.key]) for layer in resolution.layers}
        problems = (*content.problems(), *resolution.problems)
        return cls(resolution, problems, origins, notes, layers_by_variable(content.profile))


class Shown(NamedTuple):
    """A profile as far as it was read: the row of the list first, then its content, resolved without a cluster."""

    entry: Entry
    versions: tuple[ProfileRow, ...]
    """All versions of the profile in its project, the newest first."""
    project: str
    content: ProfileContent | None = None
    resolved: Resolved | None = None
    error: str = ""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with it, and what has no value yet."""
        return self.resolved.problems if self.resolved is not None else ()

    @property
    def row(self) -> ProfileRow:
        """Return the row of the list."""
        row: ProfileRow = self.entry.row
        return row


def headline(shown: Shown, width: int) -> list[Line]:
    """Return what it is and in which state, and its description."""
    row = shown.row
    state, role = STATES.get(row.state, (row.state, "muted"))
    used = amount(row.used, "cluster")
    left: list[tuple[str, Role]] = [(row.reference, "strong"), (f"  {row.kind}, ", ""), (state, role)]
    use = f"used by {used}" if row.used else "no cluster uses it"
    out = [spread(left, [(use, "muted")] if width >= ROOM else [], width)]
    return out + (wrap(row.description, width, role="muted") if row.description else [])


def stack(shown: Shown, width: int, low: bool) -> list[Line]:
    """Return the layers drawn as a stack; each can be opened."""
    row = shown.row
    needed = () if row.kind == ADDON else (OS, K8S, CNI, CSI)
    return stack_lines(_layers(shown), width, needed, low)


def _layers(shown: Shown) -> list[StackLayer]:
    resolved = shown.resolved
    if resolved is None:
        out = []
        for text in shown.row.layers:
            kind, _, rest = text.partition(" ")
            name, _, version = rest.partition(" ")
            out.append(StackLayer(kind, name, version, key=f"layer/{name}"))
        return out
    marked = {problem.layer: problem.severity for problem in reversed(shown.problems) if problem.layer}
    return [
        StackLayer(
            each.layer.kind,
            each.layer.key,
            each.layer.version,
            resolved.notes[each.layer.key],
            f"layer/{each.layer.key}",
            _sign(marked.get(each.layer.key, "")),
        )
        for each in resolved.resolution.layers
    ]


def _sign(severity: str) -> Span:
    return Span("▲", "bad" if severity == ERROR else "warn") if severity and severity != OPEN else Span(" ")


def layer_note(layer: ResolvedLayer, rows: Sequence[tuple[str, Sequence[Origin]]]) -> str:
    """Return how a layer differs from its pack: `3 set, 1 preset, 2 references, 1 manifest`."""
    written = [origins[0].kind for _path, origins in rows]
    counts = (
        (f"{written.count(LAYER)} set" if LAYER in written and layer.layer.default is not None else ""),
        amount(len(layer.layer.presets), "preset") if PRESET in written or layer.layer.presets else "",
        amount(len(layer.values.origins), "reference") if layer.values.origins else "",
        amount(len(layer.manifests), "manifest") if layer.manifests else "",
    )
    return ", ".join(count for count in counts if count)


def variables(shown: Shown, width: int) -> list[Line]:
    """Return the variables with what they are by default and in how many layers they are used."""
    if shown.content is None:
        names = [line("  ", name, key=f"variable/{name}") for name in shown.row.variables]
        return [heading("VARIABLES", width), *names] if names else []
    profile = shown.content.profile
    if not profile.variables:
        return []
    used = shown.resolved.used if shown.resolved is not None else {}
    name_width = min(max(len(each.name) for each in profile.variables), max(width // 3, 8))
    use_width = 16
    rest = max(width - name_width - use_width - 6, 8)
    out = [heading("VARIABLES", width, "used in")]
    for each in profile.variables:
        default = COVER if each.masked and each.default else each.default
        text, role = (default, "") if default else ("required, no default", "warn") if each.required else ("-", "muted")
        layers = used.get(each.name, ())
        use = amount(len(layers), "layer") if layers else "not used"
        cells = [
            ((cut(each.name, name_width), "strong"), name_width),
            ((cut(text, rest), role), rest),
            ((use, "muted" if layers else "warn"), -use_width),
        ]
        out.append(clip_line(line("  ", *columns(cells).spans, key=f"variable/{each.name}"), width))  # type: ignore[arg-type]
    return out


def versions(shown: Shown, width: int, now: float, hint: str = "enter opens, = compares") -> list[Line]:
    """Return the versions of the profile, the newest first, each with its state and use."""
    out = [heading("VERSIONS", width, hint)]
    size = max((len(each.version) for each in shown.versions), default=5)
    for each in shown.versions:
        state, role = STATES.get(each.state, (each.state, "muted"))
        here = each.uid == shown.row.uid
        left: list[tuple[str, Role]] = [("› " if here else "  ", "accent"), (each.version.ljust(size), "strong")]
        left += [("  ", ""), (state, role)]
        use = f"used by {amount(each.used, 'cluster')}, " if each.used else ""
        right = [(f"{use}changed {ago(each.modified, now)} ago" if each.modified else use.rstrip(", "), "muted")]
        out.append(spread(left, right, width, key=f"version/{each.uid}"))  # type: ignore[arg-type]
    return out


def clusters(shown: Shown, width: int) -> list[Line]:
    """Return the clusters that use the profile, those of this version first; empty when there is none."""
    rows = sorted(shown.versions, key=lambda row: row.uid != shown.row.uid)
    out: list[Line] = []
    for row in rows:
        here = row.uid == shown.row.uid
        text, role = ("this version", "ok") if here else (f"has {row.version}, = compares", "muted")
        for name in row.clusters:
            out.append(spread([("  ", ""), (name, "strong")], [(text, role)], width, key=f"cluster/{name}"))  # type: ignore[list-item]
    return [heading("CLUSTERS", width), *out] if out else []


def problems(shown: Shown, width: int) -> list[Line]:
    """Return what stops a publish and what could not be read; empty when nothing is wrong."""
    out: list[Line] = []
    listed = [problem for problem in shown.problems if problem.severity != OPEN]
    for problem in listed[:MOST_PROBLEMS]:
        out += wrap(problem.sentence(), width, "▲ ", "  ", role="bad" if problem.severity == ERROR else "warn")
    if len(listed) > MOST_PROBLEMS:
        out.append(line((f"  and {amount(len(listed) - MOST_PROBLEMS, 'more problem')}", "muted")))
    for note in shown.content.notes if shown.content is not None else ():
        out += wrap(note, width, "○ ", "  ", role="muted")
    if shown.error:
        out += wrap(shown.error, width, "▲ ", "  ", role="bad")
    return [heading("PROBLEMS", width), *out] if out else []


def facts(shown: Shown, width: int, now: float) -> list[Line]:
    """Return the rest: project, tags, macros, change, uid."""
    row = shown.row
    pairs = [
        ("project", shown.project),
        ("tags", ", ".join(row.tags) or "-"),
        ("macros", ", ".join(row.macros) or "-"),
        ("changed", f"{stamp(row.modified)} ({ago(row.modified, now)} ago)" if row.modified else "-"),
        ("uid", row.uid),
    ]
    return [heading("PROFILE", width), *wrapped_facts(pairs, 8, width, 2)]
