"""The profile wizard in a real terminal on a real hub, to a published profile, and `apply -f` of what it wrote."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.console import Console
from tests.e2e.fleet import command_environment, product
from tests.e2e.planes import SmallPlane, small_plane
from tests.support import missing

pytestmark = [pytest.mark.e2e]
SIZES = {"80x24": (80, 24), "132x43": (132, 43)}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPlane]:
    """A hub with the built-in catalogue."""
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    with small_plane(tmp_path_factory.mktemp("plane")) as made:
        yield made


def typed(console: Console, manner: str, *keys: str) -> None:
    """Press keys one by one, or all in one write."""
    if manner == "fast":
        console.press(*keys)
    else:
        for key in keys:
            console.press(key)


def layer(console: Console, manner: str, query: str, seen: str) -> None:
    """Choose a pack for the place under the cursor."""
    console.press("Enter")
    console.wait("Choose a pack")
    typed(console, manner, *query, "Enter")
    console.wait("Which layers does it have?", seen, patience=20)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("manner", ["slow", "fast"])
def test_keys_lead_to_a_published_profile_and_apply_changes_nothing(
    plane: SmallPlane, tmp_path: Path, manner: str, size: str
) -> None:
    name, folder = f"shop-{manner}-{size}", tmp_path / "shop"
    console = plane.console(tmp_path, *SIZES[size])
    try:
        console.wait("Pulse")
        typed(console, manner, *":profile new", "Enter")
        console.wait("New profile", "ABOUT")
        typed(console, manner, *name, "PageDown")
        console.wait("LAYERS", "no layer")
        layer(console, manner, "byoi", "edge-native-byoi")
        console.wait("1 error", patience=20)
        console.press("Enter")
        console.wait("VALUES", "f7 next problem")
        console.press("F7")
        console.press("End", "BSpace")
        typed(console, manner, *'{{.spectro.var.osImage}}"')
        console.wait("There is no variable", patience=20)
        console.press("Escape")
        for query, seen in (("k8s 1.36", "edge-k8s"), ("flannel", "cni-flannel")):
            console.wait("LAYERS")
            console.press("Up")
            layer(console, manner, query, seen)
        console.press("PageDown")
        console.wait("VALUES")
        for _ in range(3):
            console.press("F6")
        console.wait("VARIABLES", "is not defined")
        typed(console, manner, "Enter", "Tab", *"OS image", "PageDown")
        console.wait("used in 1 layer", "required")
        console.press("PageDown")
        console.wait("PREVIEW", "cni-flannel 0.28.9", patience=20)
        console.press("Enter")
        console.wait("SUMMARY", "Publish it: p", patience=20)
        console.press("w")
        console.wait("Write the profile")
        console.press("C-u")
        typed(console, manner, *str(folder), "Enter")
        console.wait("files written", patience=20)
        console.press("p")
        console.wait(f"{name}:1.0.0", "published", patience=30)
    finally:
        console.close()
    names = {"URL": plane.url, "CA": plane.ca, "API_KEY_FILE": plane.key}
    env = command_environment(tmp_path) | {f"EDGEWRIGHT_{key}": str(value) for key, value in names.items()}
    known = product(env, "profile", "show", f"{name}:1.0.0")
    assert known.returncode == 0 and "published" in known.stdout, known
    applied = product(env, "apply", "-f", str(folder), "--publish", "--yes")
    assert applied.returncode == 0 and "no change" in applied.stdout + applied.stderr, applied
    assert sorted(tmp_path.rglob("crashes/*.log")) == []
