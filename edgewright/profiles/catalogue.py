"""The profiles that are shipped: a beginning for one's own, made of packs of the built-in catalogue."""

from __future__ import annotations

import functools
from pathlib import Path

from edgewright.core.profiles.model import Profile
from edgewright.profiles.directory import read_directory

FOLDER = Path(__file__).parent / "builtin"


@functools.lru_cache(maxsize=1)
def profiles() -> tuple[Profile, ...]:
    """Return the shipped profiles by name. Reads about 40 small files, once."""
    return tuple(read_directory(path) for path in sorted(FOLDER.iterdir()) if path.is_dir())
