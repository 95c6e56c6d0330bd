"""`lab rehearse`: one command does every step of the guide, to an application that answers, and leaves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgewright.lab import rehearsal
from edgewright.lab.kubernetes import build, versions
from edgewright.lab.tools import shortcomings
from tests.e2e.fleet import command_environment, product
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", autouse=True)
def parts() -> None:
    """Of the module, since a test has an environment and a home of its own."""
    if lacking := shortcomings():
        missing("e2e", lacking[0])
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")


def test_each_step_has_its_proof_and_the_lab_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    done = product(command_environment(tmp_path), "lab", "rehearse", "--dir", str(folder), "-o", "json", timeout=1500)
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)
    print("\n".join(f"{step['seconds']:6.1f} s  {step['title']}: {step['fact']}" for step in steps))
    assert tuple(step["title"] for step in steps) == rehearsal.TITLES
    assert "default/web answers: HTTP 200" in steps[-1]["fact"]
    assert not (folder / "lab.json").exists()
