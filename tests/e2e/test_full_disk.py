"""A disk that is really full: a small file system of its own, filled before the reconciler writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

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


def test_a_full_file_system_starts_nothing_and_the_work_resumes(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        missing("e2e", "mounting a small file system needs root and unshare")
    data, run = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    mount = 'mount -t tmpfs -o size=256k,mode=700 tmpfs "$1" && exec "$3" -c "$4" "$1" "$2"'
    command = ["unshare", "--mount", "sh", "-c", mount, "sh", str(data), str(run), sys.executable, SCRIPT]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    full, running, (rest, trouble, applied) = json.loads(done.stdout)
    assert full[0] == 10.0 and "the disk is full" in full[1] and full[2] == 0, "no record, no step"
    assert running == 1
    assert (rest, trouble, applied) == (None, "", 1)
