"""The cluster wizard by keys in a real terminal: a host of a lab forms a cluster, and its application answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.fleet import Fleet
from tests.e2e.kubernetes.formed import Formed
from tests.e2e.kubernetes.wizard_keys import ask_by_guide, console_of, make_cluster
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]
NAME = "by-keys"


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Formed]:
    """Return one host that has registered, with a profile that fits it."""
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = Formed(make_fleet("--hosts", "1", "--kubernetes", versions.DEFAULT), versions.DEFAULT)
    made.profile("lab")
    yield made
    print("\n".join(made.took))


def test_keys_lead_to_a_healthy_cluster_whose_application_answers(lab: Formed, tmp_path: Path) -> None:
    path = tmp_path / "by-keys.yaml"
    console = console_of(lab, tmp_path / "home")
    try:
        lab.timed("the wizard by keys", lambda: make_cluster(console, NAME, lab.vip, path))
        lab.timed("created to healthy", lambda: lab.healthy(NAME, 1))
        lab.timed("the guide asks the application", lambda: ask_by_guide(console))
        print(console.screen())
    finally:
        console.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "no change" in lab.run("--yes", "apply", "-f", str(path)).lower()
    assert lab.ask("edge1").startswith("web web-")
    assert sorted(tmp_path.rglob("crashes/*.log")) == []
