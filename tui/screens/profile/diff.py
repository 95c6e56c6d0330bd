"""Two versions of a profile compared: what each change would do to hosts, and the texts beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from textual import on, work

from edgewright.commands.kernel.base import Scope
from edgewright.commands.profile.comparing import Comparison, LayerChange, compared, place_of, short, why
from edgewright.commands.profile.reading import values_in_cluster
from edgewright.core.clusters.predict import BEHAVIOURS, UNKNOWN, Prediction
from edgewright.core.errors import EdgewrightError
from edgewright.core.profiles.model import LAYER_NAMES
from edgewright.core.profiles.textdiff import SAME
from edgewright.store.collections.catalogue.profiles import ProfileRow
from tui.frame.fetch import sentence
from tui.frame.pager.pager import ReaderScreen
from tui.screens.profile.content import Shown
from tui.screens.profile.reading import ReadsProfiles, uid_of
from tui.verbs.bindings import move_bindings
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, Role, cut, cut_left, line, pad, spread, wrap
from tui.widgets.profiles.diff import CONTEXT, diff_lines

TONES: Mapping[str, Role] = {
    "no-op": "muted", "reload": "info", "restart": "accent", "reboot": "warn", "repave": "bad", UNKNOWN: "parked",
}  # fmt: skip
MOST_LINES = 20_000
"""Lines of the text of a layer that are shown."""
MOST_CHANGES = 400
"""Changes of a layer that are listed; the texts below have all."""


class ProfileDiffScreen(ReaderScreen, ReadsProfiles):
    """Compares `target`, `UID-BEFORE/UID-AFTER` or with `@CLUSTER` behind it; Enter on a layer folds its text."""

    scope: ClassVar[Scope] = "profile-diff"
    view = "profile-diff"
    hints = (
        "nav-open=fold",
        "profile-all=every line",
        "profile-swap=swap",
        "filter=search",
        "nav-search-next=next hit",
    )
    BINDINGS = move_bindings({"profile-all": "everything", "profile-swap": "swap", "nav-next": "layer(1)",
                              "nav-previous": "layer(-1)"})  # fmt: skip
    _comparison: Comparison | None = None
    _of: tuple[object, ...] = ()
    _everything = False
    _swapped = False

    def begin(self) -> None:
        """Show every layer unfolded."""
        self._folded: set[str] = set()
        super().begin()

    @property
    def uids(self) -> tuple[str, ...]:
        """Return the version before and the version after."""
        before, _, after = self.target.partition("@")[0].partition("/")
        return (after, before) if self._swapped else (before, after)

    def with_uids(self, rows: Sequence[ProfileRow]) -> str:
        """Return the target with uids: of two versions, of `NAME/VERSION/VERSION`, or of one and the one before it."""
        target, at, cluster = self.target.partition("@")
        names = target.split("/")
        if len(names) == 3:
            names = [f"{names[0]}:{version}" for version in names[1:]]
        uids = [uid_of(name, rows) for name in names if name]
        if len(uids) == 1:
            here = next((row for row in rows if row.uid == uids[0]), None)
            same = [row.uid for row in rows if here is not None and row.name == here.name]
            older = same[same.index(uids[0]) + 1 :] if uids[0] in same else []
            uids.insert(0, next(iter([*older, *same]), uids[0]))
        return "/".join(uids) + at + cluster

    @property
    def _cluster(self) -> str:
        """Return the cluster whose values of variables count, "" for none."""
        return self.target.partition("@")[2]

    @property
    def crumb(self) -> str:
        """What is compared."""
        if self._comparison is None:
            return "diff"
        sides = [self.shown(uid) for uid in self.uids]
        if None in sides:
            return "diff"
        before, after = (shown.row for shown in sides if shown is not None)
        same = before.name == after.name
        cluster = f"{self._cluster}: " if self._cluster else ""
        return f"{cluster}{before.reference} → {after.version if same else after.reference}"

    def select(self) -> None:
        """Compare again when a side was read again, and show it."""
        sides = [self.shown(uid) for uid in self.uids]
        contents = tuple(side.content for side in sides if side is not None and side.content is not None)
        if len(contents) == 2 and contents != self._of:
            self._of = contents
            self._compare()
        self.dim()
        ReaderScreen.select(self)

    @work(exclusive=True, group="profile:compare", exit_on_error=False)
    async def _compare(self) -> None:
        before, after = (self.shown(uid) for uid in self.uids)
        if before is not None and after is not None and before.content is not None and after.content is not None:
            values = await self._values(before, after)
            self._comparison = await asyncio.to_thread(compared, before.content, after.content, values)
            if self.is_there:
                ReaderScreen.select(self)

    async def _values(self, *sides: Shown) -> dict[str, str]:
        """Return the values of the cluster, if there is one."""
        entry = next((side.entry for side in sides if self._cluster in side.row.clusters), None)
        if entry is None or self.session.make_context is None:
            return {}
        try:
            return await values_in_cluster(self.session.make_context(), entry, self._cluster)
        except EdgewrightError as error:
            self._error = sentence(error)
            return {}

    def text_lines(self, width: int) -> list[Line]:
        """Return the forecast, then layer by layer the changes and the text."""
        for uid in self.uids:
            if waiting := self.waiting(uid, width):
                return waiting
        if self._comparison is None:
            return [line(("► ", "work"), "Comparing ...")]
        before, after = (shown for uid in self.uids if (shown := self.shown(uid)) is not None)
        context, folded = -1 if self._everything else CONTEXT, frozenset(self._folded)
        comparison = self._comparison
        key = (width, folded, context)
        size = sum(len(each.difference.text_before + each.difference.text_after) for each in comparison.layers)
        lines = self.made(
            comparison, key, size, lambda: comparison_lines(comparison, (before, after), width, folded, context)
        )
        return [*self.problem(width), *lines]

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        self._folded ^= {event.key}
        ReaderScreen.select(self)

    def action_layer(self, step: int) -> None:
        """Go to the next layer, or the one before."""
        self.text.next_block(step)

    def action_everything(self) -> None:
        """Show every line of the texts, or what differs with some lines around it."""
        self._everything = not self._everything
        ReaderScreen.select(self)

    def action_swap(self) -> None:
        """Compare the other way round."""
        self._swapped = not self._swapped
        self._comparison, self._of = None, ()
        self.select()


def comparison_lines(
    comparison: Comparison, sides: tuple[Shown, Shown], width: int, folded: Collection[str], context: int = CONTEXT
) -> list[Line]:
    """Return a comparison: what happens, by how much, then each layer. Keys of lines are the layers."""
    before, after = sides[0].row, sides[1].row
    out = [spread([(f"{before.reference} → {after.reference}", "strong")], [], width)]
    if not comparison.layers:
        return [*out, line(("• ", "ok"), "Nothing differs in the layers.")]
    out += wrap(comparison.forecast.sentence(), width, role=TONES[comparison.forecast.behaviour])
    out.append(_counts(comparison))
    for note in comparison.notes:
        out += wrap(f"Not known: {note}", width, "○ ", "  ", role="muted")
    for layer in reversed(comparison.layers):
        out += _layer_lines(layer, sides, width, layer.difference.layer in folded, context)
    return out


def _counts(comparison: Comparison) -> Line:
    pieces: list[Any] = []
    predictions = comparison.forecast.predictions
    for behaviour in reversed(BEHAVIOURS):
        count = sum(1 for each in predictions if each.behaviour == behaviour)
        if count:
            pieces += ["  " if pieces else "", (f"{count} {behaviour}", TONES[behaviour])]
    return line(*pieces)


def _layer_lines(layer: LayerChange, sides: tuple[Shown, Shown], width: int, folded: bool, context: int) -> list[Line]:
    own = layer.difference
    versions = own.version_after or own.version_before
    if own.version_before != own.version_after:
        versions = f"{own.version_before or '-'} → {own.version_after or '-'}"
    title = f"{LAYER_NAMES.get(own.kind, own.kind)}: {own.layer} {versions}"
    word = layer.forecast.behaviour
    more = f" + {UNKNOWN}" if layer.forecast.unknown and word != UNKNOWN else ""
    sign = "►" if folded else "▼"
    left: list[Any] = [(f"{sign} ", "muted"), (title, "head"), (f"  {own.what}", "muted")]
    out = [Line(), spread(left, [(f"{word}{more}", TONES[word])], width, key=own.layer)]
    if folded:
        return out
    out += _change_lines(layer.predictions, width)
    names = [f"{side.row.reference}, {own.layer}" for side in sides]
    text = diff_lines(own.rows(), width, names[0], names[1], context)
    if len(text) > MOST_LINES:
        more = f"Only {MOST_LINES:,} lines are shown; edgewright profile diff --lines has all."
        text = [*text[:MOST_LINES], line((more, "warn"))]
    return out + ([Line(), *text] if text else [])


def _change_lines(predictions: tuple[Prediction, ...], width: int) -> list[Line]:
    paths = min(max((len(place_of(each.change)) for each in predictions), default=4), max(width * 2 // 5, 12))
    out: list[Line] = []
    for each in predictions[:MOST_CHANGES]:
        change = each.change
        role = TONES[each.behaviour]
        reason = why(each)
        head = [
            ("  ", ""),
            (pad(cut_left(place_of(change), paths), paths), ""),
            ("  ", ""),
            (pad(each.behaviour, 8), role),
        ]
        room = width - paths - 12
        values = "" if change.what == SAME else f"{short(change.before)} → {short(change.after)}"
        if reason and len(values) + len(reason) + 2 > room:
            out.append(line(*head, "  ", (cut(values or reason, max(room - 2, 4)), "")))  # type: ignore[arg-type]
            if values:
                out.append(line("    ", (cut(reason, max(width - 4, 4)), "muted")))
            continue
        tail = [("  ", ""), (values, ""), ("  " if values else "", ""), (reason, "muted")]
        out.append(line(*head, *tail))  # type: ignore[arg-type]
    if len(predictions) > MOST_CHANGES:
        out.append(line((f"  and {len(predictions) - MOST_CHANGES} more; edgewright profile diff has all", "muted")))
    return out
