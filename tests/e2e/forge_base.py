"""The reference appliance's ISO for end-to-end tests: built once, kept between runs in the user's cache."""

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


@cache
def base_iso() -> Path:
    """Return the appliance's ISO, built now from this tree's sources (packages and system come from the cache)."""
    folder = ROOT / "build" / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "appliance.iso"
    began = time.monotonic()
    words = [sys.executable, "-m", "edgewright", "forge", "base", "-o", str(out), "--force", "--fast"]
    env = {**os.environ, "EDGEWRIGHT_FORGE_CACHE": CACHE}
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=env, timeout=900, check=False)
    if done.returncode:
        missing("e2e", f"the appliance cannot be built here: {done.stderr.strip()[-300:]}")
    print(f"the appliance's ISO was made in {time.monotonic() - began:.0f} s")
    return out
