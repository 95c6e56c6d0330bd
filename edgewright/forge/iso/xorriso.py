"""xorriso as a filter: it reads the base, what it writes comes to us through a pipe, to be hashed and stored."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import subprocess
import threading
from collections.abc import Sequence
from functools import cache
from typing import IO

from edgewright.core.errors import EdgewrightError, Failed
from edgewright.core.text import clean
from edgewright.forge import programs
from edgewright.forge.iso.ending import Trimmer
from edgewright.forge.iso.partfile import CHUNK, PartFile
from edgewright.forge.progress import Job


@cache
def version() -> str:
    """Return e.g. `1.5.4`. Raises `NotFound` when it is not installed."""
    arguments = [programs.find("xorriso"), "-no_rc", "-version"]
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    first = (done.stdout or done.stderr).decode("utf-8", "replace").split("\n", 1)[0].split()
    return first[1] if len(first) > 1 else "unknown"


def run(text: Sequence[str], base: str, epoch: int, into: PartFile, job: Job) -> None:
    """Load `base`, do `text` (the commands of xorriso), and write the result into `into`.

    `epoch` (seconds since 1970) replaces every date that would be the present. A rewrite into a pipe begins at
    sector 0 and gives the same bytes each time. Raises `Failed` with xorriso's own words, `Cancelled`, `NotFound`.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # fewer switches between the two processes
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, CHUNK)
    # the names of files are no patterns; a startup file of the user would change the result
    begin = ["-no_rc", "-iso_rr_pattern", "off", "-disk_pattern", "off", "-indev", f"stdio:{base}"]
    command = [programs.find("xorriso"), *begin, "-outdev", f"stdio:/dev/fd/{writing}", *text]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "SOURCE_DATE_EPOCH": str(epoch)},
            pass_fds=(writing,),
            start_new_session=True,
        )
    except OSError as error:
        os.close(reading)
        raise Failed(f"xorriso cannot be started: {error.strerror}.", "Check its installation.") from None
    finally:
        os.close(writing)
    assert process.stdout is not None
    lines: list[str] = []
    listener = threading.Thread(target=_listen, args=(process.stdout, lines), daemon=True)
    listener.start()
    try:
        _copy(reading, into, job)
    except BaseException:
        programs.stop(process)
        raise
    finally:
        os.close(reading)
        process.wait()
        listener.join()
        process.stdout.close()
    if process.returncode:
        raise _failure(process.returncode, lines)


def _copy(reading: int, into: PartFile, job: Job) -> None:
    stored: list[bytes] = []
    length = 0
    trimmer = Trimmer()
    while True:
        job.check()
        if not select.select([reading], [], [], 0.5)[0]:
            continue
        data = os.read(reading, CHUNK)
        stored.append(data)
        length += len(data)
        if length >= CHUNK or not data:  # a pipe gives small pieces; larger ones are cheaper to hash and to write
            into.write(trimmer.feed(b"".join(stored)))
            stored, length = [], 0
            job.at(into.written, max(into.total, into.written))
        if not data:
            return


def _listen(stream: IO[bytes], lines: list[str]) -> None:
    for line in stream:
        text = clean(line.decode("utf-8", "replace").strip(), 300)
        if text:
            lines.append(text)
            del lines[: -programs.LAST_LINES]


def _failure(code: int, lines: Sequence[str]) -> EdgewrightError:
    messages = [line for line in lines if any(word in line for word in ("FAILURE", "FATAL", "SORRY", "ABORT"))]
    reasons = [line.split(": ", 2)[-1] for line in messages if "aborting" not in line]
    reason = reasons[0].rstrip(".") if reasons else f"it ended with code {code}"
    return Failed(f"xorriso could not rewrite the base: {reason}.", "Nothing was left behind.", "RewriteFailed")
