"""Where the machine has its Debian packages from: from apt's own sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from edgewright.core.errors import NotFound
from edgewright.forge.appliance.parts import SUITES

SOURCES = Path("/etc/apt")


def mirrors(given: str | None = None, sources: Path = SOURCES) -> dict[str, str]:
    """Return the address of each archive. `given` (the archive `debian`) goes before apt's sources.

    Raises `NotFound` when apt names none.
    """
    archives = dict.fromkeys(archive for archive, _ in SUITES)
    if given:
        base = given.rstrip("/")
        return {
            archive: base if archive == "debian" else f"{base.removesuffix('/debian')}/{archive}"
            for archive in archives
        }
    matches: dict[str, str] = {}
    for address in addresses(sources):
        archive = address.rstrip("/").rsplit("/", 1)[-1]
        if archive in archives:
            matches.setdefault(archive, address.rstrip("/"))
    for archive in archives:
        if archive not in matches:
            raise NotFound(
                f"apt's sources on this machine name no mirror of the archive {archive}.",
                "Name one: --mirror ADDRESS of the archive debian (its sibling debian-security is taken beside it).",
                "NoMirror",
            )
    return matches


def addresses(sources: Path = SOURCES) -> Iterator[str]:
    """Yield the addresses in apt's sources, both forms of them, in apt's order; what cannot be read is passed over."""
    folder = sources / "sources.list.d"
    files = [sources / "sources.list", *(sorted(folder.iterdir()) if folder.is_dir() else ())]
    for file in files:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if file.suffix == ".sources":
            yield from _deb822(text)
        elif file.suffix == ".list":
            yield from _one_line(text)


def _one_line(text: str) -> Iterator[str]:
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+\S+", line.strip())
        if match:
            yield match.group(1)


def _deb822(text: str) -> Iterator[str]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = {key.strip().lower(): value.split() for key, _, value in (line.partition(":") for line in lines)}
        if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"]) != ["no"]:
            yield from fields.get("uris", [])
