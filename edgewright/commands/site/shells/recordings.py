"""Actions on recordings of shells: list them, print what they show, play them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.clients.ssh.target import short_name
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Column, Item, Listing, Text
from edgewright.commands.site.shells import verbs as declared
from edgewright.commands.site.shells.recorder import SUFFIX, folder, recordings
from edgewright.config.locations import shown
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound, UsageError
from edgewright.core.recording.asciicast import MAX_LINE, Header, read_event, read_header
from edgewright.core.recording.masking import open_end, plain_text, without_requests
from edgewright.core.small_file import local_path
from edgewright.core.text import clean

LONGEST_PAUSE = 2.0
"""Seconds that a pause takes at most when a recording is played."""
MOST_BYTES = 64 * 1024 * 1024
COLUMNS = (
    Column("NAME"), Column("BEGAN"), Column("HOST"), Column("SECONDS", right=True), Column("BYTES", right=True),
    Column("SIZE", wide=True),
)  # fmt: skip
AFTER = "\x1b[?1l\x1b>\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1049l\x1b[?25h\x1b[r\x1b[m\x1b(B\r\n"


class _Reading(Command):
    """A verb that reads files of this machine alone."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Name nothing: nothing is changed."""
        return Plan(self.title, (), (), (), self.cli_line((), args), payload=dict(args))


class SiteRecordingList(_Reading, declared.SiteRecordingList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return what each file contains about itself; one that is none is listed as that."""
        host = str(args.get("host") or "")
        items = await asyncio.to_thread(lambda: tuple(_items(host)))
        empty = f"There is no recording in {shown(folder())}."
        return Outcome((), (), "", Listing(COLUMNS, items, empty, f"They are in {shown(folder())}." if items else ""))


class SiteRecordingShow(_Reading, declared.SiteRecordingShow):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the text. Raises `NotFound`, `InvalidInput`."""
        path = file_of(str(args["recording"]))
        header, text = await asyncio.to_thread(_text, path)
        document = {"name": path.name, "target": header.target, "began": times.rfc3339(header.began), "text": text}
        return Outcome((), (), "", Text(text, document, path.name))


class SiteRecordingPlay(_Reading, declared.SiteRecordingPlay):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Write the output as it came. Raises `NotFound`, `InvalidInput`, `UsageError`."""
        path, speed = file_of(str(args["recording"])), _speed(str(args.get("speed") or "1"))
        if not sys.stdout.isatty():
            raise UsageError("A recording is played in a terminal.", "Print it: edgewright site recording show NAME")
        header, events = await asyncio.to_thread(lambda: _opened(path))
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        if columns < header.columns or rows < header.rows:
            report(f"It was recorded in {header.columns}x{header.rows}; this terminal has {columns}x{rows}.")
        try:
            await _play(events, speed)
        finally:
            sys.stdout.write(AFTER)
            sys.stdout.flush()
        return Outcome((), (), header.note)


def file_of(name: str) -> Path:
    """Return the file of a recording, by its name in the list (the begin of it is enough where one has it) or its path.

    Raises `NotFound`, `InvalidInput`.
    """
    path = local_path(name)
    if os.sep in name:
        if not path.is_file():
            raise NotFound(f"There is no file {clean(name)}.", "List them: edgewright site recording list")
        return path
    try:
        matches = [each for each in recordings() if name in (each.name, each.name.removesuffix(SUFFIX))]
        matches = matches or [each for each in recordings() if each.name.startswith(name)]
    except OSError as error:
        raise InvalidInput(f"{shown(folder())} cannot be read: {error.strerror}.", "") from None
    if not matches:
        raise NotFound(f"There is no recording {clean(name)}.", "List them: edgewright site recording list")
    if len(matches) > 1:
        raise InvalidInput(f"{len(matches)} recordings begin with {clean(name)}.", "Give more of the name.")
    return matches[0]


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.1 <= speed <= 100:
        raise InvalidInput(f"{clean(text, 20)} is not a speed.", "Take a number from 0.1 to 100.")
    return speed


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the complete lines of a file, bounded. Raises `InvalidInput` where it cannot be read."""
    try:
        with path.open("rb") as file:
            while (line := file.readline(MAX_LINE)) and file.tell() <= MOST_BYTES:
                yield line
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", "Check the file and its rights.") from None


def _opened(path: Path) -> tuple[Header, Iterator[tuple[float, str, str]]]:
    """Return the header and the events. Raises `InvalidInput` for a file that is not a recording."""
    lines = _lines(path)
    try:
        header = read_header(next(lines, b""))
    except ValueError:
        hint = "List them: edgewright site recording list"
        raise InvalidInput(f"{path} is not a recording (asciicast v2).", hint) from None

    def events() -> Iterator[tuple[float, str, str]]:
        for line in lines:
            with contextlib.suppress(ValueError):  # the last line of a disk that got full
                yield read_event(line)

    return header, events()


def _text(path: Path) -> tuple[Header, str]:
    header, events = _opened(path)
    output = "".join(text for _, kind, text in events if kind == "o")
    plain = plain_text(output.encode("utf-8", "replace")).decode("utf-8", "replace")
    return header, "\n".join(clean(line, MAX_LINE).rstrip() for line in plain.split("\n")).rstrip("\n") + "\n"


def _items(host: str) -> Iterator[Item]:
    for path in recordings():
        try:
            header, events = _opened(path)
            size = path.stat().st_size
        except (EdgewrightError, OSError):
            cells = (path.name, "-", "not a recording", "-", "-", "-")
            yield Item(path.name, cells, {"name": path.name, "error": "not a recording"})
            continue
        bare = short_name(header.target)
        if host and host not in (header.target, header.target.partition(":")[0], bare, bare.partition(":")[0]):
            continue
        seconds = _seconds(path, events)
        began = times.rfc3339(header.began)
        cells = (
            path.name.removesuffix(SUFFIX), began, clean(header.target, 80), f"{seconds:.0f}", str(size),
            f"{header.columns}x{header.rows}",
        )  # fmt: skip
        document = {
            "name": path.name, "path": str(path), "began": began, "target": header.target, "seconds": seconds,
            "bytes": size, "columns": header.columns, "rows": header.rows, "note": header.note,
        }  # fmt: skip
        yield Item(path.name, cells, document)


def _seconds(path: Path, events: Iterator[tuple[float, str, str]]) -> float:
    """Return the time of the last event: from the end of the file, since files are large."""
    first = next(events, None)
    if first is None:
        return 0.0
    last = first[0]
    with contextlib.suppress(OSError, ValueError), path.open("rb") as file:
        file.seek(max(path.stat().st_size - MAX_LINE, 0))
        for line in reversed(file.read(MAX_LINE).split(b"\n")):
            if line:
                last = read_event(line)[0]
                break
    return round(last, 3)


async def _play(events: Iterator[tuple[float, str, str]], speed: float) -> None:
    before, rest = 0.0, b""
    for seconds, kind, text in events:
        if kind != "o":
            continue
        await asyncio.sleep(min(max(seconds - before, 0.0), LONGEST_PAUSE) / speed)
        before = seconds
        data = rest + text.encode("utf-8", "replace")
        end = open_end(data)
        data, rest = data[:end], data[end:]
        sys.stdout.write(without_requests(data).decode("utf-8", "replace"))
        sys.stdout.flush()
