"""Simulated clusters in a real terminal: they form while one looks, one fails and is retried, one is deleted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.planes import small_plane
from tests.support import missing

pytestmark = [pytest.mark.e2e]


@pytest.mark.timeout(300)
def test_clusters_form_fail_are_retried_and_deleted(tmp_path: Path) -> None:
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    with small_plane(tmp_path / "plane", hosts=24, clusters=2) as plane:
        console = plane.console(tmp_path / "home", 132, 43)
        try:
            console.press(":", "clusters", "Enter")
            console.wait("Clusters", "demo-forming", "demo-failed", "simulated", patience=60)
            console.press("/", "name:demo-failed", "Enter", "Enter")
            console.wait("› demo-failed", "CHECKLIST", "Preflight", "Simulated:")
            console.wait("Install an add-on web", "Fix the cause, then r starts it again.", patience=240)
            console.press("r")
            console.wait("Retry demo-failed", "deployment web", "edgewright cluster retry demo-failed")
            console.press("Enter")
            console.wait("Nothing is wrong with this cluster.", "all 13 steps done", patience=120)
            console.press("l")
            console.wait("edgewright-containerd.service")
            console.press("Escape")
            console.press("Enter")
            console.wait("demo-failed › ", "Last heartbeat")
            console.press("Escape")
            console.press("C-d")
            console.wait("Delete cluster demo-failed", "3 hosts leave")
            console.press("Tab", "Enter")
            console.wait("Deleting", patience=60)
        finally:
            console.close()
