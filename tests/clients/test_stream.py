"""The change stream: parsed by the rules, whatever way its bytes are cut."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.clients.http.stream import ServerEvent, _lines, change_of, server_events
from edgewright.clients.palette.client import Change, PlaneClient
from edgewright.core.errors import EdgewrightError, Refused, TimedOut, Unreachable
from edgewright.wire import protocol

TEXT = (
    ': hello\n\nid: 7\nevent: host\ndata: {"seq":7,"op":"put","uid":"a","doc":{"metadata":{"uid":"a"}}}\n\n'
    'id: 8\r\nevent: host\r\ndata: {"seq":8,\r\ndata: "op":"delete","uid":"a","doc":null}\r\n\r\n'
    'event: newer\ndata: {"op":"put","uid":"x"}\n\nevent: host\ndata: {broken\n\n'
    'id: 9\nevent: resync\ndata: {"seq":9}\n\nid: 10\nevent: host\ndata: {"never": "finished"'
)


async def chunks(text: str, size: int) -> AsyncIterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, len(TEXT)))
async def test_any_cut_of_the_bytes_gives_the_same_changes(size: int) -> None:
    events = [event async for event in server_events(_lines(chunks(TEXT, size)))]
    changes = [change for event in events if (change := change_of(event)) is not None]
    assert changes == [
        Change(0, "ping"),
        Change(7, "host", "put", "a", {"metadata": {"uid": "a"}}),
        Change(8, "host", "delete", "a"),
        Change(9, "resync"),
    ]


def test_p63_a_resync_of_some_lists_names_their_kinds() -> None:
    change = change_of(ServerEvent("5", "resync", '{"seq":5,"op":"resync","uid":"","doc":{"kinds":["alert"]}}'))
    assert change == Change(5, "resync", doc={"kinds": ["alert"]})


def test_odd_events_are_no_changes() -> None:
    for data in ("", "[]", "3", '{"op":"put"}', '{"op":"put","uid":5}'):
        assert change_of(ServerEvent("1", "host", data)) is None


async def test_a_stream_that_ends_is_a_lost_connection() -> None:
    def take(request: httpx.Request) -> httpx.Response:
        assert request.url.params["since"] == "6"
        return httpx.Response(200, text=TEXT)

    seen = []
    async with PlaneClient("https://plane.test", http=httpx.MockTransport(take)) as client:
        with pytest.raises(Unreachable) as broke:
            async for change in client.changes.changes(6):
                seen.append(change.kind)
    assert broke.value.message == "The plane's stream broke." and not broke.value.hint
    assert seen == ["open", "ping", "host", "host", "resync"]


async def test_a_refused_stream_says_why() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(401, json={"code": "UnAuthorizedAccess", "message": "no"}))
    async with PlaneClient("https://plane.test", http=transport) as client:
        with pytest.raises(Refused):
            async for _ in client.changes.changes():
                pass


class _Breaking(httpx.AsyncByteStream):
    """A body that says hello and then fails."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b": hello\n\n"
        raise self._failure


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (httpx.ReadError("reset"), Unreachable, "The plane's stream broke."),
        (httpx.RemoteProtocolError("cut"), Unreachable, "The plane's stream broke."),
        (httpx.ReadTimeout("frozen"), TimedOut, "The plane has sent nothing for 35 s."),
    ],
)
async def test_a_broken_stream_puts_no_change_in_doubt(
    failure: Exception, kind: type[EdgewrightError], words: str
) -> None:
    limits = []

    def take(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, stream=_Breaking(failure))

    async with PlaneClient("https://plane.test", http=httpx.MockTransport(take)) as client:
        with pytest.raises(kind) as broke:
            async for _ in client.changes.changes():
                pass
    assert broke.value.message == words and not broke.value.hint
    assert limits == [2 * protocol.STREAM_PING + 5]


@pytest.mark.parametrize("number", ["\u00b2", "9" * 5000, "-1", ""])
def test_an_id_that_is_no_number_ends_no_stream(number: str) -> None:
    """`str.isdigit` calls a superscript a digit and `int` does not; neither takes thousands of them."""
    assert change_of(ServerEvent(number, "ping", "")) == Change(0, "ping")
