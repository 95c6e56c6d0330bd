"""One file of a bundle as it arrives: unpacked, without secrets, written, and with all that is needed to continue."""

from __future__ import annotations

import os
import zlib
from typing import Any

import msgspec

from edgewright.clients.ssh.bundle.entries import Entry
from edgewright.clients.ssh.bundle.partial import Checkpoint, FileRecord, Partial, not_written
from edgewright.clients.ssh.bundle.user_data import without_secrets
from edgewright.core.redaction.rules import count
from edgewright.core.redaction.stream import MAX_LINE, Redactor
from edgewright.core.slow_files import Check, in_thread

PIECE = 65_536
"""Bytes of unpacked data that are looked at together."""


class Receiving:
    """`take` the data of a frame in order, then `finish`. `raw` bytes of the entry were unpacked so far."""

    def __init__(self, partial: Partial, entry: Entry, name: str, base: int, packed: bool) -> None:
        self._partial, self.entry, self.base = partial, entry, base
        self.record = partial.next_file(name)
        self._redactor = Redactor()
        self.raw = 0
        self._crc, self._crc_of = 0, 0
        self._tail: bytes | None = b""
        self._unpack = zlib.decompressobj(31) if packed else None
        self.damaged = False
        # Where the end of a file is read, its first line is half a line, and half a secret does not look like one.
        self._skip_line = base > 0
        self._document: bytearray | None = bytearray() if entry.document else None
        self._digest: Any
        try:
            self._descriptor, self._digest = partial.open_file(self.record)
        except OSError as error:
            raise not_written(partial.path(self.record), error) from None

    async def continue_from(self, point: Checkpoint) -> None:
        """Go to a checkpoint; what is stored is hashed again in a thread.

        Raises `KeyError`, `TypeError`, `ValueError` where what is stored does not fit to it, and `OSError`.
        """
        self.abandon()
        self._partial.path(self.record).unlink()
        self.record = point.file
        self._redactor.restore(point.filter)

        def reopen(check: Check) -> None:
            self._descriptor, self._digest = self._partial.open_file(self.record, self.record.bytes, check)

        try:
            await in_thread(reopen)
        except BaseException:
            self.abandon()
            raise
        self.raw, self._skip_line = point.at, False
        self._crc, self._crc_of = int.from_bytes(bytes.fromhex(point.check)[:4], "little"), point.at

    def take(self, data: bytes) -> int:
        """Unpack and write; return the bytes that were unpacked. What is beyond the limit of the entry is dropped."""
        before = self.raw
        if self._unpack is None:
            self._plain(data)
        else:
            while data and self.raw < self.entry.size and not self._unpack.eof and not self.damaged:
                try:
                    plain = self._unpack.decompress(data, PIECE)
                except zlib.error:
                    self.damaged = True
                    break
                data = self._unpack.unconsumed_tail
                self._plain(plain)
        return self.raw - before

    def _plain(self, data: bytes) -> None:
        data = data[: max(0, self.entry.size - self.raw)]
        if not data:
            return
        self.raw += len(data)
        arrived = data
        if self._skip_line:
            end = data.find(b"\n")
            self._skip_line, data = end < 0, data[end + 1 :] if end >= 0 else b""
        if self._document is not None:
            self._document += data
            return
        self._write(self._redactor.feed(data))
        self._check(arrived)

    def _check(self, data: bytes) -> None:
        """Advance the check to where it could continue: the begin of what the filter has not given out yet."""
        if self._tail is None:
            return
        self._tail += data
        ready = len(self._tail) - self._redactor.pending
        if ready > 0:
            self._crc = zlib.crc32(self._tail[:ready], self._crc)
            self._crc_of, self._tail = self._crc_of + ready, self._tail[ready:]
        elif len(self._tail) > 2 * MAX_LINE:
            self._tail = None  # within a line that is left out; such a file begins again

    def _write(self, text: bytes) -> None:
        try:
            view = memoryview(text)
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            self._tail = None  # the filter is ahead of the file: no point to continue at
            raise not_written(self._partial.path(self.record), error) from None
        self._digest.update(text)
        self.record.bytes += len(text)

    def point(self) -> Checkpoint | None:
        """Return where it continues after an interruption, None where it begins again."""
        if self.entry.kind not in ("file", "journal") or self._document is not None or self._skip_line:
            return None
        if self._tail is None or self.damaged:
            return None
        check = (self._crc.to_bytes(4, "little") + (self._crc_of & 0xFFFFFFFF).to_bytes(4, "little")).hex()
        record = msgspec.structs.replace(self.record, left_out=dict(self._redactor.counts))
        return Checkpoint(self.entry.name, record, self.base, self._crc_of, check, self._redactor.state())

    def finish(self, status: str, *, ended: bool = True) -> FileRecord:
        """Close the file and return its record. `ended` is false where the data stopped before its end."""
        if self._unpack is not None and not self._unpack.eof:
            ended = False
        full = self.raw >= self.entry.size
        cut = full or not ended or status in ("cut", "hung")
        if self._document is not None:
            text, counts = without_secrets(bytes(self._document), cut)
            self._write(text)
            for rule, number in counts.items():
                count(self._redactor.counts, rule, number)
        else:
            self._write(self._redactor.finish(cut=cut))
        self.abandon()
        record = self.record
        record.sha256, record.cut = self._digest.hexdigest(), cut or self.base > 0
        record.left_out, record.status = dict(self._redactor.counts), status
        return record

    def abandon(self) -> None:
        """Close the file; what is in it stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
