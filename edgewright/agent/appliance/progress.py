"""How far an installation is: for the console screen (a file in /run), for the serial console (lines), for the disk.

The record on COS_OEM is written before each step, so that the next start of the medium distinguishes a complete
installation from one that was interrupted, and never repeats a complete one by itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Callable, Dict, Mapping, Sequence

from edgewright.agent.appliance.paths import INSTALL_RECORD, INSTALL_STATE
from edgewright.agent.appliance.runner import read_text, write_file
from edgewright.core.text import clean

HEAD = 1 << 20


class Progress:
    """Reports steps. `record_in` is the folder where COS_OEM is mounted, once it is."""

    def __init__(self, announce: Callable[[str], None], total: int, state: str = INSTALL_STATE) -> None:
        self.announce = announce
        self.total = total
        self.state = state
        self.number = 0
        self.text = ""
        self.record_in = ""
        self.record: Dict[str, Any] = {}
        self._percent = -1

    def step(self, text: str) -> None:
        """Begin the next step."""
        self.number += 1
        self.text = text
        self._percent = -1
        self.announce(f"install step {self.number} of {self.total}: {text}")
        self.note("running")
        self.save_record("running")

    def at(self, done: int, size: int) -> None:
        """Report the progress of the step: a line at each quarter, the file at each hundredth."""
        percent = 100 * done // max(1, size)
        if percent == self._percent:
            return
        if percent // 25 > self._percent // 25 and 0 < percent < 100:
            self.announce(f"install step {self.number} of {self.total}: {self.text}: {percent} %")
        self._percent = percent
        self.note("running", percent=percent)

    def note(self, phase: str, **more: Any) -> None:
        """Write the file that the console screen reads; the screen may miss one."""
        body = {"phase": phase, "step": self.number, "steps": self.total, "text": self.text, **self.record, **more}
        try:
            write_file(self.state, json.dumps(body).encode())
        except OSError:
            pass  # the lines on the console still show it

    def save_record(self, phase: str) -> None:
        """Write the record on COS_OEM; before that is mounted, nothing. Raises `OSError`."""
        if self.record_in:
            body = {**self.record, "phase": phase, "step": self.number, "text": self.text}
            write_file(os.path.join(self.record_in, INSTALL_RECORD), json.dumps(body, indent=1).encode(), 0o600)


def read_json(path: str) -> Dict[str, Any]:
    """Return a JSON map; empty when there is none."""
    try:
        body = json.loads(read_text(path))
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def installer_id(sources: Sequence[str]) -> str:
    """Return what distinguishes this medium's system from another: a hash over the sizes, heads and tails of its files.

    A squashfs carries its time and table positions in its first bytes, so a build with other content has another one;
    hashing everything would cost minutes on a slow medium. Raises `OSError`.
    """
    digest = hashlib.sha256()
    for path in sources:
        size = os.path.getsize(path)
        digest.update(f"{os.path.basename(path)} {size}\n".encode())
        with open(path, "rb") as file:
            digest.update(file.read(HEAD))
            file.seek(max(0, size - HEAD))
            digest.update(file.read(HEAD))
    return digest.hexdigest()


def document_hash(document: Mapping[str, Any]) -> str:
    """Return the hash of a user-data document, whatever its comments and layout."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()


def same_installation(record: Mapping[str, Any], installer: str, user_data: str) -> bool:
    """Return whether a disk's record shows that this medium with this user-data was installed there completely."""
    return (
        record.get("phase") == "done" and record.get("installerId") == installer and record.get("userData") == user_data
    )


def what_is_there(record: Mapping[str, Any], signatures: Sequence[str]) -> str:
    """Return what an operator should know of the disk before it is wiped; empty for an empty one."""
    if record:
        state = "complete" if record.get("phase") == "done" else f"cut off in step {record.get('step', '?')}"
        return f"an Edgewright installation of {clean(record.get('at', 'unknown time'), 40)} ({state})"
    return ", ".join(clean(name, 40) for name in signatures[:6])
