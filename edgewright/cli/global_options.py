"""The global options of the command line over the settings."""

from __future__ import annotations

from edgewright.config import settings as stored
from edgewright.config.settings import Settings
from edgewright.core.errors import UsageError


def settings_of(options: dict[str, str], *, strict: bool) -> Settings:
    """Return the settings with the global options over them. Raises `UsageError`, `InvalidInput`."""
    result = stored.load() if strict else stored.examine()[0]
    timeout = None
    if "timeout" in options:
        try:
            timeout = stored.convert("timeout", options["timeout"].removesuffix("s"))
        except ValueError as error:
            raise UsageError(f"--timeout: {error}.", "Give seconds, e.g. --timeout 30") from None
    return result.changed(
        "option",
        timeout=timeout,
        read_only=True if "read-only" in options else None,
        ascii=True if "ascii" in options else None,
        lines=True if "lines" in options else None,
        last_frame=True if "last-frame" in options else None,
    )
