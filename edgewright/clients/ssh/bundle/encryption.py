"""Encryption of a bundle to its readers, in the age format (age-encryption.org/v1), by the program `age` or `rage`.

Readers are X25519 keys (`age1...`) and SSH keys (`ssh-ed25519`, `ssh-rsa`). They are public, so that they may be
arguments; the program gets the text of the bundle as it is made, and none of it is on a disk before.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import IO

from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.core.text import clean, clip

MOST = 20
"""Recipients of one bundle."""
HINT = "Give a key that begins with age1, ssh-ed25519 or ssh-rsa (age-keygen prints one)."
_RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}|ssh-(?:ed25519|rsa) [A-Za-z0-9+/]{40,4000}={0,2}(?: .{0,200})?")
PATIENCE = 30.0
"""Seconds for the program to end when it has everything."""


class Encryption:
    """Recipients that were checked, and the program that encrypts to them."""

    def __init__(self, program: str, recipients: Sequence[str]) -> None:
        self._command = [program, "--encrypt", *(word for text in recipients for word in ("--recipient", text))]

    def run(self, write: Callable[[IO[bytes]], None], target: IO[bytes]) -> None:
        """Encrypt what `write` writes, while it is written, into `target`. Raises what `write` raises, `Failed`."""
        with subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=target.fileno(), stderr=subprocess.PIPE
        ) as process:
            assert process.stdin is not None and process.stderr is not None
            try:
                with process.stdin as plain:
                    write(plain)
            except BrokenPipeError:
                pass  # the program ended: its reason is on stderr
            except BaseException:
                process.kill()
                raise
            reason = clean(process.stderr.read(4096).decode("utf-8", "replace").strip(), 200)
            if process.wait(PATIENCE):
                raise Failed(f"The bundle cannot be encrypted: {reason or 'age failed'}.", HINT, "NotEncrypted")


def encryption_to(texts: Sequence[str]) -> Encryption | None:
    """Return the encryption to recipients, None without any. Raises `InvalidInput`, `NotFound` without the program."""
    recipients = [text.strip() for text in texts]
    if not recipients:
        return None
    if len(recipients) > MOST:
        raise InvalidInput(f"A bundle has at most {MOST} recipients, not {len(recipients)}.")
    for text in recipients:
        if text.startswith("AGE-SECRET-KEY-") or "PRIVATE KEY" in text:
            raise InvalidInput("That is a private key; a recipient is a public one.", HINT, "BadRecipient")
        if _RECIPIENT.fullmatch(text) is None:
            raise InvalidInput(f"{clip(clean(text), 40)} is not a valid recipient.", HINT, "BadRecipient")
    program = shutil.which("age") or shutil.which("rage")
    if program is None:
        raise NotFound(
            "The program age is not installed, which encrypts a bundle.", "Install it: apt install age", "NoAge"
        )
    encryption = Encryption(program, recipients)
    with open("/dev/null", "wb") as nothing:  # noqa: PTH123 - a device
        encryption.run(lambda plain: None, nothing)  # a key with a wrong checksum is refused before anything is read
    return encryption
