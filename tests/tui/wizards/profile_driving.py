"""Driving the profile wizard: waiting for its pages and checks, a profile to begin with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textual import events

from edgewright.core.profiles.model import Layer, Profile
from tests.tui.driving import Driven, press, settle, until, view
from tests.tui.wizards.profiling import shipped
from tui.terminal.paint.screen_text import screen_text
from tui.wizards.profile.values import ValuesPage
from tui.wizards.profile.wizard import ProfileWizard

URI = "registry.example/os/image:1.0"


def wizard(pilot: Driven) -> ProfileWizard:
    screen = pilot.app.screen
    assert isinstance(screen, ProfileWizard)
    return screen


def shown(pilot: Driven) -> str:
    return screen_text(pilot.app)


async def on(pilot: Driven, key: str) -> None:
    """Wait until a page is in front and checked."""

    def there() -> bool:
        screen = pilot.app.screen
        return isinstance(screen, ProfileWizard) and screen.wizard_state.key == key and screen.is_settled

    try:
        await until(pilot, there)
        await until(pilot, lambda: not wizard(pilot)._checking and not wizard(pilot)._doing)
    except AssertionError:
        raise AssertionError(f"page {key} does not come:\n{shown(pilot)}") from None


async def paste(pilot: Driven, text: str) -> None:
    pilot.app.screen.post_message(events.Paste(text))
    await settle(pilot)


async def choose(pilot: Driven, words: str) -> None:
    """Choose a pack by words in the search that is open."""
    await until(pilot, lambda: view(pilot) == "PackSearch")
    await press(pilot, *words, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ProfileWizard) and not wizard(pilot)._doing)


async def calm(pilot: Driven) -> None:
    """Wait until what was typed into the editor is taken and checked."""
    body = wizard(pilot).body
    assert isinstance(body, ValuesPage)
    body.store()
    await until(pilot, lambda: not wizard(pilot)._checking)


def state(pilot: Driven) -> Any:
    return wizard(pilot).wizard_state


def stack(*more: Layer) -> Profile:
    """Return a profile with OS, Kubernetes and network, and no problem."""
    layers = tuple(layer for layer in shipped().layers if layer.kind != "csi")
    layers = tuple(replace(layer, values=layer.values.replace("{{.spectro.var.osImage}}", URI)) for layer in layers)
    return replace(shipped(), name="shop", type="cluster", layers=(*layers, *more), state="draft")


PODINFO = Layer("podinfo", "addon", "6.9.2", "6.9.2")


async def at(pilot: Driven, key: str, profile: Profile | None = None, layer: int = 0) -> None:
    """Open a page of a wizard that has a profile already."""
    await on(pilot, "about")
    state(pilot).profile = profile or stack()
    state(pilot).layer = layer
    await wizard(pilot).know_packs(state(pilot).profile)
    await wizard(pilot).open_page(key)
    wizard(pilot).check()
    await on(pilot, key)
