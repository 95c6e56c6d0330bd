"""Record which modules of ours are entered; loaded by Python itself when this folder is in PYTHONPATH.

SIGUSR2 begins a record and the next one writes it to `WALK_OUT`, followed by the process id. With `WALK_ALL` the record
is that of the whole process. Code that runs while a module is imported does not count.
"""

import atexit
import json
import os
import signal
import sys
import threading
from types import FrameType

_seen: "set[str] | None" = set() if os.environ.get("WALK_ALL") else None


def _profile(frame: FrameType, event: str, _: object) -> None:
    if event == "call" and _seen is not None and frame.f_code.co_name != "<module>":
        name = frame.f_globals.get("__name__", "")
        if name.startswith(("edgewright", "tui")):
            _seen.add(name)


def _write(names: "set[str]") -> None:
    with open(f"{os.environ['WALK_OUT']}.{os.getpid()}", "w", encoding="utf-8") as file:
        json.dump(sorted(names), file)


def _toggle(number: int, frame: object) -> None:
    global _seen
    if _seen is None:
        _seen = set()
    else:
        names, _seen = _seen, None
        _write(names)


def _end() -> None:
    if _seen is not None:
        _write(_seen)


if os.environ.get("WALK_OUT"):
    threading.setprofile(_profile)
    sys.setprofile(_profile)
    if os.environ.get("WALK_ALL"):
        atexit.register(_end)
    else:
        signal.signal(signal.SIGUSR2, _toggle)
