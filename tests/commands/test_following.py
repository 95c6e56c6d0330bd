"""`event list --follow`: what is given, in order, over breaks of the stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple, cast

import pytest

from edgewright.clients.http.stream import OPEN
from edgewright.clients.ports import NOT_AVAILABLE, CanFollow, Connection
from edgewright.commands.event import actions as feed
from edgewright.commands.kernel.context import CommandContext
from edgewright.config.settings import Settings
from edgewright.core.errors import Refused, Unreachable


class _Page(NamedTuple):
    items: list[dict[str, Any]]


class _Change(NamedTuple):
    kind: str
    doc: dict[str, Any] | None = None


class _Features(NamedTuple):
    stream: str
    beats: float = 1.0


def event(number: int) -> dict[str, Any]:
    return {
        "metadata": {"uid": f"e{number}", "creationTimestamp": f"2026-11-28T10:{number:02}:00.000Z"},
        "involvedObject": {"kind": "edgehost", "uid": "edge-1", "name": "edge-1"},
        "reason": "Healthy",
        "message": f"event {number}",
        "severity": "Info",
    }


class _Plane:
    """A plane with 30 events, whose streams are scripts."""

    def __init__(self, stream: str, *scripts: list[Any]) -> None:
        self.stored = [event(number) for number in range(30)]
        self.stream, self.scripts = stream, list(scripts)

    async def port(self, wanted: type) -> Any:
        if wanted is CanFollow and not self.stream:
            raise Refused("The change stream is not available over this connection.", "", NOT_AVAILABLE)
        return self

    async def features(self) -> _Features:
        return _Features(self.stream)

    async def page(self, uid: str | None, limit: int) -> _Page:
        if not self.stream and len(self.stored) > 31:
            raise Refused("That is the end of the test.", "")
        return _Page(list(reversed(self.stored))[:limit])

    async def changes(self, beats: float | None) -> AsyncIterator[_Change]:
        for step in self.scripts.pop(0):
            if isinstance(step, Exception):
                raise step
            if step.kind == "event":
                self.stored.append(step.doc)
            yield step


async def follow(plane: _Plane, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[str], str]:
    monkeypatch.setattr(feed, "_RETRY", 0.0)
    monkeypatch.setattr(feed, "_POLL", 0.0)
    given: list[str] = []
    reports: list[str] = []
    ctx = CommandContext(Settings(), client=cast("Connection", plane))
    try:
        async for item in feed._follow(ctx, None, reports.append):
            given.append(item.name)
            if not plane.stream:
                plane.stored.append(event(len(plane.stored)))
    except (Refused, Unreachable) as error:
        return given, reports, error.message
    raise AssertionError("it ended")


async def test_following_goes_on_after_a_break_and_gives_each_event_once(monkeypatch: pytest.MonkeyPatch) -> None:
    broke, end = Unreachable("The plane's stream broke.", ""), Refused("The key was revoked.", "")
    plane = _Plane(
        "/changes",
        [_Change(OPEN), _Change("event", event(30)), _Change("event", event(30)), broke],
        [Unreachable("Nobody answers.", "")],
        [_Change(OPEN), _Change("resync"), _Change("event", event(31)), end],
    )
    given, reports, last = await follow(plane, monkeypatch)
    assert given == [f"e{number}" for number in range(20, 32)], "no event twice, none from before the first ten"
    assert reports == ["The plane's stream broke. Trying again.", "Nobody answers. Trying again."]
    assert last == "The key was revoked."


async def test_following_a_palette_gives_no_old_events_later(monkeypatch: pytest.MonkeyPatch) -> None:
    given, _, _ = await follow(_Plane(""), monkeypatch)
    assert given[:10] == [f"e{number}" for number in range(20, 30)] and "e19" not in given


async def test_a_plane_that_cannot_be_reached_at_first_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    plane = _Plane("/changes", [Unreachable("Nobody answers.", "")])
    assert await follow(plane, monkeypatch) == ([], [], "Nobody answers.")
