"""The built-in catalogue: packs that are shipped, with our metadata and values, and references to their upstreams."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from edgewright.core.packs import versions
from edgewright.core.packs.pack import Pack
from edgewright.packs import directory, reader

FOLDER = Path(__file__).parent / "builtin"
NAME = "Edgewright catalogue"


@functools.lru_cache(maxsize=1)
def packs() -> tuple[Pack, ...]:
    """Return all packs of the catalogue by name, newest version first. Reads about 50 small files, once."""
    results = [
        reader.from_files(directory.read(path), path.name).pack for path in sorted(FOLDER.iterdir()) if path.is_dir()
    ]
    results.sort(key=lambda pack: versions.key(pack.version), reverse=True)
    return tuple(sorted(results, key=lambda pack: pack.name))


def uid(registry: str, name: str, version: str) -> str:
    """Return the uid of a pack: 24 hexadecimal digits, the same at every hub and after every restart."""
    return hashlib.sha256(f"{registry}\n{name}\n{version}".encode()).hexdigest()[:24]
