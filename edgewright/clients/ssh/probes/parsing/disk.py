"""File systems: space, inodes, what takes no writes, what uses the space."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from edgewright.clients.ssh.probes.parsing.lines import first, integer_of, number, percent, with_word
from edgewright.core.doctor.facts import Entry, FileSystem

Lines = Sequence[str]


def _rows(lines: Lines) -> list[tuple[str, int | None, int | None, int | None, str, str]]:
    """Return mount, size, free, percent, folder and device of lines of `df -P` with the folder behind them."""
    rows = []
    for line in lines:
        parts = line.split()
        if (
            len(parts) >= 7
            and parts[-1].startswith("/")
            and parts[-2].startswith("/")
            and parts[-3].endswith(("%", "-"))
        ):
            rows.append(
                (parts[-2], integer_of(parts[-6]), integer_of(parts[-4]), percent(parts[-3]), parts[-1], parts[0])
            )
    return rows


def file_systems(space: Lines, inodes: Lines, mounts: Lines, root: bool = True) -> dict[str, Any]:
    """Return file systems by mount, and folders that take no writes.

    A user other than `root` may write to few folders: only those on a read-only mount count then.
    """
    kinds: dict[str, tuple[str, str]] = {}
    for row in with_word(mounts, "mount"):
        parts = row.split()
        if len(parts) == 3:
            kinds[parts[0]] = (parts[1], parts[2])
    results: dict[str, FileSystem] = {}
    for mount, size, free, used, path, device in _rows(space):
        kind, option = kinds.get(mount, ("", ""))
        before = results.get(mount, FileSystem(mount, (), kind, size, free, used, None, _read_only(option), device))
        results[mount] = before._replace(paths=(*before.paths, path))
    for mount, _size, _free, used, path, _device in _rows(inodes):
        kind, option = kinds.get(mount, ("", ""))
        before = results.get(mount, FileSystem(mount, (path,), kind, None, None, None, None, _read_only(option)))
        results[mount] = before._replace(inodes_used=used)
    facts: dict[str, Any] = {"file_systems": tuple(results.values())}
    closed = (row.strip() for row in with_word(mounts, "no-writes"))
    facts["no_writes"] = tuple(path for path in closed if root or _option(kinds, path) == "ro")
    facts["writes"] = frozenset(row.strip() for row in with_word(mounts, "writes"))
    facts["without_discards"] = tuple(row.strip() for row in with_word(mounts, "no-discards"))
    facts["var_tmp_mode"], facts["tmp_mode"] = _mode(mounts, "var-tmp"), _mode(mounts, "tmp")
    rows = [row.split() for row in with_word(mounts, "fstab")]
    facts["fstab"] = tuple(
        Entry(row[0], row[1], row[2].startswith("mounted"), "nofail" not in row[2], row[3] == "rw")
        for row in rows
        if len(row) == 4
    )
    return facts


def _mode(mounts: Lines, name: str) -> str:
    mode = first(mounts, name).split()
    return mode[0] if mode and re.match(r"[d-][rwxsStT-]{9}", mode[0]) else ""


def reads(lines: Lines) -> dict[str, Any]:
    """Return the kernel's names of mounted disks, what could not be read, and errors that file systems counted."""
    disks = [row.split() for row in with_word(lines, "disk")]
    fails = (row.split(None, 1) for row in with_word(lines, "fails"))
    counted = [row.split() for row in with_word(lines, "counted")]
    return {
        "disks": {row[1]: row[0] for row in disks if len(row) == 3 and row[0] != "-"},
        "read_faults": tuple((row[0], row[1]) for row in fails if len(row) == 2),
        "counted_errors": tuple(
            (row[1], integer_of(row[2]) or 0, number(row[3]) if len(row) > 3 else None)
            for row in counted
            if len(row) >= 3 and integer_of(row[2])
        ),
    }


def _option(kinds: dict[str, tuple[str, str]], path: str) -> str:
    """Return `ro` or `rw` of the mount that a folder is on."""
    mounts = [mount for mount in kinds if path == mount or path.startswith(mount.rstrip("/") + "/")]
    return kinds[max(mounts, key=len)][1] if mounts else ""


def _read_only(option: str) -> bool | None:
    return option == "ro" if option in ("ro", "rw") else None


def usage(lines: Lines) -> dict[str, Any]:
    """Return folders of a nearly full disk, and what is large in some of them, largest first, with KB."""
    rows = [line.split(None, 1) for line in lines]
    sizes = [(row[1], integer_of(row[0])) for row in rows if len(row) == 2 and row[1].startswith("/")]
    return {"usage": tuple(sorted(((path, kb) for path, kb in sizes if kb), key=lambda row: -row[1]))}
