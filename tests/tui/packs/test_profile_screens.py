"""The views of cluster profiles: list, stack, origins, variables, preview, comparison; and their pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgewright.core.errors import Unreachable
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, console, settle
from tests.tui.packs.profile_plane import ProfilePlane
from tests.tui.plane import context_of
from tests.tui.samples import NOW, fill, session
from tui.app import EdgewrightApp
from tui.frame.base import BaseScreen, CommandTyped
from tui.screens.profile import reading
from tui.widgets.frame import FrameLine
from tui.widgets.line_view import LineView
from tui.widgets.lines import text_of

VIEWS = {
    "profiles": "",
    "profile": "p-2",
    "profile-layer": "p-2/edge-k8s",
    "profile-variable": "p-2/podCidr",
    "profile-preview": "p-2",
    "profile-diff": "p-1/p-2",
    "profile-yaml": "p-2",
}


async def ready(pilot: Driven) -> None:
    for _ in range(3):  # a profile is read, then resolved
        await pilot.app.workers.wait_for_complete()
        await settle(pilot)


@pytest.mark.parametrize("size", [(80, 24), (132, 43), (200, 60)], ids=["80x24", "132x43", "200x60"])
@pytest.mark.parametrize("view", VIEWS)
def test_sizes(
    snap_compare: Callable[..., bool], view: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    store = Store(clock=lambda: NOW)
    opened = session(fill(store, None, "live"), start_view=view, start_target=VIEWS[view])
    opened.make_context = lambda: context_of(ProfilePlane(), store)
    assert snap_compare(EdgewrightApp(opened), terminal_size=size, run_before=ready)


def text(pilot: Driven, name: str = "facts") -> str:
    return text_of(pilot.app.screen.query_one(f"#{name}", LineView).lines)


def crumb(pilot: Driven) -> str:
    return pilot.app.screen.query_one("#crumb", FrameLine).line.plain


async def press(pilot: Driven, *keys: str) -> BaseScreen:
    for key in keys:
        await pilot.press(key)
        await settle(pilot)
    await ready(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, BaseScreen)
    return screen


async def test_keys_lead_from_the_list_into_a_layer_and_back() -> None:
    async with console("profiles", plane=ProfilePlane(), size=(80, 24)) as (pilot, _, _made):
        await ready(pilot)
        screen = await press(pilot, "end", "enter")
        assert screen.view == "profile" and "Profiles › shop-small:1.10.0" in crumb(pilot), "1.10 is after 1.1"
        assert "▲ network    no layer" in text(pilot)
        await press(pilot, "escape", "up", "enter")
        assert "shop-small:1.1.0" in crumb(pilot)
        assert "used in" in text(pilot) and "podCidr" in text(pilot) and "2 layers" in text(pilot)
        await press(pilot, "down", "down", "enter")
        assert "edge-k8s" in crumb(pilot)
        shown = text(pilot, "text")
        assert "layer val" in shown and "variable podCidr; " in shown and "pack default" not in shown
        await press(pilot, "v")
        assert "pack default" in text(pilot, "text")
        assert (await press(pilot, "escape")).view == "profile"
        assert (await press(pilot, "y")).view == "profile-yaml"
        assert "cloudType: edge-native" in text(pilot, "text")


async def test_the_versions_are_beside_each_other_and_each_can_be_opened() -> None:
    async with console("profile", "p-2", plane=ProfilePlane(), size=(132, 43)) as (pilot, _, _made):
        await ready(pilot)
        facts = pilot.app.screen.query_one("#facts", LineView)
        assert facts.point_at("version/p-1")
        await settle(pilot)
        side = text(pilot, "side")
        assert "VERSIONS SIDE BY SIDE" in side and "1.10.0" in side and "›1.0.0" in side
        order = [line.split()[0] for line in text(pilot).partition("VERSIONS")[2].splitlines()[1:4]]
        assert order == ["1.10.0", "›", "1.0.0"]
        await press(pilot, "enter")
        assert crumb(pilot).startswith("Profiles › shop-small:1.0.0") or "shop-small:1.0.0" in crumb(pilot)


async def test_two_versions_are_compared_the_older_first_with_what_each_change_does() -> None:
    async with console("profiles", plane=ProfilePlane(), size=(132, 43)) as (pilot, _, _made):
        await ready(pilot)
        await press(pilot, "down", "space", "space", "equals_sign")
        shown = text(pilot, "text")
        assert pilot.app.screen.target == "p-1/p-2"  # type: ignore[attr-defined]
        assert "shop-small:1.0.0 → 1.1.0" in crumb(pilot)
        assert "Reboot: hosts reboot one after another." in shown
        assert "no-op" in shown and "restart" in shown and "reboot" in shown and "unknown" not in shown
        assert "│" in shown and "~" in shown, "side by side"
        await press(pilot, "x")
        assert "shop-small:1.1.0 → shop-small:1.0.0" in text(pilot, "text")


async def test_a_version_is_compared_with_what_a_cluster_has() -> None:
    async with console("profile", "p-4", plane=ProfilePlane(), size=(80, 24)) as (pilot, _, _made):
        await ready(pilot)
        assert "harbour" in text(pilot) and "has 1.0.0, = compares" in text(pilot)
        assert pilot.app.screen.query_one("#facts", LineView).point_at("cluster/harbour")
        await press(pilot, "equals_sign")
        assert "harbour: shop-small:1.0.0 → 1.10.0" in crumb(pilot)
        assert "10.7.0.0/16" in text(pilot, "text"), "with the values of the cluster"
        assert "Unknown: no rule covers the 2 changes." in text(pilot, "text")


async def test_a_narrow_screen_has_the_texts_below_each_other() -> None:
    async with console("profile-diff", "p-1/p-2", plane=ProfilePlane(), size=(80, 24)) as (pilot, _, _made):
        await ready(pilot)
        shown = text(pilot, "text")
        assert "- " in shown and "shutdownGracePeriod: 60s" in shown and "shutdownGracePeriod: 90s" in shown
        assert "│" not in shown
        lines = len(shown.splitlines())
        await press(pilot, "enter")
        assert len(text(pilot, "text").splitlines()) < lines, "the first layer is folded"
        await press(pilot, "enter", "v")
        assert len(text(pilot, "text").splitlines()) > lines, "every line"


async def test_a_preview_has_example_values_and_those_of_a_host() -> None:
    async with console("profile-preview", "p-2", plane=ProfilePlane(), size=(80, 24)) as (pilot, _, _made):
        await ready(pilot)
        assert 'podSubnet: "100.64.0.0/18"' in text(pilot, "text")
        assert "example.com/example" in text(pilot, "text")
        await press(pilot, "e")
        assert "osImage has no value" in " ".join(text(pilot, "text").split()) and "{{.spectro.var.osImage}}" in text(
            pilot, "text"
        )
        await press(pilot, "o", "down", "enter")
        assert "preview for" in crumb(pilot)


@pytest.mark.parametrize("view", ["profile-layer", "profile-preview", "profile-diff", "profile-yaml"])
async def test_long_texts_are_made_in_a_thread(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SMALL", 0)
    async with console(view, VIEWS[view], plane=ProfilePlane(), size=(80, 24)) as (pilot, _, _made):
        await ready(pilot)
        assert "edge-k8s" in text(pilot, "text") and "Working ..." not in text(pilot, "text")


@pytest.mark.parametrize("view", ["profile", "profile-layer", "profile-preview", "profile-diff", "profile-yaml"])
async def test_what_was_read_stays_while_the_plane_cannot_be_asked(view: str) -> None:
    plane = ProfilePlane()
    async with console(view, VIEWS[view], plane=plane, size=(80, 24)) as (pilot, _, _made):
        await ready(pilot)
        plane.failure = Unreachable("The plane does not answer.")
        await press(pilot, "ctrl+r")
        name = "facts" if view == "profile" else "text"
        assert "The plane does not answer." in text(pilot, name) and "edge-k8s" in text(pilot, name)


async def type_command(pilot: Driven, words: str) -> None:
    pilot.app.post_message(CommandTyped(words))
    await settle(pilot)
    await ready(pilot)


async def test_versions_are_named_in_commands() -> None:
    async with console("pulse", plane=ProfilePlane(), size=(132, 43)) as (pilot, _, _made):
        await type_command(pilot, "profile diff shop-small 1.1.0 1.0.0")
        assert "Profiles › shop-small:1.1.0 → 1.0.0" in crumb(pilot), "in the order that was typed"
        await type_command(pilot, "profile show shop-small:1.10.0")
        assert "Profiles › shop-small:1.10.0" in crumb(pilot)
        await type_command(pilot, "profile diff shop-small:1.1.0")
        assert "shop-small:1.0.0 → 1.1.0" in crumb(pilot), "with the version before"


async def test_what_cannot_be_read_is_named_and_the_rest_is_shown() -> None:
    plane = ProfilePlane()
    plane.broken.add("cni-flannel 0.28.9")
    async with console("profile", "p-1", plane=plane, size=(80, 24)) as (pilot, _, _made):
        await ready(pilot)
        assert "Pack cni-flannel 0.28.9: The registry does not have" in text(pilot)
        assert "edge-k8s" in text(pilot)


async def keys(pilot: Driven, *pressed: str) -> None:
    """Press keys as fast as they come; a dialog may be open, so no worker is waited for."""
    await pilot.press(*pressed)
    await settle(pilot)


async def test_marked_versions_are_tagged_published_exported_and_deleted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plane = ProfilePlane()
    async with console("profiles", plane=plane, size=(132, 43)) as (pilot, _, _made):
        await ready(pilot)
        await keys(pilot, "down", "space", "space")
        assert "2 marked · 4" in crumb(pilot), "as on Hosts"
        await keys(pilot, "t", *"r:1", "enter", "enter")
        assert [plane.labels[uid].get("r", "") for uid in ("p-1", "p-2", "p-4")] == ["1", "1", ""]
        assert plane.labels["p-1"]["team"] == "shops", "other tags stay"
        await keys(pilot, "p", "enter")
        assert [path for _, path, _body in plane.wrote if path.endswith("/publish")] == [
            "/v1/clusterprofiles/p-1/publish",
            "/v1/clusterprofiles/p-2/publish",
        ]
        await keys(pilot, "e", *"out", "enter")
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["shop-small-1.0.0", "shop-small-1.1.0"]
        await keys(pilot, "ctrl+d", "right", "enter")
        deleted = [path for method, path, _body in plane.wrote if method == "DELETE"]
        assert deleted == ["/v1/clusterprofiles/p-1", "/v1/clusterprofiles/p-2"]


async def test_a_new_version_and_a_clone_are_made_from_the_profile() -> None:
    plane = ProfilePlane()
    async with console("profile", "p-1", plane=plane, size=(80, 24)) as (pilot, _, _made):
        await ready(pilot)
        await keys(pilot, "n", *"1.2.0", "enter")
        await keys(pilot, "c", *"2.0.0", "tab", *"copy", "enter")
        sent = [body["metadata"] for _, path, body in plane.wrote if path.endswith("/clone")]
        assert [(each["name"], each["version"]) for each in sent] == [("shop-small", "1.2.0"), ("copy", "2.0.0")]
