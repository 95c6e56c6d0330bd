"""Replay: a recording as a line of time on which any moment can be reached. The model at t is what the live one was."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from edgewright.store.collections.feed import FEED, EventRow, event_row
from edgewright.store.engine.events import Event
from edgewright.store.engine.model import Model
from edgewright.store.engine.record import Item, Snapshot, read
from edgewright.store.engine.reducer import reduce

KEYFRAME_EVERY: Final = 500
"""Events between two models that are stored, so that going back does not begin at the beginning."""
KEYFRAMES: Final = 50
"""Models that are stored at the most; each is as large as the index of the fleet."""

_CALM = ("info", "normal")


class Replay:
    """A recording in memory. `position` counts the items that are in `model`; seeking goes both ways."""

    def __init__(self, items: list[Item]) -> None:
        if not items or not isinstance(items[0], Snapshot):
            raise ValueError("a replay begins with a snapshot")
        self._items = items
        self._times: list[float] = []
        latest = float("-inf")
        for item in items:  # clocks are set back now and then; the line of time never is
            latest = max(latest, item.at)
            self._times.append(latest)
        self._keyframes: dict[int, Model] = {}
        self._spacing = max(KEYFRAME_EVERY, len(items) // KEYFRAMES)
        self.position = 0
        self.model = Model()
        self.to(1)

    @classmethod
    def open(cls, path: Path) -> Replay:
        """Read a recording. Raises `NotFound` or `InvalidInput`."""
        return cls(read(path))

    @property
    def start(self) -> float:
        """Time of the first picture, epoch seconds."""
        return self._times[0]

    @property
    def end(self) -> float:
        """Time of the last event."""
        return self._times[-1]

    @property
    def now(self) -> float:
        """Time of the last item that is in the model."""
        return self._times[self.position - 1]

    def __len__(self) -> int:
        return len(self._items)

    def index(self, moment: float) -> int:
        """Return how many items had come by `moment`; at least the first picture."""
        return max(1, bisect_right(self._times, moment))

    def seek(self, moment: float) -> Model:
        """Go to a time; return the model as it was then."""
        return self.to(self.index(moment))

    def step(self, count: int = 1) -> Model:
        """Go `count` events on, or back when it is negative; return the model."""
        return self.to(self.position + count)

    def to(self, position: int) -> Model:
        """Go to a position, limited to the recording; return the model."""
        position = min(max(1, position), len(self._items))
        if position < self.position or position - self.position > self._spacing:
            self._restart(position)
        self._forward(position)
        return self.model

    def between(self, first: int, last: int) -> list[Item]:
        """Return the items after position `first` up to position `last`."""
        return self._items[first:last]

    def document(self, collection: str, uid: str) -> dict[str, Any] | None:
        """Return the document of a thing as it was last seen before the present position; `None` when it was not."""
        kind = f"{collection}.seen"
        for item in reversed(self._items[: self.position]):
            if isinstance(item, Snapshot):
                return None
            docs = item.payload.get("docs") if item.kind == kind else None
            for doc in docs if isinstance(docs, list) else ():
                meta = doc.get("metadata") if isinstance(doc, dict) else None
                if isinstance(meta, dict) and meta.get("uid") == uid:
                    return dict(doc)
        return None

    def troubles(self) -> tuple[float, ...]:
        """Return the times within the recording at which a warning or an error was reported, oldest first."""
        matches: set[float] = set()
        for item in self._items:
            if isinstance(item, Snapshot):
                rows: Iterable[EventRow | None] = item.model.rows(FEED).values()
            elif item.kind == FEED.seen and isinstance(docs := item.payload.get("docs"), list):
                rows = map(event_row, (doc for doc in docs if isinstance(doc, dict)))
            else:
                continue
            matches.update(row.at for row in rows if row is not None and not row.severity.startswith(_CALM))
        return tuple(sorted(at for at in matches if self.start <= at <= self.end))

    def _restart(self, position: int) -> None:
        """Begin at the nearest stored model or picture at or before `position`, if that is nearer than where we are."""
        best = max((stored for stored in self._keyframes if stored <= position), default=0)
        if best and (position < self.position or best > self.position):
            self.position, self.model = best, self._keyframes[best]
        elif position < self.position:
            self.position, self.model = 0, Model()

    def _forward(self, position: int) -> None:
        batch: list[Event] = []
        while self.position < position:
            item = self._items[self.position]
            if isinstance(item, Snapshot):
                batch = []
                self.model = item.model
            else:
                batch.append(item)
            self.position += 1
            if self.position % self._spacing == 0 or self.position == position:
                self.model, _ = reduce(self.model, batch)
                batch = []
                if self.position % self._spacing == 0:
                    self._keyframes[self.position] = self.model
        if batch:
            self.model, _ = reduce(self.model, batch)
