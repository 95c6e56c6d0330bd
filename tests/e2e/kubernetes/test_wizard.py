"""The cluster wizard by keys in a real terminal: a host of a lab forms a cluster, and its application answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.console import Console
from tests.e2e.fleet import Fleet
from tests.e2e.kubernetes.formed import Formed
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


def make_cluster(console: Console, name: str, vip: str, path: Path) -> None:
    """Answer the questions of the wizard for a cluster of the first free host, write its file, and create it."""
    console.wait("Pulse")
    console.press(*":clusters", "Enter")
    console.wait("Clusters")
    console.press("+")
    console.wait("New cluster", "ABOUT")
    console.press(*name, "PageDown")
    console.wait("PROFILE", "lab")
    console.press("Enter")
    console.wait("(•) lab")
    console.press("PageDown")
    console.wait("NETWORK", "100.64.0.0/18", patience=30)
    console.press("Tab")
    console.press(*vip, "PageDown")
    console.wait("HOSTS", "FREE HOSTS")
    console.press("Enter")
    console.wait("1 control plane")
    console.press("PageDown")
    console.wait("checks ok", "The plane would accept it", patience=60)
    console.press("PageDown")
    console.wait("SETTINGS", "time servers")
    console.press("PageDown")
    console.wait("SUMMARY", "Create the cluster", "NEVER CHANGES", patience=30)
    console.press("w")
    console.wait("Write the answer file")
    console.press("C-u")
    console.press(*str(path), "Enter")
    console.wait("written, readable by you alone", patience=20)
    console.press("b")
    console.wait(name, "is created", patience=30)


def test_keys_lead_to_a_healthy_cluster_whose_application_answers(lab: Formed, tmp_path: Path) -> None:
    hub, path = lab.fleet.shown["hub"], tmp_path / "by-keys.yaml"
    console = Console(tmp_path / "home", hub["url"], Path(hub["ca"]), Path(hub["apiKeyFile"]), 100, 30)
    try:
        lab.timed("the wizard by keys", lambda: make_cluster(console, NAME, lab.vip, path))
        lab.timed("created to healthy", lambda: lab.healthy(NAME, 1))
        print(console.screen())
    finally:
        console.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "no change" in lab.run("--yes", "apply", "-f", str(path)).lower()
    assert lab.ask("edge1").startswith("web web-")
    assert sorted(tmp_path.rglob("crashes/*.log")) == []
