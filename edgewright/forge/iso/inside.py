"""What the squashfs in an ISO declares: its kairos-release and os-release, read in place."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from edgewright.core.text import clean

WAIT = 20.0
"""Seconds that reading one small file may take."""
LARGEST = 64 * 1024


def release_of(iso: Path, offset: int) -> tuple[dict[str, str], str, str]:
    """Return the keys of kairos-release, the system's name, and a sentence when something could not be found out."""
    program = shutil.which("unsquashfs")
    if program is None:
        return {}, "", "What is inside is unknown: unsquashfs is not installed (Debian: squashfs-tools)."
    system = _pairs(_cat(program, iso, offset, "usr/lib/os-release", "etc/os-release"))
    release = _pairs(_cat(program, iso, offset, "etc/kairos-release"))
    if not release:  # older images have the keys in os-release
        release = {key: value for key, value in system.items() if key.startswith("KAIROS_")}
    note = "" if release else "Its squashfs has no /etc/kairos-release: no Kairos image, or one that cannot be read."
    return release, system.get("PRETTY_NAME", ""), note


def _cat(program: str, iso: Path, offset: int, *names: str) -> str:
    """Return the text of the first of these files that is there."""
    for name in names:
        # small queues: its default takes as much memory as there is
        arguments = [program, "-o", str(offset), "-da", "8", "-fr", "8", "-p", "1", "-cat", str(iso.absolute()), name]
        try:
            done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if done.returncode == 0 and done.stdout:
            return done.stdout[:LARGEST].decode("utf-8", "replace")
    return ""


def _pairs(text: str) -> dict[str, str]:
    """Return `KEY=value` lines; values lose their quotes."""
    matches = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and key.replace("_", "").isalnum():
            matches[key] = clean(value.strip().strip("\"'"), 200)
    return matches
