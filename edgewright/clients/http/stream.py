"""The hub's change stream: Server-Sent Events read line by line, and the changes in them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import msgspec

from edgewright.clients.http import errors
from edgewright.clients.http.addresses import UNAVAILABLE
from edgewright.clients.http.transport import Transport
from edgewright.core.text import integer
from edgewright.wire import protocol

MAX_LINE: Final = 16 * 1024 * 1024
"""Characters of one line; a longer one ends the stream."""
SILENCE: Final = 2 * protocol.STREAM_PING + 5
"""Seconds without a byte after which the stream is taken as dead: two of the hub's pings missing, and a slow link."""
OPEN: Final = "open"
"""Kind of the first change: the stream is there."""
PING: Final = "ping"
"""Kind of the change that means: nothing changed, the hub is there."""


class ServerEvent(msgspec.Struct, frozen=True):
    """One block of a stream; a comment is an event named `ping`."""

    id: str
    event: str
    data: str


class Change(msgspec.Struct, frozen=True):
    """One change of the plane.

    `kind`: host, token, event, audit, project, operation; `resync` (read everything again, then continue from `seq`;
    with `doc.kinds` read the lists of those kinds only);
    `open` and `ping` concern the stream itself. `op` is put or delete; `doc` is the entire document of a put.
    """

    seq: int
    kind: str
    op: str = ""
    uid: str = ""
    doc: dict[str, Any] | None = None


async def server_events(lines: AsyncIterator[str]) -> AsyncGenerator[ServerEvent, None]:
    """Parse lines without their ends into events, by the rules of the HTML standard."""
    event_id = event = ""
    data: list[str] = []
    async for line in lines:
        if not line:
            if data:
                yield ServerEvent(event_id, event or "message", "\n".join(data))
            event, data = "", []
            continue
        if line.startswith(":"):
            yield ServerEvent(event_id, PING, "")
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            event = value
        elif field == "id" and "\0" not in value:
            event_id = value


def change_of(reported: ServerEvent) -> Change | None:
    """Return the change in an event; `None` for one that cannot be read (a newer hub may send more)."""
    seq = integer(reported.id) or 0
    if reported.event == PING and not reported.data:
        return Change(seq, PING)
    try:
        body = msgspec.json.decode(reported.data)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    own = body.get("seq")
    seq = own if isinstance(own, int) else seq
    if reported.event == protocol.CHANGE_RESYNC:
        doc = body.get("doc")
        return Change(seq, protocol.CHANGE_RESYNC, doc=doc if isinstance(doc, dict) else None)
    op, uid, doc = body.get("op"), body.get("uid"), body.get("doc")
    if (
        reported.event not in (*protocol.CHANGE_KINDS, protocol.CHANGE_BEATS)
        or op not in ("put", "delete")
        or not isinstance(uid, str)
    ):
        return None
    return Change(seq, reported.event, op, uid, doc if isinstance(doc, dict) else None)


class Stream:
    """The change stream of a hub."""

    def __init__(self, transport: Transport) -> None:
        import httpx

        self._transport = transport
        self._httpx = httpx

    async def changes(self, since: int | None = None, beats: float | None = None) -> AsyncGenerator[Change, None]:
        """Yield changes as the hub makes them, for ever; `since` continues after that number.

        With `beats` heartbeats come as changes of kind `beats`, also those since that time by the hub's clock (epoch
        seconds, 0: from now on): `doc` is `{"now": seconds, "hosts": [[uid, seconds, count, vitals], ...]}`.

        The first one is of kind `open`. Raises `EdgewrightError` when the stream breaks, is refused, or is silent
        for `SILENCE`. Close the iterator (`aclosing`) to leave it.
        """
        params: dict[str, str | int] = {} if since is None else {"since": since}
        if beats is not None:
            params["beats"] = int(beats)
        what = "change stream"
        opened = False
        plane = self._transport
        await plane.addresses.look_up()
        used = plane.addresses.current
        try:
            async with plane.stream(protocol.CHANGES, params, "text/event-stream", SILENCE) as answer:
                if answer.status_code != 200:
                    if answer.status_code == UNAVAILABLE:
                        plane.addresses.failed(used)
                    body = await answer.aread()
                    reported = msgspec.json.decode(body) if body[:1] == b"{" else None
                    raise errors.from_answer(answer.status_code, reported, what, plane.peer, plane.credential.kind)
                opened = True
                yield Change(since or 0, OPEN)
                async with aclosing(server_events(_lines(answer.aiter_text()))) as events:
                    async for event in events:
                        change = change_of(event)
                        if change is not None:
                            yield change
        except self._httpx.ReadTimeout as error:
            plane.addresses.failed(used)
            raise errors.stream_silent(SILENCE) from error
        except (self._httpx.HTTPError, OSError, msgspec.DecodeError) as error:
            shown = errors.stream_broke() if opened else await plane.failure(error, what)
            plane.addresses.failed(used)
            raise shown from error
        plane.addresses.failed(used)  # a hub that stops ends its streams
        raise errors.stream_broke()


async def _lines(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
    """Cut text into lines at LF, CR LF; an endless line ends the stream."""
    rest = ""
    async for chunk in chunks:
        rest += chunk
        if "\n" not in chunk:
            if len(rest) > MAX_LINE:
                return
            continue
        lines = rest.split("\n")
        rest = lines.pop()
        for line in lines:
            yield line.removesuffix("\r")
