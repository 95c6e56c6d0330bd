"""A file that is continued within itself on a disk that is slow."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from edgewright.clients.ssh.bundle.entries import MB, file
from edgewright.clients.ssh.bundle.partial import FileRecord, Partial
from edgewright.core.errors import Unreachable
from edgewright.core.slow_files import Check, unchecked
from tests.clients.ssh.bundle.local_shell import LocalShell
from tests.clients.ssh.bundle.test_collect import collected, contents, new


async def test_a_slow_disk_stops_nobody_while_a_file_is_continued(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored is hashed in a thread; a run that ends meanwhile leaves the place where the next one continues."""
    data = b"".join(b"%032x line\n" % (n * 0x9E3779B97F4A7C15) for n in range(40_000))
    (place / "big.log").write_bytes(data)
    entries = (file("big.log", f"{place}/big.log", "a large log", 8 * MB),)
    partial = new(tmp_path / "partial")
    with pytest.raises(Unreachable):
        await collected(LocalShell(cuts=[300_000]), partial, entries)
    again, real = Partial.open(partial.folder), Partial.open_file
    point = again.state.current
    begun, stopped = threading.Event(), threading.Event()

    def slow(self: Partial, record: FileRecord, size: int = 0, check: Check = unchecked) -> tuple[int, Any]:
        try:
            while size:
                begun.set()
                check()
                time.sleep(0.001)
        except BaseException:
            stopped.set()
            raise
        return real(self, record, size, check)

    with monkeypatch.context() as patched:
        patched.setattr(Partial, "open_file", slow)
        task = asyncio.create_task(collected(LocalShell(), again, entries))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert stopped.is_set()
    later = Partial.open(partial.folder)
    assert point is not None and later.state.current == point
    await collected(LocalShell(), later, entries)
    assert contents(later)["big.log"] == data and not later.state.entries[0].read_again
