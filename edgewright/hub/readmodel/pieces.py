"""What readers of the change stream are sent, encoded once for all of them (rules P33 and P35).

Readers that are at the same place and may see the same share one piece of bytes; those that may see less share the
bytes of each change. Both are made again after a second, since a document shows ages and judgements of its moment.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

import msgspec

from edgewright.core.roles import Scope
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.readmodel.ring import Change, Ring
from edgewright.wire import protocol

CHUNK = 200
"""Changes that a reader gets at once."""
PIECE = 256 * 1024
"""Bytes that are sent at once, before others get their turn."""
SHARED_FOR = 1.0
"""Seconds for which encoded documents are shared."""
MOST_PIECES = 32
MOST_BYTES = 8 * 1024 * 1024
"""Bytes of encoded changes that are shared."""
_OF_NO_PROJECT = frozenset({"event", "handling"})
"""Kinds that name hosts or sites of any project when they belong to none."""

Render = Callable[[str, str], dict[str, Any] | None]


class Piece(NamedTuple):
    """What a reader is sent next: `number` and `seq` are those of the last change that was looked at."""

    number: int
    seq: int
    data: bytes
    at: float


class Pieces:
    """Encodes changes. Used on the event loop only."""

    def __init__(self, ring: Ring, render: Render, tenant_kinds: frozenset[str]) -> None:
        self._ring = ring
        self._render = render
        self._tenant_kinds = tenant_kinds
        self._pieces: OrderedDict[tuple[int, Scope, bool], Piece] = OrderedDict()
        self._encoded: OrderedDict[int, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0

    def shared(self, number: int, scope: Scope, with_beats: bool) -> Piece | None:
        """Return what another reader at that position got a moment ago."""
        piece = self._pieces.get((number, scope, with_beats))
        return piece if piece is not None and monotonic() - piece.at < SHARED_FOR else None

    def make(self, number: int, scope: Scope, with_beats: bool, pace: Pace) -> Piece:
        """Encode the changes after a position, as many as fit into a slice of work and a piece."""
        chunk = self._ring.after(number, CHUNK)
        newest = {(change.kind, change.uid): change.number for change in chunk if not (with_beats and change.alive)}
        data, last = bytearray(), chunk[0]
        for change in chunk:
            last = change
            # A newer change of the same thing that follows in this chunk makes this one needless.
            if newest.get((change.kind, change.uid)) == change.number and self.in_scope(
                change.kind, change.project_uid, scope
            ):
                data += self._encode(change)
            if pace.due or len(data) >= PIECE:
                break
        piece = Piece(last.number, last.seq, bytes(data), monotonic())
        self._pieces[number, scope, with_beats] = piece
        if len(self._pieces) > MOST_PIECES:
            self._pieces.popitem(last=False)
        return piece

    def in_scope(self, kind: str, project_uid: str, scope: Scope) -> bool:
        """Return whether a reader of a scope gets a change (rule P35)."""
        if scope.covers(project_uid):
            return True
        hidden = kind in self._tenant_kinds or (scope.member and kind in _OF_NO_PROJECT)
        return not project_uid and not hidden

    def _encode(self, change: Change) -> bytes:
        """Return a change as readers get it; empty for a thing that was deleted meanwhile: its own change follows."""
        known, now = self._encoded.get(change.number), monotonic()
        if known is not None and now - known[0] < SHARED_FOR:
            return known[1]
        data = self.event(change.kind, change.seq, change.op, change.uid, change.doc)
        if known is not None:
            self._bytes -= len(known[1])
        self._encoded[change.number] = now, data
        self._bytes += len(data)
        while self._bytes > MOST_BYTES:
            _, (_, dropped) = self._encoded.popitem(last=False)
            self._bytes -= len(dropped)
        return data

    def event(self, kind: str, seq: int, op: str, uid: str, doc: bytes | None) -> bytes:
        """Return one event; its document is rendered unless it is given."""
        document: Any = None if doc is None else msgspec.Raw(doc)
        if op == protocol.CHANGE_PUT and doc is None:
            document = self._render(kind, uid)
            if document is None:
                return b""
        return encode(kind, seq, {"seq": seq, "op": op, "uid": uid, "doc": document})


def encode(kind: str, seq: int, data: dict[str, Any]) -> bytes:
    """Return one server-sent event."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, kind.encode(), msgspec.json.encode(data))
