"""Reading a short text that a user names: a key, a password, a link."""

from __future__ import annotations

import codecs
import os
import select
import stat
import sys
from pathlib import Path

from edgewright.core.errors import Failed, InvalidInput, NotFound, UsageError
from edgewright.core.text import clean

SILENCE = 10.0
"""Seconds without data after which a pipe is given up: without a writer it would be waited for until the end."""
PATIENCE = 15.0
"""Seconds that an action waits for what a user names: a pipe that is silent has ended before."""
_PIECE = 65_536
MOST = 64 * 1024
"""Most characters of a file that a user names."""


def local_path(text: str | Path) -> Path:
    """Return a path that a user typed; `~NAME` of a user who does not exist stays as it is, as in a shell."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def read_small_file(path: str, most: int) -> str:
    """Return at most `most` characters of a file, or of stdin for `-`; ask for one more to notice a longer text.

    Raises `OSError` and `UnicodeDecodeError`, and `UsageError` for `-` where stdin is a terminal: the console reads its
    keys from there, and would wait for ever; also for a terminal that is named, and for a pipe into which nothing is
    written for `SILENCE` seconds. A path may be on a dead share: call it in a thread.
    """
    if path != "-":
        place = local_path(path)
        mode = place.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            return _read_stream(place, most)
        with place.open(encoding="utf-8") as file:
            return file.read(most)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("Nothing can be read from stdin: it is a terminal.", "Name a file, or use a pipe.")
    return sys.stdin.read(most)


def read_text_file(path: str, most: int = MOST) -> str:
    """Return the text of a file that a user named, of stdin for `-`. Blocking.

    Raises `NotFound`, `Failed` for what cannot be read, `InvalidInput` for more than `most` characters.
    """
    shown = clean(path, 200)
    try:
        text = read_small_file(path, most + 1)
    except FileNotFoundError:
        raise NotFound(f"There is no file {shown}.", "Check its path.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise Failed(f"{shown} cannot be read: {reason}.", "Check that it is a text file that you may read.") from None
    if len(text) > most:
        raise InvalidInput(f"{shown} is larger than {most // 1024} KiB.", "Check that it is the right file.")
    return text


def read_secret_line(path: str) -> str:
    """Return the one line of a file, e.g. a password. Raises what `read_text_file` raises, and `InvalidInput`."""
    text = read_text_file(path).strip()
    if not text or not text.isprintable():
        raise InvalidInput(f"{clean(path, 200)} should contain one line of text and nothing else.", "Check the file.")
    return text


def _read_stream(place: Path, most: int) -> str:
    """Return the text of a pipe or device, without waiting until its other end is opened."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if os.isatty(descriptor):
            raise UsageError(f"Nothing can be read from {place}: it is a terminal.", "Name a file, or use a pipe.")
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        pieces: list[str] = []
        length = 0
        while length < most:
            if not poll.poll(SILENCE * 1000):
                raise UsageError(
                    f"Nothing was written into the pipe {place} for {SILENCE:g} s.", "Name a file, or write into it."
                )
            data = os.read(descriptor, _PIECE)
            pieces.append(decoder.decode(data, final=not data))
            length += len(pieces[-1])
            if not data:
                break
    finally:
        os.close(descriptor)
    return "".join(pieces).replace("\r\n", "\n")[:most]
