"""The reference appliance's ISO for end-to-end tests: built once a run, its packages and system kept between runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from tests.support import ROOT, missing

CACHE = os.environ.get("EDGEWRIGHT_FORGE_CACHE") or str(Path.home() / ".cache" / "edgewright" / "appliance")
"""Where packages and the unpacked system stay between runs; taken before the tests get homes of their own."""
OWN_LOCK = Path(CACHE, "e2e.lock.json")
"""Taken once a mirror no longer has what the lock of the repository names: mirrors keep no old version."""


def forge_base(*words: str, timeout: float = 900.0) -> subprocess.CompletedProcess[str]:
    """Run `forge base` with the cache of these tests."""
    env = {**os.environ, "EDGEWRIGHT_FORGE_CACHE": CACHE}
    return subprocess.run(
        [sys.executable, "-m", "edgewright", "forge", "base", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=env,
        timeout=timeout,
        check=False,
    )


def lock_words() -> list[str]:
    """Return the words that name the lock: the repository's own, or the fresh one that had to take its place."""
    return ["--lock", str(OWN_LOCK if OWN_LOCK.is_file() else ROOT / "edgewright/forge/appliance/base.lock.json")]


@cache
def base_iso() -> Path:
    """Return the appliance's ISO, built now from this tree's sources (packages and system come from the cache)."""
    folder = ROOT / "build" / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "appliance.iso"
    began = time.monotonic()
    words = ["-o", str(out), "--force", "--fast"]
    done = forge_base(*words, *lock_words())
    if done.returncode == 3 and "--refresh-lock" in done.stderr:
        print("the mirror no longer has a package of the lock; these tests take a fresh one")
        done = forge_base(*words, "--refresh-lock", "--lock", str(OWN_LOCK))
    if done.returncode:
        missing("e2e", f"the appliance cannot be built here: {done.stderr.strip()[-300:]}")
    print(f"the appliance's ISO was made in {time.monotonic() - began:.0f} s")
    return out
