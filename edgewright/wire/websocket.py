"""Frames of WebSocket (RFC 6455) for byte streams: no extension, no fragments that have to be joined.

The relay (rule P30) uses WebSocket as a pipe: a piece of a frame is passed on as it arrives, so nothing here stores a
message. Both ends are this project's own; what RFC 6455 asks of strangers (masks, sizes of control frames) is checked.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Iterator, List, NamedTuple

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MAX_TEXT = 4096
"""Bytes of a text message: what the relay itself reports."""
MAX_FRAME = 1 << 24
"""Bytes of one frame of data."""
VERSION = "13"
_CONTINUATION = 0
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SHORT, _LONG = 126, 127


class Broken(ValueError):
    """The other end violates RFC 6455."""


class Piece(NamedTuple):
    """A complete text or control message, or a piece of binary data as it arrived."""

    kind: int
    data: bytes


def new_key() -> str:
    """Return a fresh `Sec-WebSocket-Key`."""
    return base64.b64encode(os.urandom(16)).decode("ascii")


def is_key(key: str) -> bool:
    """Return whether a text is a `Sec-WebSocket-Key`: 16 bytes in base64."""
    return len(key) == 24 and key.isascii() and key.endswith("==")


def accept(key: str) -> str:
    """Return the `Sec-WebSocket-Accept` for a key (RFC 6455, 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode("ascii") + _MAGIC).digest()).decode("ascii")  # noqa: S324 - RFC 6455


def mask(data: bytes, key: bytes, at: int = 0) -> bytes:
    """Return data XOR the 4 bytes of a mask; `at` is how many bytes of the frame came before."""
    size = len(data)
    if not size:
        return b""
    turned = key[at % 4 :] + key[: at % 4]
    pad = (turned * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pad, "little")).to_bytes(size, "little")


def frame(kind: int, data: bytes, masked: bool) -> bytes:
    """Return one complete frame; what a client sends is masked (RFC 6455, 5.3)."""
    size, bit = len(data), 0x80 if masked else 0
    if size < _SHORT:
        head = bytes((0x80 | kind, bit | size))
    elif size < 1 << 16:
        head = bytes((0x80 | kind, bit | _SHORT)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | kind, bit | _LONG)) + size.to_bytes(8, "big")
    if not masked:
        return head + data
    key = os.urandom(4)
    return head + key + mask(data, key)


class Reader:
    """Takes bytes of one direction and gives pieces. `masked`: whether the sender is a client."""

    def __init__(self, masked: bool) -> None:
        self._masked = masked
        self._head = b""
        self._kind = 0
        """Kind of the message that is being received; 0 between messages."""
        self._frame_kind = 0
        self._left = self._at = 0
        self._key = b""
        self._collected: List[bytes] = []
        self._size = 0
        self._in_frame = False
        self._final = False

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield the pieces that more bytes complete. Raises `Broken`; nothing may be fed after that."""
        while data or (self._in_frame and not self._left):
            if not self._in_frame:
                data = self._take_head(data)
                if not self._in_frame:
                    return
            part, data = data[: self._left], data[self._left :]
            if self._masked:
                part = mask(part, self._key, self._at)
            self._left -= len(part)
            self._at += len(part)
            if self._frame_kind == BINARY:
                if part:
                    yield Piece(BINARY, part)
            else:
                self._size += len(part)
                if self._size > MAX_TEXT:
                    raise Broken("a message is too long")
                if part:  # fragments without bytes may follow each other without end
                    self._collected.append(part)
            if self._left:
                return
            self._in_frame = False
            if self._frame_kind != BINARY and (self._final or self._frame_kind >= CLOSE):
                complete, self._collected, self._size = b"".join(self._collected), [], 0
                yield Piece(self._frame_kind, complete)
            if self._final and self._frame_kind < CLOSE:
                self._kind = 0

    def _take_head(self, data: bytes) -> bytes:
        """Read the head of a frame as far as it is there; return the bytes after it."""
        head = self._head + data
        if len(head) < 2:
            self._head = head
            return b""
        if head[0] & 0x70 or bool(head[1] & 0x80) != self._masked:
            raise Broken("a frame has bits that were not agreed on")
        size, length = head[1] & 0x7F, 2
        length += 2 if size == _SHORT else 8 if size == _LONG else 0
        length += 4 if self._masked else 0
        if len(head) < length:
            self._head = head
            return b""
        self._head = b""
        if size == _SHORT:
            size = int.from_bytes(head[2:4], "big")
        elif size == _LONG:
            size = int.from_bytes(head[2:10], "big")
        self._key = head[length - 4 : length] if self._masked else b""
        self._begin(head[0] & 0x0F, bool(head[0] & 0x80), size)
        return head[length:]

    def _begin(self, kind: int, final: bool, size: int) -> None:
        if kind in (CLOSE, PING, PONG):
            if not final or size > 125 or self._collected:
                raise Broken("a control frame is not valid here")
        elif kind in (TEXT, BINARY):
            if self._kind:
                raise Broken("a message begins within another one")
            self._kind = kind
        elif kind != _CONTINUATION or not self._kind:
            raise Broken("a frame has an unknown kind")
        if size > MAX_FRAME:
            raise Broken("a frame is too long")
        self._frame_kind = self._kind if kind == _CONTINUATION else kind
        self._final, self._left, self._at, self._in_frame = final, size, 0, True
