"""Logs of pods, followed over several at once: merged by time, each line with its pod, bounded in memory.

Each container is a stream of its own. What arrives is taken into the view a few times a second; while more arrives
than the view stores, the oldest lines are left out and a line marks where. The log of containers before their last
restart is read once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from edgewright.commands.kube.opened import Rows
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, InvalidInput, TimedOut
from edgewright.core.text import amount, clean
from edgewright.store.workloads.kinds import PODS
from edgewright.store.workloads.pods import PodRow
from tui.frame.pager.log_buffer import GAP, LINE_LENGTH, MAX_LINES, moment_of
from tui.frame.pager.log_pager import LogReaderScreen
from tui.screens.workloads.following import ShowsCluster, trouble_lines
from tui.screens.workloads.narrow import FORMER, narrow_of
from tui.widgets.lines import Line, Role

MOST_PODS = 20
"""Pods that are followed at a time: each container is a connection of its own."""
TAIL, TAIL_OF_MANY = 500, 100
"""Lines of a container that are shown at first: of one pod, of several."""
EVERY = 0.3
"""Seconds between two times that lines are taken into the view."""
AGAIN = 3.0
"""Seconds before a log that ended is asked for again."""
SILENT = 600.0
"""Seconds without a line after which a log is asked for again: a connection may have ended unseen."""

_NONE_FORMER = "it did not restart, so there is no former log"


class Source(NamedTuple):
    """One container whose log is followed."""

    key: str
    """`namespace/name` of the pod."""
    container: str
    prefix: str


class PodLogsScreen(LogReaderScreen, ShowsCluster):
    """Follows pods by `cluster/pods=KEY,KEY` or by what narrows the list of pods (`cluster/label=...`).

    With `former&` before that it shows the logs of their containers before the last restart.
    """

    view = "workload-logs"

    def begin(self) -> None:
        """Follow all of them."""
        super().begin()
        self.former = self.rest.startswith(FORMER)
        self.following = not self.former
        self._pending: list[tuple[float, str]] = []
        self._left_out = 0
        self._tasks: dict[Source, asyncio.Task[None]] = {}
        self._states: dict[Source, str] = {}
        self._newest: dict[Source, str] = {}
        self._not_shown = 0
        opened = self.enter_cluster()
        self._pods: Rows | None = opened.follow(PODS, self._pods_changed) if opened is not None else None
        self.set_interval(EVERY, self._take)
        self.set_interval(1.0, self._follow_pods)
        self._follow_pods()

    def on_unmount(self) -> None:
        """End all streams."""
        self._stop()
        if self._opened is not None:
            self._opened.unfollow(PODS, self._pods_changed)

    def _pods_changed(self, keys: set[str] | None) -> None:
        pass  # they are looked at once a second

    @property
    def crumb(self) -> str:
        """Name what is followed."""
        narrow, word = narrow_of(self._query), "former log" if self.former else "log"
        named = self._named()
        if narrow.of:
            return f"{word} of {narrow.of}"
        return (
            f"{word} of {named[0].partition('/')[2]}" if len(named) == 1 else f"{word} of {amount(len(named), 'pod')}"
        )

    @property
    def _query(self) -> str:
        return self.rest.removeprefix(FORMER)

    def _named(self) -> list[str]:
        query = self._query
        return query.removeprefix("pods=").split(",") if query.startswith("pods=") else []

    def _wanted_pods(self) -> list[PodRow]:
        """Return the pods to follow, by name; those that are too many are counted."""
        rows: Mapping[str, Any] = self._pods.rows if self._pods is not None else {}
        if named := self._named():
            matches = [rows[key] for key in named if key in rows]
        else:
            lets = narrow_of(self._query).lets()
            matches = [row for _, row in sorted(rows.items()) if lets is None or lets(row)]
        matches = [row for row in matches if row.status != "Pending"]
        self._not_shown = max(len(matches) - MOST_PODS, 0)
        return matches[:MOST_PODS]

    def _follow_pods(self) -> None:
        """Begin with the containers of pods that are not followed yet."""
        if not (self.following or self.former) or self._pods is None or not self._pods.complete:
            return
        pods = self._wanted_pods()
        several, containers = len(pods) > 1, any(len(pod.names) > 1 for pod in pods)
        for pod in pods:
            for container in pod.names:
                parts = [pod.name if several else "", container if containers else ""]
                source = Source(pod.uid, container, "/".join(part for part in parts if part))
                if all((each.key, each.container) != source[:2] for each in self._tasks):
                    self._tasks[source] = asyncio.create_task(self._read(source, several))

    async def _read(self, source: Source, several: bool) -> None:
        """Follow one container until the screen is left; a log that ended is asked for again while its pod exists."""
        while True:
            try:
                await self._read_once(source, TAIL_OF_MANY if several else TAIL)
                self._states[source] = "ended"
                if self.former:
                    return
            except InvalidInput as error:  # what the API answers for a container that never ended
                never = self.former and "previous terminated container" in error.message.lower()
                self._states[source] = _NONE_FORMER if never else error.message
                if self.former:
                    return
            except TimedOut:
                continue  # silent for long: asked again from the newest line on
            except EdgewrightError as error:
                self._states[source] = error.message
            await asyncio.sleep(AGAIN)
            if self._pods is None or source.key not in self._pods.rows:
                self._states.pop(source, None)
                self._add(source, times.rfc3339(self.now), "(the pod does not exist any more)")
                return

    async def _read_once(self, source: Source, tail: int) -> None:
        assert self._opened is not None
        api = await self._opened.opened()
        query: dict[str, Any] = {"container": source.container, "timestamps": "true"}
        query |= {"previous": "true"} if self.former else {"follow": "true"}
        newest = self._newest.get(source, "")
        query.update({"sinceTime": newest} if newest else {"tailLines": tail})
        lines = api.lines(f"{PODS.path_of(source.key)}/log?{urlencode(query, quote_via=quote)}", SILENT)
        try:
            async for data in lines:
                self._states.pop(source, None)
                stamp, _, text = data.decode("utf-8", "replace").partition(" ")
                if stamp and (not newest or stamp > newest):  # `sinceTime` counts seconds: the last lines come again
                    self._add(source, stamp, text)
        finally:
            await lines.aclose()

    def _add(self, source: Source, stamp: str, text: str) -> None:
        self._newest[source] = stamp
        if len(self._pending) >= MAX_LINES:
            self._left_out += 1
            return
        at = moment_of(f"{stamp} ")
        shown = clean(text, LINE_LENGTH)
        self._pending.append((at or self.now, f"{source.prefix} {shown}" if source.prefix else shown))

    def _take(self) -> None:
        """Take what arrived into the view, in the order of its time."""
        if not self.is_there or not self._pending:
            return
        pending, self._pending = sorted(self._pending, key=lambda item: item[0]), []
        if self._left_out:
            pending.append((pending[-1][0], GAP))
            self._left_out = 0
        self.log_lines.append([(text, at) for at, text in pending])
        if self._shown:
            self.select()
            self.show_frame()

    def working_hints(self) -> tuple[str, ...]:
        """Return what works here: there is nothing to follow in a log that has ended."""
        return tuple(entry for entry in super().working_hints() if not (self.former and entry == "log-follow=follow"))

    def action_follow(self) -> None:
        """Follow the logs, or stop; a container that ended prints nothing more."""
        if self.former:
            self.app.refuse("These containers have ended: there is nothing to follow. l shows those that run.")  # type: ignore[attr-defined]
            return
        super().action_follow()

    def _stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
        self._states.clear()

    def follow_changed(self) -> None:
        """End the streams, or begin again from the newest lines on."""
        if self.following:
            self._follow_pods()
        else:
            self._stop()

    def tick(self) -> None:
        """Show what the logs wait for."""
        if self._states or not self.log_lines.lines:
            self.select()

    def trouble(self, width: int) -> list[Line]:
        """Return why nothing is read; empty when something is."""
        pods = self._pods
        error, again = (pods.error, pods.retry_at) if pods is not None else ("", None)
        return trouble_lines(self._opened, error, again, self.now, width)

    def text_lines(self, width: int) -> list[Line]:
        """Return the lines, and why the API does not answer."""
        return [*super().text_lines(width), *self.trouble(width)]

    def status(self) -> list[tuple[str, Role]]:
        """Return what does not run, and how many pods are not followed."""
        out: list[tuple[str, Role]] = []
        waiting = {source: text for source, text in self._states.items() if text != "ended"}
        for source, text in list(waiting.items())[:3]:
            out.append((f"{source.key} {source.container}: {text}", "warn"))
        if len(waiting) > 3:
            out.append((f"{amount(len(waiting) - 3, 'other container')} without a log now.", "warn"))
        if self._not_shown:
            out.append((f"{amount(self._not_shown, 'pod')} more not followed: {MOST_PODS} at a time.", "muted"))
        if not self.log_lines.lines and not out and self._pods is not None:
            ready = self._pods.complete and not self._wanted_pods()
            out.append(("No pod of these runs.", "muted") if ready else ("Reading ...", "work"))
        return out
