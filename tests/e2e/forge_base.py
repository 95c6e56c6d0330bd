"""The reference appliance's ISO for end-to-end tests: built once, kept between runs in the user's cache."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from tests.support import ROOT, missing


@cache
def base_iso() -> Path:
    """Return the appliance's ISO, built now from this tree's sources (packages and system come from the cache)."""
    folder = ROOT / "build" / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "appliance.iso"
    began = time.monotonic()
    words = [sys.executable, "-m", "edgewright", "forge", "base", "-o", str(out), "--force", "--fast"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=900, check=False)
    if done.returncode:
        missing("e2e", f"the appliance cannot be built here: {done.stderr.strip()[-300:]}")
    print(f"the appliance's ISO was made in {time.monotonic() - began:.0f} s")
    return out
