"""Where API keys are stored: the system keyring if there is a real one, else a file that only the user can read.

A keyring that stores plain text, or that answers with an error, is not a keyring. On Linux there is none without a
session bus; asking for one there would only wait.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from edgewright.config import locations
from edgewright.core.errors import Failed, InvalidInput, NotFound, Refused
from edgewright.core.small_file import read_small_file

SERVICE = "edgewright"


def usable_keyring() -> Any | None:
    """Return the `keyring` module if its backend stores secrets safely, else None."""
    if sys.platform.startswith("linux") and not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return None
    try:
        import keyring
        from keyring.backends import chainer, fail, null
    except ImportError:
        return None
    backend = keyring.get_keyring()
    if isinstance(backend, (fail.Keyring, null.Keyring)):
        return None
    members = backend.backends if isinstance(backend, chainer.ChainerBackend) else [backend]
    if not members or any("plaintext" in type(member).__name__.lower() for member in members):
        return None
    return keyring


def key_path(context: str) -> Path:
    """Return the file with a context's key where there is no keyring."""
    return locations.folder("config") / "keys" / context


def store(context: str, key: str, use_keyring: bool = True) -> str:
    """Store a key and return where: `keyring` or `file`. Raises `Failed` when the file cannot be written."""
    ring = usable_keyring() if use_keyring else None
    if ring is not None:
        with contextlib.suppress(ring.errors.KeyringError):
            ring.set_password(SERVICE, context, key)
            return "keyring"
    locations.write_private(key_path(context), key + "\n")
    return "file"


def fetch(context: str, stored: str) -> str:
    """Return the key of a context. Raises `Refused` when it is not there or the keyring is shut."""
    again = f"Store it again: edgewright context add {shlex.quote(context)} --url URL --api-key-file FILE"
    if stored == "keyring":
        ring = usable_keyring()
        if ring is None:
            raise Refused(f"The key of context {context} is in the system keyring, which is not here now.", again)
        try:
            password = ring.get_password(SERVICE, context)
        except ring.errors.KeyringError as error:
            raise Refused(f"The system keyring does not give the key of context {context}: {error}.", again) from None
    else:
        password = locations.read_private(key_path(context))
    if not password or not password.strip():
        raise Refused(f"The key of context {context} is not there.", again)
    return str(password).strip()


def forget(context: str, stored: str) -> None:
    """Remove a context's key; a key that does not exist is fine."""
    if stored == "keyring":
        ring = usable_keyring()
        if ring is not None:
            with contextlib.suppress(ring.errors.KeyringError):
                ring.delete_password(SERVICE, context)
    key_path(context).unlink(missing_ok=True)


def read_key_file(path: str) -> str:
    """Return the key in a file, or of stdin for `-`. Raises `NotFound`, `Failed`, `InvalidInput`, `UsageError`."""
    try:
        text = read_small_file(path, 8192)
    except FileNotFoundError:
        raise NotFound(f"There is no key file {path}.", "Name the file with the API key.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"The key file {path} cannot be read: {error}.", "Check its rights.") from None
    key = text.strip()
    if not key or len(key) > 4096 or not key.isprintable() or " " in key:
        raise InvalidInput(f"{path} contains no API key.", "It must contain the key and nothing else.")
    return key
