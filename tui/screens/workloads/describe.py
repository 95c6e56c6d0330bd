"""One object of a cluster: described with its events, or in YAML as the API has it. Read again every few seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from textual import events, work

from edgewright.commands.kernel.results import Detail, Section
from edgewright.core.errors import EdgewrightError, NotFound
from edgewright.store.collections.document_values import part, parts
from edgewright.store.workloads.describing import described, document_of, facts_of
from edgewright.store.workloads.kinds import BY_VIEW, EVENTS, Kind
from tui.frame.ages import age
from tui.frame.document_values import masked, yaml_lines
from tui.frame.fetch import sentence
from tui.frame.fetched import detail_lines
from tui.frame.pager.pager import ReaderScreen
from tui.frame.pager.raw import yaml_line
from tui.screens.workloads.following import ShowsCluster, trouble_lines
from tui.widgets.lines import Line, heading, line, wrap

EVERY = 5.0
"""Seconds between two looks at an object that is shown."""


class _ObjectScreen(ReaderScreen, ShowsCluster):
    """An object by `cluster/view/key`."""

    crumb_word: ClassVar[str] = ""

    def begin(self) -> None:
        """Ask for it, then again and again."""
        super().begin()
        self._document: dict[str, Any] | None = None
        self._events: list[Mapping[str, Any]] = []
        self._error, self._deleted = "", False
        self._read_at: float | None = None
        self.enter_cluster()
        view, _, self.key = self.rest.partition("/")
        self.kind: Kind = BY_VIEW[view]
        self.set_interval(EVERY, self.read)

    def on_screen_resume(self, event: events.ScreenResume | None = None) -> None:
        """Ask for it at once: the first time, and when another screen showed meanwhile."""
        self.call_later(self.read)  # after the handler of the base, which notes that the screen is shown

    @property
    def crumb(self) -> str:
        """Its name."""
        name = self.rest.rpartition("/")[2]
        return f"{name} {self.crumb_word}".strip()

    def count(self) -> str:
        """Return how old it is."""
        if self._read_at is None:
            return "not read yet"
        return super().count() if not self._error else f"stale {age(self.now - self._read_at)}"

    @work(exclusive=True, group="workload:read", exit_on_error=False)
    async def read(self) -> None:
        """Ask the API for the object."""
        opened = self._opened
        if opened is None or not self._shown:
            return
        try:
            api = await opened.opened()
            self._document = document_of(await api.request("GET", self.kind.path_of(self.key)))
            self._events = await self._events_of(api)
            self._error, self._deleted, self._read_at = "", False, self.now
        except NotFound:
            self._error, self._deleted = f"This {self.kind.single} does not exist any more.", True
        except EdgewrightError as error:
            self._error = sentence(error)
        if self.is_there:
            self.select()
            self.show_frame()

    async def _events_of(self, api: Any) -> list[Mapping[str, Any]]:
        return []

    def lines(self, document: dict[str, Any], width: int) -> list[Line]:
        """Return the object."""
        raise NotImplementedError

    def text_lines(self, width: int) -> list[Line]:
        """Return the object, and above it what is wrong."""
        if self._deleted and self._opened is not None and not self._opened.error:
            trouble = wrap(self._error, width, "○ ", "  ", role="warn")
        else:
            trouble = trouble_lines(self._opened, self._error, None, self.now, width)
        if self._document is None:
            return trouble or [line(("► ", "work"), "Reading ...")]
        try:
            return [*trouble, *self.lines(self._document, width)]
        except RecursionError:
            return [*trouble, line(("▲ ", "bad"), f"This {self.kind.single} is nested too deeply to show it here.")]


class WorkloadYamlScreen(_ObjectScreen):
    """The object as the API has it; secrets are masked, and who manages which field is left out."""

    view = "workload-yaml"
    crumb_word = "yaml"

    def lines(self, document: dict[str, Any], width: int) -> list[Line]:
        """Return it in YAML."""
        meta = {name: value for name, value in part(document, "metadata").items() if name != "managedFields"}
        return [yaml_line(text) for text in yaml_lines(masked({**document, "metadata": meta}))]


class DescribeScreen(_ObjectScreen):
    """What is important of an object: its row in full, conditions, containers, events."""

    view = "workload"

    async def _events_of(self, api: Any) -> list[Mapping[str, Any]]:
        meta = part(self._document or {}, "metadata")
        selector = quote(f"involvedObject.name={meta.get('name')},involvedObject.kind={self._kind_name()}")
        namespace = str(meta.get("namespace") or "")
        data = await api.request("GET", f"{EVENTS.path(namespace)}?fieldSelector={selector}&limit=100")
        return parts(document_of(data), "items")

    def _kind_name(self) -> str:
        return str((self._document or {}).get("kind") or self.kind.single.capitalize())

    def lines(self, document: dict[str, Any], width: int) -> list[Line]:
        """Return it in sections."""
        headline, facts = facts_of(self.kind, document, self.now)
        sections = tuple(Section(title, pairs) for title, pairs in facts)
        out = detail_lines(Detail("", {}, headline, sections), min(width, 110))
        for title, texts in described(self.kind, document, self._events, self.now):
            out += [Line(), heading(title, width)]
            for role, text in texts:
                out += wrap(text, width, "  ", "      ", role=role)  # type: ignore[arg-type]
        return out
