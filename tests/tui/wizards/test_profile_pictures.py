"""Pictures of the profile wizard: each page, what is wrong on it, and its dialogs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from edgewright.core.profiles.model import Profile, Variable
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, press, settle, until, view
from tests.tui.plane import context_of
from tests.tui.samples import NOW, fill, session
from tests.tui.screens.test_screen_pictures import Compare
from tests.tui.wizards.profile_driving import PODINFO, at, calm, on, stack, state, wizard
from tests.tui.wizards.profiling import ProfilePlane, shipped
from tui.app import EdgewrightApp

LARGE = pytest.param((132, 43), id="132x43")
LARGE_IN_E2E = pytest.param((132, 43), id="132x43", marks=pytest.mark.e2e)
SMALL = pytest.param((80, 24), id="80x24")
VALUES = """\
# how the shop's web page runs
charts:
  podinfo:
    replicaCount: {replicas}
    ui:
      message: "{{{{.spectro.macro.greeting}}}}" # from the project
    resources: {{cpu: 100m, enabled: true}}
"""
GOOD = VALUES.format(replicas='"{{.spectro.var.appReplicas}}"')
APP = replace(PODINFO, values=GOOD)
COPIES = Variable("appReplicas", "Copies of the web page", "How many run.", format="number", required=True, default="2")
Run = Callable[[Driven], Awaitable[None]]


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


def shop() -> Profile:
    """Return a profile with every kind of layer."""
    storage = next(layer for layer in shipped().layers if layer.kind == "csi")
    profile = stack(storage, APP)
    return replace(
        profile, description="Tills and cameras", labels={"team": "retail"}, variables=(*profile.variables, COPIES)
    )


def app(target: str = "", **fields: Any) -> EdgewrightApp:
    plane = ProfilePlane(replace(shop(), version="1.0.0"), macros={"greeting": "Welcome"})
    store = Store(clock=lambda: NOW)
    opened = session(fill(store, None, "live"), start_view="profile-new", start_target=target, **fields)
    opened.make_context = lambda: context_of(plane, store, opened.read_only)
    return EdgewrightApp(opened)


async def done(pilot: Driven) -> None:
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


async def about(pilot: Driven) -> None:
    await at(pilot, "about", shop())


async def layers(pilot: Driven) -> None:
    await at(pilot, "layers", shop(), 4)


async def values(pilot: Driven) -> None:
    await at(pilot, "values", shop(), 4)
    await press(pilot, "down", "down", "down")


async def variables(pilot: Driven) -> None:
    await at(pilot, "variables", shop())


async def preview(pilot: Driven) -> None:
    await at(pilot, "preview", shop())


async def summary(pilot: Driven) -> None:
    changed = tuple(
        replace(layer, values=layer.values.replace("force: false", "force: true")) for layer in shop().layers
    )
    await at(pilot, "summary", replace(shop(), version="1.1.0", layers=changed))


async def search(pilot: Driven) -> None:
    await layers(pilot)
    await press(pilot, "plus")
    await until(pilot, lambda: view(pilot) == "PackSearch")
    await press(pilot, *"cni", "down")


async def versions(pilot: Driven) -> None:
    await at(pilot, "layers", shop(), 1)
    await press(pilot, "o")
    await until(pilot, lambda: view(pilot) == "ChooseModal")


async def variable(pilot: Driven) -> None:
    await at(pilot, "variables", shop())
    await press(pilot, "enter")


PAGES: dict[str, Run] = {
    "about": about,
    "layers": layers,
    "values": values,
    "variables": variables,
    "preview": preview,
    "summary": summary,
    "pack search": search,
    "versions": versions,
    "variable": variable,
}
DIALOGS = ("pack search", "versions", "variable")


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("name", [name for name in PAGES if name not in DIALOGS])
def test_page(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    async def run(pilot: Driven) -> None:
        await PAGES[name](pilot)
        await done(pilot)

    assert snap_compare(app(), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", [SMALL, LARGE_IN_E2E])
@pytest.mark.parametrize("name", DIALOGS)
def test_dialog(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    async def run(pilot: Driven) -> None:
        await PAGES[name](pilot)
        await done(pilot)

    assert snap_compare(app(), terminal_size=size, run_before=run)


async def wrong_about(pilot: Driven) -> None:
    await at(pilot, "about", Profile("shop"))
    await press(pilot, "tab", "pagedown")


async def wrong_layers(pilot: Driven) -> None:
    bad = replace(APP, values="- a\n")
    await at(pilot, "layers", replace(shop(), type="infra", layers=(*shop().layers[1:4], bad)))


async def wrong_value(pilot: Driven) -> None:
    text = GOOD.replace("replicaCount:", "replicaCuont:").replace("macro.greeting", "macro.greting")
    await at(pilot, "values", replace(shop(), layers=(replace(APP, values=text),), type="add-on"))
    await press(pilot, "f7")


async def wrong_yaml(pilot: Driven) -> None:
    await at(pilot, "values", replace(shop(), layers=(APP,), type="add-on"))
    wizard(pilot).body.editor.put(GOOD + "ports: [80\nname: x\n")  # type: ignore[union-attr]
    await calm(pilot)
    await press(pilot, "f7")


async def cycle(pilot: Driven) -> None:
    text = 'a: "{{.spectro.pack.podinfo.b}}"\nb: "{{.spectro.pack.podinfo.a}}"\n'
    await at(pilot, "values", replace(shop(), layers=(replace(APP, values=text),), type="add-on"))
    await press(pilot, "f7")


async def wrong_variables(pilot: Driven) -> None:
    mistaken = replace(COPIES, default="two")
    text = GOOD.replace("macro.greeting", "var.greeting")
    await at(
        pilot, "variables", replace(shop(), layers=(replace(APP, values=text),), type="add-on", variables=(mistaken,))
    )


async def wrong_summary(pilot: Driven) -> None:
    await at(pilot, "summary", replace(shop(), layers=(replace(APP, values=GOOD.replace("replicaCount", "x")),)))


async def two_os(pilot: Driven) -> None:
    await layers(pilot)
    await press(pilot, "plus")
    await until(pilot, lambda: view(pilot) == "PackSearch")
    await press(pilot, *"byoi", "enter")
    await on(pilot, "layers")


async def leaving(pilot: Driven) -> None:
    await about(pilot)
    await press(pilot, "escape")


WRONG: dict[str, Run] = {
    "version exists": wrong_about,
    "layers": wrong_layers,
    "unknown names": wrong_value,
    "not YAML": wrong_yaml,
    "cycle": cycle,
    "variables": wrong_variables,
    "summary": wrong_summary,
    "two OS layers": two_os,
    "leaving": leaving,
}


@pytest.mark.parametrize("size", [SMALL, LARGE_IN_E2E])
@pytest.mark.parametrize("name", WRONG)
def test_wrong(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    async def run(pilot: Driven) -> None:
        await WRONG[name](pilot)
        await done(pilot)

    assert snap_compare(app(), terminal_size=size, run_before=run)


def test_values_on_a_wall(snap_compare: Compare) -> None:
    async def run(pilot: Driven) -> None:
        await values(pilot)
        await done(pilot)

    assert snap_compare(app(), terminal_size=(200, 60), run_before=run)


def test_a_read_only_session(snap_compare: Compare) -> None:
    async def run(pilot: Driven) -> None:
        await summary(pilot)
        await done(pilot)

    assert snap_compare(app(read_only=True), terminal_size=(80, 24), run_before=run)


def test_a_new_version(snap_compare: Compare) -> None:
    async def run(pilot: Driven) -> None:
        await on(pilot, "about")
        assert state(pilot).base is not None
        await done(pilot)

    assert snap_compare(app("prof-1"), terminal_size=(80, 24), run_before=run)
