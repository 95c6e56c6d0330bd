"""A disk that is really full: a small file system of its own, filled before the reconciler writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, missing

pytestmark = [pytest.mark.e2e]

SCRIPT = """
import json, os, sys
from edgewright.agent.kernel.conditions import judge
from edgewright.agent.reconcile.compose import make_reconciler
from edgewright.agent.reconcile.handover import Handover
from edgewright.agent.reconcile import engine
from edgewright.agent.reconcile.journal import read_records
from edgewright.agent.reconcile.trial import trial_document
engine.LOOK = 0.05
data, run = sys.argv[1], sys.argv[2]
filler = os.path.join(data, "filler")
handover = Handover(data, run)
handover.offer({"uid": "c", "kind": "trial", "lineage": "", "generation": 1, "digest": "d",
                "document": trial_document("c", [1, 1])})
reconciler = make_reconciler(data, run)
assert reconciler.open()

def fill():
    with open(filler, "wb", 0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass

os.unlink(os.path.join(data, "operations", "wake.json"))  # its removal would free a page
fill()
wait = reconciler.tick()
report = [[wait, handover.observed.trouble, len(read_records(os.path.join(data, "reconciler")))]]
os.unlink(filler)
reconciler.tick()
report.append(len(reconciler.running()))
rest = reconciler.run()
report.append([rest, handover.observed.trouble, handover.observed.documents()[0].get("applied", {}).get("generation")])
print(json.dumps(report))
"""

BLOB = """
import hashlib, json, os, sys
from edgewright.agent.plane.blobs import BlobFolder, Piece
from edgewright.core.errors import Failed
content = bytes(range(256)) * 1200  # 300 kB, and the file system has 256 kB
digest = hashlib.sha256(content).hexdigest()
folder = BlobFolder(os.path.join(sys.argv[1], "blobs"), spare=0)

def get(name, first, last):
    last = min(last, first + 65535, len(content) - 1)
    return Piece(206, f"bytes {first}-{last}/{len(content)}", content[first : last + 1])

report = []
for sure in (True, False):
    if not sure:  # somebody else takes the room between the look and the write
        folder._make_room = lambda wanted: None
    try:
        folder.fetch(digest, get)
    except Failed as error:
        report.append(error.message)
sizes = [os.stat(os.path.join(folder._folder, name)).st_size for name in os.listdir(folder._folder)]
report.append([sizes[0] <= 262144, os.path.exists(folder.path(digest))])
print(json.dumps(report))
"""


def on_a_small_disk(script: str, tmp_path: Path) -> list[Any]:
    """Run a script on a file system of 256 kB and return what it reports."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        missing("e2e", "mounting a small file system needs root and unshare")
    data, run = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    mount = 'mount -t tmpfs -o size=256k,mode=700 tmpfs "$1" && exec "$3" -c "$4" "$1" "$2"'
    command = ["unshare", "--mount", "sh", "-c", mount, "sh", str(data), str(run), sys.executable, script]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    report: list[Any] = json.loads(done.stdout)
    return report


def test_p80_a_blob_that_does_not_fit_is_refused_and_never_used(tmp_path: Path) -> None:
    no_room, full, left = on_a_small_disk(BLOB, tmp_path)
    assert no_room == "The disk has no room for the content of the desired state."
    assert full.endswith("cannot be stored: No space left on device.")
    assert left == [True, False], "what arrived stays for the next try, nothing has its name"


def test_a_full_file_system_starts_nothing_and_the_work_resumes(tmp_path: Path) -> None:
    full, running, (rest, trouble, applied) = on_a_small_disk(SCRIPT, tmp_path)
    assert full[0] == 10.0 and "the disk is full" in full[1] and full[2] == 0, "no record, no step"
    assert running == 1
    assert (rest, trouble, applied) == (None, "", 1)
