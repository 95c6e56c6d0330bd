"""The serial console on paper: each line with its second, secrets taken out before it is written."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterable
from pathlib import Path

from edgewright.core.errors import Failed

SUFFIX = ".proof.log"
TAKEN_OUT = "[taken out]"


def log_path(iso: Path) -> Path:
    """Return where the console output of an ISO's proof is stored: `OUT.iso.proof.log`."""
    return iso.with_name(iso.name + SUFFIX)


class Redactor:
    """Takes secrets out of text. A line break inside a secret cannot be seen; consoles do not break lines."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({text for text in secrets if len(text) >= 6}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without any secret."""
        for secret in self._secrets:
            text = text.replace(secret, TAKEN_OUT)
        return text


class ConsoleLog:
    """A log that appears under its name only when `keep` is called; `drop` leaves nothing."""

    def __init__(self, target: Path, redact: Redactor) -> None:
        """Begin it, readable by its owner alone. Raises `Failed`."""
        self.target = target
        self._redact = redact
        self._drop_stale()
        self._part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Failed(
                f"The log {target} cannot be written: {error.strerror}.",
                "Verify an ISO in a folder that you may write.",
            ) from None
        self._file = os.fdopen(handle, "w", buffering=1, encoding="utf-8")

    def _drop_stale(self) -> None:
        """Remove the parts of proofs of this ISO that were killed: each is named by its process."""
        for part in self.target.parent.glob(f"{glob.escape(self.target.name)}.*.part"):
            pid = part.name.removeprefix(f"{self.target.name}.").removesuffix(".part")
            if pid.isdigit() and not Path("/proc", pid).exists():
                with contextlib.suppress(OSError):
                    part.unlink()

    def line(self, at: float, text: str) -> str:
        """Write one line and return it without secrets."""
        clear = self._redact(text)
        self._file.write(f"[{at:8.2f}] {clear}\n")
        return clear

    def publish(self) -> None:
        """Let it appear under its name. Raises `Failed`."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self.target)
        except OSError as error:
            self.drop()
            raise Failed(f"The log {self.target} cannot be written: {error.strerror}.", "Make room.") from None

    def drop(self) -> None:
        """Leave nothing of it."""
        self._file.close()
        self._part.unlink(missing_ok=True)
