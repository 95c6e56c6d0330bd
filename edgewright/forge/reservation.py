"""One build for one output: a build reserves what it will write when it starts, so that a second one is refused then.

`STATE/reservations/` has a file for each reserved path with the process that works on it. One whose process ended
counts as free. The lock is taken while a reservation is looked at and written, and while a build that outlives this
process is started and given the reservation.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from edgewright.config import locations
from edgewright.core.errors import Conflict, Failed
from edgewright.forge.builds import process
from edgewright.forge.builds.record import read_json, root, write_json


@contextlib.contextmanager
def reserved(out: Path, build: str = "") -> Iterator[None]:
    """Reserve `out` for this process while the work lasts; `build` is the id of the build that it belongs to.

    Raises `Conflict` when another build writes it now.
    """
    with _locked():
        _check(out, build)
        _write(out, build, process.own())
    try:
        yield
    finally:
        _release(out)


@contextlib.contextmanager
def handing_over(out: Path) -> Iterator[list[str]]:
    """Reserve `out` for a build that is started inside: append its id to the list, and it has the reservation.

    Raises `Conflict` when another build writes it now.
    """
    with _locked():
        _check(out, "")
        started: list[str] = []
        yield started
        for build in started:
            _write(out, build, read_json(root() / build / "process.json"))


def _file(out: Path) -> Path:
    name = hashlib.sha256(str(out.absolute().resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return _folder() / f"{name}.json"


def _folder() -> Path:
    return locations.folder("state") / "reservations"


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    path = locations.ensure(_folder()) / "lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Failed(f"{path} cannot be opened: {error.strerror}.", "Check space and rights.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _check(out: Path, build: str) -> None:
    known = read_json(_file(out))
    pid = known.get("pid")
    if not isinstance(pid, int) or not process.alive(pid, str(known.get("started") or "")):
        return
    other = str(known.get("build") or "")
    if (build and other == build) or (pid == os.getpid() and other == build):
        return
    who = f"build {other}" if other else f"process {pid}"
    stop = f"edgewright build cancel {shlex.quote(other)}" if other else f"kill {pid}"
    raise Conflict(
        f"{out} is being written by {who}.",
        f"Wait until it has ended, stop it ({stop}), or give the output another name.",
        "OutputReserved",
    )


def _write(out: Path, build: str, owner: dict[str, object]) -> None:
    write_json(_file(out), {"out": str(out.absolute()), "build": build, **owner})


def _release(out: Path) -> None:
    with contextlib.suppress(Failed), _locked():
        if read_json(_file(out)).get("pid") == os.getpid():
            _file(out).unlink(missing_ok=True)
