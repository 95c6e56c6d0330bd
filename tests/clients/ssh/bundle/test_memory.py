"""A large file goes through in bounded memory, and the archive of it too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

SIZE = int(os.environ.get("EDGEWRIGHT_BUNDLE_MB", "6"))
MOST = 4
"""MB that may be added to what the process has before; a complete file would be more."""
PROGRAM = """
import asyncio, re, sys
from pathlib import Path
from edgewright.clients.ssh.bundle.archive import index, write_bundle
from edgewright.clients.ssh.bundle.collect import Collector
from edgewright.clients.ssh.bundle.entries import MB, file
from tests.clients.ssh.bundle.local_shell import LocalShell
from tests.clients.ssh.bundle.test_collect import new

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

async def main(folder, size):
    partial, host = new(folder / "partial"), LocalShell()
    entries = (file("big.log", str(folder / "big.log"), "a large log", size + 1),)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before = peak()
    await Collector(host, partial, entries=entries, total=2 * size).run()
    await host.aclose()
    written = write_bundle(partial, folder / "out.tar.gz", index(partial, {}, entries), {})
    record = partial.state.entries[0].files[0]
    assert not record.cut and record.left_out == {"value of a secret name": size // (64 * 1024)}, record
    print(record.bytes, written, before, peak())

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) * MB))
"""


def test_a_large_file_needs_no_memory(place: Path) -> None:
    line = b"2026-11-29T16:00:01+0000 edge-1 agent[77]: a line of a log, as many have it, number %08d\n"
    with (place / "big.log").open("wb") as log:
        for number in range(SIZE * 16):
            block = b"".join(line % (number * 700 + place) for place in range(700))[: 64 * 1024 - 100]
            secret = b"\npassword: cAnary7Qx "
            log.write(block + secret + b"x" * (64 * 1024 - len(block) - len(secret) - 1) + b"\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(place), str(SIZE)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    size, written, before, after = map(float, done.stdout.split())
    print(f"{size / 2**20:.0f} MB, archive {written / 2**20:.1f} MB; peak {before:.0f} MB before, {after:.0f} MB after")
    assert size > SIZE * 2**20 * 0.9
    assert after - before < MOST
