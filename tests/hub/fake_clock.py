"""A process whose clock of day is another one, by libfaketime."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support import ROOT, missing

_PLACES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/local/lib", "/usr/lib64")
# libfaketime 0.9.10 lets `time.sleep` fail (EINVAL) where the steady clocks run as they are.
_SLEEP = """
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""


def fake_clock(folder: Path, *, kept: int = 0) -> tuple[dict[str, str], Path]:
    """Return the environment of such a process, and the file whose text (`+2y`, `-20y`, `+0`) shifts its clock.

    The steady clocks run as they are: only the clock of day is shifted. With `kept` the file is read again after these
    seconds, else at each question for the time, which costs a busy hub half of its CPU. Skips without libfaketime.
    """
    for place in _PLACES:
        for library in (Path(place) / "faketime" / "libfaketimeMT.so.1", Path(place) / "libfaketimeMT.so.1"):
            if library.is_file():
                shift = folder / "shift"
                shift.write_text("+0\n")
                (folder / "sitecustomize.py").write_text(_SLEEP)
                return {
                    "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
                    "LD_PRELOAD": str(library),
                    "FAKETIME_TIMESTAMP_FILE": str(shift),
                    **({"FAKETIME_CACHE_DURATION": str(kept)} if kept else {"FAKETIME_NO_CACHE": "1"}),
                    "DONT_FAKE_MONOTONIC": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                }, shift
    missing("faketime", "libfaketime is not installed")
