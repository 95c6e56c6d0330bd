"""Operation `disk-usage`: what fills a file system: its largest directories and files, as lines of text (rule P29).

It only counts sizes, never leaves the file system it was asked about, follows no link, and stops after `SECONDS`.
"""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.agent.facts.disks import Usage, mounts, real_usage
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.kernel.operations import Outcome
from edgewright.core.text import clean
from edgewright.wire import protocol

SECONDS = 20.0
"""Seconds that counting may take: heartbeats wait meanwhile."""
DEPTH = 5
"""Levels of directories below the mount point that are listed; deeper ones count for the one above."""
DIRECTORIES, FILES = 15, 10
_CLOCK_EVERY = 500
_OWN_SHARE = 0.4
"""Share of a directory that must not be in one of its subdirectories, else that one is listed in its place."""
_UNSEEN_SHARE = 0.1


class DiskUsage(NamedTuple):
    """What was counted: bytes by directory and by file, bytes in all, and whether all was counted in time."""

    directories: List[Tuple[int, str]]
    files: List[Tuple[int, str]]
    total: int
    complete: bool


def largest(top: str, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> DiskUsage:
    """Return the largest directories and files below `top`, largest first. Raises `OSError` when it cannot be read."""
    until, device = clock() + seconds, os.lstat(top).st_dev
    totals: Dict[str, int] = {}
    files: List[Tuple[int, str]] = []
    linked = set()
    stack: List[Tuple[str, Tuple[str, ...]]] = [(top, (top,))]
    seen, complete = 0, True
    while stack and complete:
        directory, counted = stack.pop()
        own = 0
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    seen += 1
                    if seen % _CLOCK_EVERY == 0 and clock() >= until:
                        complete = False
                        break
                    try:
                        status = entry.stat(follow_symlinks=False)
                        folder = entry.is_dir(follow_symlinks=False)
                    except OSError:
                        continue  # it no longer exists
                    if status.st_dev != device:
                        continue
                    if folder:
                        below = (*counted, entry.path) if len(counted) <= DEPTH else counted
                        stack.append((entry.path, below))
                    elif status.st_nlink > 1:
                        if status.st_ino in linked:
                            continue
                        linked.add(status.st_ino)
                    size = status.st_blocks * 512
                    own += size
                    if not folder:
                        files = _with(files, size, entry.path)
        except OSError:
            continue  # it cannot be read, or does not exist
        for place in counted:
            totals[place] = totals.get(place, 0) + own
    files.sort(reverse=True)
    return DiskUsage(_telling(totals, top)[:DIRECTORIES], files[:FILES], totals.get(top, 0), complete)


def _with(files: List[Tuple[int, str]], size: int, path: str) -> List[Tuple[int, str]]:
    """Return `files` with another one; cut now and then so that it stays short."""
    files.append((size, path))
    return sorted(files, reverse=True)[:FILES] if len(files) >= 50 * FILES else files


def _telling(totals: Dict[str, int], top: str) -> List[Tuple[int, str]]:
    """Return directories by size; one that is big for a single subdirectory alone gives way to that one."""
    biggest: Dict[str, int] = {}
    for path, size in totals.items():
        if path != top:
            parent = os.path.dirname(path)
            biggest[parent] = max(biggest.get(parent, 0), size)
    shown = [
        (size, path)
        for path, size in totals.items()
        if path != top and size > 0 and size - biggest.get(path, 0) >= _OWN_SHARE * size
    ]
    return sorted(shown, key=lambda item: (-item[0], item[1]))


def report(mount: str, result: DiskUsage, usage: Optional[Tuple[int, int, int]], strip: str = "") -> List[str]:
    """Return the lines to print. `usage` is (total, used, free) bytes; `strip` is cut off the front of paths."""
    lines = []
    if usage is not None:
        total, used, _free = usage
        lines.append(f"{mount}  {used * 100 // max(total, 1)} % used, {size_text(used)} of {size_text(total)}")
        unseen = used - result.total
        if result.complete and unseen > _UNSEEN_SHARE * used:
            lines.append(
                f"{size_text(unseen)} of it are in no file that can be seen: deleted files that are still open, "
                "or files below another mount point."
            )
    if not result.complete:
        lines.append(f"Stopped after {SECONDS:.0f} s: the sizes are lower bounds.")
    for title, rows in (("LARGEST DIRECTORIES", result.directories), ("LARGEST FILES", result.files)):
        lines += ["", title, *(f"{size_text(size):>9}  {path[len(strip) :] or '/'}" for size, path in rows if size)]
    return lines


def size_text(size: int) -> str:
    """Return bytes in one decimal unit as `df -H` does: `22.1 GB`."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def usage_collector(
    root: Root, send: Callable[[Dict[str, Any]], bool], usage: Usage = real_usage
) -> Callable[[str, Mapping[str, Any]], Outcome]:
    """Return the handler of `disk-usage`; `send` posts the lines and returns whether the plane took them."""

    def collect(operation: str, params: Mapping[str, Any]) -> Outcome:
        mount = params.get("mount", "/")
        if mount not in {place for _source, place, _kind in mounts(root)} | {"/"}:
            return Outcome(protocol.OP_REFUSED, f"{clean(str(mount), 200)} is not a mount point of this host.")
        try:
            result = largest(root.path(mount))
        except OSError as error:
            return Outcome(protocol.OP_FAILED, f"{clean(mount, 200)} cannot be read: {error.strerror}.")
        lines = [clean(line, 1000) for line in report(mount, result, usage(root.path(mount)), root.top)]
        if not send({"operationId": operation, "offset": 0, "lines": lines, "last": True}):
            return Outcome(protocol.OP_FAILED, "The plane does not know this operation any more.")
        return Outcome(protocol.OP_SUCCEEDED, f"{len(result.directories)} directories listed.")

    return collect
