"""Settings of the C library's allocator, so that memory used by a flood of connections goes back to the system."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
from pathlib import Path

_M_MMAP_THRESHOLD, _M_MMAP_MAX = -3, -4
_LARGE = 131_072
"""Bytes from which a block is a mapping of its own; the TLS buffer of each connection is larger (256 KiB)."""
_MAPPINGS = 16_384
"""Such blocks at most, far below the kernel's limit of 65,530 mappings; further ones come from the heap."""

LOOK = 5.0
"""Seconds between two looks at the memory of this process."""
_LONGEST = 320.0
_GROWTH, _LEAST_GROWTH = 1.1, 4_194_304
"""Growth of the resident memory from which free pages are looked for: by this factor and these bytes. A look stops the
process for some 0.2 s when 350 of 700 MB are free in small blocks, so it must be worth it."""


def return_large_blocks() -> None:
    """Give large blocks back to the system when they are freed (glibc; other C libraries are left alone).

    glibc raises the threshold when the first large block is freed, and from then on takes such blocks from its heap,
    where small blocks between them occupy the pages: 300 closed connections left 40 MB behind.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_M_MMAP_MAX, _MAPPINGS)


async def return_free_pages() -> None:
    """Give free pages between used ones back to the system whenever the process has grown; runs until cancelled.

    The blocks of one connection lie between those of others, so a flood leaves a heap that is large and mostly free.
    A process that has grown for good (a larger fleet) is looked at less and less, and then taken as it is.
    """
    usual, pause = _resident(), LOOK
    while True:
        await asyncio.sleep(pause)
        enough = usual * _GROWTH + _LEAST_GROWTH
        if _resident() > enough:
            await asyncio.to_thread(_trim)
        now = _resident()
        if now <= enough:
            usual, pause = min(usual, now), LOOK
        elif pause < _LONGEST:
            pause *= 2
        else:
            usual, pause = now, LOOK


def _resident() -> int:
    """Return the resident memory in bytes; 0 where the system does not report it."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _trim() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
