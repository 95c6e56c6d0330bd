"""Files that link and reconciler exchange: each appears complete or not at all, and shows by a checksum that it is.

operations/        written by the link: requests of the plane, and signals; the reconciler removes what it has taken
cluster/           written by the link: documents (`store.py`)
reconciler/        written by the reconciler only: journal, results, applied documents; read-only for the link
run folder         written by the reconciler only: progress.json and observed.json, small, not durable
"""

from __future__ import annotations

import os
import shutil
import time
from typing import Any, Dict, List, Mapping, Optional

from edgewright.agent.kernel.state import sync_folder
from edgewright.agent.reconcile.journal import decode, encode

REQUESTS, DOCUMENTS, OWN, RESULTS = "operations", "cluster", "reconciler", "results"
WAKE = "wake"
RETRY = "retry"
CLOCK = "clock"
SIGNALS = (WAKE, RETRY, CLOCK)
"""Files of the requests' folder that are no operations."""
PENDING = "pending"
"""File of the run folder that exists while a step waits: the timer, or the link, starts the reconciler again."""
PROGRESS, OBSERVED = "progress", "observed"
MAX_FILE = 8 * 1024 * 1024
RUN = "run"


def folders(data: str) -> Dict[str, str]:
    """Return the folders below the data folder, by name."""
    own = os.path.join(data, OWN)
    return {
        REQUESTS: os.path.join(data, REQUESTS),
        DOCUMENTS: os.path.join(data, DOCUMENTS),
        OWN: own,
        RESULTS: os.path.join(own, RESULTS),
    }


def run_folder(data: str, run: str = "") -> str:
    """Return where progress and observed state are: `run`, or a folder of the data folder."""
    return run or os.path.join(data, OWN, RUN)


def put(folder: str, name: str, body: Mapping[str, Any], durable: bool = True) -> None:
    """Write the file `name` of a folder. Raises `OSError`.

    The temporary file is beside the folder and not in it: whoever watches the folder sees complete files only.
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)
    fresh = os.path.join(os.path.dirname(folder), f".{os.path.basename(folder)}-{name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(encode({"step": name, **body}))
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(fresh, os.path.join(folder, name + ".json"))
    except OSError:
        try:
            os.unlink(fresh)
        except OSError:
            pass  # never made, or not ours to remove
        raise
    if durable:
        sync_folder(folder)


def get(folder: str, name: str) -> Optional[Dict[str, Any]]:
    """Return what `put` wrote, `None` when it is not there, torn, or not readable.

    Links and pipes are neither followed nor waited for: the other side may have put anything there.
    """
    try:
        with open(os.path.join(folder, name + ".json"), "rb", opener=_open) as file:
            return decode(file.read(MAX_FILE).rstrip(b"\n"))
    except OSError:
        return None


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def names(folder: str) -> List[str]:
    """Return the names in a folder without `.json`, sorted; nothing when it is not there."""
    try:
        return sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".json"))
    except OSError:
        return []


def ages(folder: str) -> List[float]:
    """Return the age in seconds of each file in a folder."""
    result = []
    for name in names(folder):
        try:
            result.append(time.time() - os.stat(os.path.join(folder, name + ".json")).st_mtime)
        except OSError:
            continue  # taken meanwhile
    return result


def oldest(folder: str) -> Optional[float]:
    """Return the age in seconds of the oldest file in a folder, `None` when there is none."""
    return max(ages(folder), default=None)


def drop(folder: str, name: str) -> None:
    """Remove a file if it is there, or a folder in its place. Raises `OSError` where that cannot be done."""
    path = os.path.join(folder, name + ".json")
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except IsADirectoryError:  # the link may have made one: it must not end the reconciler
        shutil.rmtree(path)
