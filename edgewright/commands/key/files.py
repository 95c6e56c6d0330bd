"""A public key from a file, or from its line."""

from __future__ import annotations

from edgewright.core.cloudconfig.sshkeys import TYPES
from edgewright.core.errors import Failed, NotFound
from edgewright.core.small_file import read_small_file
from edgewright.core.sshkey import MAX_LINE


def read_public_key(path: str) -> str:
    """Return the text of a file, or of stdin for `-`, a little more than a key has at most; a key's line is itself.

    Raises `NotFound`, `Failed`, and `UsageError` for `-` where stdin is a terminal.
    """
    kind, _, rest = path.strip().partition(" ")
    if rest and kind in TYPES:
        return path[: MAX_LINE + 1]  # pasted into a form; a public key is not a secret
    try:
        return read_small_file(path, MAX_LINE + 1)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Name the .pub file, e.g. ~/.ssh/id_ed25519.pub.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"The file {path} cannot be read: {error}.", "Check that it is a public key.") from None
