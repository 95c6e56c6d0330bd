"""What a profile resolves to: the text of each layer with its references replaced, by example values or for a host."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import ClassVar, NamedTuple

from textual import work

from edgewright.commands.kernel.base import Scope
from edgewright.commands.profile.preview import Values, example, of_host
from edgewright.core.profiles.model import LAYER_NAMES
from edgewright.core.profiles.problems import OPEN, Problem
from edgewright.core.profiles.resolve import Resolution
from edgewright.core.text import amount, clean
from tui.frame.pager.pager import ReaderScreen
from tui.frame.pager.raw import yaml_line
from tui.modals.choose import ChooseModal
from tui.screens.profile.reading import ReadsProfiles
from tui.screens.profile.yaml import bounded
from tui.verbs.bindings import move_bindings
from tui.widgets.lines import Line, heading, line, wrap

MOST_OPEN = 8
MOST_HOSTS = 500
"""Hosts that can be chosen from; `edgewright profile preview NAME --host HOST` takes any."""


class _Resolved(NamedTuple):
    resolution: Resolution
    values: Values


class ProfilePreviewScreen(ReaderScreen, ReadsProfiles):
    """Shows the resolved text of all layers, the top of the stack last; `target` is `UID` or `UID/HOST`."""

    scope: ClassVar[Scope] = "profile-preview"
    view = "profile-preview"
    hints = ("profile-examples=examples", "profile-host=host", "filter=search", "nav-search-next=next hit")
    BINDINGS = move_bindings({"profile-examples": "examples", "profile-host": "host"})
    _examples = True
    _host = ""
    _resolved: _Resolved | None = None
    _of: object = None

    def begin(self) -> None:
        """Take the host that was named."""
        self._host = self.target.partition("/")[2]
        super().begin()

    @property
    def crumb(self) -> str:
        """What it is resolved for."""
        row = self.session.store.model.hosts.get(self._host)
        return self.named(f"preview for {row.name}" if row is not None else "preview")

    def count(self) -> str:
        """Return with which values, or which hit of a search is looked at."""
        return super().count() if self._wanted else "example values" if self._examples else "values as they are"

    def select(self) -> None:
        """Resolve again when the profile was read again, and show it."""
        shown = self.shown(self.uids[0])
        if shown is not None and shown.content is not None and shown.content is not self._of:
            self._of = shown.content
            self._resolve()
        self.dim()
        ReaderScreen.select(self)

    @work(exclusive=True, group="profile:resolve", exit_on_error=False)
    async def _resolve(self) -> None:
        shown = self.shown(self.uids[0])
        if shown is None or shown.content is None:
            return
        row = self.session.store.model.hosts.get(self._host)
        content = shown.content
        values = await asyncio.to_thread(example, content.profile) if self._examples else Values({}, {})
        if row is not None:
            same = row.project_uid == shown.row.project_uid
            values = values.over(of_host(row, shown.project if same else ""))
        resolution = await asyncio.to_thread(content.resolved, values.variables, values.system)
        self._resolved = _Resolved(resolution, values)
        if self.is_there:
            ReaderScreen.select(self)

    def text_lines(self, width: int) -> list[Line]:
        """Return the text of each layer, with what has no value yet above."""
        waiting = self.waiting(self.uids[0], width)
        if waiting:
            return waiting
        if self._resolved is None:
            return [line(("► ", "work"), "Resolving ...")]
        resolution, values = self._resolved
        size = sum(len(layer.values.source.text) for layer in resolution.layers)
        lines = self.made(
            resolution,
            width,
            size,
            lambda: [*_summary(resolution.problems, values.variables, width), *bounded(_texts(resolution, width))],
        )
        return [*self.problem(width), *lines]

    def action_examples(self) -> None:
        """Resolve with example values for what has no default, or without."""
        self._examples = not self._examples
        self._resolve()
        self.show_frame()

    def action_host(self) -> None:
        """Choose the host for which it is resolved."""
        every = sorted(self.session.store.model.hosts.values(), key=lambda row: row.name)
        hosts = every[:MOST_HOSTS]
        options = [line("no host: without a cluster", key="-")]
        options += [line(row.name, (f"  {row.site or '-'}  {row.cluster or 'no cluster'}", "muted"), key=row.uid)
                    for row in hosts]  # fmt: skip

        def take(uid: str | None) -> None:
            if uid:
                self._host = "" if uid == "-" else uid
                self._resolve()
                self.show_frame()

        title = "Resolve for a host"
        if len(every) > len(hosts):
            title += f" (the first {len(hosts)} of {len(every):,})"
        self.app.push_screen(ChooseModal(title, options, current=self._host or "-"), take)


def _texts(resolution: Resolution, width: int) -> Iterator[Line]:
    for layer in resolution.layers:
        own = layer.layer
        title = f"{LAYER_NAMES.get(own.kind, own.kind)}: {own.key} {own.version}".rstrip()
        parts = [(title, layer.values), *((f"{own.key}, manifest {name}", text) for name, text in layer.manifests)]
        for head, text in parts:
            yield Line()
            yield heading(head, width)
            yield from (yaml_line(clean(row, 1000)) for row in text.shown.splitlines())


def _summary(problems: list[Problem], variables: Mapping[str, str], width: int) -> list[Line]:
    """Return which values are examples, what has no value yet, and what is wrong."""
    out: list[Line] = []
    if variables:
        names = ", ".join(f"{name}={value}" for name, value in variables.items())
        out += wrap(f"Example values: {names}", width, "○ ", "  ", role="muted")
    pending = [problem for problem in problems if problem.severity == OPEN]
    for problem in [each for each in problems if each.severity != OPEN][:MOST_OPEN]:
        out += wrap(problem.sentence(), width, "▲ ", "  ", role="bad")
    if pending:
        out.append(line(("○ ", "muted"), f"{amount(len(pending), 'value')} not known before there is a cluster:"))
        for problem in pending[:MOST_OPEN]:
            out += wrap(problem.sentence(), width, "    ", "    ", role="muted")
        if len(pending) > MOST_OPEN:
            out.append(line((f"    and {len(pending) - MOST_OPEN} more", "muted")))
    return out or [line(("• ", "ok"), "Every reference has a value.")]
